"""While very much is booked, a call without a key of the practice is answered with 202 until it is confirmed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from booking import by_mail
from booking.models import Appointment, AppointmentType, Unconfirmed
from tests.booking.api.caller import ELEVEN, Caller, booking, problem
from tests.booking.factories import AMSTERDAM
from tests.booking.steps import NOW, many_book

pytestmark = [pytest.mark.django_db, pytest.mark.engines]


@pytest.fixture(autouse=True)
def rush() -> Iterator[None]:
    with many_book():
        yield


def test_it_has_a_reference_and_a_term_and_no_token(call: Caller) -> None:
    asked = call.book()

    waits = Unconfirmed.objects.get()
    assert asked.status_code == 202
    assert asked.data == {
        "reference": str(waits.public_id),
        "state": "unconfirmed",
        "expires_at": "2026-11-20T13:05:00+01:00",
    }
    assert datetime.fromisoformat(asked.data["expires_at"]) > NOW + timedelta(hours=1)
    assert not Appointment.objects.exists()


def test_the_same_key_has_the_same_answer_and_another_one_once_it_is_confirmed(call: Caller) -> None:
    first, again = call.book(), call.book()

    appointment = by_mail.confirm(Unconfirmed.objects.get(), zone=AMSTERDAM, now=NOW)
    booked = call.book()

    assert (again.status_code, again.data) == (202, first.data)
    assert booked.status_code == 201
    assert booked.data["reference"] == first.data["reference"] == str(appointment.public_id)
    assert booked.data["token"]


def test_the_same_key_has_the_same_answer_when_the_type_was_withdrawn_since(call: Caller) -> None:
    first = call.book()
    AppointmentType.objects.update(visible=False)

    again = call.book()

    assert (again.status_code, again.data) == (202, first.data)


def test_another_body_under_the_same_key_is_a_conflict(call: Caller) -> None:
    call.book()

    assert problem(call.book(booking(start=ELEVEN))) == (422, "idempotency-conflict")
    assert Unconfirmed.objects.count() == 1


def test_the_time_is_kept_meanwhile(call: Caller) -> None:
    call.book()

    assert problem(call.book(booking(parent__email="mila@example.org"), key="other")) == (409, "slot-taken")


@pytest.mark.parametrize("mode", ["key", "open"])
def test_a_key_of_the_practice_books_at_once(call: Caller, settings: Settings, mode: str) -> None:
    settings.API_BOOKING, settings.API_KEYS = mode, ["the-key"]

    assert call.book(headers={"Authorization": "Bearer the-key"}).status_code == 201


def test_a_wrong_key_is_no_way_around_it(call: Caller, settings: Settings) -> None:
    settings.API_KEYS = ["the-key"]

    assert call.book(headers={"Authorization": "Bearer another"}).status_code == 202


def test_without_limits_nobody_is_asked(call: Caller, settings: Any) -> None:
    settings.RATE_LIMITS = False

    assert call.book().status_code == 201
