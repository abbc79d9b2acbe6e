"""The time zones of a calendar file: what a clock in each of them may be ahead of UTC.

A zone is asked for all its plausible offsets at once, so that what is unclear becomes a longer stretch of time
instead of a wrong one: an hour that comes twice has two, a zone that nobody knows has those of the whole world.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from booking import recurrence
from booking.calendar_lines import Part, read_stamp

Offsets = frozenset[timedelta]
# Clocks on earth are between these.
EVERYWHERE: Offsets = frozenset({timedelta(hours=14), timedelta(hours=-12)})
_LONGEST_NAME = 200
_LARGEST_OFFSET = timedelta(hours=18)
# Near a change of the clock both offsets count.
_NEAR = timedelta(hours=3)
# As long as this after its last change a description of a zone still says something.
_HOLDS = timedelta(days=400)
# No clock stays longer than this between two changes of a year.
_SEASON = timedelta(days=240)
# They are in the tz database, and in no place on earth.
_NOWHERE = {"factory", "localtime", "posixrules"}
_MICROSOFT = {
    **{name.casefold(): zone for name, zone in WINDOWS_TO_OLSON.items()},
    "tzone://microsoft/utc": "UTC",
    "z": "UTC",
}


@dataclass(frozen=True)
class Zone:
    """A time zone as a file means it; `sure` unless nobody knows it."""

    name: str
    offsets: Callable[[datetime], Offsets]
    sure: Callable[[datetime], bool]

    def earliest(self, wall: datetime) -> datetime:
        """Return the first moment (UTC, naive) at which clocks may show `wall`."""
        return wall - max(self.offsets(wall))

    def latest(self, wall: datetime) -> datetime:
        """Return the last moment (UTC, naive) at which clocks may show `wall`."""
        return wall - min(self.offsets(wall))


@lru_cache(maxsize=64)
def known(zone: ZoneInfo) -> Zone:
    """Return `zone` with its own offsets: two in an hour that comes twice, or never."""

    @lru_cache(maxsize=4096)
    def offsets(wall: datetime) -> Offsets:
        found = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
        return frozenset(offset for offset in found if offset is not None)

    return Zone(zone.key, offsets, lambda _wall: True)


def unknown(name: str) -> Zone:
    """Return a zone of which no more is known than that it is on earth."""
    return Zone(name, lambda _wall: EVERYWHERE, lambda _wall: False)


def either(one: Zone, other: Zone, *, sure: bool = False) -> Zone:
    """Return the zone of a time that may be meant in one zone or in another, or, where that is `sure`, in both."""

    def offsets(wall: datetime) -> Offsets:
        return one.offsets(wall) | other.offsets(wall)

    def agree(wall: datetime) -> bool:
        return one.sure(wall) and other.sure(wall) and (sure or one.offsets(wall) == other.offsets(wall))

    return Zone(f"{one.name} {other.name}", offsets, agree)


def named(name: str, described: Zone | None) -> Zone:
    """Return the zone called `name`, which the file itself describes as `described`.

    Where the name is well known and the description says otherwise, both count.
    """
    found = _by_name(name)
    if found is None:
        return described or unknown(name)
    ours = known(found)
    if described is None:
        return ours

    def agree(wall: datetime) -> bool:
        theirs = described.offsets(wall)
        return not theirs or bool(theirs & ours.offsets(wall))

    def offsets(wall: datetime) -> Offsets:
        return ours.offsets(wall) if agree(wall) else ours.offsets(wall) | described.offsets(wall)

    return Zone(name, offsets, agree)


@lru_cache(maxsize=256)
def _by_name(name: str) -> ZoneInfo | None:
    """Return the zone called `name`, however the program at the other end writes it."""
    name = name.strip()[:_LONGEST_NAME]
    if zone := _MICROSOFT.get(name.casefold()):
        return ZoneInfo(zone)
    # "/softwarestudio.org/Tzfile/Europe/Amsterdam": what comes before says who described it.
    pieces = [piece for piece in name.split("/") if piece]
    shortest = 1 if name.startswith("/") else 2
    for length in dict.fromkeys((len(pieces), 3, 2, 1)):
        if len(pieces) >= length and (length == len(pieces) or length >= shortest):
            found = "/".join(pieces[-length:])
            if found.casefold() in _all_names():
                return ZoneInfo(_all_names()[found.casefold()])
    return None


@lru_cache(maxsize=1)
def _all_names() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones() if name.casefold() not in _NOWHERE}


@dataclass(frozen=True, slots=True)
class _Onset:
    wall: datetime
    before: timedelta
    after: timedelta


def described(part: Part, first: date, last: date) -> Zone | None:
    """Return the zone that the VTIMEZONE `part` describes, for the days `first` to `last`; None where it cannot be
    read. Its offsets are none where it says nothing of that year."""
    onsets: list[_Onset] = []
    try:
        for observance in part.parts:
            if observance.name in {"STANDARD", "DAYLIGHT"}:
                onsets += _onsets(observance, first, last)
    except (ValueError, OverflowError):
        return None
    if not onsets or not part.finished:
        return None
    onsets.sort(key=lambda onset: onset.wall)
    walls = [onset.wall for onset in onsets]
    always = len({onset.after for onset in onsets}) == 1

    def offsets(wall: datetime) -> Offsets:
        place = bisect_right(walls, wall)
        if place == 0:
            return frozenset({onsets[0].before})
        near = {onset for onset in onsets[max(place - 1, 0) : place + 1] if abs(onset.wall - wall) <= _NEAR}
        found = {offset for onset in near for offset in (onset.before, onset.after)}
        return frozenset({onsets[place - 1].after, *found})

    def says(wall: datetime) -> bool:
        place = bisect_right(walls, wall)
        return always or (place > 0 and wall - walls[place - 1] <= _HOLDS)

    def is_told(wall: datetime) -> bool:
        return always or wall - walls[-1] <= _SEASON

    name = part.text("TZID")
    if _by_name(name) is None:
        # Of one year alone, as some programs describe it: the next year's changes are missing.
        either_side = frozenset({onsets[-1].before, onsets[-1].after})
        return Zone(name, lambda wall: offsets(wall) if is_told(wall) else either_side, is_told)
    return Zone(name, lambda wall: offsets(wall) if says(wall) else frozenset(), lambda _wall: True)


def _onsets(observance: Part, first: date, last: date) -> Iterable[_Onset]:
    """Yield the changes that an observance describes near the days `first` to `last`. Raises ValueError."""
    before, after = (_offset(observance.text(name)) for name in ("TZOFFSETFROM", "TZOFFSETTO"))
    starts = [read_stamp(line.value) for line in observance.all("DTSTART")]
    if len(starts) != 1 or starts[0] is None:
        raise ValueError
    start = _as_wall(starts[0][0])
    yield _Onset(start, before, after)
    for line in observance.all("RDATE"):
        for text in line.value.split(","):
            listed = read_stamp(text)
            if listed is None:
                raise ValueError
            yield _Onset(_as_wall(listed[0]), before, after)
    for line in observance.all("RRULE"):
        rule = recurrence.read(line.value)
        if rule.frequency != "YEARLY" or rule.count:
            raise ValueError
        until = read_stamp(rule.until) if rule.until else None
        if rule.until and until is None:
            raise ValueError
        end = _as_wall(until[0]).date() + timedelta(days=1) if until else last + _HOLDS
        begin = min(first, end) - _HOLDS
        for day in rule.days(start.date(), begin, min(end, last + _HOLDS)):
            yield _Onset(datetime.combine(day, start.time()), before, after)


def _as_wall(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time())


def _offset(text: str) -> timedelta:
    """Return the offset that `text` is, as +0100 or -003000. Raises ValueError."""
    digits = text[1:]
    if text[:1] not in {"+", "-"} or not digits.isascii() or not digits.isdigit() or len(digits) not in {4, 6}:
        raise ValueError(text[:20])
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:6] or 0)
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if offset > _LARGEST_OFFSET:
        raise ValueError(text[:20])
    return -offset if text[0] == "-" else offset
