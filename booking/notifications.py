"""What is owed to whom, and when: rows only. Sending them is the outbox's work."""

import re
import uuid
from datetime import date, datetime, time, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from booking.intervals import from_wall, local_days
from booking.models import (
    Action,
    Actor,
    Appointment,
    AppointmentQuerySet,
    AppointmentType,
    HistoryEntry,
    Kind,
    Notification,
    NotificationState,
    Parent,
    State,
    Therapist,
    Unconfirmed,
)

# Nobody is reminded at night: what would fall between these wall-clock times comes the evening before.
QUIET_FROM, QUIET_UNTIL, EVENING = time(21), time(8), time(20)
# Who booked or moved so shortly before has it fresh in mind.
NO_REMINDER_WITHIN = timedelta(hours=12)
# A request to choose another time that is so fresh is not repeated.
NO_REPEAT_WITHIN = timedelta(hours=1)
OVERVIEW_AT = time(7)
# Of what came in within this span before families were first asked to confirm, the practice is told.
BUSY_SPAN = timedelta(hours=1)
_LEAD = re.compile(r"([0-9]{1,3})([dh])")
# Which deed each of a therapist's mails tells of.
_DEEDS: dict[str, Action] = {
    Kind.NEW_BOOKING: Action.BOOKED,
    Kind.MOVED: Action.MOVED,
    Kind.CANCELLED: Action.CANCELLED,
}
_WAITING = [NotificationState.DUE, NotificationState.FAILED]


def lead(text: str) -> tuple[int, str]:
    """Read a reminder's lead: "2d" is (2, "d"), local days; "3h" is (3, "h"), real hours. Raises ValueError."""
    match = _LEAD.fullmatch(text)
    if not match or not int(match[1]):
        raise ValueError(f"not a lead: {text!r}")
    return int(match[1]), match[2]


def reminder_moment(start: datetime, lead_text: str, zone: ZoneInfo) -> datetime:
    """Return when (UTC) to remind of an appointment at `start` (UTC), kept out of the quiet hours of `zone`."""
    number, unit = lead(lead_text)
    if unit == "d":
        wall = start.astimezone(zone).replace(tzinfo=None) - timedelta(days=number)
        moment = from_wall(wall, zone)
    else:
        moment = start - timedelta(hours=number)
    local = moment.astimezone(zone)
    if local.time() >= QUIET_FROM:
        return from_wall(datetime.combine(local.date(), EVENING), zone)
    if local.time() < QUIET_UNTIL:
        return from_wall(datetime.combine(local.date() - timedelta(days=1), EVENING), zone)
    return moment


def plan_booked(appointment: Appointment, *, zone: ZoneInfo, now: datetime, tell_therapist: bool = True) -> None:
    """Write down what a new appointment owes: to the parents who want mail confirmation and reminders, and the
    therapist's notice unless she booked it herself."""
    wanting = [parent for parent in _reachable(appointment) if parent.wants_mail]
    Notification.objects.bulk_create(
        [
            *_to_parents(appointment, wanting, Kind.CONFIRMATION, now),
            *_reminders(appointment, wanting, zone, now),
            *([_to_therapist(appointment, Kind.NEW_BOOKING, now)] if tell_therapist else []),
        ]
    )


def plan_moved(
    appointment: Appointment,
    *,
    zone: ZoneInfo,
    now: datetime,
    tell_parents: bool = True,
    tell_therapist: bool = True,
    left: Therapist | None = None,
) -> None:
    """Void what was owed for the old time, and write down what the new one owes; also to the therapist who was
    `left` for a colleague. Who was still to hear of the old time is told the new one, whatever `tell_parents`
    says: without that mail a family has no link."""
    parents = _reachable(appointment)
    wanting = [parent for parent in parents if parent.wants_mail]
    # What a worker has in hand just now may still be found void.
    unheard = appointment.notifications.filter(
        kind__in=[Kind.CONFIRMATION, Kind.MOVED], state__in=[*_WAITING, NotificationState.SENDING]
    )
    waiting = set(unheard.values_list("parent", flat=True)) if not tell_parents else set()
    void_outdated(appointment)
    Notification.objects.bulk_create(
        [
            *_to_parents(appointment, parents if tell_parents else [], Kind.MOVED, now),
            *_to_parents(appointment, [one for one in parents if one.pk in waiting], Kind.CONFIRMATION, now),
            *_reminders(appointment, wanting, zone, now),
            *([_to_therapist(appointment, Kind.MOVED, now)] if tell_therapist else []),
            *([_to_therapist(appointment, Kind.MOVED, now, left)] if left else []),
        ]
    )


