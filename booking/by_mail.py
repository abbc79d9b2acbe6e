"""Booking in two steps, for a browser that can give no proof: the time is kept for an hour, and whoever was
typed is asked by mail whether it is so. Until then there is no appointment, and the practice hears of nothing."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError

from booking import appointments, claims, holds, notifications, outbox, rate_limits
from booking.appointments import Family, Request
from booking.encryption import lookup_hash
from booking.errors import BookingError
from booking.free_time import FreeSlot
from booking.links import DeadLink
from booking.models import Appointment, AppointmentType, Hold, Therapist, Unconfirmed

TERM = timedelta(hours=1)


def ask(
    appointment_type: AppointmentType,
    start: datetime,
    *,
    family: Family,
    visitor: str,
    address: str,
    request: Request,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
) -> None:
    """Keep the slot at `start` (UTC) for an hour, and mail `family` a link to book it by: one for each `request`.
    A form that was mended and sent again takes the place of what it sent before.

    Where holding it would go past a limit of holds, the mail goes all the same and the slot is not kept. Raises
    SlotTaken, OutsideBookingWindow, Busy, or TooManyRequests where the mailbox has had its share of mails.
    """

    def write(slot: FreeSlot) -> None:
        # It is a mail to whoever was typed, as a booking is.
        rate_limits.count(rate_limits.BOOKINGS_PER_MAIL, rate_limits.mailbox(family.email), now=now)
        unconfirmed = Unconfirmed.objects.create(
            request=request.key,
            body=request.body,
            appointment_type=appointment_type,
            therapist=therapist,
            start=slot.start,
            email=family.email,
            language=family.language,
            typed=json.dumps(asdict(family)),
            expires_at=now + TERM,
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
        notifications.plan_confirm(unconfirmed, now=now)
        outbox.wake()

    asked = Unconfirmed.objects.filter(request=request.key)
    if earlier := asked.first():
        if earlier.body == request.body:
            return
        with claims.transacting():
            Hold.objects.filter(visitor=_heir(earlier)).delete()
            earlier.delete()
    try:
        claims.claim(appointment_type, start, write, zone=zone, now=now, therapist=therapist, visitor=visitor)
    except (BookingError, IntegrityError):
        # The other click of a double one was first, and keeps the time.
        if not asked.exists():
            raise


def waiting(public_id: UUID, *, now: datetime) -> Unconfirmed:
    """Return what waits for the button of that mail; raises DeadLink where nothing does (any more)."""
    found = Unconfirmed.objects.select_related("appointment_type", "therapist")
    try:
        return found.get(public_id=public_id, expires_at__gt=now)
    except Unconfirmed.DoesNotExist as error:
        raise DeadLink from error


def confirmed(public_id: UUID, *, now: datetime) -> Appointment | None:
    """Return the appointment that the button of that mail made within the last 24 hours."""
    return appointments.made_before(_request(public_id), now)


def confirm(unconfirmed: Unconfirmed, *, zone: ZoneInfo, now: datetime) -> Appointment:
    """Book what was typed, forget it here, and return the appointment; raises what appointments.book does."""
    appointment = appointments.book(
        unconfirmed.appointment_type,
        unconfirmed.start,
        family=Family(**json.loads(unconfirmed.typed)),
        zone=zone,
        now=now,
        therapist=unconfirmed.therapist,
        visitor=_heir(unconfirmed),
        request=_request(unconfirmed.public_id),
    )
    unconfirmed.delete()
    return appointment


def forget_expired(*, now: datetime) -> None:
    """Delete what was not confirmed within its hour."""
    Unconfirmed.objects.filter(expires_at__lte=now).delete()


def _heir(unconfirmed: Unconfirmed) -> str:
    return lookup_hash("visitor", "by mail", str(unconfirmed.public_id))


def _request(public_id: UUID) -> Request:
    return Request(key=lookup_hash("idempotency", "by mail", str(public_id)), body="")
