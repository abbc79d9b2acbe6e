"""What is owed to whom, and when: rows only. Sending them is the outbox's work."""

import re
import uuid
from datetime import date, datetime, time, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings

from booking.intervals import from_wall, local_days
from booking.models import (
    Appointment,
    AppointmentQuerySet,
    Kind,
    Notification,
    NotificationState,
    State,
    Therapist,
)

# Nobody is reminded at night: what would fall between these wall-clock times comes the evening before.
QUIET_FROM, QUIET_UNTIL, EVENING = time(21), time(8), time(20)
# Who booked or moved so shortly before has it fresh in mind.
NO_REMINDER_WITHIN = timedelta(hours=12)
OVERVIEW_AT = time(7)
_LEAD = re.compile(r"([0-9]{1,3})([dh])")
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


def plan_booked(appointment: Appointment, *, zone: ZoneInfo, now: datetime) -> None:
    """Write down what a new appointment owes: confirmation and reminders, and the therapist's notice."""
    Notification.objects.bulk_create(
        [
            *_to_parents(appointment, Kind.CONFIRMATION, now),
            *_reminders(appointment, zone, now),
            _to_therapist(appointment, Kind.NEW_BOOKING, now),
        ]
    )


def plan_moved(appointment: Appointment, *, zone: ZoneInfo, now: datetime) -> None:
    """Void what was owed for the old time, and write down what the new one owes."""
    void_outdated(appointment)
    Notification.objects.bulk_create(
        [
            *_to_parents(appointment, Kind.MOVED, now),
            *_reminders(appointment, zone, now),
            _to_therapist(appointment, Kind.MOVED, now),
        ]
    )


def plan_cancelled(appointment: Appointment, *, now: datetime) -> None:
    """Void what was owed for the appointment, and write down that its cancellation is to be told."""
    void_outdated(appointment)
    Notification.objects.bulk_create(
        [*_to_parents(appointment, Kind.CANCELLED, now), _to_therapist(appointment, Kind.CANCELLED, now)]
    )


def plan_overviews(*, zone: ZoneInfo, now: datetime) -> None:
    """Write down today's overview for each therapist who has appointments today, once the morning has come."""
    local = now.astimezone(zone)
    if local.time() < OVERVIEW_AT:
        return
    today = local.date()
    therapists = Therapist.objects.filter(active=True, pk__in=_confirmed_on(today, zone).values("therapist"))
    Notification.objects.bulk_create(
        [
            Notification(
                key=f"{Kind.OVERVIEW}:{today}:{therapist.pk}",
                kind=Kind.OVERVIEW,
                therapist=therapist,
                local_day=today,
                due_at=from_wall(datetime.combine(today, OVERVIEW_AT), zone),
                message_id=_message_id(),
            )
            for therapist in therapists
        ],
        ignore_conflicts=True,
    )


def appointments_on(therapist: Therapist, day: date, zone: ZoneInfo) -> AppointmentQuerySet:
    """Return the confirmed appointments of `therapist` that start on the local `day`, in their order."""
    confirmed = _confirmed_on(day, zone).filter(therapist=therapist)
    return confirmed.select_related("appointment_type", "therapist").order_by("start")


def void_outdated(appointment: Appointment) -> None:
    """Void what still waits to be sent under an older sequence of `appointment`."""
    appointment.notifications.filter(state__in=_WAITING, sequence__lt=appointment.sequence).update(
        state=NotificationState.VOID
    )


def verdict(notification: Notification, *, zone: ZoneInfo, now: datetime) -> NotificationState | None:
    """Return VOID where `notification` is no longer true, MISSED where it comes too late, else None."""
    if notification.kind == Kind.OVERVIEW:
        assert notification.therapist is not None
        assert notification.local_day is not None
        if now >= local_days(notification.local_day, notification.local_day, zone).end:
            return NotificationState.MISSED
        if not _confirmed_on(notification.local_day, zone).filter(therapist=notification.therapist).exists():
            return NotificationState.VOID
        return None
    appointment = notification.appointment
    assert appointment is not None
    expected = State.CANCELLED if notification.kind == Kind.CANCELLED else State.CONFIRMED
    if appointment.erased_at or appointment.sequence != notification.sequence:
        return NotificationState.VOID
    if now >= appointment.start:
        return NotificationState.MISSED
    if appointment.state != expected:
        return NotificationState.VOID
    if notification.kind == Kind.REMINDER and now > _halfway(notification.due_at, appointment.start):
        return NotificationState.MISSED
    return None


def _halfway(due_at: datetime, start: datetime) -> datetime:
    return due_at + (start - due_at) / 2


def _confirmed_on(day: date, zone: ZoneInfo) -> AppointmentQuerySet:
    span = local_days(day, day, zone)
    return Appointment.objects.filter(state=State.CONFIRMED, start__gte=span.start, start__lt=span.end)


def _to_parents(appointment: Appointment, kind: Kind, due_at: datetime, subject: str = "") -> list[Notification]:
    return [
        Notification(
            key=_key(kind, subject, appointment, f"parent-{parent.pk}"),
            kind=kind,
            appointment=appointment,
            parent=parent,
            sequence=appointment.sequence,
            due_at=due_at,
            message_id=_message_id(),
        )
        for parent in appointment.parents.all()
    ]


def _to_therapist(appointment: Appointment, kind: Kind, due_at: datetime) -> Notification:
    return Notification(
        key=_key(kind, "", appointment, f"therapist-{appointment.therapist_id}"),
        kind=kind,
        appointment=appointment,
        therapist_id=appointment.therapist_id,
        sequence=appointment.sequence,
        due_at=due_at,
        message_id=_message_id(),
    )


def _reminders(appointment: Appointment, zone: ZoneInfo, now: datetime) -> list[Notification]:
    # Two leads that the quiet hours bring to the same evening are one reminder.
    moments = {
        reminder_moment(appointment.start, text, zone): text for text in appointment.appointment_type.reminders
    }
    return [
        notification
        for moment, text in moments.items()
        if moment - now >= NO_REMINDER_WITHIN
        for notification in _to_parents(appointment, Kind.REMINDER, moment, text)
    ]


def _key(kind: Kind, subject: str, appointment: Appointment, recipient: str) -> str:
    return f"{kind}:{subject}:{appointment.public_id}:{recipient}:{appointment.sequence}:0"


def _message_id() -> str:
    return f"<{uuid.uuid4().hex}@{urlsplit(settings.BASE_URL).hostname}>"
