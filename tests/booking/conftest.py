from datetime import timedelta

import pytest

from booking.models import AppointmentType, Therapist
from tests.booking.factories import make_hours, make_practice, make_therapist, make_type


@pytest.fixture
def alice() -> Therapist:
    """A therapist who works every morning from nine to twelve."""
    make_practice()
    alice = make_therapist(name="Alice")
    make_hours(alice, start="09:00", end="12:00")
    return alice


@pytest.fixture
def consult(alice: Therapist) -> AppointmentType:
    """An hour with Alice, on the hour."""
    return make_type(alice, step=timedelta(hours=1))
