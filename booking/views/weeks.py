"""Free times as a calendar shows them: by part of the day, a week day by day, and a month.

Values in, values out: what is free and what the diary holds was looked up before.
"""

from calendar import Calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from booking import public_holidays
from booking.diary import Openings
from booking.intervals import Interval, local_days, subtract

# How many days in a row a page of the list shows.
DAYS_SHOWN = 7
_DAY = timedelta(days=1)
_NOON, _EVENING = 12, 18


@dataclass(frozen=True, slots=True)
class Time:
    """A free time as the list shows it: `value` goes back to the server, the rest is read."""

    value: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the day, by its name, and the free times that begin in it."""

    name: str
    times: list[Time]


@dataclass(frozen=True, slots=True)
class Day:
    """A local day with free times."""

    day: date
    times: list[Time]

    @property
    def parts(self) -> list[Part]:
        """The times by part of the day; parts without any are left out."""
        return [Part(name, list(times)) for name, times in groupby(self.times, key=_part_of)]


@dataclass(frozen=True, slots=True)
class DayInWeek:
    """A local day of the week that is shown: what is free on it, or in a word and a sentence why nothing is."""

    day: date
    free: Day | None
    word: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class DayInMonth:
    """A local day of the month that is shown, and how many times are free on it."""

    day: date
    free: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Month:
    """A month in weeks from Monday on, None where a day is another month's, without the weeks that have been;
    and the days to go to for the months before and after, None where these hold no day that can be booked."""

    first: date
    weekdays: list[date]
    weeks: list[list[DayInMonth | None]]
    previous: date | None
    next: date | None


def _part_of(time: Time) -> str:
    if time.start.hour < _NOON:
        return _("Morning")
    return _("Afternoon") if time.start.hour < _EVENING else _("Evening")


def week(
    days: Iterable[Day],
    first: date,
    last: date,
    *,
    openings: Sequence[Openings],
    soon: date,
    zone: ZoneInfo,
) -> list[DayInWeek]:
    """Return the local days `first` to `last`, both included.

    `days` are those on which something is free, in any range; `openings` hold the diary of each therapist who is
    asked, around these days. Up to and with the day `soon` the minimum notice leaves little or nothing.
    """
    by_day = {day.day: day for day in days if first <= day.day <= last}
    shown = [first + number * _DAY for number in range((last - first).days + 1)]
    if len(by_day) == len(shown):
        return [DayInWeek(day, by_day[day]) for day in shown]
    span = local_days(first, last, zone)
    # Of a whole year's openings only those of this week are looked at.
    windows = [window for one in openings for window in subtract(_touching(one.windows, span), one.time_off)]
    holidays = public_holidays.between(first, last, get_language() or "")
    return [
        DayInWeek(day, by_day[day]) if day in by_day else _without(day, windows, holidays.get(day, ""), soon, zone)
        for day in shown
    ]


def _touching(intervals: Iterable[Interval], span: Interval) -> list[Interval]:
    return [interval for interval in intervals if interval.overlaps(span)]


def _without(day: date, windows: list[Interval], holiday: str, soon: date, zone: ZoneInfo) -> DayInWeek:
    """Return `day`, on which nothing is free, with the reason that a parent can do something with."""
    if not _touching(windows, local_days(day, day, zone)):
        if holiday:
            return DayInWeek(day, None, _("closed"), _("Closed: %(holiday)s.") % {"holiday": holiday})
        return DayInWeek(day, None, _("closed"), _("The practice is closed."))
    if day <= soon:
        return DayInWeek(day, None, _("call us"), _("Nothing is left at such short notice. Please call us."))
    return DayInWeek(day, None, _("full"), _("Everything is taken."))


def month(days: Sequence[Day], chosen: date, first: date, last: date) -> Month:
    """Return the month of the day `chosen`, in which `days` are those with free times; between the local days
    `first` and `last`, both included, times can be booked."""
    free = {day.day: len(day.times) for day in days}
    begin = chosen.replace(day=1)
    after = (begin + 31 * _DAY).replace(day=1)
    dates = Calendar().monthdatescalendar(begin.year, begin.month)
    weeks = [
        [DayInMonth(day, free.get(day, 0), day == chosen) if day.month == begin.month else None for day in of_week]
        for of_week in dates
        if of_week[-1] >= first
    ]
    before = _within(free, (begin - _DAY).replace(day=1), first, last)
    return Month(begin, dates[0], weeks, before, _within(free, after, first, last))


def _within(free: Iterable[date], begin: date, first: date, last: date) -> date | None:
    """Return the day to go to in the month from `begin` on: the first of the days `free` in it, else its first."""
    end = (begin + 31 * _DAY).replace(day=1) - _DAY
    if end < first or begin > last:
        return None
    return next((day for day in free if begin <= day <= end), max(begin, first))
