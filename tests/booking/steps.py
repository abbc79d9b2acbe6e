"""What a test of the domain does again and again, on the wall clock of Amsterdam and on one Friday noon."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from unittest.mock import patch

from django.test import override_settings

from booking import appointments, by_mail, free_time, holds, surge
from booking.appointments import Request
from booking.models import Actor, Appointment, AppointmentType, Hold, Unconfirmed
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


@contextmanager
def many_book() -> Iterator[None]:
    """Let every booking of a visitor be one that has to be confirmed."""
    with patch.object(surge, "FEW_OF_NETWORK", 0), override_settings(CONFIRM_NETWORK_SHARE=0):
        yield


def book_or_ask(appointment_type: AppointmentType, start: str, **kw: Any) -> Appointment | Unconfirmed:
    """Book as a visitor does, who may be asked to confirm first."""
    return by_mail.book(
        appointment_type,
        wall(start),
        **{
            "family": make_family(),
            "visitor": "",
            "networks": ["192.0.2.1"],
            "address": "home",
            "request": Request(key="a-key", body="the form"),
            "zone": AMSTERDAM,
            "now": NOW,
            **kw,
        },
    )


def ask(appointment_type: AppointmentType, start: str, key: str = "a-key", **kw: Any) -> Unconfirmed:
    """Book while so much is booked that it has to be confirmed, and return what waits for that."""
    with many_book():
        waits = book_or_ask(appointment_type, start, **{"request": Request(key=key, body="the form"), **kw})
    assert isinstance(waits, Unconfirmed)
    return waits


def move(appointment: Appointment, start: str, **kw: Any) -> Appointment:
    return appointments.reschedule(
        appointment, wall(start), **{"by": Actor.PARENT, "zone": AMSTERDAM, "now": NOW, **kw}
    )
