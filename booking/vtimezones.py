"""VTIMEZONE components (RFC 5545 §3.6.5) for the zones of the tz database.

icalendar can make one from a zone, but dates the change in spring by the clock after it (03:00 where the RFC
asks for 02:00), and lists the changes as RDATEs, which Outlook ignores (MS-OXCICAL 2.1.3.1.1.19): it takes
two yearly rules or nothing. So the rules are looked for here, and checked against the zone itself.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard, vRecur

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# A rule counts when it foretells this many years: the fourth Sunday is for a year or two also the last.
_YEARS_FORETOLD = 6


@dataclass(frozen=True, slots=True)
class _Onset:
    """A moment from which a zone has another offset; `wall` is what its clocks would have shown, unchanged."""

    wall: datetime
    offset_from: timedelta
    offset_to: timedelta
    name: str


def vtimezone(zone: ZoneInfo, year: int) -> Timezone:
    """Return the VTIMEZONE of `zone`, right for each moment of the local `year` and the day after it."""
    component = Timezone()
    component.add("tzid", zone.key)
    for onset, rule in _observances(zone, year):
        # By the direction, not by the zone's own flag: Ireland's winter counts as "daylight saving" there.
        part = TimezoneDaylight() if onset.offset_to > onset.offset_from else TimezoneStandard()
        part.add("dtstart", onset.wall)
        part.add("tzoffsetfrom", onset.offset_from)
        part.add("tzoffsetto", onset.offset_to)
        part.add("tzname", onset.name)
        if rule:
            part.add("rrule", rule)
        component.add_component(part)
    return component


def _observances(zone: ZoneInfo, year: int) -> list[tuple[_Onset, vRecur | None]]:
    """Return what holds in `year`: rules that began the year before, or else each change by itself."""
    before, during, after = (_onsets(zone, year + step) for step in (-1, 0, 1))
    rules = [_rule(onset, zone) for onset in before]
    # As many changes each year: none comes that no rule foretold.
    if before and all(rules) and len(before) == len(during) == len(after):
        return list(zip(before, rules, strict=True))
    first = datetime(year - 1, 1, 1, tzinfo=zone)
    offset = first.utcoffset() or timedelta()
    base = _Onset(first.replace(tzinfo=None), offset, offset, first.tzname() or zone.key)
    return [(onset, None) for onset in (base, *before, *during, *after)]


def _rule(onset: _Onset, zone: ZoneInfo) -> vRecur | None:
    """Return the yearly rule that foretells the changes after `onset`; None where none does."""
    years = range(onset.wall.year, onset.wall.year + _YEARS_FORETOLD)
    for nth in ((onset.wall.day - 1) // 7 + 1, -1):
        foretold = [_nth_weekday(year, onset.wall.month, onset.wall.weekday(), nth) for year in years]
        if all(_changes_on(day, onset, zone) for day in foretold):
            day = f"{nth}{_WEEKDAYS[onset.wall.weekday()]}"
            return vRecur(freq="YEARLY", bymonth=onset.wall.month, byday=day)
    return None


def _changes_on(day: date | None, like: _Onset, zone: ZoneInfo) -> bool:
    return day is not None and any(
        onset.wall == datetime.combine(day, like.wall.time())
        and (onset.offset_from, onset.offset_to) == (like.offset_from, like.offset_to)
        for onset in _onsets(zone, day.year)
    )


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date | None:
    """Return the nth `weekday` (Monday is 0) of the month, the last one for -1; None where there is none."""
    first_weekday, days = monthrange(year, month)
    first = 1 + (weekday - first_weekday) % 7
    day = first + 7 * ((days - first) // 7 if nth == -1 else nth - 1)
    return date(year, month, day) if day <= days else None


@lru_cache(maxsize=64)
def _onsets(zone: ZoneInfo, year: int) -> tuple[_Onset, ...]:
    """Return the changes of offset in `year` (in UTC): each day is looked at, and halved where its ends differ."""
    onsets = []
    moment, day = datetime(year, 1, 1, tzinfo=UTC), timedelta(days=1)
    while moment.year == year:
        before, after = moment, moment + day
        if _offset(before, zone) != _offset(after, zone):
            while after - before > timedelta(seconds=1):
                middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
                if _offset(middle, zone) == _offset(moment, zone):
                    before = middle
                else:
                    after = middle
            offset_from = _offset(moment, zone)
            wall = (after + offset_from).replace(tzinfo=None)
            local = after.astimezone(zone)
            onsets.append(_Onset(wall, offset_from, _offset(after, zone), local.tzname() or zone.key))
        moment += day
    return tuple(onsets)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
