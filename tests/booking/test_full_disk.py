"""On a full disk nothing is booked, a sentence says so, and it goes on once there is room."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection

from booking import access_log, rate_limits
from booking.errors import Busy, NoRoom
from booking.models import Actor, Appointment, AppointmentType, Notification, Parent, RateCounter
from tests.booking.factories import make_family
from tests.booking.steps import NOW, book

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engines]


def most_pages(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA max_page_count = {number}")


@pytest.mark.only("sqlite")
def test_a_booking_is_refused_whole_and_goes_through_when_there_is_room(consult: AppointmentType) -> None:
    # Longer than what may still be free in a page of the file.
    family = make_family(remark="x" * 400_000)
    most_pages(1)
    try:
        with pytest.raises(NoRoom):
            book(consult, "2026-12-01 10:00", family=family)
    finally:
        most_pages(1 << 30)
    assert not any(model.objects.exists() for model in (Appointment, Parent, Notification))

    assert book(consult, "2026-12-01 10:00", family=family).pk


def full(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
    """Answer each INSERT as PostgreSQL does whose disk is full."""
    if not sql.startswith("INSERT"):
        return execute(sql, *rest)
    cause = Exception("could not extend file")
    cause.sqlstate = "53100"  # type: ignore[attr-defined]
    raise OperationalError from cause


def test_what_counts_and_what_writes_down_say_the_same(consult: AppointmentType) -> None:
    with connection.execute_wrapper(full):
        with pytest.raises(NoRoom):
            book(consult, "2026-12-01 10:00")
        with pytest.raises(NoRoom):
            rate_limits.count(rate_limits.SIGN_IN, "somebody", now=NOW)
        with pytest.raises(NoRoom):
            access_log.record("seen", [None], by=Actor.THERAPIST, at=NOW)
    assert not RateCounter.objects.exists()

    assert book(consult, "2026-12-01 10:00").pk


def test_it_is_answered_as_what_passes(consult: AppointmentType) -> None:
    assert issubclass(NoRoom, Busy)
    assert str(NoRoom()) != str(Busy())
