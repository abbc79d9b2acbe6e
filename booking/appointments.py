"""Free time, holds and appointments: the lock, the check and the transaction.

One way in for pages, API, agenda and shell alike. Each change takes the therapist's row lock first (who
frees time needs none), looks again with the very function that showed the free times, writes the
appointment with all the notifications it owes, and only then wakes the outbox.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Exists, F, OuterRef, Q

from booking import diary, guards, notifications, outbox
from booking.encryption import lookup_hash
from booking.errors import (
    AlreadyCancelled,
    AlreadyChanged,
    BookingError,
    Busy,
    IdempotencyConflict,
    OutsideBookingWindow,
    SlotTaken,
    TooEarlyToMark,
    TooLateToChange,
)
from booking.intervals import Interval, local_days
from booking.models import (
    Actor,
    Appointment,
    AppointmentQuerySet,
    AppointmentType,
    Hold,
    Notification,
    NotificationState,
    Parent,
    State,
    Therapist,
)
from booking.slots import Policy, open_slots

HOLD_TIME = timedelta(minutes=10)
HOLDS_PER_ADDRESS = 3
IDEMPOTENCY_TERM = timedelta(hours=24)
# Mails about a cancellation go out first; an erasure waits for them, but no longer than this.
ERASURE_WAITS = timedelta(hours=24)
NEAREST = 6
Written = TypeVar("Written")


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A start and end (UTC) that can be booked now with `therapist`."""

    start: datetime
    end: datetime
    therapist: Therapist


@dataclass(frozen=True, slots=True)
class Family:
    """What a parent fills in: as little as an appointment needs."""

    parent_name: str
    email: str
    phone: str
    language: str
    child_first_name: str
    age_band: str
    remark: str
    consent_version: str


@dataclass(frozen=True, slots=True)
class Request:
    """The keyed hashes of an idempotency key and of the request it came with."""

    key: str
    body: str


def free_slots(
    appointment_type: AppointmentType,
    first: date,
    last: date,
    *,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
    visitor: str = "",
    moving: Appointment | None = None,
) -> list[FreeSlot]:
    """Return what can be booked on the local days `first` to `last`, both included, sorted by start.

    Every therapist of the type is asked unless one is named. The visitor's own hold and the appointment
    that is being moved do not stand in the way. Costs the same few queries for a day and for a year.
    """
    therapists = _therapists(appointment_type, therapist)
    return _free_slots(appointment_type, therapists, first, last, zone, now, visitor, moving)


def first_free(
    appointment_type: AppointmentType,
    *,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
    visitor: str = "",
) -> FreeSlot | None:
    """Return the earliest slot of the whole horizon, or None where there is none."""
    today, last = booking_days(appointment_type, zone=zone, now=now)
    slots = free_slots(appointment_type, today, last, zone=zone, now=now, therapist=therapist, visitor=visitor)
    return slots[0] if slots else None


def booking_days(appointment_type: AppointmentType, *, zone: ZoneInfo, now: datetime) -> tuple[date, date]:
    """Return the first and last local day on which `appointment_type` may be booked at this moment."""
    today = now.astimezone(zone).date()
    return today, today + timedelta(days=appointment_type.horizon_days)


def within_booking_window(appointment_type: AppointmentType, start: datetime, *, now: datetime) -> bool:
    """Return whether `start` is near enough to be looked at at all; a date at the end of the calendar, which no
    zone can hold, is not."""
    return now <= start <= now + timedelta(days=appointment_type.horizon_days + 2)


def opens_on(
    appointment_type: AppointmentType,
    *,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
) -> date | None:
    """Return the local day on which the next time beyond the horizon can be booked; None where the diary has
    none within a year."""
    longer = copy(appointment_type)
    longer.horizon_days += 366
    _, horizon = booking_days(appointment_type, zone=zone, now=now)
    beyond = horizon + timedelta(days=1)
    slots = free_slots(longer, beyond, beyond + timedelta(days=365), zone=zone, now=now, therapist=therapist)
    if not slots:
        return None
    return slots[0].start.astimezone(zone).date() - timedelta(days=appointment_type.horizon_days)


def nearest_free_slots(
    appointment_type: AppointmentType,
    start: datetime,
    *,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
    visitor: str = "",
    moving: Appointment | None = None,
) -> list[FreeSlot]:
    """Return up to six free slots at different times, those nearest to `start`, in their order of time."""
    first, last = booking_days(appointment_type, zone=zone, now=now)
    slots = free_slots(
        appointment_type, first, last, zone=zone, now=now, therapist=therapist, visitor=visitor, moving=moving
    )
    by_start = {slot.start: slot for slot in reversed(slots)}
    nearest = sorted(by_start.values(), key=lambda slot: abs(slot.start - start))[:NEAREST]
    return sorted(nearest, key=lambda slot: slot.start)


