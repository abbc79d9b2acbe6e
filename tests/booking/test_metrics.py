"""What Prometheus reads about mail and calendars, in its own text format."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries

from booking import calendars, keys, metrics, readiness
from booking.models import CalendarSource, FetchFailure, Kind, NotificationState, Therapist
from tests.booking.factories import make_appointment, make_notification
from tests.booking.steps import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.engines]


def read() -> dict[tuple[str, ...], float]:
    """Return every value that is not nought by its name and labels, in the order of the labels' names."""
    families = text_string_to_metric_families(metrics.exposition(now=NOW).decode())
    return {
        (sample.name.removeprefix("kennismaking_"), *(sample.labels[name] for name in sorted(sample.labels))): (
            sample.value
        )
        for family in families
        for sample in family.samples
        # What this process counted since it began, other tests' deeds among it, is read elsewhere.
        if sample.value and sample.name.startswith("kennismaking_") and not re.search("request|deeds", sample.name)
    }


def test_an_empty_practice_has_a_database_and_nothing_else() -> None:
    assert read() == {("database_up",): 1}


def test_the_last_sweep_is_told_once_there_was_one() -> None:
    keys.remember()
    readiness.swept(now=NOW - timedelta(seconds=90))

    assert read() == {("database_up",): 1, ("last_sweep_seconds",): 90}


def test_mail_is_counted_by_kind_and_state(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    appointment = make_appointment(start="2026-12-01 14:00")
    owed: list[dict[str, Any]] = [
        {"due_at": NOW - timedelta(minutes=5)},
        {"due_at": NOW - timedelta(hours=2), "retry_at": NOW + timedelta(minutes=1)},
        {"due_at": NOW + timedelta(days=1), "kind": Kind.REMINDER},
        {"due_at": NOW - timedelta(days=20), "state": NotificationState.FAILED},
        {"due_at": NOW - timedelta(hours=3), "state": NotificationState.SENT, "sent_at": NOW},
        {"due_at": NOW - timedelta(days=2), "state": NotificationState.SENT, "sent_at": NOW},
    ]
    for fields in owed:
        make_notification(**{"kind": Kind.CONFIRMATION, "appointment": appointment, **fields})

    with django_assert_num_queries(6):
        found = read()

    assert found == {
        ("notifications_open", "confirmation", "due"): 2,
        ("notifications_open", "confirmation", "failed"): 1,
        ("notifications_day", "confirmation", "due"): 2,
        ("notifications_day", "confirmation", "sent"): 1,
        # The one that a mail server keeps refusing is the oldest; the one that nobody takes is another.
        ("oldest_due_seconds",): 2 * 3600,
        ("oldest_unclaimed_seconds",): 5 * 60,
        ("database_up",): 1,
    }


def test_calendars_that_fail_are_counted(alice: Therapist) -> None:
    for name in ("own", "work"):
        calendars.add(alice, name=name, url=f"https://calendars.example/{name}.ics", now=NOW)
    CalendarSource.objects.filter(name="own").update(failure=FetchFailure.REFUSED, failing_since=NOW)

    assert read() == {("calendars",): 2, ("calendars_failing",): 1, ("database_up",): 1}


def test_a_database_without_its_tables_is_said_to_be_away() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE booking_notification RENAME TO booking_elsewhere")
    try:
        assert ("database_up",) not in read()
    finally:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE booking_elsewhere RENAME TO booking_notification")
