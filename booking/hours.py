"""Hours on the practice's clock that recur: which windows they make, and whether two of them meet. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from booking.intervals import Interval, from_wall

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class WorkingHours:
    """A window on the practice's clock that recurs each week, or every other week.

    `weekday` counts from Monday, 0. An `end` that is not after `start` is on the next day. From `first_day` to
    `last_day`, both included; the first window is on the first such weekday from `first_day` on, and that is
    the `first_day` that the diary gives back.
    """

    id: int | None
    weekday: int
    start: time
    end: time
    every_weeks: int
    first_day: date
    last_day: date | None

    def wall_window(self, day: date) -> tuple[datetime, datetime]:
        """Return the naive start and end of the window that begins on `day`."""
        last = day + _DAY if self.end <= self.start else day
        return datetime.combine(day, self.start), datetime.combine(last, self.end)

    def window(self, day: date, zone: ZoneInfo) -> Interval:
        """Return the window (UTC) that begins on the local date `day`; empty where the clock skips all of it."""
        start, end = self.wall_window(day)
        return Interval(from_wall(start, zone), from_wall(end, zone))

    def wall_windows(self, first: date, days: int) -> Iterator[tuple[datetime, datetime]]:
        """Yield the naive windows that begin on the `days` dates from `first` on."""
        for day in (first + number * _DAY for number in range(days)):
            weeks, rest = divmod((day - self.first_day).days, 7)
            begun = day >= self.first_day and (self.last_day is None or day <= self.last_day)
            if begun and rest == 0 and weeks % self.every_weeks == 0:
                yield self.wall_window(day)

    def in_weeks_of(self, other: "WorkingHours") -> "WorkingHours":
        """Return these hours, from a first window on, in the weeks (from Monday) of `other`: a week later where
        both recur every other week and would take turns."""
        mondays = [hours.first_day - hours.first_day.weekday() * _DAY for hours in (self, other)]
        weeks = (mondays[0] - mondays[1]).days // 7
        if self.every_weeks == other.every_weeks == 2 and weeks % 2:
            return replace(self, first_day=self.first_day + timedelta(weeks=1))
        return self

    def next_day(self, day: date) -> date | None:
        """Return the first date from `day` on on which a window begins; None where none does any more."""
        step = timedelta(weeks=self.every_weeks)
        ahead = -((self.first_day - day) // step) if day > self.first_day else 0
        found = self.first_day + ahead * step
        return None if self.last_day and found > self.last_day else found


def overlap(one: WorkingHours, other: WorkingHours) -> bool:
    """Return whether the two ever overlap on the clock, over midnight too."""
    # Both repeat within two weeks, and a window may reach into the other's first day from the night before.
    first, days = max(one.first_day, other.first_day) - _DAY, 14
    return any(
        start < other_end and other_start < end
        for start, end in one.wall_windows(first, days)
        for other_start, other_end in other.wall_windows(first, days)
    )
