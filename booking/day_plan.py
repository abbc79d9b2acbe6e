"""Where things lie in a plan of days whose rows are quarters of an hour, on days of 23 and 25 hours too. Pure.

Rows follow the time that really passes: a day has as many as it has quarters. Days that stand side by side share
their rows by what the clock shows, so one of them leaves rows empty where the clock of another was put back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from booking.intervals import Interval, local_days

QUARTER = timedelta(minutes=15)
# Shown even where nothing lies there, in minutes on the clock.
_FROM, _UNTIL = 8 * 60, 18 * 60
# What the clock shows, in minutes since midnight, and which pass of that time it is: 1 for the second one.
Reading = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tick:
    """A whole hour on the clock (0 to 23) and its row; `again` where the clock shows that hour a second time."""

    row: int
    hour: int
    again: bool


@dataclass(frozen=True, slots=True)
class Place:
    """The first row, counted from 1, the number of rows, and which of how many lanes beside each other."""

    row: int
    rows: int
    lane: int = 1
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that some local days share: those of `clock` from the number `first` to before `last`."""

    zone: ZoneInfo
    clock: tuple[Reading, ...]
    first: int
    last: int

    def ticks(self) -> list[Tick]:
        """Return the whole hours, from top to bottom."""
        shown = enumerate(self.clock[self.first : self.last], start=1)
        return [Tick(row, at // 60, bool(fold)) for row, (at, fold) in shown if at % 60 == 0]

    def places(self, day: date, spans: Sequence[Interval]) -> list[Place | None]:
        """Return where each of `spans` (UTC) lies on the local `day`; None where no moment of it is shown.

        Those that would cover each other get lanes of their own. Each edge lies on the nearest quarter, so that
        what follows on something else does so here, and nothing has less than one row.
        """
        position = _positions(self.clock)
        found: list[Place | None] = []
        for span in spans:
            numbers = _numbers(span, day, self.zone, position)
            start, end = (max(numbers[0], self.first), min(numbers[1], self.last)) if numbers else (0, 0)
            found.append(Place(start - self.first + 1, end - start) if start < end else None)
        lanes = _in_lanes([place for place in found if place])
        return [lanes.pop(0) if place else None for place in found]

    def missing(self, day: date) -> list[Place]:
        """Return, in runs, the rows of times that the clock never shows on the local `day`."""
        there = set(_readings(day, self.zone))
        runs: list[Place] = []
        for row, reading in enumerate(self.clock[self.first : self.last], start=1):
            if reading in there:
                continue
            if runs and runs[-1].row + runs[-1].rows == row:
                runs[-1] = replace(runs[-1], rows=runs[-1].rows + 1)
            else:
                runs.append(Place(row, 1))
        return runs


def rows_for(
    days: Sequence[date], zone: ZoneInfo, whole: Iterable[Interval], edges: Iterable[Interval] = ()
) -> Rows:
    """Return the rows for the local `days`, in whole hours: those from eight to six and, beyond that, all of what
    is in `whole`, and each edge of what is in `edges` that lies inside a day (UTC)."""
    # The longest day has every reading of the others, since no zone changes its clocks twice within a week.
    clock = max((_readings(day, zone) for day in days), key=len)
    position = _positions(clock)
    shown = {number for number, (at, _fold) in enumerate(clock) if _FROM <= at < _UNTIL}
    for day in days:
        for span in whole:
            if numbers := _numbers(span, day, zone, position):
                shown |= {numbers[0], numbers[1] - 1}
        of_day = _span(day, zone)
        for span in edges:
            if numbers := _numbers(span, day, zone, position):
                shown |= {numbers[0]} if span.start > of_day.start else set()
                shown |= {numbers[1] - 1} if span.end < of_day.end else set()
    first, last = min(shown), max(shown) + 1
    while clock[first][0] % 60 and first:
        first -= 1
    while last < len(clock) and clock[last][0] % 60:
        last += 1
    return Rows(zone, clock, first, last)


@lru_cache(maxsize=64)
def _span(day: date, zone: ZoneInfo) -> Interval:
    return local_days(day, day, zone)


@lru_cache(maxsize=64)
def _readings(day: date, zone: ZoneInfo) -> tuple[Reading, ...]:
    """Return what the clock shows at the beginning of each quarter of the local `day`."""
    span = _span(day, zone)
    local = ((span.start + number * QUARTER).astimezone(zone) for number in range(_quarters(span)))
    return tuple((at.hour * 60 + at.minute, at.fold) for at in local)


def _positions(clock: Sequence[Reading]) -> dict[Reading, int]:
    return {reading: number for number, reading in enumerate(clock)}


def _quarters(span: Interval) -> int:
    return -(-(span.end - span.start) // QUARTER)


def _numbers(span: Interval, day: date, zone: ZoneInfo, position: dict[Reading, int]) -> tuple[int, int] | None:
    """Return the first row and the one after the last that `span` has on the local `day`, counted in the whole
    clock; None where it has no moment of that day."""
    of_day = _span(day, zone)
    if not span.overlaps(of_day):
        return None
    most = _quarters(of_day)
    start, end = (
        min(max((edge - of_day.start + QUARTER / 2) // QUARTER, 0), most) for edge in (span.start, span.end)
    )
    start = min(start, most - 1)
    end = max(end, start + 1)
    readings = _readings(day, zone)
    # Where the last quarter ends, not where the next one begins: rows that this day has not may lie between.
    return position[readings[start]], position[readings[end - 1]] + 1


def _in_lanes(places: list[Place]) -> list[Place]:
    """Return `places` in the same order, those that share rows with others beside each other."""
    found = list(places)
    group: list[int] = []
    ends: list[int] = []
    for number in [*sorted(range(len(places)), key=lambda at: (places[at].row, -places[at].rows)), None]:
        if number is None or places[number].row >= max(ends, default=0):
            # Nothing that follows touches the group, so it is known how many lanes it has.
            for member in group:
                found[member] = replace(found[member], lanes=len(ends))
            group, ends = [], []
        if number is not None:
            place = places[number]
            lane = next((lane for lane, end in enumerate(ends) if end <= place.row), len(ends))
            ends[lane : lane + 1] = [place.row + place.rows]
            found[number] = replace(place, lane=lane + 1)
            group.append(number)
    return found
