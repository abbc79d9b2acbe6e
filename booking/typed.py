"""Times and days as people type them, in one place for every form. Pure: text in, a time or a day out."""

import re
import unicodedata
from datetime import date, time, timedelta

# "Thursday the third" and more is still shorter.
_LONGEST = 40
_TIME = re.compile(r"(\d{1,2})(?: ?[:.,hu] ?(\d{2})(?:[:.](00))?|(\d{2}))?(?: ?(?:uur|hrs|u|h)\.?)?")
_HALF = re.compile(r"(\d{1,2}) ?([ap])\.? ?m\.?|(\d{1,2}) ?[:.] ?(\d{2}) ?([ap])\.? ?m\.?")
_ONE_DIGIT = re.compile(r"(\d{1,2}) ?[:.,hu] ?(\d)")
_YEAR_FIRST = re.compile(r"(\d{4})([-/. ])(\d{1,2})\2(\d{1,2})")
_DAY_FIRST = re.compile(r"(\d{1,2}) ?([-/. ]) ?(\d{1,2})(?: ?[-/. ] ?(\d{4}|\d{2}))?\.?")
_GLUED = re.compile(r"\d{8}")
_IN_WORDS = re.compile(r"(\d{1,2})(?:st|nd|rd|th|e)?\.?[ -]?([a-z]{3,9})\.?(?:,?[ -]?(\d{4}))?")
_MONTH_IN_FRONT = re.compile(r"([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?(?:,? (\d{4}))?")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            *("januari january jan", "februari february feb", "maart march mrt mar", "april apr", "mei may"),
            *("juni june jun", "juli july jul", "augustus august aug", "september sep sept"),
            *("oktober october okt oct", "november nov", "december dec"),
        ),
        start=1,
    )
    for name in names.split()
}


class Unreadable(ValueError):
    """This is no time, or no day."""


class Ambiguous(Unreadable):
    """This could be either of two; `one` and `other` are both of them."""

    def __init__(self, one: date | time, other: date | time) -> None:
        super().__init__(one, other)
        self.one, self.other = one, other


def read_time(text: str, *, is_end: bool = False) -> time:
    """Return the time that `text` means on a clock: "9:30", "9.30", "0930", "9u30", "9", "9.30 am".

    Midnight as the end of a day (`is_end`) may be written "24:00" too, and is `time(0)`. Raises Unreadable, and
    Ambiguous for what could be two times, such as "9:3".
    """
    said = _plain(text)
    if found := _HALF.fullmatch(said):
        hour, minute = int(found[1] or found[3]), int(found[4] or 0)
        if not 1 <= hour <= 12:
            raise Unreadable(text)
        return _time(hour % 12 + (12 if "p" in (found[2], found[5]) else 0), minute)
    if found := _TIME.fullmatch(said):
        hour, minute = int(found[1]), int(found[2] or found[4] or 0)
        return time() if is_end and (hour, minute) == (24, 0) else _time(hour, minute)
    if found := _ONE_DIGIT.fullmatch(said):
        hour, digit = int(found[1]), int(found[2])
        raise Ambiguous(_time(hour, digit), _time(hour, digit * 10)) if 0 < digit < 6 else Unreadable(text)
    raise Unreadable(text)


def read_day(text: str, *, today: date, month_may_come_first: bool = False) -> date:
    """Return the day that `text` means: "2026-12-03", "03-12-2026", "3/12", "3 december", "3 dec 2026".

    The day comes before the month. Without a year it is the next such day, from `today` on. Raises Unreadable, and
    Ambiguous where `month_may_come_first` and "3/12" could be the twelfth of March as well.
    """
    said = _plain(text)
    if found := _YEAR_FIRST.fullmatch(said):
        return _day(int(found[1]), int(found[3]), int(found[4]))
    if _GLUED.fullmatch(said):
        year_first = said[:2] in {"20", "21"} and int(said[4:6]) <= 12
        parts = (said[:4], said[4:6], said[6:]) if year_first else (said[4:], said[2:4], said[:2])
        return _day(*map(int, parts))
    if found := _DAY_FIRST.fullmatch(said):
        day, month = int(found[1]), int(found[3])
        year = int(found[4]) + (2000 if len(found[4]) == 2 else 0) if found[4] else None
        meant = _day_of(day, month, year, today)
        if month_may_come_first and found[2] == "/" and day <= 12 and day != month:
            raise Ambiguous(meant, _day_of(month, day, year, today))
        return meant
    if found := _IN_WORDS.fullmatch(said):
        return _day_of(int(found[1]), _MONTHS.get(found[2], 0), int(found[3]) if found[3] else None, today)
    if found := _MONTH_IN_FRONT.fullmatch(said):
        return _day_of(int(found[2]), _MONTHS.get(found[1], 0), int(found[3]) if found[3] else None, today)
    raise Unreadable(text)


def _plain(text: str) -> str:
    """Return `text` in small letters, plain digits and single blanks; raises Unreadable for what is too long."""
    if len(text) > _LONGEST:
        raise Unreadable
    said = unicodedata.normalize("NFKC", text).casefold()
    said = "".join(letter for letter in said if unicodedata.category(letter) != "Cf")
    # Dashes of every length, and digits of Latin script alone.
    said = " ".join(said.translate(dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")).split())
    if not said.isascii():
        raise Unreadable(text)
    return said


def _time(hour: int, minute: int) -> time:
    try:
        return time(hour, minute)
    except ValueError as error:
        raise Unreadable from error


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise Unreadable from error


def _day_of(day: int, month: int, year: int | None, today: date) -> date:
    if year is not None:
        return _day(year, month, day)
    # The 29th of February may be the one of the year after.
    for one in (today.year, today.year + 1):
        try:
            found = date(one, month, day)
        except ValueError:
            continue
        if today <= found <= today + timedelta(days=366):
            return found
    raise Unreadable
