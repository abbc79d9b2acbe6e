"""What the therapist does herself, on the phone with a family: she may book outside the offered times, but never
over another appointment. As appointments.py, each verb writes all that it owes in one transaction."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db import IntegrityError
from django.db.models import F
from django.utils.translation import get_language

from booking import appointments, claims, diary, free_time, history, notifications, outbox, public_holidays
from booking.appointments import Family, Request
from booking.errors import AlreadyChanged, InThePast, InTimeOff, NotOffered, OutsideHours, SlotTaken
from booking.intervals import Interval
from booking.models import Action, Actor, Appointment, AppointmentType, Kind, State, Therapist


def occupied(appointment_type: AppointmentType, start: datetime) -> Interval:
    """Return what an appointment at `start` (UTC) claims, with the buffers of its type."""
    end = start + appointment_type.duration
    return Interval(start - appointment_type.buffer_before, end + appointment_type.buffer_after)


def object_to(
    appointment_type: AppointmentType,
    therapist: Therapist,
    start: datetime,
    *,
    zone: ZoneInfo,
    now: datetime,
    moving: Appointment | None = None,
) -> NotOffered | None:
    """Return what there is to say against `start` (UTC), where nothing claims it and parents cannot choose it."""
    if free_time.slot_at(
        appointment_type, start, zone=zone, now=now, therapist=therapist, moving=moving, by_hand=True
    ):
        return None
    if free_time.claimed(therapist, occupied(appointment_type, start), now=now, moving=moving):
        return None
    span = Interval(start, start + appointment_type.duration)
    if free_time.available(therapist, span, zone):
        return NotOffered()
    first, last = start.astimezone(zone).date(), span.end.astimezone(zone).date()
    page = diary.pages([therapist], first, last, zone)[therapist.pk]
    off = [one.reason for one in page.time_off if one.interval.overlaps(span)]
    named = public_holidays.between(first, first, str(get_language()))
    off += [name for day, name in named.items() if day not in page.worked_holidays]
    return InTimeOff(off) if off else OutsideHours()


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
    all_the_same: bool = False,
    request: Request | None = None,
) -> Appointment:
    """Book any time at all (`start`, UTC) with `therapist`, and return the appointment.

    Without `wants_mail` the family gets no confirmation and no reminders. The same `request` within 24 hours
    returns the appointment that it made before. Raises InThePast, SlotTaken, Busy or IdempotencyConflict, and,
    unless it is to be `all_the_same`, NotOffered where parents could not choose this time.
    """
    if request and (made := appointments.made_before(request, now)):
        return made
    if start < now:
        raise InThePast
    if not all_the_same and (objection := object_to(appointment_type, therapist, start, zone=zone, now=now)):
        raise objection

    def write() -> Appointment:
        appointment = appointments.write_down(
            appointment_type, therapist, start, family=family, now=now, request=request, wants_mail=wants_mail
        )
        history.record(appointment, Action.BOOKED, by=Actor.THERAPIST, at=now, account=account)
        own = appointments.is_therapists_own(account, therapist)
        notifications.plan_booked(appointment, zone=zone, now=now, tell_therapist=not own)
        outbox.wake()
        return appointment

    try:
        return claims.claim_unoffered(therapist, occupied(appointment_type, start), write, now=now)
    except (SlotTaken, IntegrityError):
        # The second of a double click finds its time taken, by itself.
        if request and (made := appointments.made_before(request, now)):
            return made
        raise


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
    all_the_same: bool = False,
) -> Appointment:
    """Move `appointment` to any time at all (`start`, UTC), with the same therapist unless another is named.

    `sequence` is that of the appointment as it was looked at: someone else may have moved it since. Moving it to
    where it is changes nothing. Returns it as it is now. Raises AlreadyChanged, AlreadyCancelled, TooLateToChange,
    InThePast, SlotTaken or Busy, and, unless it is to be `all_the_same`, NotOffered.
    """
    appointments.must_be_changeable(appointment, Actor.THERAPIST, now)
    if appointment.sequence != sequence:
        raise AlreadyChanged
    if start < now:
        raise InThePast
    before, therapist = appointment.therapist, therapist or appointment.therapist
    if start == appointment.start and therapist == before:
        return appointment
    appointment_type = appointment.appointment_type
    if not all_the_same and (
        objection := object_to(appointment_type, therapist, start, zone=zone, now=now, moving=appointment)
    ):
        raise objection

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
        left = before if therapist != before and not appointments.is_therapists_own(account, before) else None
        notifications.plan_moved(
            fresh,
            zone=zone,
            now=now,
            tell_parents=tell_parents,
            tell_therapist=not appointments.is_therapists_own(account, therapist),
            left=left,
        )
        outbox.wake()
        return fresh

    span = occupied(appointment_type, start)
    return claims.claim_unoffered(therapist, span, write, now=now, moving=appointment)


def send_confirmation_again(appointment: Appointment, *, account: User, now: datetime) -> int:
    """Send the confirmation once more to each parent with a mail address, and return to how many.

    Raises AlreadyCancelled, TooLateToChange or Busy.
    """
    with claims.transacting():
        # Locked: two clicks at once would give their mails the same number.
        appointment = Appointment.objects.select_for_update().get(pk=appointment.pk)
        appointments.must_be_changeable(appointment, Actor.THERAPIST, now)
        sent = notifications.plan_again(appointment, Kind.CONFIRMATION, now=now)
        if sent:
            history.record(appointment, Action.RESENT, by=Actor.THERAPIST, at=now, account=account)
            outbox.wake()
    return sent


def end_links(appointment: Appointment, *, account: User, now: datetime) -> None:
    """Let no link that was mailed to the family open `appointment` any more; the next mail has one that does."""
    with claims.transacting():
        appointment.parents.update(link_version=F("link_version") + 1)
        appointments.forget_request(appointment)
        history.record(appointment, Action.LINKS_ENDED, by=Actor.THERAPIST, at=now, account=account)


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


def withdraw_ask(appointment: Appointment, *, account: User, now: datetime) -> int:
    """Take back that the family was asked to choose another time: the time it has stands, and reminders speak of
    it again. Return how many parents are told so by mail.

    Raises AlreadyCancelled, TooLateToChange or Busy, or AlreadyChanged where nothing is asked (any more).
    """
    appointments.must_be_changeable(appointment, Actor.THERAPIST, now)
    with claims.transacting():
        withdrawn = Appointment.objects.awaiting_other_time(now).filter(
            pk=appointment.pk, sequence=appointment.sequence
        )
        if not withdrawn.update(asked_to_move_at=None, changed_at=now):
            raise AlreadyChanged
        appointment.asked_to_move_at = None
        history.record(appointment, Action.ASK_WITHDRAWN, by=Actor.THERAPIST, at=now, account=account)
        told = notifications.plan_ask_withdrawn(appointment, now=now)
        outbox.wake()
    return told


def write_down_asked(appointment: Appointment, *, account: User, now: datetime) -> int:
    """Do what `ask_to_move` does, as part of the caller's transaction; the caller wakes the outbox. Raises
    AlreadyChanged."""
    asked = Appointment.objects.filter(
        pk=appointment.pk, state=State.CONFIRMED, sequence=appointment.sequence
    ).update(asked_to_move_at=now, changed_at=now)
    if not asked:
        raise AlreadyChanged
    appointment.asked_to_move_at = now
    history.record(appointment, Action.ASKED_TO_MOVE, by=Actor.THERAPIST, at=now, account=account)
    return notifications.plan_again(appointment, Kind.ASK_TO_MOVE, now=now)
