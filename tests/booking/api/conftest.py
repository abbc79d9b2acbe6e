"""A practice with one therapist, the first consult, and a caller of the API, on a Friday in November 2026."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from booking.models import AppointmentType, Therapist
from tests.booking.api.caller import Caller
from tests.booking.factories import make_hours, make_practice, make_therapist, make_type, wall


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(wall("2026-11-20 12:00"), tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def open_for_all(settings: Settings) -> None:
    settings.API_BOOKING = "open"


@pytest.fixture
def alice() -> Therapist:
    make_practice()
    alice = make_therapist(name="Alice", slug="alice")
    make_hours(alice, start="09:00", end="12:00")
    return alice


@pytest.fixture(autouse=True)
def consult(alice: Therapist) -> AppointmentType:
    return make_type(alice, slug="eerste-afspraak", step=timedelta(hours=1), horizon_days=90)


@pytest.fixture
def call(client: Client) -> Caller:
    return Caller(client)