def plan_cancelled(
    appointment: Appointment, *, now: datetime, tell_parents: bool = True, tell_therapist: bool = True
) -> None:
    """Void what was owed for the appointment, and write down that its cancellation is to be told."""
    void_outdated(appointment)
    parents = _reachable(appointment) if tell_parents else []
    Notification.objects.bulk_create(
        [
            *_to_parents(appointment, parents, Kind.CANCELLED, now),
            *([_to_therapist(appointment, Kind.CANCELLED, now)] if tell_therapist else []),
        ]
    )


def plan_readdressed(appointment: Appointment, *, now: datetime) -> None:
    """Write down a confirmation to an address that was put right, in place of what waits and says the same."""
    same = appointment.notifications.filter(kind__in=[Kind.CONFIRMATION, Kind.MOVED], parent__isnull=False)
    same.filter(state__in=_WAITING).update(state=NotificationState.VOID)
    plan_again(appointment, Kind.CONFIRMATION, now=now)


def plan_ask_withdrawn(appointment: Appointment, *, now: datetime) -> int:
    """Void the requests for another time that wait, and write down that each parent hears that the time stands;
    return how many do."""
    asked = appointment.notifications.filter(kind=Kind.ASK_TO_MOVE, state__in=_WAITING)
    asked.update(state=NotificationState.VOID)
    return plan_again(appointment, Kind.ASK_WITHDRAWN, now=now)


def plan_again(appointment: Appointment, kind: Kind, *, now: datetime) -> int:
    """Write down one more mail of `kind` to each parent, whatever went before; return to how many."""
    number = appointment.notifications.filter(kind=kind, sequence=appointment.sequence).count()
    planned = _to_parents(appointment, _reachable(appointment), kind, now, again=number)
    Notification.objects.bulk_create(planned)
    return len(planned)


def try_again(notifications: QuerySet[Notification], *, now: datetime) -> int:
    """Make those of `notifications` that failed due again at `now` (UTC); return how many did."""
    return notifications.filter(state=NotificationState.FAILED).update(
        state=NotificationState.DUE, due_at=now, retry_at=None, attempts=0, last_error=""
    )


def reminders_ahead(parent: Parent) -> list[datetime]:
    """Return when (UTC) `parent` is still to be reminded, switched off or not."""
    due = parent.notifications.filter(kind=Kind.REMINDER, state=NotificationState.DUE)
    return list(due.order_by("due_at").values_list("due_at", flat=True))


def was_reminded(parent: Parent) -> bool:
    """Return whether there ever was a reminder for `parent`, to come or gone."""
    return parent.notifications.filter(kind=Kind.REMINDER).exists()


def plan_password_link(therapist: Therapist, *, now: datetime) -> None:
    """Write down that `therapist` is owed a link by which to choose a password: a link a minute, no more."""
    Notification.objects.bulk_create(
        [
            Notification(
                key=f"{Kind.PASSWORD_LINK}:{therapist.pk}:{now:%Y-%m-%dT%H:%M}",
                kind=Kind.PASSWORD_LINK,
                therapist=therapist,
                due_at=now,
                message_id=new_message_id(),
            )
        ],
        ignore_conflicts=True,
    )


def void_password_links(user: User) -> None:
    """Void the links for a password that are owed to `user` and are not sent yet, in the caller's transaction."""
    owed = Notification.objects.filter(kind=Kind.PASSWORD_LINK, therapist__user=user)
    owed.filter(state__in=[*_WAITING, NotificationState.SENDING]).update(state=NotificationState.VOID)


def plan_confirm(unconfirmed: Unconfirmed, *, now: datetime) -> None:
    """Write down that whoever was typed is to be asked whether it is so."""
    Notification.objects.create(
        key=f"{Kind.CONFIRM}:{unconfirmed.public_id}",
        kind=Kind.CONFIRM,
        unconfirmed=unconfirmed,
        due_at=now,
        message_id=new_message_id(),
    )


