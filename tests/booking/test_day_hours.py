"""A day that differs from the week."""

from datetime import date, time, timedelta
from typing import Any

import pytest

from booking import day_hours, diary, free_time
from booking.diary import DiaryError
from booking.intervals import Interval, subtract
from booking.models import Therapist
from tests.booking.factories import AMSTERDAM, make_hours, make_therapist, make_type, wall

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

MONDAY = date(2026, 11, 30)
NINE, TEN, ELEVEN, NOON, ONE, THREE, FIVE = (time(hour) for hour in (9, 10, 11, 12, 13, 15, 17))


@pytest.fixture
def alice() -> Therapist:
    """She works from nine to twelve and from one to five, every day."""
    therapist = make_therapist()
    make_hours(therapist, start="09:00", end="12:00")
    make_hours(therapist, start="13:00", end="17:00")
    return therapist


def offered(therapist: Therapist, day: date = MONDAY) -> list[tuple[str, str]]:
    """What is left of the day once time off is taken away, on the clock."""
    found = diary.openings(therapist, day, day, AMSTERDAM)
    local = [
        (free.start.astimezone(AMSTERDAM), free.end.astimezone(AMSTERDAM))
        for free in subtract(found.windows, found.time_off)
    ]
    return [(f"{start:%H:%M}", f"{end:%H:%M}") for start, end in local if start.date() == day]


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ([], []),
        ([(TEN, NOON)], [("10:00", "12:00")]),
        ([(NINE, NOON), (ONE, THREE)], [("09:00", "12:00"), ("13:00", "15:00")]),
        ([(NINE, FIVE)], [("09:00", "17:00")]),
        ([(time(19), time(0))], [("19:00", "00:00")]),
        ([(ONE, FIVE), (TEN, ELEVEN)], [("10:00", "11:00"), ("13:00", "17:00")]),
    ],
)
def test_a_day_has_just_the_hours_it_is_given(
    alice: Therapist, windows: list[tuple[time, time]], expected: list[tuple[str, str]]
) -> None:
    day_hours.change(alice, MONDAY, windows, AMSTERDAM)

    assert offered(alice) == expected
    assert offered(alice, date(2026, 12, 1)) == [("09:00", "12:00"), ("13:00", "17:00")]
    found = day_hours.of(alice, MONDAY, AMSTERDAM)
    assert found.own
    assert [
        (f"{w.start.astimezone(AMSTERDAM):%H:%M}", f"{w.end.astimezone(AMSTERDAM):%H:%M}") for w in found.windows
    ] == (expected)


def test_a_second_change_takes_the_place_of_the_first(alice: Therapist) -> None:
    day_hours.change(alice, MONDAY, [(NINE, FIVE)], AMSTERDAM)
    day_hours.change(alice, MONDAY, [(TEN, ELEVEN)], AMSTERDAM)

    assert offered(alice) == [("10:00", "11:00")]


def test_a_day_goes_back_to_the_week(alice: Therapist) -> None:
    day_hours.change(alice, MONDAY, [], AMSTERDAM)
    assert diary.own_days(alice, MONDAY, AMSTERDAM) == [MONDAY]

    day_hours.back_to_the_week(alice, MONDAY, AMSTERDAM)

    assert offered(alice) == [("09:00", "12:00"), ("13:00", "17:00")]
    assert not day_hours.of(alice, MONDAY, AMSTERDAM).own
    assert diary.own_days(alice, MONDAY, AMSTERDAM) == []


def test_the_starts_hang_on_the_hours_of_the_day_itself(alice: Therapist) -> None:
    consult = make_type(alice, step=timedelta(hours=1))
    day_hours.change(alice, MONDAY, [(time(10, 30), NOON)], AMSTERDAM)

    (slot,) = free_time.free_slots(consult, MONDAY, MONDAY, zone=AMSTERDAM, now=wall("2026-11-20 12:00"))
    assert slot.start == wall("2026-11-30 10:30")


def test_what_becomes_of_the_week_does_not_touch_the_day(alice: Therapist) -> None:
    day_hours.change(alice, MONDAY, [(TEN, NOON)], AMSTERDAM)

    make_hours(alice, 0, start="07:00", end="09:00")

    assert offered(alice) == [("10:00", "12:00")]
    assert offered(alice, date(2026, 12, 7))[0] == ("07:00", "12:00")


def test_the_hours_of_the_week_are_no_hours_of_its_own(alice: Therapist) -> None:
    day_hours.change(alice, MONDAY, [], AMSTERDAM)
    day_hours.change(alice, MONDAY, [(ONE, FIVE), (NINE, NOON)], AMSTERDAM)

    assert diary.own_days(alice, MONDAY, AMSTERDAM) == []
    assert offered(alice) == [("09:00", "12:00"), ("13:00", "17:00")]


def test_hours_over_midnight_of_a_closed_day_do_not_reach_into_the_next(alice: Therapist) -> None:
    make_hours(alice, 0, start="22:00", end="02:00")
    day_hours.change(alice, MONDAY, [], AMSTERDAM)

    for first in (MONDAY, date(2026, 12, 1), date(2026, 12, 2)):
        found = diary.openings(alice, first, first, AMSTERDAM)
        assert not any(window.overlaps(_span("2026-11-30 00:00", "2026-12-01 09:00")) for window in found.windows)


def test_other_time_off_and_extra_openings_stay(alice: Therapist) -> None:
    off = diary.add_time_off(alice, _span("2026-11-30 09:00", "2026-11-30 10:00"))
    extra = diary.add_extra_opening(alice, _span("2026-11-30 19:00", "2026-11-30 20:00"))

    day_hours.change(alice, MONDAY, [(NINE, NOON)], AMSTERDAM)

    assert offered(alice) == [("10:00", "12:00"), ("19:00", "20:00")]
    assert diary.time_off(alice, wall("2026-11-01 00:00")) == [off]
    assert diary.extra_openings(alice, wall("2026-11-01 00:00")) == [extra]


def test_a_public_holiday_can_have_hours_of_its_own(alice: Therapist) -> None:
    christmas = date(2026, 12, 25)
    day_hours.change(alice, christmas, [(TEN, NOON)], AMSTERDAM)

    assert offered(alice, christmas) == [("10:00", "12:00")]


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 10, 25), 4), (date(2027, 3, 28), 2)], ids=["back", "forward"]
)
def test_the_days_of_the_change_last_as_long_as_they_do(alice: Therapist, day: date, hours: int) -> None:
    day_hours.change(alice, day, [(time(1), time(4))], AMSTERDAM)

    (window,) = day_hours.of(alice, day, AMSTERDAM).windows
    assert (window.end - window.start).total_seconds() == hours * 3600


@pytest.mark.parametrize(
    "windows",
    [[(NOON, NINE)], [(NINE, NINE)], [(NINE, NOON), (ELEVEN, ONE)], [(NINE, NOON), (NINE, NOON)]],
    ids=["reversed", "empty", "overlapping", "twice"],
)
def test_what_cannot_be_changes_nothing(alice: Therapist, windows: Any) -> None:
    with pytest.raises(DiaryError):
        day_hours.change(alice, MONDAY, windows, AMSTERDAM)

    assert offered(alice) == [("09:00", "12:00"), ("13:00", "17:00")]


def test_a_time_that_the_clock_skips_is_refused(alice: Therapist) -> None:
    with pytest.raises(DiaryError):
        day_hours.change(alice, date(2027, 3, 28), [(time(2, 30), time(4))], AMSTERDAM)


def _span(start: str, end: str) -> Interval:
    return Interval(wall(start), wall(end))
