"""The lock, the second look and the write: what a second connection does meanwhile, on both engines."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event
from typing import Any, Protocol

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, ProgrammingError, connection, transaction

from booking import by_hand, claims
from booking.appointments import Request
from booking.errors import Busy, IdempotencyConflict, OutsideBookingWindow, SlotTaken
from booking.models import Appointment, AppointmentType, Hold, Kind, State, Therapist
from tests.booking.accounts import make_account
from tests.booking.elsewhere import PATIENCE, elsewhere, impatient, meanwhile
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_family,
    make_hours,
    make_notification,
    make_therapist,
    wall,
)
from tests.booking.steps import NOW, book

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engines]

TEN = wall("2026-12-01 10:00")
SAME = Request(key="k", body="b")


class Verb(Protocol):
    def __call__(self, consult: AppointmentType, account: User, request: Request | None = None) -> Appointment: ...


def as_parent(consult: AppointmentType, account: User, request: Request | None = None) -> Appointment:
    return book(consult, "2026-12-01 10:00", request=request)


def by_phone(
    consult: AppointmentType, account: User, request: Request | None = None, start: datetime = TEN
) -> Appointment:
    return by_hand.book(
        consult,
        Therapist.objects.get(name="Alice"),
        start,
        family=make_family(),
        wants_mail=True,
        account=account,
        zone=AMSTERDAM,
        now=NOW,
        request=request,
    )


def an_hour_later(consult: AppointmentType, account: User, request: Request | None = None) -> Appointment:
    return by_phone(consult, account, request and replace(request, body="another"), TEN + timedelta(hours=1))


VERBS = pytest.mark.parametrize("verb", [as_parent, by_phone])


@VERBS
def test_what_was_claimed_while_it_waited_for_the_lock_is_taken(consult: AppointmentType, verb: Verb) -> None:
    account, waits = make_account("alice@praktijk.example"), Event()

    def tell(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("BEGIN") or "FOR NO KEY UPDATE" in sql:
            waits.set()
        return execute(sql, *rest)

    def claim() -> Appointment:
        with connection.execute_wrapper(tell):
            return verb(consult, account)

    with ExitStack() as there:
        with transaction.atomic():
            therapist = Therapist.objects.select_for_update().get()
            claimed = there.enter_context(elsewhere(claim))
            assert waits.wait(PATIENCE), "it took no lock"
            # A hold is guarded by the lock alone: no constraint would notice.
            Hold.objects.create(
                therapist=therapist,
                appointment_type=consult,
                start=TEN,
                occupied_start=TEN,
                occupied_end=TEN + timedelta(hours=1),
                expires_at=NOW + timedelta(minutes=10),
                visitor="piet",
                address="school",
            )

        with pytest.raises(SlotTaken):
            claimed.result(PATIENCE)
    assert not Appointment.objects.exists()


@VERBS
def test_a_lock_that_comes_too_late_is_called_busy(consult: AppointmentType, verb: Verb) -> None:
    account = make_account("alice@praktijk.example")

    with meanwhile(lambda: Therapist.objects.select_for_update().get()), impatient(), pytest.raises(Busy):
        verb(consult, account)

    assert not Appointment.objects.exists()


def test_what_got_past_the_lock_meets_the_guard_and_whoever_is_free_gets_it(consult: AppointmentType) -> None:
    alice = consult.therapists.get()

    def another_program_first() -> Callable[..., Any]:
        intruders: list[Appointment] = []

        def intrude(execute: Any, sql: str, *rest: Any) -> Any:
            if sql.startswith('INSERT INTO "booking_appointment"') and not intruders:
                intruders.append(Appointment())
                make_appointment(consult, therapist=alice, start="2026-12-01 10:30")
            return execute(sql, *rest)

        return intrude

    with connection.execute_wrapper(another_program_first()), pytest.raises(SlotTaken):
        book(consult, "2026-12-01 10:00")
    bob = make_therapist(name="Bob")
    make_hours(bob, start="09:00", end="12:00")
    consult.therapists.add(bob)
    with connection.execute_wrapper(another_program_first()):
        assert book(consult, "2026-12-01 10:00").therapist == bob


@pytest.mark.parametrize(
    ("verb", "other"),
    [(as_parent, as_parent), (by_phone, by_phone), (by_phone, an_hour_later)],
    ids=["a parent", "by phone", "by phone, and another time meanwhile"],
)
def test_two_clicks_at_once_make_one_appointment(consult: AppointmentType, verb: Verb, other: Verb) -> None:
    account, waits, there = make_account("alice@praktijk.example"), Event(), ExitStack()
    bob = make_therapist(name="Bob")
    make_hours(bob, start="09:00", end="12:00")
    consult.therapists.add(bob)
    clicks: list[Future[Appointment]] = []

    def tell(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("BEGIN") or "FOR NO KEY UPDATE" in sql:
            waits.set()
        return execute(sql, *rest)

    def second() -> Appointment:
        with connection.execute_wrapper(tell):
            return other(consult, account, SAME)

    def click_again(execute: Any, sql: str, *rest: Any) -> Any:
        written = execute(sql, *rest)
        if sql.startswith('INSERT INTO "booking_appointment"'):
            clicks.append(there.enter_context(elsewhere(second)))
            assert waits.wait(PATIENCE)
        return written

    with there, connection.execute_wrapper(click_again):
        first = verb(consult, account, SAME)
        if verb is other:
            assert clicks[0].result(PATIENCE) == first
        else:
            with pytest.raises(IdempotencyConflict):
                clicks[0].result(PATIENCE)
    assert Appointment.objects.count() == 1


def test_who_left_while_it_waited_for_the_lock_is_not_booked(consult: AppointmentType) -> None:
    def leave(execute: Any, sql: str, *rest: Any) -> Any:
        if "FOR NO KEY UPDATE" in sql:
            Therapist.objects.update(active=False)
        begun = execute(sql, *rest)
        if sql.startswith("BEGIN"):
            Therapist.objects.update(active=False)
        return begun

    with connection.execute_wrapper(leave), pytest.raises(OutsideBookingWindow):
        book(consult, "2026-12-01 10:00")


def test_what_is_confirmed_outlives_a_power_cut_and_nobody_waits_for_ever(consult: AppointmentType) -> None:
    promised = {"PRAGMA synchronous": 2, "PRAGMA journal_mode": "wal", "PRAGMA busy_timeout": 3000}
    if connection.vendor == "postgresql":
        promised = {"SHOW synchronous_commit": "on", "SHOW lock_timeout": "3s"}
    with connection.cursor() as cursor:
        kept = {question: cursor.execute(question).fetchone()[0] for question in promised}

    assert kept == promised


@pytest.mark.only("sqlite")
def test_the_one_lock_of_sqlite_is_taken_when_a_transaction_begins(consult: AppointmentType) -> None:
    locked = pytest.raises(OperationalError, match="locked")
    with meanwhile(Therapist.objects.exists), impatient(), locked, transaction.atomic():
        pass


def test_a_claim_is_never_part_of_a_longer_transaction(consult: AppointmentType) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        book(consult, "2026-12-01 10:00")


@pytest.mark.only("postgresql")
@pytest.mark.parametrize(
    ("code", "expected"),
    [("40001", Busy), ("40P01", Busy), ("55P03", Busy), ("57014", OperationalError)],
    ids=["serialization failure", "deadlock", "lock not available", "query cancelled"],
)
def test_only_those_in_the_way_are_called_busy(code: str, expected: type[Exception]) -> None:
    with pytest.raises(expected), claims.transacting(), connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$")


def test_an_error_that_is_no_overlap_stays_what_it_is() -> None:
    appointment = make_appointment()

    with pytest.raises(IntegrityError), claims.transacting():
        Appointment.objects.filter(pk=appointment.pk).update(end=appointment.start, sequence=1)


def test_a_database_that_fails_otherwise_is_not_called_busy() -> None:
    with pytest.raises((OperationalError, ProgrammingError)), claims.transacting(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")


def test_who_books_and_who_cancels_at_once_do_not_lock_each_other_out(consult: AppointmentType) -> None:
    appointment, waits = make_appointment(consult, start="2026-12-01 09:00"), Event()

    def tell(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith(("BEGIN", 'INSERT INTO "booking_appointment"')):
            waits.set()
        return execute(sql, *rest)

    def claim() -> Appointment:
        with connection.execute_wrapper(tell):
            return book(consult, "2026-12-01 10:00")

    with ExitStack() as there:
        with transaction.atomic():
            # What a cancellation does: the version is renewed first, and then a mail points at the therapist.
            Appointment.objects.filter(pk=appointment.pk).update(
                state=State.CANCELLED, cancelled_at=NOW, cancelled_by="parent", sequence=1
            )
            booked = there.enter_context(elsewhere(claim))
            assert waits.wait(PATIENCE), "it began nothing"
            make_notification(Kind.NEW_BOOKING, appointment=appointment, therapist=appointment.therapist)

        assert booked.result(PATIENCE).start == TEN
