"""The therapist sees what came in at once, and cancels it with one button."""

from typing import Any

import pytest
import time_machine
from django.test import Client

from booking import history
from booking.models import (
    AccessEntry,
    Action,
    Actor,
    Appointment,
    AppointmentType,
    Kind,
    Notification,
    State,
    Therapist,
)
from tests.booking.factories import make_appointment, make_notification, make_practice, make_type, wall
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db

NOW = wall("2026-11-20 12:00")


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def consult(alice: Therapist, charlie: Therapist) -> AppointmentType:
    make_practice()
    return make_type(alice, charlie)


@pytest.fixture
def told(alice: Therapist) -> Notification:
    return make_notification(Kind.MANY_BOOKINGS, therapist=alice, due_at=NOW)


def booked(
    consult: AppointmentType, therapist: Therapist, start: str, at: str = "2026-11-20 11:30"
) -> Appointment:
    appointment = make_appointment(consult, therapist=therapist, start=start)
    history.record(appointment, Action.BOOKED, by=Actor.PARENT, at=wall(at))
    return appointment


def test_it_lists_what_came_in_within_the_hour_and_is_the_viewers(
    browsers: dict[str, Client], consult: AppointmentType, alice: Therapist, charlie: Therapist, told: Notification
) -> None:
    booked(consult, alice, "2026-12-01 10:00")
    booked(consult, alice, "2026-12-02 10:00", at="2026-11-20 10:59")
    booked(consult, charlie, "2026-12-03 10:00")

    hers, managers = (browsers[who].get(f"/en/agenda/drukte/{told.pk}/") for who in ("alice", "bob"))

    assert "1 December" in text(hers)
    assert "2 December" not in text(hers)
    assert "3 December" not in text(hers)
    assert "3 December" in text(managers)
    assert "between 11:00 and 12:00" in text(hers)
    assert AccessEntry.objects.filter(action="listed").count() == 3


def test_the_button_cancels_what_is_ticked_and_tells_the_families(
    browsers: dict[str, Client], consult: AppointmentType, alice: Therapist, told: Notification
) -> None:
    attack = [booked(consult, alice, f"2026-12-0{day} 10:00") for day in range(1, 5)]
    known = booked(consult, alice, "2026-12-07 10:00")

    done = browsers["alice"].post(
        f"/en/agenda/drukte/{told.pk}/", {"appointment": [one.public_id for one in attack]}, follow=True
    )

    assert "4 appointments are cancelled." in text(done)
    assert list(Appointment.objects.filter(state=State.CONFIRMED)) == [known]
    assert Notification.objects.filter(kind=Kind.CANCELLED, parent__isnull=False).count() == 4
    assert "None of them" not in text(browsers["alice"].get(f"/en/agenda/drukte/{told.pk}/"))


def test_a_colleagues_appointment_and_another_hours_are_not_cancelled_by_it(
    browsers: dict[str, Client], consult: AppointmentType, alice: Therapist, charlie: Therapist, told: Notification
) -> None:
    others = [
        booked(consult, charlie, "2026-12-03 10:00"),
        booked(consult, alice, "2026-12-04 10:00", at="2026-11-19 10:00"),
    ]

    browsers["alice"].post(f"/en/agenda/drukte/{told.pk}/", {"appointment": [one.public_id for one in others]})

    assert Appointment.objects.filter(state=State.CONFIRMED).count() == 2


def test_it_opens_for_whom_it_went_to_and_for_managers(
    browsers: dict[str, Client], consult: AppointmentType, alice: Therapist, told: Notification
) -> None:
    of_another_kind = make_notification(Kind.OVERVIEW, therapist=alice, local_day=NOW.date())
    statuses = {who: browser.get(f"/en/agenda/drukte/{told.pk}/").status_code for who, browser in browsers.items()}

    assert statuses == {"alice": 200, "bob": 200, "charlie": 404, "dana": 403, "anonymous": 302}
    assert browsers["bob"].get(f"/en/agenda/drukte/{of_another_kind.pk}/").status_code == 404
