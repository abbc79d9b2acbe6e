"""Recurrence rules of calendar files (RFC 5545 §3.3.10): a rule in words in, the days on which it falls out.

Each day is judged by itself, so the work depends on how many days are asked about, not on how long ago a series
began or on whether its rule can ever match. No Django, no clock, no time zones.
"""

import re
from calendar import isleap, monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import product

LONGEST = 2000
_WEEKDAYS = {name: number for number, name in enumerate(("MO", "TU", "WE", "TH", "FR", "SA", "SU"))}
_WITHIN_A_DAY = ("HOURLY", "MINUTELY", "SECONDLY")
_BY_DAYS = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_ORDINAL_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
# The lowest and highest value of each part that is a list of numbers, and whether it counts from the end too.
_NUMBERS = {
    "BYSECOND": (0, 60, False),
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYMONTH": (1, 12, False),
    "BYSETPOS": (1, 366, True),
}
_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST", "RSCALE", "SKIP", *_NUMBERS}
# RFC 5545's table: parts that a frequency must not have.
_NEVER_WITH = {
    "DAILY": {"BYYEARDAY", "BYWEEKNO"},
    "WEEKLY": {"BYYEARDAY", "BYWEEKNO", "BYMONTHDAY"},
    "MONTHLY": {"BYYEARDAY", "BYWEEKNO"},
    "YEARLY": set(),
}
_CHOOSING = {"BYDAY", *_NUMBERS} - {"BYSETPOS"}


