"""Keeping a time free for the minutes in which a form is filled in."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from booking import claims, free_time, rate_limits
from booking.free_time import FreeSlot
from booking.models import AppointmentType, Hold, Therapist

HOLD_TIME = timedelta(minutes=10)
HOLDS_PER_ADDRESS = 3


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

    Returns None where holding would go past a limit (three an address, half of what can be booked on a day): the
    form then goes on without a hold. Chosen once more after the type's notice has passed, the slot is kept as long
    as it was, and no longer. Raises SlotTaken, OutsideBookingWindow or Busy.
    """

    def write(slot: FreeSlot) -> Hold | None:
        if now > slot.start - appointment_type.minimum_notice:
            return live(visitor, appointment_type, slot.start, now=now)
        if _holds_enough(appointment_type, slot, visitor, address, zone, now):
            Hold.objects.filter(visitor=visitor).delete()
            return None
        held, _ = Hold.objects.update_or_create(
            visitor=visitor, defaults=_values(appointment_type, slot, address, now + HOLD_TIME)
        )
        return held

    return claims.claim(appointment_type, start, write, zone=zone, now=now, therapist=therapist, visitor=visitor)


def pass_on(
    appointment_type: AppointmentType,
    slot: FreeSlot,
    *,
    visitor: str,
    heir: str,
    address: str,
    until: datetime,
    zone: ZoneInfo,
    now: datetime,
) -> bool:
    """Keep `slot` free for `heir` until then, and no more for `visitor`; the caller has claimed it, in a
    transaction. Returns False where holding it would go past a limit: then nobody keeps it."""
    enough = _holds_enough(appointment_type, slot, visitor, address, zone, now)
    Hold.objects.filter(visitor=visitor).delete()
    if enough:
        return False
    Hold.objects.create(visitor=heir, **_values(appointment_type, slot, address, until))
    return True


def live(visitor: str, appointment_type: AppointmentType, start: datetime, *, now: datetime) -> Hold | None:
    """Return the hold by which `visitor` keeps the slot at `start`, while it lives."""
    held = Hold.objects.filter(visitor=visitor, appointment_type=appointment_type, start=start, expires_at__gt=now)
    return held.select_related("therapist").first()


def kept_until(start: datetime, *, therapist: Therapist | None, address: str, now: datetime) -> datetime | None:
    """Return until when a visitor at `address` keeps the time at `start` (UTC), with `therapist` or with anyone;
    None where nobody there does."""
    kept = Hold.objects.filter(start=start, address=address, expires_at__gt=now)
    if therapist:
        kept = kept.filter(therapist=therapist)
    return kept.order_by("-expires_at").values_list("expires_at", flat=True).first()


def _values(appointment_type: AppointmentType, slot: FreeSlot, address: str, until: datetime) -> dict[str, Any]:
    return {
        "therapist": slot.therapist,
        "appointment_type": appointment_type,
        "start": slot.start,
        "occupied_start": slot.start - appointment_type.buffer_before,
        "occupied_end": slot.end + appointment_type.buffer_after,
        "expires_at": until,
        "address": address,
    }


def _holds_enough(
    appointment_type: AppointmentType,
    slot: FreeSlot,
    visitor: str,
    address: str,
    zone: ZoneInfo,
    now: datetime,
) -> bool:
    """Return whether one more hold would be too many: nobody closes the diary by holding it."""
    # Whoever holds from the same address at this moment, with another therapist, is counted after this one.
    rate_limits.take_turn("hold", address)
    others = Hold.objects.filter(expires_at__gt=now).exclude(visitor=visitor)
    if others.filter(address=address).count() >= HOLDS_PER_ADDRESS:
        return True
    return free_time.keeping_takes_too_much(appointment_type, slot, visitor=visitor, zone=zone, now=now)


def forget_expired(*, now: datetime) -> None:
    """Delete the holds that ran out; they count no more, and this only tidies up."""
    Hold.objects.filter(expires_at__lte=now).delete()
