"""A clock that ran ahead for a moment and was set back: what was written meanwhile is done all the same."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from booking import by_mail, clock_ahead, erasure, free_time, notifications, rate_limits, tasks
from booking.models import (
    Actor,
    Appointment,
    AppointmentType,
    CalendarSource,
    Hold,
    Kind,
    Notification,
    NotificationState,
    RateCounter,
    State,
    Unconfirmed,
)
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_family,
    make_notification,
    make_practice,
    wall,
)
from tests.booking.steps import NOW, ask, book, hold

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

AHEAD = NOW + timedelta(days=3)


@pytest.fixture(autouse=True)
def mail_dir(settings: Any, tmp_path: Any) -> None:
    make_practice()
    settings.EMAIL_BACKEND, settings.MAIL_DIR = "practice.mail.EmlBackend", tmp_path


@pytest.fixture
def clock() -> Iterator[Any]:
    """A clock that runs three days ahead, until `clock.move_to(NOW)`."""
    with time_machine.travel(AHEAD, tick=False) as clock:
        yield clock


def test_a_booking_made_meanwhile_is_confirmed_at_once(consult: AppointmentType, clock: Any) -> None:
    book(consult, "2026-12-01 10:00", now=AHEAD)

    clock.move_to(NOW)
    tasks.sweep()

    by_kind = dict(Notification.objects.exclude(kind=Kind.REMINDER).values_list("kind", "state"))
    assert by_kind == {Kind.CONFIRMATION: NotificationState.SENT, Kind.NEW_BOOKING: NotificationState.SENT}
    # What is planned by the appointment's own time stays where it was.
    assert set(Notification.objects.filter(kind=Kind.REMINDER).values_list("state", flat=True)) == {"due"}


def test_every_mail_that_is_due_when_it_is_planned_is_so(clock: Any) -> None:
    planned_by_another_time = {Kind.REMINDER, Kind.OVERVIEW}

    assert set(clock_ahead._AT_ONCE) == set(Kind) - planned_by_another_time


def test_a_failed_mail_that_was_tried_again_meanwhile_goes_out(consult: AppointmentType, clock: Any) -> None:
    mail = make_notification(
        appointment=make_appointment(consult, start="2026-12-01 10:00"), state=NotificationState.FAILED
    )
    notifications.try_again(Notification.objects.filter(pk=mail.pk), now=AHEAD)

    clock.move_to(NOW)
    tasks.sweep()

    mail.refresh_from_db()
    assert mail.state == NotificationState.SENT


def test_a_time_that_was_held_meanwhile_is_free_again_within_minutes(consult: AppointmentType, clock: Any) -> None:
    hold(consult, "2026-12-01 10:00", now=AHEAD)

    clock.move_to(NOW)
    tasks.sweep()

    assert Hold.objects.get().expires_at <= NOW + timedelta(minutes=10)
    clock.shift(timedelta(minutes=11))
    day = wall("2026-12-01 10:00").date()
    found = free_time.search(
        consult, list(free_time.offering(consult)), day, day, zone=AMSTERDAM, now=NOW + timedelta(minutes=11)
    )
    assert wall("2026-12-01 10:00") in {slot.start for slot in found}


def test_what_waits_to_be_confirmed_waits_no_longer_than_it_may(consult: AppointmentType, clock: Any) -> None:
    Unconfirmed.objects.create(
        appointment_type=consult,
        start=wall("2026-12-01 10:00"),
        typed="{}",
        asked_at=AHEAD,
        expires_at=AHEAD + Unconfirmed.LONGEST_WAY,
    )

    clock.move_to(NOW)
    tasks.sweep()

    assert Unconfirmed.objects.get().expires_at == NOW + Unconfirmed.SOON + Unconfirmed.TERM


def test_a_calendar_is_read_on(consult: AppointmentType, clock: Any) -> None:
    therapist = consult.therapists.get()
    CalendarSource.objects.create(therapist=therapist, name="Thuis", url="https://x.example", due_at=AHEAD)
    soon = NOW + timedelta(minutes=59)
    CalendarSource.objects.create(therapist=therapist, name="Werk", url="https://x.example", due_at=soon)

    clock.move_to(NOW)
    tasks.sweep()

    assert dict(CalendarSource.objects.values_list("name", "due_at")) == {"Thuis": NOW, "Werk": soon}


def test_tries_that_were_counted_meanwhile_refuse_nobody(clock: Any) -> None:
    rate_limits.count(rate_limits.SIGN_IN, "somebody", now=AHEAD)

    clock.move_to(NOW)
    rate_limits.count(rate_limits.SIGN_IN, "somebody", now=NOW)
    tasks.sweep()

    assert RateCounter.objects.get().window_start <= NOW


def test_an_erasure_that_was_asked_for_meanwhile_does_not_wait(consult: AppointmentType, clock: Any) -> None:
    appointment = make_appointment(consult, start="2026-12-01 10:00")
    erasure.erase(appointment, by=Actor.PARENT, now=AHEAD)
    Notification.objects.update(state=NotificationState.DUE, due_at=NOW + timedelta(days=30), kind=Kind.REMINDER)

    clock.move_to(NOW)
    tasks.tidy()
    appointment.refresh_from_db()
    assert (appointment.erase_requested_at, appointment.cancelled_at) == (NOW, NOW)

    clock.move_to(NOW + erasure.LONGEST_WAIT)
    tasks.tidy()
    appointment.refresh_from_db()
    assert appointment.erased_at


def test_a_moment_that_may_lie_ahead_stays(consult: AppointmentType, clock: Any) -> None:
    clock.move_to(NOW)
    make_appointment(consult, start="2026-12-01 10:00", state=State.CANCELLED, cancelled_at=NOW)
    hold(consult, "2026-12-02 10:00", now=NOW)
    before = [list(model.objects.values()) for model in (Appointment, Hold)]

    clock_ahead.put_right(now=NOW - timedelta(minutes=4))
    clock_ahead.put_right_hourly(now=NOW - timedelta(minutes=4))

    assert [list(model.objects.values()) for model in (Appointment, Hold)] == before


def test_a_session_from_then_goes_and_others_stay(clock: Any) -> None:
    for moment in (AHEAD, NOW):
        clock.move_to(moment)
        SessionStore().save()

    tasks.tidy()

    assert Session.objects.get().expire_date == NOW + timedelta(hours=24)


def test_what_the_family_typed_is_unharmed(consult: AppointmentType, clock: Any) -> None:
    book(consult, "2026-12-01 10:00", family=make_family(remark="Slaapt slecht"), now=AHEAD)

    clock.move_to(NOW)
    tasks.sweep()
    tasks.tidy()

    assert Appointment.objects.get().remark == "Slaapt slecht"


@pytest.mark.parametrize("year", [1970, 2000, 2025])
def test_a_clock_that_is_far_behind_spoils_nothing(consult: AppointmentType, clock: Any, year: int) -> None:
    """A machine begins in 1970 until a time server answers."""
    clock.move_to(NOW)
    cancelled = make_appointment(consult, state=State.CANCELLED, cancelled_at=NOW)
    hold(consult, "2026-12-02 10:00")
    waits = ask(consult, "2026-12-03 10:00", visitor="mila")
    before = [Hold.objects.get(start=waits.start).expires_at, waits.expires_at]

    clock.move_to(datetime(year, 1, 1, tzinfo=UTC))
    tasks.sweep()
    tasks.tidy()
    clock.move_to(NOW)
    tasks.sweep()
    tasks.tidy()

    cancelled.refresh_from_db()
    waits.refresh_from_db()
    assert (cancelled.cancelled_at, cancelled.erased_at) == (NOW, None)
    assert waits.asked_at == NOW
    assert before[0] == before[1] == NOW + Unconfirmed.LONGEST_WAY
    assert by_mail.waiting(waits.public_id, now=NOW) == waits
