"""What can be booked, and when: reading without booking."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking.models import AppointmentType, Therapist
from practice.translations import Translated
from tests.booking.api.caller import ELEVEN, TEN, Caller, problem, wrong_fields
from tests.booking.factories import make_appointment, make_hours, make_therapist, make_type, wall

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

ONE_DAY = {"appointment_type": "eerste-afspraak", "from": "2026-12-01", "until": "2026-12-01"}


def test_appointment_types_in_the_callers_language(
    call: Caller, alice: Therapist, consult: AppointmentType
) -> None:
    consult.description = Translated(nl="Zonder verplichting.", en="No obligation.")
    consult.save(update_fields=["description"])
    make_type(alice, visible=False)
    make_type()

    dutch, english = (
        call.get("appointment-types"),
        call.get("appointment-types", headers={"Accept-Language": "en-GB,en"}),
    )

    assert dutch.data == [
        {
            "slug": "eerste-afspraak",
            "name": "Eerste afspraak",
            "description": "Zonder verplichting.",
            "duration_minutes": 60,
            "places": ["practice"],
        }
    ]
    assert english.data[0]["name"] == "First consultation"
    assert (dutch["Content-Language"], english["Content-Language"]) == ("nl", "en")
    assert "Accept-Language" in dutch["Vary"]


def test_slots_of_a_day(call: Caller) -> None:
    slots = call.get("slots", ONE_DAY)

    assert slots.status_code == 200
    assert slots.data["time_zone"] == "Europe/Amsterdam"
    assert slots.data["slots"] == [
        {"start": "2026-12-01T09:00:00+01:00", "end": TEN, "therapist": "alice"},
        {"start": TEN, "end": ELEVEN, "therapist": "alice"},
        {"start": ELEVEN, "end": "2026-12-01T12:00:00+01:00", "therapist": "alice"},
    ]


def test_slots_over_the_change_of_the_clock_keep_the_wall_time(call: Caller, clock: Any) -> None:
    clock.move_to(wall("2027-03-20 12:00"))

    slots = call.get("slots", ONE_DAY | {"from": "2027-03-27", "until": "2027-03-28"}).data["slots"]

    assert [slot["start"] for slot in slots][::3] == ["2027-03-27T09:00:00+01:00", "2027-03-28T09:00:00+02:00"]


def test_slots_of_one_therapist(call: Caller, consult: AppointmentType) -> None:
    bob = make_therapist(slug="bob")
    make_hours(bob, start="09:00", end="10:00")
    consult.therapists.add(bob)

    everyone = call.get("slots", ONE_DAY).data["slots"]
    only_bob = call.get("slots", ONE_DAY | {"therapist": "bob"}).data["slots"]

    assert [slot["therapist"] for slot in everyone] == ["alice", "bob", "alice", "alice"]
    assert [slot["therapist"] for slot in only_bob] == ["bob"]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"from": "2026-12-02"}, {"until"}),
        ({"until": "2027-02-01"}, {"until"}),
        ({"from": "2026-11-31"}, {"from"}),
        ({"until": "1796083200"}, {"until"}),
        ({"from": "2026-12-01T09:00"}, {"from"}),
        ({"from": "", "until": "9999-99-99"}, {"from", "until"}),
        ({"appointment_type": "\x00"}, {"appointment_type"}),
        ({"therapist": "al ice"}, {"therapist"}),
    ],
)
def test_slots_of_days_that_cannot_be_are_invalid(call: Caller, query: dict[str, str], fields: set[str]) -> None:
    assert wrong_fields(call.get("slots", ONE_DAY | query)) == fields


def test_slots_need_days_and_type(call: Caller) -> None:
    assert wrong_fields(call.get("slots")) == {"appointment_type", "from", "until"}


@pytest.mark.parametrize(
    ("first", "last"), [("2026-12-01", "2027-01-31"), ("0001-01-01", "0001-01-02"), ("9999-12-31",) * 2]
)
def test_slots_of_up_to_62_days_anywhere_in_the_calendar(call: Caller, first: str, last: str) -> None:
    assert call.get("slots", ONE_DAY | {"from": first, "until": last}).status_code == 200


def test_slots_of_what_is_not_offered_are_not_found(call: Caller, alice: Therapist) -> None:
    make_type(alice, slug="hidden", visible=False)
    make_therapist(slug="bob")

    assert problem(call.get("slots", ONE_DAY | {"appointment_type": "hidden"})) == (404, "not-found")
    assert problem(call.get("slots", ONE_DAY | {"appointment_type": "unknown"})) == (404, "not-found")
    assert problem(call.get("slots", ONE_DAY | {"therapist": "bob"})) == (404, "not-found")
    assert problem(call.get("slots", ONE_DAY | {"therapist": "unknown"})) == (404, "not-found")


def test_slots_cost_as_many_queries_for_62_days_as_for_one(call: Caller, consult: AppointmentType) -> None:
    for day in range(1, 15):
        make_appointment(consult, start=f"2026-12-{day:02} 10:00")
    call.get("slots", ONE_DAY)
    spans = [("2026-12-02", "2026-12-02"), ("2026-12-01", "2027-01-31")]
    counted = []
    for first, last in spans:
        with CaptureQueriesContext(connection) as queries:
            call.get("slots", ONE_DAY | {"from": first, "until": last})
        counted.append(len(queries))

    # The rate limit's three, versions, claims; the diary of December is known already, that of January is not.
    assert counted == [5, 6]