class UnreadableRule(ValueError):
    """A rule is not what RFC 5545 allows, or is in another calendar than ours."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that can be read. `by_day` holds pairs of ordinal (0: each) and weekday (Monday is 0)."""

    frequency: str
    interval: int
    count: int | None
    until: str
    week_start: int
    by_day: frozenset[tuple[int, int]]
    numbers: dict[str, frozenset[int]]
    # Whether the last day of a month stands for a day that it does not have, as in Outlook; RFC 5545 skips it.
    last_day_instead: bool = False

    @property
    def within_a_day(self) -> bool:
        """Whether it comes more often than daily."""
        return self.frequency in _WITHIN_A_DAY

    def times(self, hour: int, minute: int, second: int) -> list[tuple[int, int, int]]:
        """Return the times of a day at which it falls, for a series that begins at the given one."""
        hours = self.numbers.get("BYHOUR") or {hour}
        minutes = self.numbers.get("BYMINUTE") or {minute}
        seconds = {min(each, 59) for each in self.numbers.get("BYSECOND") or {second}}
        return sorted(product(hours, minutes, seconds))

    def days(self, start: date, first: date, last: date) -> Iterator[date]:
        """Yield the days from `first` to `last` on which it falls, for a series that begins on `start`; whatever
        COUNT and UNTIL say."""
        day = max(start, first)
        while day <= last:
            if self._falls_on(day, start):
                yield day
            day += timedelta(days=1)

    def _falls_on(self, day: date, start: date) -> bool:
        if not self._in_period(day, start) or not self._chosen(day, start):
            return False
        positions = self.numbers.get("BYSETPOS")
        # Of several times on one day the position is not worked out: each of them counts.
        if not positions or self._times_a_day() > 1:
            return True
        found = _chosen_in_period(self, self._period(day), start)
        place = found.index(day)
        return place + 1 in positions or place - len(found) in positions

    def _times_a_day(self) -> int:
        return len(self.times(0, 0, 0))

    def _in_period(self, day: date, start: date) -> bool:
        match self.frequency:
            case "YEARLY":
                passed = day.year - start.year
            case "MONTHLY":
                passed = (day.year - start.year) * 12 + day.month - start.month
            case "WEEKLY":
                passed = (self._week(day) - self._week(start)).days // 7
            case _:
                passed = (day - start).days
        return passed % self.interval == 0

    def _week(self, day: date) -> date:
        return day - timedelta(days=(day.weekday() - self.week_start) % 7)

    def _period(self, day: date) -> tuple[date, date]:
        """Return the first and last day of the year, month, week or day that `day` lies in."""
        match self.frequency:
            case "YEARLY":
                return day.replace(month=1, day=1), day.replace(month=12, day=31)
            case "MONTHLY":
                return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])
            case "WEEKLY":
                return self._week(day), self._week(day) + timedelta(days=6)
            case _:
                return day, day

    def _chosen(self, day: date, start: date) -> bool:
        """Return whether the BY… parts take `day`, or where there are none, whether it is like `start`."""
        numbers = self.numbers
        if "BYMONTH" in numbers and day.month not in numbers["BYMONTH"]:
            return False
        if not (self.by_day or numbers.keys() & {"BYWEEKNO", "BYYEARDAY", "BYMONTHDAY"}):
            return self._like_start(day, start)
        if "BYMONTHDAY" in numbers:
            length = monthrange(day.year, day.month)[1]
            fits = numbers["BYMONTHDAY"] & {day.day, day.day - length - 1}
            if not fits and not any(self._is_instead(day, number) for number in numbers["BYMONTHDAY"]):
                return False
        if "BYYEARDAY" in numbers:
            number = day.timetuple().tm_yday
            if not numbers["BYYEARDAY"] & {number, number - _days_in(day.year) - 1}:
                return False
        if "BYWEEKNO" in numbers and not numbers["BYWEEKNO"] & set(self._week_numbers(day)):
            return False
        return not self.by_day or self._on_weekday(day)

    def _like_start(self, day: date, start: date) -> bool:
        match self.frequency:
            case "YEARLY" if "BYMONTH" not in self.numbers:
                return day.month == start.month and (day.day == start.day or self._is_instead(day, start.day))
            case "YEARLY" | "MONTHLY":
                return day.day == start.day or self._is_instead(day, start.day)
            case "WEEKLY":
                return day.weekday() == start.weekday()
            case _:
                return True

    def _is_instead(self, day: date, number: int) -> bool:
        return self.last_day_instead and number > day.day == monthrange(day.year, day.month)[1]

    def _week_numbers(self, day: date) -> tuple[int, int]:
        """Return the number of the week of `day` in its year, from the beginning and (below 0) from the end. Week
        1 is the first with four days of the year."""
        middle = self._week(day) + timedelta(days=3)
        number = (middle.timetuple().tm_yday - 1) // 7
        left = (_days_in(middle.year) - middle.timetuple().tm_yday) // 7
        return number + 1, -left - 1

    def _on_weekday(self, day: date) -> bool:
        weekday = day.weekday()
        if (0, weekday) in self.by_day:
            return True
        if self.frequency == "YEARLY" and "BYMONTH" not in self.numbers:
            number, length = day.timetuple().tm_yday, _days_in(day.year)
        else:
            number, length = day.day, monthrange(day.year, day.month)[1]
        return bool(
            self.by_day & {((number - 1) // 7 + 1, weekday), (-((length - number) // 7) - 1, weekday)},
        )

    def __hash__(self) -> int:
        return id(self)


@lru_cache(maxsize=256)
def _chosen_in_period(rule: Rule, period: tuple[date, date], start: date) -> list[date]:
    first, last = period
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if rule._chosen(day, start)]


def _days_in(year: int) -> int:
    return 366 if isleap(year) else 365


def read(text: str, *, last_day_instead: bool = False) -> Rule:
    """Return the rule that `text` is. Raises UnreadableRule."""
    if len(text) > LONGEST:
        raise UnreadableRule
    parts: dict[str, str] = {}
    for part in text.strip().upper().split(";"):
        # A semicolon at the end is common.
        if not part.strip():
            continue
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name not in _PARTS or not equals or not value or name in parts:
            raise UnreadableRule
        parts[name] = value
    frequency = parts.get("FREQ", "")
    if frequency not in _BY_DAYS + _WITHIN_A_DAY:
        raise UnreadableRule
    # RFC 7529: other calendars than ours, and days moved that a month does not have.
    if parts.get("RSCALE", "GREGORIAN") != "GREGORIAN" or parts.get("SKIP", "OMIT") != "OMIT":
        raise UnreadableRule
    if parts.keys() & _NEVER_WITH.get(frequency, set()):
        raise UnreadableRule
    if "BYSETPOS" in parts and not parts.keys() & _CHOOSING:
        raise UnreadableRule
    week_start = parts.get("WKST", "MO")
    if week_start not in _WEEKDAYS:
        raise UnreadableRule
    return Rule(
        frequency,
        _number(parts.get("INTERVAL", "1"), 1, 10_000),
        _number(parts["COUNT"], 1, 10**9) if "COUNT" in parts else None,
        parts.get("UNTIL", ""),
        _WEEKDAYS[week_start],
        _by_day(parts, frequency),
        {name: _list(parts[name], *limits) for name, limits in _NUMBERS.items() if name in parts},
        last_day_instead,
    )


def _by_day(parts: dict[str, str], frequency: str) -> frozenset[tuple[int, int]]:
    found = set()
    for text in parts["BYDAY"].split(",") if "BYDAY" in parts else []:
        day = _ORDINAL_DAY.fullmatch(text.strip())
        if day is None:
            raise UnreadableRule
        ordinal = int(day[1] or "0")
        if day[1] and (ordinal == 0 or abs(ordinal) > 53):
            raise UnreadableRule
        if ordinal and (frequency not in {"MONTHLY", "YEARLY"} or "BYWEEKNO" in parts):
            raise UnreadableRule
        found.add((ordinal, _WEEKDAYS[day[2]]))
    return frozenset(found)


def _list(text: str, lowest: int, highest: int, from_end: bool) -> frozenset[int]:
    numbers = set()
    for piece in text.split(","):
        piece = piece.strip()
        negative = piece.startswith("-")
        if negative and not from_end:
            raise UnreadableRule
        number = _number(piece.lstrip("+-") if piece[1:2].isdigit() or piece.isdigit() else piece, lowest, highest)
        numbers.add(-number if negative else number)
    return frozenset(numbers)


def _number(text: str, lowest: int, highest: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and lowest <= int(text) <= highest):
        raise UnreadableRule
    return int(text)
