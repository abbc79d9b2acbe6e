"""Claiming time: the lock, the second look and the write, in one transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.db import IntegrityError, OperationalError, transaction

from booking import free_time, guards
from booking.errors import Busy, NoRoom, OutsideBookingWindow, SlotTaken
from booking.free_time import FreeSlot
from booking.intervals import Interval
from booking.models import Appointment, AppointmentType, Therapist

Written = TypeVar("Written")


def claim(
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
    """Lock a therapist who is free at `start` (UTC), look again under the lock, and `write`: one transaction.

    The therapist is `therapist`, or whoever of the type is free. Returns what `write` does. Raises SlotTaken
    where the time is on offer but claimed, OutsideBookingWindow where it is not on offer, or Busy.
    """
    if not free_time.within_booking_window(appointment_type, start, now=now):
        raise OutsideBookingWindow
    start = start.astimezone(UTC)
    day = start.astimezone(zone).date()

    def free(among: list[Therapist]) -> list[FreeSlot]:
        slots = free_time.search(
            appointment_type, among, day, day, zone=zone, now=now, visitor=visitor, moving=moving
        )
        return [slot for slot in slots if slot.start == start]

    therapists = [therapist] if therapist else list(free_time.offering(appointment_type, moving=moving))
    # With one therapist the look under the lock is the only one.
    candidates = [slot.therapist for slot in free(therapists)] if len(therapists) > 1 else therapists
    for candidate in candidates:
        with suppress(SlotTaken), transacting():
            # No key: who cancels holds the claims version that this will renew, and yet needs to point at the row.
            locked = free_time.offering(appointment_type, candidate, moving=moving)
            for slot in free(list(locked.select_for_update(of=("self",), no_key=True))):
                return write(slot)
    raise free_time.refusal(appointment_type, start, zone=zone, now=now, therapist=therapist, moving=moving)


def claim_unoffered(
    therapist: Therapist,
    occupied: Interval,
    write: Callable[[], Written],
    *,
    now: datetime,
    moving: Appointment | None = None,
) -> Written:
    """Lock `therapist`, and `write` where nothing claims `occupied` (UTC, buffers included): one transaction.

    For the therapist's own bookings, which need not lie on offered times. Returns what `write` does. Raises
    SlotTaken where an appointment, a hold or a calendar elsewhere has the time, or Busy.
    """
    with transacting():
        Therapist.objects.select_for_update(no_key=True).get(pk=therapist.pk)
        if free_time.claimed(therapist, occupied, now=now, moving=moving):
            raise SlotTaken
        return write()


@contextmanager
def transacting() -> Iterator[None]:
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
        if guards.full(error):
            raise NoRoom from error
        raise
