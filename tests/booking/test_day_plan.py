"""Where things lie in a plan, on usual days and on the two whose clock is changed.

In Amsterdam clocks go back in the night to Sunday 25 October 2026, and forward in that to 28 March 2027.
"""

from datetime import date, datetime, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking.day_plan import QUARTER, Place, Rows, Tick, rows_for
from booking.intervals import Interval, from_wall, local_days

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
BACK, FORWARD, USUAL = date(2026, 10, 25), date(2027, 3, 28), date(2026, 12, 1)
DAY = timedelta(days=1)


def span(start: str, end: str, zone: ZoneInfo = AMSTERDAM) -> Interval:
    return Interval(*(from_wall(datetime.fromisoformat(text), zone) for text in (start, end)))


def whole(day: date, zone: ZoneInfo = AMSTERDAM) -> Rows:
    return rows_for([day], zone, [local_days(day, day, zone)])


def clock(rows: Rows) -> list[str]:
    return [f"{tick.row}: {tick.hour}{' again' if tick.again else ''}" for tick in rows.ticks()]


class TestRows:
    def test_eight_to_six_is_always_there(self) -> None:
        rows = rows_for([USUAL], AMSTERDAM, [])

        assert (rows.ticks()[0], rows.ticks()[-1], rows.last - rows.first) == (
            Tick(1, 8, False),
            Tick(37, 17, False),
            40,
        )

    @pytest.mark.parametrize(
        ("found", "first", "last"),
        [
            (span("2026-12-01 07:50", "2026-12-01 09:00"), 7, 17),
            (span("2026-12-01 17:00", "2026-12-01 18:05"), 8, 17),
            (span("2026-12-01 17:00", "2026-12-01 18:20"), 8, 18),
            (span("2026-12-01 23:50", "2026-12-02 00:30"), 8, 23),
            (span("2026-11-30 22:00", "2026-12-01 01:10"), 0, 17),
        ],
        ids=["earlier", "within a rounded quarter", "later", "until midnight", "from midnight"],
    )
    def test_what_lies_outside_makes_more_whole_hours(self, found: Interval, first: int, last: int) -> None:
        ticks = rows_for([USUAL], AMSTERDAM, [found]).ticks()

        assert (ticks[0].hour, ticks[-1].hour) == (first, last)

    @pytest.mark.parametrize(
        ("found", "first", "last"),
        [
            (span("2026-11-20 00:00", "2026-12-10 00:00"), 8, 17),
            (span("2026-12-01 20:00", "2026-12-10 00:00"), 8, 20),
            (span("2026-11-20 00:00", "2026-12-01 05:30"), 5, 17),
        ],
        ids=["all of the day", "an edge in the evening", "an edge in the morning"],
    )
    def test_of_a_long_absence_only_the_edges_count(self, found: Interval, first: int, last: int) -> None:
        ticks = rows_for([USUAL], AMSTERDAM, [], [found]).ticks()

        assert (ticks[0].hour, ticks[-1].hour) == (first, last)


class TestTheChangesOfTheClock:
    def test_the_short_day_has_23_hours_of_rows_and_no_two_oclock(self) -> None:
        rows = whole(FORWARD)

        assert rows.last - rows.first == 92
        assert clock(rows)[:4] == ["1: 0", "5: 1", "9: 3", "13: 4"]

    def test_the_long_day_has_25_hours_of_rows_and_two_oclock_twice(self) -> None:
        rows = whole(BACK)

        assert rows.last - rows.first == 100
        assert clock(rows)[:5] == ["1: 0", "5: 1", "9: 2", "13: 2 again", "17: 3"]

    @pytest.mark.parametrize(
        ("day", "start", "end", "row", "rows"),
        [
            (FORWARD, "01:00", "04:00", 5, 8),
            (BACK, "01:00", "04:00", 5, 16),
            (USUAL, "01:00", "04:00", 5, 12),
            (FORWARD, "09:00", "10:00", 33, 4),
            (BACK, "09:00", "10:00", 41, 4),
        ],
    )
    def test_rows_are_the_time_that_passes(self, day: date, start: str, end: str, row: int, rows: int) -> None:
        found = whole(day).places(day, [span(f"{day} {start}", f"{day} {end}")])

        assert found == [Place(row, rows)]

    def test_beside_the_long_day_the_others_leave_an_hour_empty(self) -> None:
        days = [BACK - number * DAY for number in (2, 1, 0)]
        rows = rows_for(days, AMSTERDAM, [local_days(BACK, BACK, AMSTERDAM)])

        assert [rows.missing(day) for day in days] == [[Place(13, 4)], [Place(13, 4)], []]
        at_nine = [rows.places(day, [span(f"{day} 09:00", f"{day} 10:00")]) for day in days]
        assert at_nine == [[Place(41, 4)]] * 3
        before, over = (span(f"{days[0]} 01:00", f"{days[0]} {end}") for end in ("03:00", "03:15"))
        assert rows.places(days[0], [before]) == [Place(5, 8)]
        assert rows.places(days[0], [over]) == [Place(5, 13)]

    def test_beside_others_the_short_day_leaves_the_skipped_hour_empty(self) -> None:
        days = [FORWARD - DAY, FORWARD]
        rows = rows_for(days, AMSTERDAM, [local_days(FORWARD, FORWARD, AMSTERDAM)])

        assert [rows.missing(day) for day in days] == [[], [Place(9, 4)]]
        assert rows.places(FORWARD, [span("2027-03-28 00:00", "2027-03-28 02:00")]) == [Place(1, 8)]
        assert rows.places(FORWARD, [span("2027-03-28 09:00", "2027-03-28 10:00")]) == [Place(37, 4)]

    def test_at_daytime_no_day_of_the_week_misses_anything(self) -> None:
        days = [BACK - number * DAY for number in range(6, -1, -1)]
        rows = rows_for(days, AMSTERDAM, [])

        assert [rows.missing(day) for day in days] == [[]] * 7

    def test_a_clock_that_changes_by_half_an_hour(self) -> None:
        # On Lord Howe clocks go back from 02:00 to 01:30 on 5 April 2026.
        day = date(2026, 4, 5)
        rows = whole(day, LORD_HOWE)

        assert rows.last - rows.first == 98
        assert rows.places(day, [span(f"{day} 01:00", f"{day} 03:00", LORD_HOWE)]) == [Place(5, 10)]


