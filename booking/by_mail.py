"""Booking in two steps, while so much is booked that programs may be at it (surge.py): the time is kept, and the
family is asked by mail whether it is so. Until then there is no appointment, and the practice hears of nothing."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.db import IntegrityError

from booking import appointments, claims, drafts, holds, notifications, outbox, rate_limits
from booking.appointments import Family, Request
from booking.encryption import Unreadable, lookup_hash
from booking.errors import BookingError, ConfirmationNeeded, IdempotencyConflict, KeysMissing
from booking.free_time import FreeSlot
from booking.links import DeadLink
from booking.models import (
    Appointment,
    AppointmentType,
    Hold,
    Kind,
    Notification,
    NotificationState,
    Therapist,
    Unconfirmed,
)

# How often the mail address of one booking can be put right before it is confirmed.
MOST_ADDRESSES = 3


def book(
    appointment_type: AppointmentType,
    start: datetime,
    *,
    family: Family,
    visitor: str,
    networks: Sequence[str],
    address: str,
    request: Request,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
    may_change: bool = False,
) -> Appointment | Unconfirmed:
    """Book the slot at `start` (UTC) as appointments.book does, or, where it has to be confirmed, ask `family` by
    mail and return what waits for its answer.

    The same `request` gets the same answer. With `may_change` another body under the same key takes the place of
    what is not confirmed yet, as a form that was changed and sent again does. Where holding the time would go past
    a limit of holds, the mail goes all the same and the time is not kept. Raises SlotTaken, OutsideBookingWindow,
    Busy, TooManyRequests or IdempotencyConflict.
    """
    waits = Unconfirmed.objects.filter(request=request.key, expires_at__gt=now)
    replaced = None
    try:
        if same := asked_before(request, now):
            return same
    except IdempotencyConflict:
        if not may_change:
            raise
        replaced = waits.first()
    # What is to be replaced keeps the time until it is: a changed form that is refused leaves it as it was.
    if replaced and replaced.start == start:
        visitor = _heir(replaced)
    try:
        made = appointments.book(
            appointment_type,
            start,
            family=family,
            zone=zone,
            now=now,
            therapist=therapist,
            visitor=visitor,
            request=request,
            networks=networks,
        )
    except ConfirmationNeeded:
        pass
    else:
        if replaced:
            drop(replaced)
        return made
    try:
        return _ask(appointment_type, start, family, visitor, address, request, zone, now, therapist, replaced)
    except (BookingError, IntegrityError):
        # The other click of a double one was first, and keeps the time.
        if (same := waits.first()) and same.body == request.body:
            return same
        raise


def asked_before(request: Request, now: datetime) -> Unconfirmed | None:
    """Return what waits for the answer to the mail of the same `request`; raises IdempotencyConflict where its key
    came with another body."""
    found = Unconfirmed.objects.filter(request=request.key, expires_at__gt=now)
    earlier = found.select_related("appointment_type").first()
    if earlier and earlier.body != request.body:
        raise IdempotencyConflict
    return earlier


def waiting(public_id: UUID, *, now: datetime) -> Unconfirmed:
    """Return what waits for the button of that mail; raises DeadLink where nothing does (any more)."""
    found = Unconfirmed.objects.select_related("appointment_type", "therapist")
    try:
        return found.get(public_id=public_id, expires_at__gt=now)
    except Unconfirmed.DoesNotExist as error:
        raise DeadLink from error


def confirmed(public_id: UUID, *, now: datetime) -> Appointment | None:
    """Return the appointment that the button of that mail made within the last 24 hours, unless its links were
    ended since."""
    made = Appointment.objects.filter(public_id=public_id, idempotency_key__isnull=False)
    return made.filter(created_at__gt=now - appointments.IDEMPOTENCY_TERM).first()


def confirm(unconfirmed: Unconfirmed, *, zone: ZoneInfo, now: datetime) -> Appointment:
    """Book what was typed, forget it here, and return the appointment; raises what appointments.book does, and
    DeadLink where the mail address was put right meanwhile."""
    return appointments.book(
        unconfirmed.appointment_type,
        unconfirmed.start,
        family=_typed(unconfirmed),
        zone=zone,
        now=now,
        therapist=unconfirmed.therapist,
        visitor=_heir(unconfirmed),
        request=Request(key=unconfirmed.request, body=unconfirmed.body),
        confirms=unconfirmed,
    )


def correct_address(unconfirmed: Unconfirmed, email: str, *, now: datetime) -> Unconfirmed:
    """Ask at `email` instead, and return what waits now: the link that went to the other address is dead. The time
    is kept as it was, and no longer. Raises TooManyRequests, Busy, or DeadLink where somebody was quicker."""
    if email == unconfirmed.email:
        return unconfirmed
    with claims.transacting():
        rate_limits.count_each(rate_limits.shares(email), now=now)
        old = Unconfirmed.objects.select_for_update().filter(pk=unconfirmed.pk, expires_at__gt=now).first()
        if not old or old.public_id != unconfirmed.public_id:
            raise DeadLink
        if old.addresses >= MOST_ADDRESSES:
            raise rate_limits.refusal(rate_limits.BOOKINGS_PER_MAIL, now=now)
        family = replace(_typed(old), email=email)
        before = _heir(old)
        old.notifications.all().delete()
        old.public_id, old.email, old.addresses = uuid4(), email, old.addresses + 1
        old.typed, old.sent_at = json.dumps(asdict(family)), None
        old.expires_at = old.asked_at + Unconfirmed.LONGEST_WAY
        old.save(update_fields=["public_id", "email", "addresses", "typed", "sent_at", "expires_at"])
        Hold.objects.filter(visitor=before).update(visitor=_heir(old), expires_at=old.expires_at)
        notifications.plan_confirm(old, now=now)
        outbox.wake()
    return old


def start_terms() -> None:
    """Let the time to answer run from the moment at which each mail went out; where the address refused it for
    good, give the time free at once, since nobody can answer."""
    ended = Notification.objects.filter(
        kind=Kind.CONFIRM,
        state__in=[NotificationState.SENT, NotificationState.FAILED],
        unconfirmed__sent_at__isnull=True,
    )
    for mail in ended.select_related("unconfirmed").defer("unconfirmed__typed"):
        assert mail.unconfirmed is not None
        if mail.sent_at is None:
            drop(mail.unconfirmed)
            continue
        until = mail.unconfirmed.until(mail.sent_at)
        waits = Unconfirmed.objects.filter(pk=mail.unconfirmed.pk, public_id=mail.unconfirmed.public_id)
        if waits.update(sent_at=mail.sent_at, expires_at=until):
            Hold.objects.filter(visitor=_heir(mail.unconfirmed)).update(expires_at=until)


def drop(unconfirmed: Unconfirmed) -> None:
    """Delete what waits and give its time free, unless its address was put right since it was read."""
    with claims.transacting():
        Unconfirmed.objects.filter(pk=unconfirmed.pk, public_id=unconfirmed.public_id).delete()
        Hold.objects.filter(visitor=_heir(unconfirmed)).delete()


def forget_expired(*, now: datetime) -> None:
    """Delete what was not confirmed in time."""
    Unconfirmed.objects.filter(expires_at__lte=now).delete()


def _ask(
    appointment_type: AppointmentType,
    start: datetime,
    family: Family,
    visitor: str,
    address: str,
    request: Request,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None,
    replaced: Unconfirmed | None,
) -> Unconfirmed:
    """Keep the slot, and owe `family` the mail with the link to book it by, in the place of what is `replaced`."""

    def write(slot: FreeSlot) -> Unconfirmed:
        if replaced:
            Hold.objects.filter(visitor=_heir(replaced)).delete()
            Unconfirmed.objects.filter(pk=replaced.pk).delete()
        # It is a mail to whoever was typed, as a booking is.
        rate_limits.count_each(rate_limits.shares(family.email), now=now)
        unconfirmed = Unconfirmed.objects.create(
            request=request.key,
            body=request.body,
            appointment_type=appointment_type,
            therapist=therapist,
            start=slot.start,
            email=family.email,
            language=family.language,
            typed=json.dumps(asdict(family)),
            asked_at=now,
            expires_at=now + Unconfirmed.LONGEST_WAY,
        )
        unconfirmed.kept = holds.pass_on(
            appointment_type,
            slot,
            visitor=visitor,
            heir=_heir(unconfirmed),
            address=address,
            until=unconfirmed.expires_at,
            zone=zone,
            now=now,
        )
        unconfirmed.save(update_fields=["kept"])
        drafts.forget(visitor)
        notifications.plan_confirm(unconfirmed, now=now)
        notifications.plan_many_bookings(appointment_type, now=now)
        outbox.wake()
        return unconfirmed

    # One that ran out is as good as gone, and must not stand in the way of its own key.
    Unconfirmed.objects.filter(request=request.key, expires_at__lte=now).delete()
    return claims.claim(appointment_type, start, write, zone=zone, now=now, therapist=therapist, visitor=visitor)


def _typed(unconfirmed: Unconfirmed) -> Family:
    """Return what the family typed; raises KeysMissing where no key reads it."""
    if isinstance(unconfirmed.typed, Unreadable):
        raise KeysMissing
    return Family(**json.loads(unconfirmed.typed))


def _heir(unconfirmed: Unconfirmed) -> str:
    return lookup_hash("visitor", "by mail", str(unconfirmed.public_id))
