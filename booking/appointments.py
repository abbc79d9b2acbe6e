"""Booking, moving, cancelling, and what came of it.

One way in for pages, API, agenda and shell alike. Each writes the appointment together with all the
notifications that it owes, and only then wakes the outbox.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import IntegrityError

from booking import claims, notifications, outbox
from booking.encryption import lookup_hash
from booking.errors import (
    AlreadyCancelled,
    AlreadyChanged,
    BookingError,
    IdempotencyConflict,
    TooEarlyToMark,
    TooLateToChange,
)
from booking.free_time import FreeSlot
from booking.models import Actor, Appointment, AppointmentType, Hold, Parent, State, Therapist

IDEMPOTENCY_TERM = timedelta(hours=24)


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
        return claims.claim(
            appointment_type, start, write, zone=zone, now=now, therapist=therapist, visitor=visitor
        )
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

    return claims.claim(
        appointment_type, start, write, zone=zone, now=now, therapist=therapist, moving=appointment
    )


def cancel(
    appointment: Appointment, *, by: Actor, now: datetime, reason: str = "", despite_notice: bool = False
) -> Appointment:
    """Cancel `appointment` and return it as it is now; one that was cancelled before stays as it was.

    Raises TooLateToChange (for a parent: past the type's change notice, unless `despite_notice`; for the
    therapist: once it has begun), AlreadyChanged or Busy.
    """
    if appointment.state == State.CANCELLED:
        return appointment
    _must_be_changeable(appointment, None if despite_notice else by, now)
    with claims.transacting():
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


def mark_attended(appointment: Appointment, *, now: datetime) -> Appointment:
    """Write down that the family came; also corrects a no-show. Raises TooEarlyToMark before the start."""
    return _mark(appointment, State.ATTENDED, now)


def mark_no_show(appointment: Appointment, *, now: datetime) -> Appointment:
    """Write down that the family did not come; also corrects attended. Raises TooEarlyToMark before the start."""
    return _mark(appointment, State.NO_SHOW, now)


def forget_idempotency_keys(*, now: datetime) -> None:
    """Clear the idempotency keys that are past their 24 hours."""
    past = Appointment.objects.filter(idempotency_key__isnull=False, created_at__lte=now - IDEMPOTENCY_TERM)
    past.update(idempotency_key=None, idempotency_body="")


def email_hash(email: str) -> str:
    """Return the keyed hash by which a mail address is found again, whatever its capitals."""
    return lookup_hash("email", email.casefold())


def phone_hash(phone: str) -> str:
    """Return the keyed hash by which a phone number (E.164) is found again."""
    return lookup_hash("phone", phone)


def _must_be_changeable(appointment: Appointment, by: Actor | None, now: datetime) -> None:
    if appointment.state == State.CANCELLED:
        raise AlreadyCancelled
    if appointment.state != State.CONFIRMED or now >= appointment.start:
        raise TooLateToChange
    if by == Actor.PARENT and now > appointment.can_change_until:
        raise TooLateToChange


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