def plan_many_bookings(appointment_type: AppointmentType, *, now: datetime) -> None:
    """Write down that so much is booked that families are asked to confirm: to those who offer `appointment_type`
    and were booked in the hour before `now` (UTC), and to the managers; once an hour."""
    booked = booked_by_families(now).filter(therapist__appointment_types=appointment_type).values("therapist")
    told = Therapist.objects.filter(Q(pk__in=booked) | Q(user__is_staff=True)).exclude(user__is_active=False)
    Notification.objects.bulk_create(
        [
            Notification(
                key=f"{Kind.MANY_BOOKINGS}:{therapist.pk}:{now:%Y-%m-%dT%H}",
                kind=Kind.MANY_BOOKINGS,
                therapist=therapist,
                due_at=now,
                message_id=new_message_id(),
            )
            for therapist in told
        ],
        ignore_conflicts=True,
    )


def booked_by_families(until: datetime) -> AppointmentQuerySet:
    """Return the appointments that families booked themselves within the hour before `until` (UTC) and that still
    stand, by start."""
    by_families = HistoryEntry.objects.filter(
        action=Action.BOOKED, actor=Actor.PARENT, at__gt=until - BUSY_SPAN, at__lte=until
    )
    standing = Appointment.objects.filter(state=State.CONFIRMED, pk__in=by_families.values("appointment"))
    return standing.order_by("start", "pk")


def plan_overviews(*, zone: ZoneInfo, now: datetime) -> None:
    """Write down today's overview for each therapist who has appointments today, once the morning has come; what
    was booked or moved since then calls for none."""
    local = now.astimezone(zone)
    if local.time() < OVERVIEW_AT:
        return
    today = local.date()
    due_at = from_wall(datetime.combine(today, OVERVIEW_AT), zone)
    # Who takes no new families still has those that were booked; who left the practice has no more mail.
    therapists = Therapist.objects.filter(
        pk__in=_confirmed_on(today, zone).filter(changed_at__lt=due_at).values("therapist")
    )
    therapists = therapists.exclude(user__is_active=False)
    Notification.objects.bulk_create(
        [
            Notification(
                key=f"{Kind.OVERVIEW}:{today}:{therapist.pk}",
                kind=Kind.OVERVIEW,
                therapist=therapist,
                local_day=today,
                due_at=due_at,
                message_id=new_message_id(),
            )
            for therapist in therapists
        ],
        ignore_conflicts=True,
    )


def appointments_on(therapist: Therapist, day: date, zone: ZoneInfo) -> AppointmentQuerySet:
    """Return the confirmed appointments of `therapist` that start on the local `day`, in their order."""
    confirmed = _confirmed_on(day, zone).filter(therapist=therapist)
    return confirmed.select_related("appointment_type", "therapist").order_by("start")


def new_message_id() -> str:
    """Return a Message-ID that no other mail has, under the name of this installation (RFC 5322 §3.6.4)."""
    return f"<{uuid.uuid4().hex}@{urlsplit(settings.BASE_URL).hostname}>"


def void_outdated(appointment: Appointment) -> None:
    """Void what still waits to be sent under an older sequence of `appointment`."""
    appointment.notifications.filter(state__in=_WAITING, sequence__lt=appointment.sequence).update(
        state=NotificationState.VOID
    )


def verdict(notification: Notification, *, zone: ZoneInfo, now: datetime) -> NotificationState | None:
    """Return VOID where `notification` is no longer true, or for a therapist who left; MISSED where it comes too
    late; else None."""
    stale = _stale(notification, zone=zone, now=now)
    if stale is None and notification.therapist and notification.therapist.has_left:
        return NotificationState.VOID
    return stale


def pass_on(notification: Notification, *, zone: ZoneInfo, now: datetime) -> bool:
    """Let all who manage the practice hear what `notification` would tell, if it is about an appointment with a
    therapist who left and only therefore void (decision 49); return False where none of them gets mail.

    What the practice did itself, one of them did, and what went to a colleague, that one was told: neither is
    passed on.
    """
    therapist, appointment = notification.therapist, notification.appointment
    if not therapist or not therapist.has_left or not appointment or appointment.therapist_id != therapist.pk:
        return True
    deed = deed_told_by(notification)
    if (deed and deed.actor == Actor.THERAPIST) or _stale(notification, zone=zone, now=now) is not None:
        return True
    managers = Therapist.objects.filter(user__is_staff=True, user__is_active=True)
    passed_on = [_to_therapist(appointment, Kind(notification.kind), now, manager) for manager in managers]
    # A worker that died before the mark passes it on once more.
    Notification.objects.bulk_create(passed_on, ignore_conflicts=True)
    return bool(passed_on)


def deed_told_by(notification: Notification) -> HistoryEntry | None:
    """Return what was done with the appointment of `notification`, of which that tells its therapist."""
    assert notification.appointment is not None
    return notification.appointment.history.filter(action=_DEEDS[notification.kind]).last()


