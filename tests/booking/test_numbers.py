"""The numbers: what became of appointments, counted by the day they are on."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking import diary, numbers
from booking.intervals import Interval
from booking.models import AppointmentType, State, Therapist
from booking.numbers import Numbers
from tests.booking.factories import AMSTERDAM, make_appointment, make_hours, make_therapist, make_type, wall

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

# A Wednesday.
NOW = wall("2026-11-25 12:00")


@pytest.fixture
def alice() -> Therapist:
    """She works on Mondays, from nine to five."""
    therapist = make_therapist()
    make_hours(therapist, 0)
    return therapist


@pytest.fixture
def consult(alice: Therapist) -> AppointmentType:
    return make_type(alice)


def counted(*therapists: Therapist, by: Any = "week") -> list[Numbers]:
    return numbers.numbers(
        [Therapist.objects.get(pk=therapist.pk) for therapist in therapists], by, zone=AMSTERDAM, now=NOW
    )


def done(state: State) -> dict[str, Any]:
    return (
        {"state": state, "outcome_at": NOW} if state != State.CANCELLED else {"state": state, "cancelled_at": NOW}
    )


def test_twelve_weeks_end_with_this_one(alice: Therapist) -> None:
    found = counted(alice)

    assert len(found) == 12
    assert (found[0].first, found[0].last) == (date(2026, 9, 7), date(2026, 9, 13))
    assert (found[-1].first, found[-1].last) == (date(2026, 11, 23), date(2026, 11, 29))


def test_twelve_months_end_with_this_one(alice: Therapist) -> None:
    found = counted(alice, by="month")

    assert len(found) == 12
    assert (found[0].first, found[0].last) == (date(2025, 12, 1), date(2025, 12, 31))
    assert (found[2].first, found[2].last) == (date(2026, 2, 1), date(2026, 2, 28))
    assert (found[-1].first, found[-1].last) == (date(2026, 11, 1), date(2026, 11, 30))


def test_each_is_counted_by_what_became_of_it(alice: Therapist, consult: AppointmentType) -> None:
    for hour, state in enumerate([State.ATTENDED, State.ATTENDED, State.NO_SHOW, State.CANCELLED], start=9):
        make_appointment(consult, start=f"2026-11-23 {hour:02}:00", **done(state))
    make_appointment(consult, start="2026-11-23 13:00")

    last = counted(alice)[-1]
    assert (last.booked, last.kept, last.no_show, last.cancelled, last.open) == (5, 2, 1, 1, 1)
    assert sum(row.booked for row in counted(alice)[:-1]) == 0


def test_a_day_is_a_day_of_the_practice(alice: Therapist, consult: AppointmentType) -> None:
    make_appointment(consult, start="2026-11-23 00:30")
    make_appointment(consult, start="2026-11-22 23:30")

    assert [row.booked for row in counted(alice)[-2:]] == [1, 1]


def test_the_lead_is_the_one_in_the_middle_without_the_cancelled(
    alice: Therapist, consult: AppointmentType
) -> None:
    for hour, days in enumerate([1, 3, 30], start=9):
        start = wall(f"2026-11-23 {hour:02}:00")
        make_appointment(consult, start=f"2026-11-23 {hour:02}:00", created_at=start - timedelta(days=days))
    make_appointment(
        consult, start="2026-11-23 13:00", created_at=wall("2026-05-01 00:00"), **done(State.CANCELLED)
    )

    assert counted(alice)[-1].lead_days == 3
    assert counted(alice)[-2].lead_days is None


def test_use_is_what_was_taken_of_what_was_offered(alice: Therapist, consult: AppointmentType) -> None:
    make_appointment(consult, start="2026-11-23 09:00")
    make_appointment(consult, start="2026-11-23 11:00", **done(State.CANCELLED))
    assert counted(alice)[-1].used == 12

    # Half of the day off: one hour of four.
    diary.add_time_off(alice, Interval(wall("2026-11-23 13:00"), wall("2026-11-23 17:00")))
    assert counted(alice)[-1].used == 25

    # Outside the hours: nothing of what was offered.
    make_appointment(consult, start="2026-11-24 09:00")
    assert counted(alice)[-1].used == 25


def test_where_nothing_was_offered_there_is_no_use(alice: Therapist) -> None:
    assert counted(make_therapist())[-1].used is None
    assert counted(alice)[-1].used == 0


def test_the_past_keeps_the_hours_it_had(alice: Therapist, consult: AppointmentType) -> None:
    make_appointment(consult, start="2026-11-16 09:00", **done(State.ATTENDED))
    (hours,) = diary.working_hours(alice, AMSTERDAM)
    assert hours.id is not None
    diary.end_working_hours(alice, hours.id, date(2026, 11, 23), AMSTERDAM)

    assert [row.used for row in counted(alice)[-2:]] == [12, None]


def test_therapists_are_added_up_and_a_colleagues_time_is_no_ones_else(
    alice: Therapist, consult: AppointmentType
) -> None:
    bob = make_therapist()
    make_hours(bob, 0)
    make_appointment(consult, start="2026-11-23 09:00")
    make_appointment(make_type(bob), start="2026-11-23 09:00")

    assert (counted(alice)[-1].booked, counted(alice, bob)[-1].booked) == (1, 2)
    assert counted(alice, bob)[-1].used == 12


def test_erasing_a_family_changes_no_number(alice: Therapist, consult: AppointmentType) -> None:
    appointment = make_appointment(consult, start="2026-11-23 09:00", **done(State.ATTENDED))
    before = counted(alice)
    appointment.parents.update(name="", email="", phone="")
    type(appointment).objects.update(child_first_name="", age_band="", erased_at=NOW)

    assert counted(alice) == before


def test_many_cost_as_many_queries_as_none(alice: Therapist, consult: AppointmentType) -> None:
    counted(alice)
    with CaptureQueriesContext(connection) as none:
        counted(alice)
    for hour in range(9, 17):
        make_appointment(consult, start=f"2026-11-23 {hour:02}:00")

    with CaptureQueriesContext(connection) as many:
        counted(alice)
    assert len(many) == len(none) == 2
