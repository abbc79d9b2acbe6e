"""A second reading of calendar files, that shares no line with ours: by icalendar and dateutil, minute by minute.

It reads what is well written and nothing else. Slow, and that is fine.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from icalendar import Calendar

Minute = int


def busy_minutes(content: bytes, zone: ZoneInfo, first: date, last: date) -> set[Minute]:
    """Return the minutes (since 1970) of the days `first` to `last` in `zone` that the file says are busy."""
    begin, end = _utc(first, zone), _utc(last + timedelta(days=1), zone)
    events: dict[str, list[Any]] = defaultdict(list)
    for calendar in Calendar.from_ical(content, multiple=True):
        for event in calendar.walk("VEVENT"):
            events[str(event["UID"])].append(event)
    minutes: set[Minute] = set()
    for alike in events.values():
        instead = {_utc(event["RECURRENCE-ID"].dt, zone) for event in alike if "RECURRENCE-ID" in event}
        for event in alike:
            free = "TRANSPARENT" in event.get("TRANSP", "") or "FREE" in event.get(
                "X-MICROSOFT-CDO-BUSYSTATUS", ""
            )
            if event.get("STATUS") == "CANCELLED" or free:
                continue
            for start, until in _times(event, zone, begin, end):
                if "RECURRENCE-ID" in event or start not in instead:
                    minutes.update(_minutes(max(start, begin), min(until, end)))
    return minutes


def _minutes(start: datetime, end: datetime) -> range:
    return range(int(start.timestamp()) // 60, -(int(end.timestamp()) // -60))


def _times(event: Any, zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    start = event["DTSTART"].dt
    whole_day = not isinstance(start, datetime)
    length = event["DURATION"].dt if "DURATION" in event else timedelta(days=1)
    ends = event["DTEND"].dt if "DTEND" in event else start + length
    info = None if whole_day else start.tzinfo or zone
    wall = datetime.combine(start, time()) if whole_day else start.replace(tzinfo=None)
    walls = {wall}
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        parts = {name: value for name, value in rule.items() if name != "UNTIL"}
        text = ";".join(f"{name}={','.join(map(str, value))}" for name, value in parts.items())
        days = rrulestr(text, dtstart=wall)
        for found in days.xafter(wall, inc=True):
            if found > end.replace(tzinfo=None) + timedelta(days=2):
                break
            if "UNTIL" not in rule or _goes_on(found, rule["UNTIL"][0], info, zone):
                walls.add(found)
            else:
                break
    out = {_utc(each.dt, zone) for line in _lines(event, "EXDATE") for each in line.dts}
    for found in walls:
        moment = _utc(found.date() if whole_day else found.replace(tzinfo=info), zone)
        if moment in out:
            continue
        if whole_day:
            until = _utc((found + (ends - start)).date(), zone)
        else:
            until = moment + (_utc(ends, zone) - _utc(start, zone))
        if moment < end and until > begin:
            yield moment, until


def _goes_on(found: datetime, until: date, info: Any, zone: ZoneInfo) -> bool:
    if info is None:
        return found.date() <= (until.astimezone(zone).date() if isinstance(until, datetime) else until)
    if isinstance(until, datetime):
        return found.replace(tzinfo=info) <= (until if until.tzinfo else until.replace(tzinfo=info))
    return found.date() <= until


def _lines(event: Any, name: str) -> list[Any]:
    lines = event.get(name, [])
    return lines if isinstance(lines, list) else [lines]


def _utc(value: date, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), tzinfo=zone).astimezone(UTC)
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
