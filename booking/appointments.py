"""Booking, moving, cancelling, and what came of it.

One way in for pages, API, agenda and shell alike. Each writes the appointment together with all the
notifications that it owes, and only then wakes the outbox.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError

from booking import claims, free_time, history, notifications, outbox, rate_limits, surge
from booking.encryption import lookup_hash
from booking.errors import (
    AlreadyCancelled,
    AlreadyChanged,
    BookingError,
    ConfirmationNeeded,
    IdempotencyConflict,
    TooEarlyToMark,
    TooLateToChange,
)
from booking.free_time import FreeSlot
from booking.links import DeadLink
from booking.models import (
    Action,
    Actor,
    Appointment,
    AppointmentQuerySet,
    AppointmentType,
    Hold,
    Parent,
    State,
    Therapist,
    Unconfirmed,
)

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
    networks: Sequence[str] = (),
    confirms: Unconfirmed | None = None,
) -> Appointment:
    """Book the slot at `start` (UTC) for `family` and return the appointment, which takes the place and the
    reference of what it `confirms`.

    The same `request` within 24 hours returns the appointment that it made before. `networks` are those that the
    visitor counts in, the narrowest first; of a booking without any it is known that it is meant. Raises
    SlotTaken, OutsideBookingWindow, Busy, TooManyRequests where the mail address has had its share,
    ConfirmationNeeded where so much is booked that it has to be confirmed, IdempotencyConflict where the key came
    with another body, or DeadLink where what it confirms is there no more.
    """
    if request and (made := made_before(request, now)):
        return made

    def write(slot: FreeSlot) -> Appointment:
        # Again under the lock: the double click that came a moment earlier may have been first.
        if request and (made := made_before(request, now)):
            return made
        if confirms and not _take_place(confirms):
            raise DeadLink
        counts = _take_share(family.email, networks, now, counted_before=bool(confirms))
        if counts and networks and surge.must_confirm(appointment_type, networks, counts, zone=zone, now=now):
            raise ConfirmationNeeded
        appointment = write_down(
            appointment_type,
            slot.therapist,
            slot.start,
            family=family,
            now=now,
            request=request,
            public_id=confirms.public_id if confirms else None,
        )
        history.record(appointment, Action.BOOKED, by=Actor.PARENT, at=now)
        if visitor:
            Hold.objects.filter(visitor=visitor).delete()
        notifications.plan_booked(appointment, zone=zone, now=now)
        outbox.wake()
        return appointment

    try:
        return claims.claim(
            appointment_type, start, write, zone=zone, now=now, therapist=therapist, visitor=visitor
        )
    except (BookingError, IntegrityError, DeadLink):
        # Two requests with one key that met on different therapists, or just before the lock: the loser
        # gets what the winner made.
        if request and (made := made_before(request, now)):
            return made
        raise


def write_down(
    appointment_type: AppointmentType,
    therapist: Therapist,
    start: datetime,
    *,
    family: Family,
    now: datetime,
    request: Request | None = None,
    wants_mail: bool = True,
    public_id: UUID | None = None,
) -> Appointment:
    """Insert the appointment at `start` (UTC) and its parent; the caller has claimed the time and is in its
    transaction."""
    if request:
        # One of this request that is still in force stays, and refuses a second.
        _past_term(now).filter(idempotency_key=request.key).update(idempotency_key=None, idempotency_body="")
    end = start + appointment_type.duration
    appointment = Appointment.objects.create(
        public_id=public_id or uuid4(),
        appointment_type=appointment_type,
        therapist=therapist,
        start=start,
        end=end,
        occupied_start=start - appointment_type.buffer_before,
        occupied_end=end + appointment_type.buffer_after,
        place=appointment_type.place,
        change_notice=appointment_type.change_notice,
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
        email_hash=email_hash(family.email) if family.email else "",
        phone=family.phone,
        phone_hash=phone_hash(family.phone),
        language=family.language,
        consent_version=family.consent_version,
        consented_at=now,
        wants_mail=wants_mail,
    )
    return appointment


def reschedule(
    appointment: Appointment,
    start: datetime,
    *,
    by: Actor,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
    visitor: str = "",
) -> Appointment:
    """Move `appointment` to the slot at `start` (UTC), with its own therapist unless another is named; where she
    no longer offers it, with whoever is free then.

    Moving it to where it is changes nothing; what `visitor` keeps does not stand in the way. Returns the
    appointment as it is now. Raises AlreadyCancelled, TooLateToChange, AlreadyChanged, SlotTaken,
    OutsideBookingWindow, Busy, or TooManyRequests where a parent moved too often today.
    """
    must_be_changeable(appointment, by, now)
    if start == appointment.start and therapist in {None, appointment.therapist}:
        return appointment

    def write(slot: FreeSlot) -> Appointment:
        if by == Actor.PARENT:
            for parent in appointment.parents.exclude(email=""):
                rate_limits.count(rate_limits.MOVES_PER_MAIL, rate_limits.mailbox(parent.email), now=now)
        fresh = move_to(appointment, slot.start, slot.therapist, now=now)
        history.record(fresh, Action.MOVED, by=by, at=now, start_before=appointment.start)
        if visitor:
            Hold.objects.filter(visitor=visitor).delete()
        left = appointment.therapist if fresh.therapist != appointment.therapist else None
        notifications.plan_moved(fresh, zone=zone, now=now, left=left)
        outbox.wake()
        return fresh

    return claims.claim(
        appointment.appointment_type,
        start,
        write,
        zone=zone,
        now=now,
        therapist=therapist or moves_with(appointment),
        visitor=visitor,
        moving=appointment,
    )


def moves_with(appointment: Appointment) -> Therapist | None:
    """Return with whom a family moves `appointment`: its own therapist, or None, for whoever is free, where she no
    longer offers it."""
    own = free_time.offering(appointment.appointment_type, appointment.therapist, moving=appointment)
    return appointment.therapist if own.exists() else None


def move_to(appointment: Appointment, start: datetime, therapist: Therapist, *, now: datetime) -> Appointment:
    """Put `appointment` at `start` (UTC) and return it as it is now; the caller has claimed the time, in a
    transaction. Raises AlreadyCancelled or AlreadyChanged where someone else was first."""
    appointment_type = appointment.appointment_type
    end = start + appointment_type.duration
    moved = Appointment.objects.filter(
        pk=appointment.pk, state=State.CONFIRMED, sequence=appointment.sequence
    ).update(
        therapist=therapist,
        start=start,
        end=end,
        occupied_start=start - appointment_type.buffer_before,
        occupied_end=end + appointment_type.buffer_after,
        place=appointment_type.place,
        change_notice=appointment_type.change_notice,
        sequence=appointment.sequence + 1,
        changed_at=now,
        asked_to_move_at=None,
    )
    fresh = _reload(appointment)
    if not moved:
        raise AlreadyCancelled if fresh.state == State.CANCELLED else AlreadyChanged
    return fresh


def cancel(
    appointment: Appointment,
    *,
    by: Actor,
    now: datetime,
    reason: str = "",
    despite_notice: bool = False,
    account: User | None = None,
    tell_parents: bool = True,
) -> Appointment:
    """Cancel `appointment` and return it as it is now; one that was cancelled before stays as it was.

    `account` is whose hand it was where that was not the parent's; with `tell_parents` False the family gets no
    mail. Raises TooLateToChange (for a parent: past the type's change notice, unless `despite_notice`; for the
    therapist: once it has begun), AlreadyChanged or Busy.
    """
    if appointment.state == State.CANCELLED:
        return appointment
    must_be_changeable(appointment, None if despite_notice else by, now)
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
            history.record(fresh, Action.CANCELLED, by=by, at=now, account=account)
            notifications.plan_cancelled(
                fresh,
                now=now,
                tell_parents=tell_parents,
                tell_therapist=not is_therapists_own(account, fresh.therapist),
            )
            outbox.wake()
        elif fresh.state != State.CANCELLED:
            raise AlreadyChanged
    return fresh


def cancel_many(found: Iterable[Appointment], *, account: User, now: datetime) -> int:
    """Cancel each of `found` in the name of the practice, tell the families, and return how many were; what has
    changed or begun meanwhile is passed over. Raises Busy."""
    count = 0
    for appointment in found:
        with suppress(AlreadyChanged, TooLateToChange):
            count += cancel(appointment, by=Actor.THERAPIST, now=now, account=account).state == State.CANCELLED
    return count


def want_reminders(parent: Parent, *, wanted: bool, now: datetime) -> None:
    """Let `parent` be reminded or not from `now` (UTC) on; written down where it changes. Raises Busy."""
    with claims.transacting():
        changed = Parent.objects.filter(pk=parent.pk, wants_reminders=not wanted).update(wants_reminders=wanted)
        if changed:
            action = Action.REMINDERS_ON if wanted else Action.REMINDERS_OFF
            history.record(parent.appointment, action, by=Actor.PARENT, at=now)


def write_in(parent: Parent, language: str) -> None:
    """Let mails to `parent` be in `language` from now on. Raises Busy."""
    if parent.language != language:
        with claims.transacting():
            parent.language = language
            parent.save(update_fields=["language"])


def mark_attended(appointment: Appointment, *, now: datetime, account: User | None = None) -> Appointment:
    """Write down that the family came; also corrects a no-show. Raises TooEarlyToMark before the start."""
    return _mark(appointment, State.ATTENDED, Action.ATTENDED, now, account)


def mark_no_show(appointment: Appointment, *, now: datetime, account: User | None = None) -> Appointment:
    """Write down that the family did not come; also corrects attended. Raises TooEarlyToMark before the start."""
    return _mark(appointment, State.NO_SHOW, Action.NO_SHOW, now, account)


def forget_idempotency_keys(*, now: datetime) -> None:
    """Clear the idempotency keys that are past their 24 hours."""
    # Greater than nothing, and not "not null", which an index is no help to on SQLite.
    _past_term(now).filter(idempotency_key__gt="").update(idempotency_key=None, idempotency_body="")


def forget_request(appointment: Appointment) -> None:
    """Forget which request made `appointment`, in the caller's transaction: repeated, it would be answered with
    a new link by whoever holds the browser or the mail that it came from."""
    Appointment.objects.filter(pk=appointment.pk).update(idempotency_key=None, idempotency_body="")


def email_hash(email: str) -> str:
    """Return the keyed hash by which the mailbox of a mail address is found again, however it is written."""
    return lookup_hash("email", rate_limits.mailbox(email))


def phone_hash(phone: str) -> str:
    """Return the keyed hash by which a phone number (E.164) is found again."""
    return lookup_hash("phone", phone)


def is_therapists_own(account: User | None, therapist: Therapist) -> bool:
    """Return whether `account` is that of `therapist`, who need not be told what she did herself."""
    return account is not None and account.pk == therapist.user_id


def must_be_changeable(appointment: Appointment, by: Actor | None, now: datetime) -> None:
    """Raise AlreadyCancelled or TooLateToChange where `by` can no longer move or cancel `appointment`; the change
    notice concerns a parent only."""
    if appointment.state == State.CANCELLED:
        raise AlreadyCancelled
    if appointment.state != State.CONFIRMED or now >= appointment.start:
        raise TooLateToChange
    if by == Actor.PARENT and now > appointment.can_change_until:
        raise TooLateToChange


def _take_place(unconfirmed: Unconfirmed) -> bool:
    """Delete `unconfirmed`, in the caller's transaction, and return whether it was there still, under the same
    reference: another one was mailed to another address."""
    _count, deleted = Unconfirmed.objects.filter(pk=unconfirmed.pk, public_id=unconfirmed.public_id).delete()
    return Unconfirmed._meta.label in deleted


def _take_share(email: str, networks: Sequence[str], now: datetime, *, counted_before: bool = False) -> list[int]:
    """Count one booking for `email` from `networks`, in the booking's own transaction, and return the counts of
    the networks; raises TooManyRequests, always the same. One that was `counted_before`, when the mail asked for
    it, is not counted twice.

    It is asked last, of who is about to book: to learn anything about somebody else's address one has to book
    for it, and its owner gets the mail.
    """
    # Whoever books for this address at the same moment, with another therapist, waits here until this one is
    # written: the count below sees it, also where midnight has begun another window in between.
    rate_limits.take_turn("mailbox", email_hash(email))
    tried = surge.counted(networks)
    shares = [] if counted_before else rate_limits.shares(email)
    counts = rate_limits.count_each([*shares, *tried], now=now) if shares or tried else []
    ahead = Parent.objects.filter(
        email_hash=email_hash(email),
        appointment__state=State.CONFIRMED,
        appointment__start__gt=now,
        # What the practice itself planned is no reason to refuse a brother or sister.
        appointment__history__action=Action.BOOKED,
        appointment__history__actor=Actor.PARENT,
    )
    if settings.RATE_LIMITS and ahead.count() >= settings.OPEN_APPOINTMENTS:
        raise rate_limits.refusal(rate_limits.BOOKINGS_PER_MAIL, now=now)
    return counts[len(counts) - len(tried) :]


def _mark(
    appointment: Appointment, state: State, action: Action, now: datetime, account: User | None
) -> Appointment:
    if appointment.state == State.CANCELLED:
        raise AlreadyCancelled
    with claims.transacting():
        marked = Appointment.objects.filter(
            pk=appointment.pk, state__in=[State.CONFIRMED, State.ATTENDED, State.NO_SHOW], start__lte=now
        ).update(state=state, outcome_at=now, changed_at=now)
        if marked:
            history.record(appointment, action, by=Actor.THERAPIST, at=now, account=account)
    fresh = _reload(appointment)
    if not marked:
        raise AlreadyCancelled if fresh.state == State.CANCELLED else TooEarlyToMark
    return fresh


def _past_term(now: datetime) -> AppointmentQuerySet:
    return Appointment.objects.filter(created_at__lte=now - IDEMPOTENCY_TERM)


def _reload(appointment: Appointment) -> Appointment:
    return Appointment.objects.select_related("appointment_type", "therapist").get(pk=appointment.pk)


def made_before(request: Request, now: datetime) -> Appointment | None:
    """Return what the same `request` made within the last 24 hours; raises IdempotencyConflict where its key came
    with another body."""
    made = Appointment.objects.filter(idempotency_key=request.key, created_at__gt=now - IDEMPOTENCY_TERM)
    # Asked twice for each booking, and nearly always without a find.
    found = made.only("idempotency_body").first()
    if found and found.idempotency_body != request.body:
        raise IdempotencyConflict
    return _reload(found) if found else None
