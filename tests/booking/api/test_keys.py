"""Who may book through the API."""

import pytest
from pytest_django import Settings

from booking.models import Appointment
from tests.booking.api.caller import ELEVEN, Caller, booking, problem

pytestmark = pytest.mark.django_db

ONE_DAY = {"appointment_type": "eerste-afspraak", "from": "2026-12-01", "until": "2026-12-01"}


class TestKeys:
    """Who may book, where the practice asks for an integration key."""

    @pytest.fixture(autouse=True)
    def keys(self, settings: Settings) -> None:
        settings.API_BOOKING, settings.API_KEYS = "key", ["first-key", "second-key", ""]

    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic first-key", "Bearer first-key2", "Bearer é"]
    )
    def test_book_needs_one(self, call: Caller, header: str) -> None:
        refused = call.book(headers={"Authorization": header} if header else {})

        assert problem(refused) == (401, "key-required")
        assert refused["WWW-Authenticate"] == "Bearer"
        assert not Appointment.objects.exists()

    @pytest.mark.parametrize("key", ["first-key", "second-key"])
    def test_book_with_one(self, call: Caller, key: str) -> None:
        assert call.book(headers={"Authorization": f"Bearer {key}"}).status_code == 201

    def test_same_idempotency_key_of_two_integrations_is_two_requests(self, call: Caller) -> None:
        first = call.book(headers={"Authorization": "Bearer first-key"})
        second = call.book(booking(start=ELEVEN), headers={"Authorization": "Bearer second-key"})

        assert (first.status_code, second.status_code) == (201, 201)
        assert first.data["token"] != second.data["token"]

    def test_without_any_key_nobody_books(self, call: Caller, settings: Settings) -> None:
        settings.API_KEYS = []

        assert problem(call.book(headers={"Authorization": "Bearer "})) == (401, "key-required")

    def test_reading_and_the_token_need_none(self, call: Caller) -> None:
        token = call.book(headers={"Authorization": "Bearer first-key"}).data["token"]

        assert call.get("slots", ONE_DAY).status_code == 200
        assert call.post(f"appointments/{token}/cancel").status_code == 200


def test_book_where_it_is_switched_off(call: Caller, settings: Settings) -> None:
    settings.API_BOOKING = "off"

    assert problem(call.book()) == (403, "booking-off")
    assert call.get("slots", ONE_DAY).status_code == 200