def hold(
    appointment_type: AppointmentType,
    start: datetime,
    *,
    visitor: str,
    address: str,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
) -> Hold | None:
    """Keep the slot at `start` (UTC) free for `visitor` for ten minutes, and let go of the visitor's last hold.

    Returns None where holding would go past a limit (three an address, half of a day's slots): the form
    then goes on without a hold. Raises SlotTaken, OutsideBookingWindow or Busy.
    """

    def write(slot: FreeSlot) -> Hold | None:
        if _holds_enough(appointment_type, slot, visitor, address, zone, now):
            Hold.objects.filter(visitor=visitor).delete()
            return None
        held, _ = Hold.objects.update_or_create(
            visitor=visitor,
            defaults={
                "therapist": slot.therapist,
                "appointment_type": appointment_type,
                "start": slot.start,
                "occupied_start": slot.start - appointment_type.buffer_before,
                "occupied_end": slot.end + appointment_type.buffer_after,
                "expires_at": now + HOLD_TIME,
                "address": address,
            },
        )
        return held

    return _claim(appointment_type, start, write, zone=zone, now=now, therapist=therapist, visitor=visitor)


def live_hold(visitor: str, appointment_type: AppointmentType, start: datetime, *, now: datetime) -> Hold | None:
    """Return the hold by which `visitor` keeps the slot at `start`, while it lives."""
    held = Hold.objects.filter(visitor=visitor, appointment_type=appointment_type, start=start, expires_at__gt=now)
    return held.select_related("therapist").first()


def book(
    appointment_type: AppointmentType,
    start: datetime,
    *,
    family: Family,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
    visitor: str = "",
    request: Request | None = None,
) -> Appointment:
    """Book the slot at `start` (UTC) for `family` and return the appointment.

    The same `request` within 24 hours returns the appointment that it made before. Raises SlotTaken,
    OutsideBookingWindow, Busy, or IdempotencyConflict where the key came with another body.
    """
    if request and (made := _made_before(request, now)):
        return made

    def write(slot: FreeSlot) -> Appointment:
        # Again under the lock: the double click that came a moment earlier may have been first.
        if request and (made := _made_before(request, now)):
            return made
        if request:
            Appointment.objects.filter(idempotency_key=request.key).update(idempotency_key=None)
        appointment = Appointment.objects.create(
            appointment_type=appointment_type,
            therapist=slot.therapist,
            start=slot.start,
            end=slot.end,
            occupied_start=slot.start - appointment_type.buffer_before,
            occupied_end=slot.end + appointment_type.buffer_after,
            created_at=now,
            changed_at=now,
            idempotency_key=request.key if request else None,
            idempotency_body=request.body if request else "",
            child_first_name=family.child_first_name,
            age_band=family.age_band,
            remark=family.remark,
        )
        Parent.objects.create(
            appointment=appointment,
            name=family.parent_name,
            email=family.email,
            email_hash=email_hash(family.email),
            phone=family.phone,
            phone_hash=phone_hash(family.phone),
            language=family.language,
            consent_version=family.consent_version,
            consented_at=now,
        )
        if visitor:
            Hold.objects.filter(visitor=visitor).delete()
        notifications.plan_booked(appointment, zone=zone, now=now)
        outbox.wake()
        return appointment

    try:
        return _claim(appointment_type, start, write, zone=zone, now=now, therapist=therapist, visitor=visitor)
    except (BookingError, IntegrityError):
        # Two requests with one key that met on different therapists, or just before the lock: the loser
        # gets what the winner made.
        if request and (made := _made_before(request, now)):
            return made
        raise


