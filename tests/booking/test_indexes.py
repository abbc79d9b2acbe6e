"""The indexes fit the queries: of years of appointments and mails none is read that is not asked for."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking import agenda, agenda_days, appointments, erasure, feed, free_time, metrics, notifications, outbox
from booking.models import (
    Actor,
    AgeBand,
    Appointment,
    AppointmentType,
    Kind,
    Notification,
    NotificationState,
    Parent,
    State,
    Therapist,
)
from practice.models import Practice
from tests.booking.factories import AMSTERDAM, make_appointment, make_notification, make_therapist, make_type
from tests.booking.steps import NOW, TUESDAY, book

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

PAST = 3_000
LARGE = {"booking_appointment", "booking_notification", "booking_parent"}


@pytest.fixture
def consult(alice: Therapist) -> AppointmentType:
    """What Alice offers, after years in which she and two others saw three thousand families."""
    consult = make_type(alice)
    therapists = [alice, make_therapist(), make_therapist()]
    erased, hour = NOW - timedelta(days=40), timedelta(hours=1)
    past = [
        Appointment(
            appointment_type=consult,
            therapist=therapists[number % 3],
            start=erased - number * hour,
            end=erased - (number - 1) * hour,
            occupied_start=erased - number * hour,
            occupied_end=erased - (number - 1) * hour,
            place=consult.place,
            change_notice=consult.change_notice,
            state=State.ATTENDED,
            outcome_at=erased,
            created_at=erased - number * hour,
            changed_at=erased,
            age_band=AgeBand.UNDER_12,
            erased_at=erased,
        )
        for number in range(1, PAST)
    ]
    Appointment.objects.bulk_create(past, batch_size=1000)
    parents = [Parent(appointment=appointment, email_hash=uuid4().hex) for appointment in past]
    Parent.objects.bulk_create(parents, batch_size=1000)
    Notification.objects.bulk_create(
        [
            Notification(
                key=uuid4().hex,
                kind=Kind.REMINDER,
                appointment=parent.appointment,
                parent=parent,
                due_at=parent.appointment.start,
                state=NotificationState.SENT,
                sent_at=parent.appointment.start,
                message_id=uuid4().hex,
            )
            for parent in parents
        ],
        batch_size=1000,
    )
    if connection.vendor == "postgresql":
        # As its autovacuum does by itself; nobody does so for SQLite.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    return consult


def read_whole(sql: str) -> set[str]:
    """Return the large tables that the statement `sql` would read from end to end."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            scans = [re.fullmatch(r"SCAN (\w+)", row[3]) for row in cursor.fetchall()]
            return LARGE & {scan[1] for scan in scans if scan}
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        (found,) = cursor.fetchone()
        plan = found if isinstance(found, list) else json.loads(found)
        return LARGE & {
            node["Relation Name"] for node in _nodes(plan[0]["Plan"]) if node["Node Type"] == "Seq Scan"
        }


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)


def test_no_query_reads_the_past(consult: AppointmentType, alice: Therapist) -> None:
    appointment = book(consult, "2026-12-01 10:00")
    later = make_appointment(consult, start="2026-12-02 10:00")
    make_notification(Kind.CONFIRMATION, appointment=later, due_at=NOW)
    parent = appointment.parents.get()
    zone, practice = AMSTERDAM, Practice.load()
    queries: dict[str, Callable[[], Any]] = {
        "slots of a day": lambda: free_time.free_slots(consult, TUESDAY, TUESDAY, zone=zone, now=NOW),
        "slots of a horizon": lambda: free_time.free_slots(
            consult, NOW.date(), NOW.date() + timedelta(days=60), zone=zone, now=NOW
        ),
        "agenda of a week": lambda: agenda_days.days(
            [alice], TUESDAY, TUESDAY + timedelta(days=6), zone=zone, now=NOW, language="nl"
        ),
        "agenda of a month": lambda: agenda_days.month(
            [alice], TUESDAY, TUESDAY + timedelta(days=30), zone=zone, language="nl"
        ),
        "coming": lambda: list(agenda.coming(Appointment.objects.filter(therapist=alice), zone=zone, now=NOW)),
        "a page of the past": lambda: list(
            agenda.past(Appointment.objects.filter(therapist=alice), zone=zone, now=NOW)[:50]
        ),
        "feed": lambda: feed.feed(alice, practice, now=NOW),
        "overviews": lambda: notifications.plan_overviews(zone=zone, now=NOW),
        "claim": lambda: outbox._claim(NOW),
        "family by mail address": lambda: list(Parent.objects.filter(email_hash="x")),
        "appointment by link": lambda: Parent.objects.select_related("appointment").get(
            public_id=parent.public_id
        ),
        "repeated request": lambda: appointments.made_before(appointments.Request("k", "b"), NOW),
        "idempotency keys": lambda: appointments.forget_idempotency_keys(now=NOW),
        "erasure": lambda: erasure.erase_past_term(now=NOW),
        "metrics": lambda: metrics.exposition(now=NOW),
        "cancel": lambda: appointments.cancel(appointment, by=Actor.PARENT, now=NOW),
    }

    read: dict[str, set[str]] = {}
    for name, query in queries.items():
        with CaptureQueriesContext(connection) as captured:
            query()
        statements = [one["sql"] for one in captured.captured_queries]
        read[name] = set()
        for sql in statements:
            if sql.startswith(("SELECT", "(SELECT", "UPDATE")):
                read[name] |= read_whole(sql)

    assert {name: tables for name, tables in read.items() if tables} == {}
