"""What the therapist does herself, on the phone with a family: she may book outside the offered times, but never
over another appointment. As appointments.py, each verb writes all that it owes in one transaction."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User

from booking import appointments, claims, history, notifications, outbox
from booking.appointments import Family
from booking.errors import AlreadyChanged, InThePast
from booking.intervals import Interval
from booking.models import Action, Actor, Appointment, AppointmentType, Kind, State, Therapist


def occupied(appointment_type: AppointmentType, start: datetime) -> Interval:
    """Return what an appointment at `start` (UTC) claims, with the buffers of its type."""
    end = start + appointment_type.duration
    return Interval(start - appointment_type.buffer_before, end + appointment_type.buffer_after)


def book(
    appointment_type: AppointmentType,
    therapist: Therapist,
    start: datetime,
    *,
    family: Family,
    wants_mail: bool,
    account: User,
    zone: ZoneInfo,
    now: datetime,
) -> Appointment:
    """Book any time at all (`start`, UTC) with `therapist`, and return the appointment.

    Without `wants_mail` the family gets no confirmation and no reminders. Raises InThePast, SlotTaken or Busy.
    """
    if start <= now:
        raise InThePast

    def write() -> Appointment:
        appointment = appointments.write_down(
            appointment_type, therapist, start, family=family, now=now, wants_mail=wants_mail
        )
        history.record(appointment, Action.BOOKED, by=Actor.THERAPIST, at=now, account=account)
        own = appointments.is_therapists_own(account, therapist)
        notifications.plan_booked(appointment, zone=zone, now=now, tell_therapist=not own)
        outbox.wake()
        return appointment

    return claims.claim_unoffered(therapist, occupied(appointment_type, start), write, now=now)


def move(
    appointment: Appointment,
    start: datetime,
    *,
    sequence: int,
    tell_parents: bool,
    account: User,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
) -> Appointment:
    """Move `appointment` to any time at all (`start`, UTC), with the same therapist unless another is named.

    `sequence` is that of the appointment as it was looked at: someone else may have moved it since. Moving it to
    where it is changes nothing. Returns it as it is now. Raises AlreadyChanged, AlreadyCancelled, TooLateToChange,
    InThePast, SlotTaken or Busy.
    """
    appointments.must_be_changeable(appointment, Actor.THERAPIST, now)
    if appointment.sequence != sequence:
        raise AlreadyChanged
    if start <= now:
        raise InThePast
    before, therapist = appointment.therapist, therapist or appointment.therapist
    if start == appointment.start and therapist == before:
        return appointment

    def write() -> Appointment:
        fresh = appointments.move_to(appointment, start, therapist, now=now)
        history.record(
            fresh,
            Action.MOVED,
            by=Actor.THERAPIST,
            at=now,
            account=account,
            start_before=appointment.start,
        )
        own = appointments.is_therapists_own(account, therapist)
        notifications.plan_moved(fresh, zone=zone, now=now, tell_parents=tell_parents, tell_therapist=not own)
        outbox.wake()
        return fresh

    span = occupied(appointment.appointment_type, start)
    return claims.claim_unoffered(therapist, span, write, now=now, moving=appointment)


def send_confirmation_again(appointment: Appointment, *, account: User, now: datetime) -> int:
    """Send the confirmation once more to each parent with a mail address, and return to how many.

    Raises AlreadyCancelled, TooLateToChange or Busy.
    """
    appointments.must_be_changeable(appointment, Actor.THERAPIST, now)
    with claims.transacting():
        sent = notifications.plan_again(appointment, Kind.CONFIRMATION, now=now)
        if sent:
            history.record(appointment, Action.RESENT, by=Actor.THERAPIST, at=now, account=account)
            outbox.wake()
    return sent


def ask_to_move(appointment: Appointment, *, account: User, now: datetime) -> int:
    """Ask the family by mail to choose another time, and return how many parents that reaches.

    The appointment stays booked until they do, and no change notice stands in their way. Raises
    AlreadyCancelled, AlreadyChanged, TooLateToChange or Busy.
    """
    appointments.must_be_changeable(appointment, Actor.THERAPIST, now)
    with claims.transacting():
        sent = write_down_asked(appointment, account=account, now=now)
        outbox.wake()
    return sent


def write_down_asked(appointment: Appointment, *, account: User, now: datetime) -> int:
    """Do what `ask_to_move` does, as part of the caller's transaction; the caller wakes the outbox. Raises
    AlreadyChanged."""
    asked = Appointment.objects.filter(
        pk=appointment.pk, state=State.CONFIRMED, sequence=appointment.sequence
    ).update(asked_to_move_at=now)
    if not asked:
        raise AlreadyChanged
    appointment.asked_to_move_at = now
    history.record(appointment, Action.ASKED_TO_MOVE, by=Actor.THERAPIST, at=now, account=account)
    return notifications.plan_again(appointment, Kind.ASK_TO_MOVE, now=now)