class TestPlaces:
    def places(self, *spans: tuple[str, str]) -> list[Place | None]:
        rows = rows_for([USUAL], AMSTERDAM, [])
        return rows.places(USUAL, [span(f"{USUAL} {start}", f"{USUAL} {end}") for start, end in spans])

    @pytest.mark.parametrize(
        ("start", "end", "expected"),
        [
            ("08:00", "09:00", Place(1, 4)),
            ("09:10", "09:50", Place(6, 2)),
            ("09:05", "09:10", Place(5, 1)),
            ("07:00", "09:00", Place(1, 4)),
            ("17:00", "23:00", Place(37, 4)),
            ("06:00", "07:00", None),
        ],
    )
    def test_edges_lie_on_the_nearest_quarter_within_what_is_shown(
        self, start: str, end: str, expected: Place | None
    ) -> None:
        assert self.places((start, end)) == [expected]

    def test_what_follows_on_each_other_keeps_the_whole_width(self) -> None:
        found = self.places(("09:00", "09:50"), ("09:50", "10:40"), ("10:40", "11:00"))

        assert [(place.lane, place.lanes) for place in found if place] == [(1, 1)] * 3

    def test_what_would_cover_each_other_lies_in_lanes(self) -> None:
        found = self.places(("09:00", "11:00"), ("10:00", "12:00"), ("11:00", "13:00"), ("14:00", "15:00"))

        lanes = [(place.lane, place.lanes) for place in found if place]
        assert lanes == [(1, 2), (2, 2), (1, 2), (1, 1)]

    def test_what_is_not_shown_keeps_its_turn(self) -> None:
        assert self.places(("06:00", "07:00"), ("09:00", "10:00")) == [None, Place(5, 4)]

    def test_another_day_is_not_shown(self) -> None:
        rows = rows_for([USUAL], AMSTERDAM, [])

        assert rows.places(USUAL, [span("2026-12-02 09:00", "2026-12-02 10:00")]) == [None]


moments = st.integers(min_value=-60, max_value=26 * 60).map(lambda minutes: timedelta(minutes=minutes))


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(
    day=st.sampled_from([BACK, FORWARD, USUAL]),
    edges=st.lists(st.tuples(moments, moments), max_size=8),
)
def test_nothing_covers_another_or_leaves_the_rows(day: date, edges: list[tuple[timedelta, timedelta]]) -> None:
    of_day = local_days(day, day, AMSTERDAM)
    spans = [Interval(of_day.start + min(edge), of_day.start + max(edge) + QUARTER) for edge in edges]
    rows = rows_for([day], AMSTERDAM, spans)

    places = rows.places(day, spans)

    assert [place is not None for place in places] == [found.overlaps(of_day) for found in spans]
    found = [place for place in places if place]
    assert all(
        place.row >= 1 and place.row + place.rows - 1 <= rows.last - rows.first and place.lane <= place.lanes
        for place in found
    )
    for one, other in combinations(found, 2):
        if one.lane == other.lane:
            assert one.row + one.rows <= other.row or other.row + other.rows <= one.row
