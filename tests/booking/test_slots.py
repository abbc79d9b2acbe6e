"""Which times are offered: against a model that looks at every instant, and told as examples."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from booking.intervals import Interval, from_wall
from booking.slots import Policy, open_slots
from tests.booking.slots_model import World, slots_by_looking_at_each_instant

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NEW_YORK = ZoneInfo("America/New_York")

thorough = settings(max_examples=200, derandomize=True, deadline=None, database=None)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


HOURLY = Policy(
    duration=minutes(60),
    step=minutes(60),
    buffer_before=timedelta(),
    buffer_after=timedelta(),
    minimum_notice=timedelta(),
    horizon_days=60,
    most_per_day=None,
    most_per_week=None,
    zone=AMSTERDAM,
)


@dataclass(frozen=True)
class Case:
    """All that open_slots is asked with, in one small world."""

    world: World
    windows: list[Interval]
    time_off: list[Interval]
    busy: list[Interval]
    booked_starts: list[datetime]
    policy: Policy
    now: datetime
    within: Interval | None
    kept: datetime | None

    def answer(self) -> list[Interval]:
        return open_slots(
            self.windows,
            self.time_off,
            self.busy,
            self.booked_starts,
            self.policy,
            self.now,
            within=self.within,
            kept=self.kept,
        )

    def expected(self) -> list[Interval]:
        return slots_by_looking_at_each_instant(
            self.world,
            self.windows,
            self.time_off,
            self.busy,
            self.booked_starts,
            self.policy,
            self.now,
            self.within,
            self.kept,
        )


# What a tick is, and how many there are: from hours told in seconds to two weeks told in odd minutes.
SCALES = [
    (timedelta(seconds=1), 2_000),
    (timedelta(seconds=61), 600),
    (minutes(1), 1_500),
    (minutes(7), 1_000),
    (minutes(30), 700),
]
BASES = [
    datetime(2026, 10, 24, 12, tzinfo=UTC),  # the night in which an hour comes twice is ahead
    datetime(2026, 10, 25, 0, 40, tzinfo=UTC),  # inside its first pass, at 02:40
    datetime(2027, 3, 27, 12, tzinfo=UTC),  # the night that lacks an hour is ahead
    datetime(2027, 3, 28, 0, 50, tzinfo=UTC),  # ten minutes before it jumps
    datetime(2026, 12, 31, 22, 45, tzinfo=UTC),  # a quarter before midnight; ISO week 53 goes on after it
    datetime(2026, 9, 13, 21, 47, tzinfo=UTC),  # the same on a Sunday in summer
    datetime(2026, 9, 14, 22, 10, tzinfo=UTC),  # another day in Amsterdam than in UTC
    datetime(2026, 10, 31, 20, 13, 17, tzinfo=UTC),  # New York's own change
]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    tick, count = draw(st.sampled_from(SCALES))
    world = World(draw(st.sampled_from(BASES)), tick, count)
    # Spans begin and end at one of a few instants, so that many of them touch, cover or equal one another,
    # and some are empty or reversed; now and then at any instant at all.
    few = draw(st.lists(st.integers(0, count), min_size=2, max_size=6))
    instants = st.sampled_from(few) | st.integers(0, count)
    spans = st.builds(world.span, instants, instants)
    whole = world.span(0, count)
    short_spans = st.builds(lambda first, length: world.span(first, first + length), instants, st.integers(-3, 30))
    buffers = st.sampled_from([0, 1, 5, 12]).map(lambda ticks: ticks * tick)
    policy = Policy(
        duration=draw(st.integers(1, 30)) * tick,
        step=draw(st.integers(1, 30)) * tick,
        buffer_before=draw(buffers),
        buffer_after=draw(buffers),
        minimum_notice=draw(st.sampled_from([0, 0, 1, 48, 300])) * tick,
        horizon_days=draw(st.sampled_from([0, 0, 1, 2, 5, 60])),
        most_per_day=draw(st.sampled_from([None, None, None, None, 0, 1, 2])),
        most_per_week=draw(st.sampled_from([None, None, None, None, 0, 1, 2])),
        zone=draw(st.sampled_from([AMSTERDAM, AMSTERDAM, NEW_YORK])),
    )
    return Case(
        world=world,
        windows=draw(st.lists(spans | st.just(whole), min_size=1, max_size=6)),
        time_off=draw(st.lists(short_spans | spans, max_size=2)),
        busy=draw(st.lists(short_spans, max_size=8)),
        booked_starts=draw(st.lists(st.builds(world.at, instants), max_size=4)),
        policy=policy,
        now=world.at(draw(st.sampled_from([0, 0, 0, 1, 20, 200]))),
        within=draw(st.none() | st.none() | spans),
        kept=draw(st.none() | st.builds(world.at, instants)),
    )


@thorough
@given(cases())
def test_the_slots_are_those_of_the_slow_model(case: Case) -> None:
    assert case.answer() == case.expected()


@thorough
@given(cases())
def test_a_slot_is_offered_whatever_else_was_asked_at_once(case: Case) -> None:
    whole = replace(case, within=None).answer()

    one_by_one = [
        slot
        for shown in whole
        for slot in replace(case, within=Interval(shown.start, shown.start + datetime.resolution)).answer()
    ]

    assert one_by_one == whole


@thorough
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_what_comes_in_changes_nothing(case: Case, random: Random) -> None:
    shuffled = replace(
        case,
        windows=random.sample(case.windows * 2, len(case.windows) * 2),
        busy=random.sample(case.busy * 2, len(case.busy) * 2),
        time_off=random.sample(case.time_off, len(case.time_off)),
    )

    assert shuffled.answer() == case.answer()


def at(wall: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    """The moment (UTC) of a wall time such as "2026-10-24 09:00"; an hour that comes twice in its first pass."""
    return from_wall(datetime.fromisoformat(wall), zone)


def span(day: str, start: str, end: str) -> Interval:
    return Interval(at(f"{day} {start}"), at(f"{day} {end}"))


def readings(slots: list[Interval], zone: ZoneInfo = AMSTERDAM) -> list[str]:
    return [f"{slot.start.astimezone(zone):%H:%M}" for slot in slots]


TUESDAY = "2026-09-15"
LONG_BEFORE = at("2026-09-14 00:00")
MORNING = span(TUESDAY, "09:00", "12:00")


def test_a_morning_gives_a_slot_an_hour() -> None:
    slots = open_slots([MORNING], [], [], [], HOURLY, LONG_BEFORE)

    assert slots == [
        span(TUESDAY, "09:00", "10:00"),
        span(TUESDAY, "10:00", "11:00"),
        span(TUESDAY, "11:00", "12:00"),
    ]


def test_no_window_no_slot() -> None:
    assert open_slots([], [], [], [], HOURLY, LONG_BEFORE) == []


def test_a_window_shorter_than_the_appointment_gives_nothing() -> None:
    assert open_slots([span(TUESDAY, "09:00", "09:59")], [], [], [], HOURLY, LONG_BEFORE) == []


def test_a_slot_may_run_on_into_a_window_that_touches() -> None:
    windows = [span(TUESDAY, "09:00", "10:30"), span(TUESDAY, "10:30", "12:00")]

    assert readings(open_slots(windows, [], [], [], HOURLY, LONG_BEFORE)) == ["09:00", "10:00", "10:30"]


def test_a_gap_of_a_second_between_windows_is_a_gap() -> None:
    windows = [span(TUESDAY, "09:00", "10:30"), Interval(at(f"{TUESDAY} 10:30:01"), at(f"{TUESDAY} 11:00"))]

    assert readings(open_slots(windows, [], [], [], HOURLY, LONG_BEFORE)) == ["09:00"]


def test_time_off_does_not_move_the_grid() -> None:
    off = [span(TUESDAY, "09:00", "09:20")]

    assert readings(open_slots([MORNING], off, [], [], HOURLY, LONG_BEFORE)) == ["10:00", "11:00"]


def test_buffers_may_reach_outside_the_window_and_into_time_off() -> None:
    policy = replace(HOURLY, buffer_before=minutes(30), buffer_after=minutes(30))
    off = [span(TUESDAY, "11:00", "11:30")]

    assert readings(open_slots([MORNING], off, [], [], policy, LONG_BEFORE)) == ["09:00", "10:00"]


@pytest.mark.parametrize(
    ("start", "end", "left"),
    [
        ("09:00", "10:00", ["10:00", "11:00"]),
        ("08:00", "09:00", ["09:00", "10:00", "11:00"]),
        ("09:59", "10:00", ["10:00", "11:00"]),
        ("10:59", "11:01", ["09:00"]),
        ("12:00", "13:00", ["09:00", "10:00", "11:00"]),
        ("10:00", "10:00", ["09:00", "10:00", "11:00"]),
        ("08:00", "13:00", []),
    ],
    ids=["first", "adjacent before", "a minute", "across two", "adjacent after", "empty", "all"],
)
def test_what_is_busy_is_not_offered_and_what_touches_it_is(start: str, end: str, left: list[str]) -> None:
    busy = [span(TUESDAY, start, end)]

    assert readings(open_slots([MORNING], [], busy, [], HOURLY, LONG_BEFORE)) == left


def test_the_buffers_of_two_neighbours_add_up() -> None:
    policy = replace(HOURLY, step=minutes(15), buffer_before=minutes(15), buffer_after=minutes(15))
    occupied = [span(TUESDAY, "08:45", "10:15")]  # an appointment from 09:00 to 10:00

    slots = open_slots([MORNING], [], occupied, [], policy, LONG_BEFORE)

    assert readings(slots) == ["10:30", "10:45", "11:00"]


def test_the_notice_includes_its_last_moment() -> None:
    policy = replace(HOURLY, minimum_notice=timedelta(hours=24))
    a_day_before = at("2026-09-14 10:00")

    assert readings(open_slots([MORNING], [], [], [], policy, a_day_before)) == ["10:00", "11:00"]
    just_after = a_day_before + datetime.resolution
    assert readings(open_slots([MORNING], [], [], [], policy, just_after)) == ["11:00"]


def test_what_is_kept_does_not_end_with_the_notice() -> None:
    policy = replace(HOURLY, minimum_notice=timedelta(hours=24))
    kept = at(f"{TUESDAY} 09:00")

    slots = open_slots([MORNING], [], [], [], policy, at(f"{TUESDAY} 08:55"), kept=kept)
    taken = open_slots([MORNING], [], [MORNING], [], policy, at(f"{TUESDAY} 08:55"), kept=kept)
    begun = open_slots([MORNING], [], [], [], policy, at(f"{TUESDAY} 09:01"), kept=kept)

    assert (readings(slots), taken, begun) == (["09:00"], [], [])


def test_the_notice_counts_real_hours_across_a_change_of_the_clock() -> None:
    policy = replace(HOURLY, minimum_notice=timedelta(hours=24))
    sunday = [span("2026-10-25", "08:00", "12:00")]

    slots = open_slots(sunday, [], [], [], policy, at("2026-10-24 10:00"))

    assert readings(slots) == ["09:00", "10:00", "11:00"]


def test_the_horizon_ends_with_its_last_local_day() -> None:
    policy = replace(HOURLY, horizon_days=1)
    late = [Interval(at("2026-09-15 22:00"), at("2026-09-16 03:00"))]

    slots = open_slots(late, [], [], [], policy, at("2026-09-14 23:59"))

    assert readings(slots) == ["22:00", "23:00"]
    assert readings(open_slots(late, [], [], [], policy, at("2026-09-15 00:00"))) == [
        "22:00",
        "23:00",
        "00:00",
        "01:00",
        "02:00",
    ]


def test_a_day_that_is_full_is_not_offered_and_the_next_one_is() -> None:
    policy = replace(HOURLY, most_per_day=2)
    windows = [MORNING, span("2026-09-16", "09:00", "10:00")]
    booked = [at(f"{TUESDAY} 00:00"), at(f"{TUESDAY} 23:59")]

    slots = open_slots(windows, [], [], booked, policy, LONG_BEFORE)

    assert slots == [span("2026-09-16", "09:00", "10:00")]
    assert len(open_slots(windows, [], [], booked[:1], policy, LONG_BEFORE)) == 4


def test_a_week_runs_from_monday_to_sunday_over_the_new_year() -> None:
    policy = replace(HOURLY, most_per_week=1)
    sunday, monday = span("2027-01-03", "09:00", "10:00"), span("2027-01-04", "09:00", "10:00")

    slots = open_slots([sunday, monday], [], [], [at("2026-12-28 00:00")], policy, at("2026-12-20 00:00"))

    assert slots == [monday]


def test_a_limit_of_none_at_all_offers_nothing() -> None:
    assert open_slots([MORNING], [], [], [], replace(HOURLY, most_per_day=0), LONG_BEFORE) == []


def test_an_hour_that_comes_twice_is_offered_once() -> None:
    night = [Interval(at("2026-10-25 01:00"), at("2026-10-25 04:00"))]  # four real hours

    slots = open_slots(night, [], [], [], replace(HOURLY, step=minutes(30)), at("2026-10-20 00:00"))

    assert [slot.start for slot in slots] == [
        datetime(2026, 10, 24, 23, 0, tzinfo=UTC),
        datetime(2026, 10, 24, 23, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 0, tzinfo=UTC),  # 02:00, first pass
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 0, tzinfo=UTC),  # 03:00, after the second
    ]


def test_an_hour_that_is_skipped_is_not_offered() -> None:
    night = [Interval(at("2027-03-28 01:00"), at("2027-03-28 05:00"))]  # three real hours

    slots = open_slots(night, [], [], [], HOURLY, at("2027-03-20 00:00"))

    assert readings(slots) == ["01:00", "03:00", "04:00"]
    assert all(slot.end - slot.start == minutes(60) for slot in slots)


def test_windows_that_overlap_keep_a_grid_each() -> None:
    windows = [span(TUESDAY, "09:20", "11:00"), span(TUESDAY, "09:00", "10:30")]

    assert readings(open_slots(windows, [], [], [], HOURLY, LONG_BEFORE)) == ["09:00", "09:20", "10:00"]


def test_within_bounds_the_starts_and_not_the_ends() -> None:
    slots = open_slots([MORNING], [], [], [], HOURLY, LONG_BEFORE, within=span(TUESDAY, "09:30", "11:00"))

    assert slots == [span(TUESDAY, "10:00", "11:00")]


def test_a_window_of_many_years_costs_no_more_than_its_part_within_the_horizon() -> None:
    ages = [Interval(datetime(1900, 1, 1, tzinfo=UTC), datetime(2900, 1, 1, tzinfo=UTC))]

    began = perf_counter()
    slots = open_slots(ages, [], [], [], replace(HOURLY, step=minutes(5), horizon_days=1), LONG_BEFORE)

    assert len(slots) == 2 * 24 * 12 - 11
    assert perf_counter() - began < 0.5


def test_sixty_days_with_a_hundred_busy_spans_take_milliseconds() -> None:
    midnight = LONG_BEFORE
    windows = [
        Interval(day + timedelta(hours=first), day + timedelta(hours=first + 4))
        for day in (midnight + timedelta(days=number) for number in range(60))
        for first in (8, 13)
    ]
    busy = [Interval(window.start + minutes(30), window.start + minutes(90)) for window in windows[:100]]

    best = min(_seconds(windows, busy) for _ in range(5))

    assert best < 0.02


def _seconds(windows: list[Interval], busy: list[Interval]) -> float:
    began = perf_counter()
    assert open_slots(windows, [], busy, [], replace(HOURLY, step=minutes(30)), LONG_BEFORE)
    return perf_counter() - began


@thorough
@given(first=st.integers(0, 20), length=st.integers(0, 60), hole=st.integers(0, 60), width=st.integers(0, 60))
@example(first=0, length=40, hole=20, width=0)
@example(first=0, length=40, hole=0, width=40)
def test_no_slot_overlaps_what_is_busy_and_none_could_be_added(
    first: int, length: int, hole: int, width: int
) -> None:
    window = Interval(MORNING.start + minutes(first), MORNING.start + minutes(first + length))
    taken = Interval(MORNING.start + minutes(hole), MORNING.start + minutes(hole + width))
    policy = replace(
        HOURLY, duration=minutes(10), step=minutes(1), buffer_before=minutes(3), buffer_after=minutes(2)
    )

    slots = open_slots([window], [], [taken], [], policy, LONG_BEFORE)

    every_minute = [
        Interval(MORNING.start + minutes(number), MORNING.start + minutes(number + 10)) for number in range(90)
    ]
    assert slots == [
        slot
        for slot in every_minute
        if window.contains(slot) and not Interval(slot.start - minutes(3), slot.end + minutes(2)).overlaps(taken)
    ]