def reschedule(
    appointment: Appointment,
    start: datetime,
    *,
    by: Actor,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
) -> Appointment:
    """Move `appointment` to the slot at `start` (UTC), with the same therapist unless another is named.

    Moving it to where it is changes nothing. Raises AlreadyCancelled, TooLateToChange, AlreadyChanged,
    SlotTaken, OutsideBookingWindow or Busy. Returns the appointment as it is now.
    """
    _must_be_changeable(appointment, by, now)
    therapist = therapist or appointment.therapist
    if start == appointment.start and therapist == appointment.therapist:
        return appointment
    appointment_type = appointment.appointment_type

    def write(slot: FreeSlot) -> Appointment:
        moved = Appointment.objects.filter(
            pk=appointment.pk, state=State.CONFIRMED, sequence=appointment.sequence
        ).update(
            therapist=slot.therapist,
            start=slot.start,
            end=slot.end,
            occupied_start=slot.start - appointment_type.buffer_before,
            occupied_end=slot.end + appointment_type.buffer_after,
            sequence=appointment.sequence + 1,
            changed_at=now,
        )
        if not moved:
            raise AlreadyCancelled if _reload(appointment).state == State.CANCELLED else AlreadyChanged
        fresh = _reload(appointment)
        notifications.plan_moved(fresh, zone=zone, now=now)
        outbox.wake()
        return fresh

    return _claim(appointment_type, start, write, zone=zone, now=now, therapist=therapist, moving=appointment)


def cancel(appointment: Appointment, *, by: Actor, now: datetime, reason: str = "") -> Appointment:
    """Cancel `appointment` and return it as it is now; one that was cancelled before stays as it was.

    Raises TooLateToChange (for a parent: past the type's change notice; for the therapist: once it has begun),
    AlreadyChanged or Busy.
    """
    if appointment.state == State.CANCELLED:
        return appointment
    _must_be_changeable(appointment, by, now)
    return _cancel(appointment, by, now, reason)


def mark_attended(appointment: Appointment, *, now: datetime) -> Appointment:
    """Write down that the family came; also corrects a no-show. Raises TooEarlyToMark before the start."""
    return _mark(appointment, State.ATTENDED, now)


def mark_no_show(appointment: Appointment, *, now: datetime) -> Appointment:
    """Write down that the family did not come; also corrects attended. Raises TooEarlyToMark before the start."""
    return _mark(appointment, State.NO_SHOW, now)


def erase(appointment: Appointment, *, by: Actor, now: datetime) -> None:
    """Erase the family's data of `appointment`, as it may be asked at any time (AVG article 17).

    One that still lies ahead is cancelled first, and its data goes when the cancellation's mails have
    ended, after 24 hours at the latest; all else is erased at once.
    """
    if appointment.state == State.CONFIRMED and appointment.start > now:
        # A right, so no change notice stands in its way.
        appointment = _cancel(appointment, by, now)
    Appointment.objects.filter(pk=appointment.pk, erase_requested_at=None).update(erase_requested_at=now)
    _erase(_erasable_now(now).filter(pk=appointment.pk), now)


def erase_past_term(*, now: datetime) -> int:
    """Erase every family whose term has passed or who asked for it, and return how many that were.

    The term runs from the end or from the cancellation, whichever comes first (ERASE_AFTER_DAYS).
    """
    oldest = now - timedelta(days=settings.ERASE_AFTER_DAYS)
    past_term = Q(end__lte=oldest) | Q(state=State.CANCELLED, cancelled_at__lte=oldest)
    return _erase(Appointment.objects.filter(past_term, erased_at=None), now) + _erase(_erasable_now(now), now)


def forget_stale(*, now: datetime) -> None:
    """Delete holds that ran out, and idempotency keys past their 24 hours."""
    Hold.objects.filter(expires_at__lte=now).delete()
    Appointment.objects.filter(idempotency_key__isnull=False, created_at__lte=now - IDEMPOTENCY_TERM).update(
        idempotency_key=None, idempotency_body=""
    )


def email_hash(email: str) -> str:
    """Return the keyed hash by which a mail address is found again, whatever its capitals."""
    return lookup_hash("email", email.casefold())


def phone_hash(phone: str) -> str:
    """Return the keyed hash by which a phone number (E.164) is found again."""
    return lookup_hash("phone", phone)


def policy_of(appointment_type: AppointmentType, zone: ZoneInfo) -> Policy:
    """Return the slot policy that `appointment_type` stands for in `zone`."""
    return Policy(
        duration=appointment_type.duration,
        step=appointment_type.step,
        buffer_before=appointment_type.buffer_before,
        buffer_after=appointment_type.buffer_after,
        minimum_notice=appointment_type.minimum_notice,
        horizon_days=appointment_type.horizon_days,
        most_per_day=appointment_type.most_per_day,
        most_per_week=appointment_type.most_per_week,
        zone=zone,
    )


def _therapists(appointment_type: AppointmentType, therapist: Therapist | None) -> list[Therapist]:
    offering = appointment_type.therapists.filter(active=True)
    return list(offering.filter(pk=therapist.pk) if therapist else offering)


