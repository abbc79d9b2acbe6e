"""Interval arithmetic against sets of instants, and the wall clock against a look at every quarter of an hour."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from booking.intervals import Interval, exists, from_wall, local_days, merge, subtract

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NEW_YORK = ZoneInfo("America/New_York")
# Half an hour forward and back, at 02:00, and in the other half of the year.
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
# Midnight itself is skipped in spring.
BEIRUT = ZoneInfo("Asia/Beirut")

thorough = settings(max_examples=200, derandomize=True, deadline=None, database=None)

BASE = datetime(2026, 10, 24, 22, tzinfo=UTC)


naive = datetime.fromisoformat


def span(first: int, last: int) -> Interval:
    return Interval(BASE + timedelta(minutes=first), BASE + timedelta(minutes=last))


def minutes(intervals: list[Interval]) -> set[int]:
    return {
        minute
        for interval in intervals
        for minute in range(
            (interval.start - BASE) // timedelta(minutes=1), (interval.end - BASE) // timedelta(minutes=1)
        )
    }


# Few distinct minutes, so that spans touch, cover and repeat one another often; some are empty or reversed.
spans = st.builds(span, st.integers(0, 30), st.integers(0, 30))
lists_of_spans = st.lists(spans, max_size=12)


@thorough
@given(lists_of_spans)
def test_merging_keeps_every_moment_and_leaves_a_gap_between_any_two(intervals: list[Interval]) -> None:
    merged = merge(intervals)

    assert minutes(merged) == minutes(intervals)
    assert all(interval.start < interval.end for interval in merged)
    assert all(one.end < following.start for one, following in pairwise(merged))


@thorough
@given(lists_of_spans, lists_of_spans)
def test_subtracting_leaves_what_lies_in_no_hole(windows: list[Interval], holes: list[Interval]) -> None:
    left = subtract(windows, holes)

    assert minutes(left) == minutes(windows) - minutes(holes)
    assert left == merge(left)


@thorough
@given(spans, spans)
@example(span(5, 5), span(0, 10))
@example(span(0, 5), span(5, 10))
def test_two_spans_overlap_where_they_share_a_moment(one: Interval, other: Interval) -> None:
    assert one.overlaps(other) == bool(minutes([one]) & minutes([other]))
    assert one.overlaps(other) == other.overlaps(one)


@thorough
@given(spans, spans.filter(lambda interval: interval.start < interval.end))
def test_a_span_contains_another_where_it_has_all_its_moments(one: Interval, other: Interval) -> None:
    assert one.contains(other) == (minutes([other]) <= minutes([one]))


def test_a_hole_that_reaches_over_two_windows_cuts_both() -> None:
    assert subtract([span(0, 10), span(15, 30)], [span(5, 20)]) == [span(0, 5), span(20, 30)]


def test_touching_windows_become_one() -> None:
    assert merge([span(10, 20), span(0, 10)]) == [span(0, 20)]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        (AMSTERDAM, date(2026, 10, 25)),
        (AMSTERDAM, date(2027, 3, 28)),
        (AMSTERDAM, date(2027, 1, 1)),
        (NEW_YORK, date(2026, 11, 1)),
        (NEW_YORK, date(2027, 3, 14)),
        (LORD_HOWE, date(2026, 10, 4)),
        (LORD_HOWE, date(2027, 4, 4)),
        (BEIRUT, date(2027, 3, 28)),
        (BEIRUT, date(2026, 10, 25)),
    ],
    ids=lambda value: str(value),
)
def test_a_wall_time_means_the_first_moment_at_which_the_clock_has_come_to_it(zone: ZoneInfo, day: date) -> None:
    before = datetime.combine(day, time(), tzinfo=UTC) - timedelta(days=1)
    moments = [before + timedelta(minutes=5) * number for number in range(3 * 24 * 12)]
    readings = [moment.astimezone(zone).replace(tzinfo=None) for moment in moments]

    for number in range(24 * 12):
        wall = datetime.combine(day, time()) + timedelta(minutes=5) * number
        first = next(moment for moment, reading in zip(moments, readings, strict=True) if reading >= wall)
        assert from_wall(wall, zone) == first
        assert exists(wall, zone) == (wall in readings)


@thorough
@given(
    st.datetimes(naive("2000-01-01"), naive("2099-12-30")),
    st.sampled_from([AMSTERDAM, NEW_YORK, LORD_HOWE, BEIRUT]),
)
@example(naive("2027-03-28 02:59:59.999999"), AMSTERDAM)
@example(naive("2027-03-28 02:00:00.000001"), AMSTERDAM)
@example(naive("2026-10-25 02:30:00.000001"), AMSTERDAM)
def test_the_moment_of_a_wall_time_reads_as_that_time_or_as_the_first_after_the_jump(
    wall: datetime, zone: ZoneInfo
) -> None:
    moment = from_wall(wall, zone)
    reading = moment.astimezone(zone).replace(tzinfo=None)

    assert (reading == wall) == exists(wall, zone)
    assert reading >= wall
    assert (moment - datetime.resolution).astimezone(zone).replace(tzinfo=None) < wall


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 10, 24), 24), (date(2026, 10, 25), 25), (date(2027, 3, 28), 23)], ids=str
)
def test_a_local_day_has_as_many_hours_as_its_clock_shows(day: date, hours: int) -> None:
    interval = local_days(day, day, AMSTERDAM)

    assert interval.end - interval.start == timedelta(hours=hours)
    assert interval.start.astimezone(AMSTERDAM).replace(tzinfo=None) == datetime.combine(day, time())


def test_days_without_a_midnight_begin_when_their_clock_does() -> None:
    day = local_days(date(2027, 3, 28), date(2027, 3, 28), BEIRUT)

    assert day.start.astimezone(BEIRUT).replace(tzinfo=None) == naive("2027-03-28 01:00")
    assert day.end - day.start == timedelta(hours=23)
