"""What a test of the domain does again and again, on the wall clock of Amsterdam and on one Friday noon."""

from datetime import date
from typing import Any

from booking import appointments, free_time, holds
from booking.models import Actor, Appointment, AppointmentType, Hold
from tests.booking.factories import AMSTERDAM, make_family, wall

NOW = wall("2026-11-20 12:00")
TUESDAY = date(2026, 12, 1)


def free(
    appointment_type: AppointmentType, first: date = TUESDAY, last: date | None = None, **kw: Any
) -> list[str]:
    found = free_time.free_slots(appointment_type, first, last or first, zone=AMSTERDAM, **{"now": NOW, **kw})
    return [f"{slot.start.astimezone(AMSTERDAM):%H:%M}" for slot in found]


def book(appointment_type: AppointmentType, start: str, **kw: Any) -> Appointment:
    return appointments.book(
        appointment_type, wall(start), **{"family": make_family(), "zone": AMSTERDAM, "now": NOW, **kw}
    )


def hold(appointment_type: AppointmentType, start: str, visitor: str = "noor", **kw: Any) -> Hold | None:
    return holds.hold(
        appointment_type,
        wall(start),
        **{"visitor": visitor, "address": "home", "zone": AMSTERDAM, "now": NOW, **kw},
    )


def move(appointment: Appointment, start: str, **kw: Any) -> Appointment:
    return appointments.reschedule(
        appointment, wall(start), **{"by": Actor.PARENT, "zone": AMSTERDAM, "now": NOW, **kw}
    )