def _free_slots(
    appointment_type: AppointmentType,
    therapists: list[Therapist],
    first: date,
    last: date,
    zone: ZoneInfo,
    now: datetime,
    visitor: str = "",
    moving: Appointment | None = None,
    *,
    claimed: bool = True,
) -> list[FreeSlot]:
    """As `free_slots`; with `claimed` False as if nothing were claimed by anyone."""
    today, horizon = booking_days(appointment_type, zone=zone, now=now)
    first, last = max(first, today), min(last, horizon)
    if first > last:
        return []
    busy: dict[int, list[Interval]] = {therapist.pk: [] for therapist in therapists}
    starts: dict[int, list[datetime]] = {therapist.pk: [] for therapist in therapists}
    if claimed:
        for therapist_id, type_id, start, occupied in _claims(
            appointment_type, therapists, first, last, zone, now, visitor, moving
        ):
            busy[therapist_id].append(occupied)
            if type_id == appointment_type.pk:
                starts[therapist_id].append(start)
    policy, span = policy_of(appointment_type, zone), local_days(first, last, zone)
    slots = []
    for therapist in therapists:
        openings = diary.openings(therapist, first, last, zone)
        found = open_slots(
            openings.windows,
            openings.time_off,
            busy[therapist.pk],
            starts[therapist.pk],
            policy,
            now,
            within=span,
        )
        slots += [FreeSlot(slot.start, slot.end, therapist) for slot in found]
    return sorted(slots, key=lambda slot: (slot.start, slot.therapist.pk))


def _claims(
    appointment_type: AppointmentType,
    therapists: list[Therapist],
    first: date,
    last: date,
    zone: ZoneInfo,
    now: datetime,
    visitor: str,
    moving: Appointment | None,
) -> Iterator[tuple[int, int, datetime, Interval]]:
    """Yield what is claimed around the days asked for: by live appointments, and by others' live holds."""
    # Whole weeks, since a limit a week counts days outside the range too; a day more for buffers at the edge.
    monday, sunday = first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())
    span = local_days(monday - timedelta(days=1), sunday + timedelta(days=1), zone)
    columns = ("therapist_id", "appointment_type_id", "start", "occupied_start", "occupied_end")
    appointments = Appointment.objects.live().overlapping(span).filter(therapist__in=therapists)
    if moving:
        appointments = appointments.exclude(pk=moving.pk)
    holds = Hold.objects.filter(
        therapist__in=therapists,
        expires_at__gt=now,
        occupied_start__lt=span.end,
        occupied_end__gt=span.start,
    ).exclude(visitor=visitor)
    claimed: Iterable[tuple[int, int, datetime, datetime, datetime]] = [
        *appointments.order_by().values_list(*columns),
        *holds.values_list(*columns),
    ]
    for therapist_id, type_id, start, occupied_start, occupied_end in claimed:
        yield therapist_id, type_id, start, Interval(occupied_start, occupied_end)


def _claim(
    appointment_type: AppointmentType,
    start: datetime,
    write: Callable[[FreeSlot], Written],
    *,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None,
    visitor: str = "",
    moving: Appointment | None = None,
) -> Written:
    """Lock a therapist who is free at `start`, look again under the lock, and `write`: one transaction."""
    if not within_booking_window(appointment_type, start, now=now):
        raise OutsideBookingWindow
    start = start.astimezone(UTC)
    day = start.astimezone(zone).date()

    def free(among: list[Therapist]) -> list[FreeSlot]:
        slots = _free_slots(appointment_type, among, day, day, zone, now, visitor, moving)
        return [slot for slot in slots if slot.start == start]

    therapists = _therapists(appointment_type, therapist)
    candidates = therapists
    if len(therapists) > 1:
        candidates = [slot.therapist for slot in free(therapists)]
        held = live_hold(visitor, appointment_type, start, now=now) if visitor else None
        candidates.sort(key=lambda candidate: not (held and held.therapist == candidate))
    for candidate in candidates:
        with suppress(SlotTaken), _transaction():
            offering = appointment_type.therapists.filter(active=True, pk=candidate.pk)
            for slot in free(list(offering.select_for_update(of=("self",)))):
                return write(slot)
    offered = _free_slots(appointment_type, therapists, day, day, zone, now, claimed=False)
    if any(slot.start == start for slot in offered):
        raise SlotTaken
    raise OutsideBookingWindow