def _stale(notification: Notification, *, zone: ZoneInfo, now: datetime) -> NotificationState | None:
    if notification.kind == Kind.OVERVIEW:
        assert notification.therapist is not None
        assert notification.local_day is not None
        if now >= local_days(notification.local_day, notification.local_day, zone).end:
            return NotificationState.MISSED
        if not _confirmed_on(notification.local_day, zone).filter(therapist=notification.therapist).exists():
            return NotificationState.VOID
        return None
    if notification.kind == Kind.CONFIRM:
        assert notification.unconfirmed is not None
        waits = notification.unconfirmed
        return NotificationState.MISSED if now >= min(waits.expires_at, waits.start) else None
    if notification.kind == Kind.MANY_BOOKINGS:
        # Tomorrow nobody is helped by it.
        return NotificationState.MISSED if now >= notification.due_at + timedelta(days=1) else None
    if notification.kind == Kind.PASSWORD_LINK:
        assert notification.therapist is not None
        return None if notification.therapist.user else NotificationState.VOID
    appointment = notification.appointment
    assert appointment is not None
    expected = State.CANCELLED if notification.kind == Kind.CANCELLED else State.CONFIRMED
    if appointment.erased_at or appointment.sequence != notification.sequence:
        return NotificationState.VOID
    if now >= appointment.start:
        return NotificationState.MISSED
    if appointment.state != expected:
        return NotificationState.VOID
    if notification.kind == Kind.ASK_TO_MOVE and not appointment.asked_to_move_at:
        return NotificationState.VOID
    if notification.kind == Kind.ASK_WITHDRAWN and appointment.asked_to_move_at:
        return NotificationState.VOID
    if notification.kind == Kind.REMINDER and notification.parent and not notification.parent.wants_reminders:
        return NotificationState.VOID
    asked_at = appointment.asked_to_move_at
    if notification.kind == Kind.REMINDER and asked_at and notification.due_at - asked_at < NO_REPEAT_WITHIN:
        return NotificationState.VOID
    if notification.kind == Kind.REMINDER and now > _halfway(notification.due_at, appointment.start):
        return NotificationState.MISSED
    return None


def _halfway(due_at: datetime, start: datetime) -> datetime:
    return due_at + (start - due_at) / 2


def _confirmed_on(day: date, zone: ZoneInfo) -> AppointmentQuerySet:
    span = local_days(day, day, zone)
    return Appointment.objects.filter(state=State.CONFIRMED, start__gte=span.start, start__lt=span.end)


def _reachable(appointment: Appointment) -> list[Parent]:
    """Return the parents who have a mail address: who booked by phone may have given none."""
    return [parent for parent in appointment.parents.all() if parent.email]


def _to_parents(
    appointment: Appointment,
    parents: list[Parent],
    kind: Kind,
    due_at: datetime,
    subject: str = "",
    *,
    again: int = 0,
) -> list[Notification]:
    return [
        Notification(
            key=_key(kind, subject, appointment, f"parent-{parent.pk}", again),
            kind=kind,
            appointment=appointment,
            parent=parent,
            sequence=appointment.sequence,
            due_at=due_at,
            message_id=new_message_id(),
        )
        for parent in parents
    ]


def _to_therapist(
    appointment: Appointment, kind: Kind, due_at: datetime, therapist: Therapist | None = None
) -> Notification:
    therapist = therapist or appointment.therapist
    return Notification(
        key=_key(kind, "", appointment, f"therapist-{therapist.pk}"),
        kind=kind,
        appointment=appointment,
        therapist=therapist,
        sequence=appointment.sequence,
        due_at=due_at,
        message_id=new_message_id(),
    )


def _reminders(
    appointment: Appointment, parents: list[Parent], zone: ZoneInfo, now: datetime
) -> list[Notification]:
    # Two leads that the quiet hours bring to the same evening are one reminder.
    moments = {
        reminder_moment(appointment.start, text, zone): text for text in appointment.appointment_type.reminders
    }
    return [
        notification
        for moment, text in moments.items()
        if moment - now >= NO_REMINDER_WITHIN
        for notification in _to_parents(appointment, parents, Kind.REMINDER, moment, text)
    ]


def _key(kind: Kind, subject: str, appointment: Appointment, recipient: str, again: int = 0) -> str:
    return f"{kind}:{subject}:{appointment.public_id}:{recipient}:{appointment.sequence}:{again}"