def _holds_enough(
    appointment_type: AppointmentType,
    slot: FreeSlot,
    visitor: str,
    address: str,
    zone: ZoneInfo,
    now: datetime,
) -> bool:
    """Return whether one more hold would be too many: nobody closes the diary by holding it."""
    others = Hold.objects.filter(expires_at__gt=now).exclude(visitor=visitor)
    if others.filter(address=address).count() >= HOLDS_PER_ADDRESS:
        return True
    day = slot.start.astimezone(zone).date()
    span = local_days(day, day, zone)
    held = others.filter(therapist=slot.therapist, start__gte=span.start, start__lt=span.end).count()
    left = len(_free_slots(appointment_type, [slot.therapist], day, day, zone, now, visitor))
    return (held + 1) * 2 > held + left


def _must_be_changeable(appointment: Appointment, by: Actor, now: datetime) -> None:
    if appointment.state == State.CANCELLED:
        raise AlreadyCancelled
    if appointment.state != State.CONFIRMED or now >= appointment.start:
        raise TooLateToChange
    if by == Actor.PARENT and now > appointment.can_change_until:
        raise TooLateToChange


def _cancel(appointment: Appointment, by: Actor, now: datetime, reason: str = "") -> Appointment:
    with _transaction():
        cancelled = Appointment.objects.filter(
            pk=appointment.pk, state=State.CONFIRMED, sequence=appointment.sequence
        ).update(
            state=State.CANCELLED,
            sequence=appointment.sequence + 1,
            changed_at=now,
            cancelled_at=now,
            cancelled_by=by,
            cancel_reason=reason,
        )
        fresh = _reload(appointment)
        if cancelled:
            notifications.plan_cancelled(fresh, now=now)
            outbox.wake()
        elif fresh.state != State.CANCELLED:
            raise AlreadyChanged
    return fresh


def _mark(appointment: Appointment, state: State, now: datetime) -> Appointment:
    if appointment.state == State.CANCELLED:
        raise AlreadyCancelled
    marked = Appointment.objects.filter(
        pk=appointment.pk, state__in=[State.CONFIRMED, State.ATTENDED, State.NO_SHOW], start__lte=now
    ).update(state=state, outcome_at=now, changed_at=now)
    fresh = _reload(appointment)
    if not marked:
        raise AlreadyCancelled if fresh.state == State.CANCELLED else TooEarlyToMark
    return fresh


def _reload(appointment: Appointment) -> Appointment:
    return Appointment.objects.select_related("appointment_type", "therapist").get(pk=appointment.pk)


def _made_before(request: Request, now: datetime) -> Appointment | None:
    made = (
        Appointment.objects.select_related("appointment_type", "therapist")
        .filter(idempotency_key=request.key, created_at__gt=now - IDEMPOTENCY_TERM)
        .first()
    )
    if made and made.idempotency_body != request.body:
        raise IdempotencyConflict
    return made


def _erasable_now(now: datetime) -> AppointmentQuerySet:
    """Those whose erasure was asked for and has nothing left to wait for."""
    unsent = Notification.objects.filter(
        appointment=OuterRef("pk"), state__in=[NotificationState.DUE, NotificationState.SENDING]
    )
    return Appointment.objects.filter(
        Q(erase_requested_at__lte=now - ERASURE_WAITS) | ~Exists(unsent),
        erase_requested_at__isnull=False,
        erased_at=None,
    )


def _erase(appointments: AppointmentQuerySet, now: datetime) -> int:
    """Blank the families' data; what remains (time, type, state) names no one and keeps the counts."""
    pks = list(appointments.values_list("pk", flat=True))
    for pk in pks:
        with _transaction():
            Parent.objects.filter(appointment=pk).update(
                name="",
                email="",
                email_hash="",
                phone="",
                phone_hash="",
                consent_version="",
                consented_at=None,
                link_version=F("link_version") + 1,
            )
            Notification.objects.filter(
                appointment=pk, state__in=[NotificationState.DUE, NotificationState.FAILED]
            ).update(state=NotificationState.VOID)
            Appointment.objects.filter(pk=pk).update(
                child_first_name="",
                age_band="",
                remark="",
                cancel_reason="",
                idempotency_key=None,
                idempotency_body="",
                erased_at=now,
            )
    return len(pks)


@contextmanager
def _transaction() -> Iterator[None]:
    """One durable transaction whose known refusals become the sentences that a parent reads."""
    try:
        with transaction.atomic(durable=True):
            yield
    except IntegrityError as error:
        if guards.violated(error, guards.NO_OVERLAP):
            raise SlotTaken from error
        raise
    except OperationalError as error:
        if guards.contended(error):
            raise Busy from error
        raise
