"""Reads a calendar file in a process of its own: `python -m booking.calendar_reader`, see calendar_files.py.

In comes one line of JSON (zone, first and last local day, the most spans and seconds of processor time) and then
the file itself; out comes JSON. A file from elsewhere can ask for a thousand years of seconds: whatever it does,
it does it to this process, which has little time and little memory. No Django here, so that it starts at once and
knows no secret.
"""

import json
import re
import resource
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Component, Event
from icalendar.timezone import tzp
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

MEMORY = 1 << 30
_FREE = {"FREE", "WORKINGELSEWHERE"}
_TIMES = ("DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE")
# A line with those that it was folded into.
_TELLING = re.compile(
    rb"^(?:BEGIN|END|CALSCALE|X-WR-TIMEZONE|TZID|TZOFFSETFROM|TZOFFSETTO|UID|SEQUENCE|RECURRENCE-ID|DTSTART|DTEND"
    rb"|DURATION|RRULE|RDATE|EXDATE|STATUS|TRANSP|X-MICROSOFT-CDO-BUSYSTATUS|SUMMARY)"
    rb"[;:][^\r\n]*(?:\r?\n[ \t][^\r\n]*)*",
    re.IGNORECASE | re.MULTILINE,
)
_EVENT = re.compile(
    rb"^BEGIN:VEVENT\n(?:(?!(?:BEGIN|END):VEVENT\n)[^\n]*+\n)*+END:VEVENT\n", re.IGNORECASE | re.MULTILINE
)
_ZONE = re.compile(
    rb"^BEGIN:VTIMEZONE\n(?:(?!(?:BEGIN|END):VTIMEZONE\n)[^\n]*+\n)*+END:VTIMEZONE\n", re.IGNORECASE | re.MULTILINE
)
_ENDS = re.compile(rb"^DTEND[^:\n]*:(\d{8})", re.IGNORECASE | re.MULTILINE)
_COMES_AGAIN = re.compile(rb"^(?:RRULE|RDATE|RECURRENCE-ID)[;:]", re.IGNORECASE | re.MULTILINE)
_ZONE_NAME = re.compile(rb"^TZID[^:\n]*:(.*)", re.IGNORECASE | re.MULTILINE)


class Unreadable(Exception):
    """The file cannot be read; the one argument is the name of a FetchFailure."""


def main() -> None:
    """Read a request from standard input and write the answer to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.loads(sys.stdin.buffer.readline())
    resource.setrlimit(resource.RLIMIT_CPU, (asked["seconds"], asked["seconds"]))
    first, last = date.fromisoformat(asked["first"]), date.fromisoformat(asked["last"])
    try:
        spans = []
        for span in read(sys.stdin.buffer.read(), ZoneInfo(asked["zone"]), first, last):
            spans.append(span)
            if len(spans) > asked["spans"]:
                raise Unreadable("too_much")
        answer: dict[str, Any] = {"spans": spans}
    except Unreadable as error:
        answer = {"failure": error.args[0]}
    except MemoryError:
        answer = {"failure": "too_much"}
    except Exception:  # noqa: BLE001 - whatever a parser trips over, it is no calendar that can be relied on
        answer = {"failure": "not_a_calendar"}
    json.dump(answer, sys.stdout)


def read(content: bytes, zone: ZoneInfo, first: date, last: date) -> Iterator[list[Any]]:
    """Yield start and end (ISO 8601, UTC), whether it is a whole day, whether it makes busy, and what it is
    called, of all that touches the days `first` to `last` in `zone`. Cancelled events are none."""
    calendars = Calendar.from_ical(_telling(content, first), multiple=True)
    if not calendars or any(calendar.name != "VCALENDAR" for calendar in calendars):
        raise Unreadable("not_a_calendar")
    begin, end = _midnight(first, zone), _midnight(last + timedelta(days=1), zone)
    for calendar in calendars:
        _check_own_zone(calendar)
        seen: set[str] = set()
        for event in calendar.walk("VEVENT"):
            _check_times(event)
            _tell_apart(event, seen)
        # A day more at either side: the library counts in the zones of the events.
        query = recurring_ical_events.of(calendar)
        for event in query.between(first - timedelta(days=1), last + timedelta(days=2)):
            start, until, whole_day = _times(event, zone)
            if start < until and start < end and until > begin and _text(event, "STATUS") != "CANCELLED":
                yield [start.isoformat(), until.isoformat(), whole_day, _is_busy(event), _summary(event)]


def _telling(content: bytes, first: date) -> bytes:
    """Return of `content` what says when something is, from `first` on: in a calendar of ten years the rest would
    be most of the work."""
    lines = b"\n".join([*_TELLING.findall(content.removeprefix(b"\xef\xbb\xbf")), b""])
    # Two days of grace, for ends in other zones.
    over = f"{first - timedelta(days=2):%Y%m%d}".encode()
    lines = _EVENT.sub(lambda event: b"" if _is_over(event[0], over) else event[0], lines)
    # By their names alone these zones are known better, and quicker, than by Microsoft's rules since 1601.
    return _ZONE.sub(lambda zone: b"" if _is_microsofts(zone[0]) else zone[0], lines)


def _is_over(event: bytes, day: bytes) -> bool:
    ends = _ENDS.search(event)
    return ends is not None and ends[1] < day and not _COMES_AGAIN.search(event)


def _is_microsofts(zone: bytes) -> bool:
    name = _ZONE_NAME.search(zone)
    return name is not None and name[1].decode(errors="replace") in WINDOWS_TO_OLSON


def _check_own_zone(calendar: Component) -> None:
    """Refuse a calendar that is kept in a zone that nobody knows."""
    name = str(calendar.get("X-WR-TIMEZONE", ""))
    if name and not tzp.timezone(name):
        raise Unreadable("unknown_zone")
    if name in WINDOWS_TO_OLSON:
        calendar["X-WR-TIMEZONE"] = WINDOWS_TO_OLSON[name]


def _check_times(event: Component) -> None:
    """Refuse a time that cannot be read, or in a zone that nobody knows: left out, or read as if it were in
    another, it would free the wrong hours."""
    if any(name in _TIMES for name, _ in event.errors):
        raise Unreadable("not_a_calendar")
    for name in _TIMES:
        values = event.get(name, [])
        for value in values if isinstance(values, list) else [values]:
            zone = value.params.get("TZID")
            if zone and value.params.get("VALUE") != "DATE" and not tzp.timezone(zone):
                raise Unreadable("unknown_zone")


def _tell_apart(event: Component, seen: set[str]) -> None:
    """Give `event` a name of its own where another has the same: of two, only one would be counted."""
    if "RECURRENCE-ID" in event or "UID" not in event:
        return
    uid = str(event["UID"])
    if uid in seen:
        uid = f"{uid} {len(seen)} {id(event)}"
        event["UID"] = uid
    seen.add(uid)


def _times(event: Event, zone: ZoneInfo) -> tuple[datetime, datetime, bool]:
    start, end = event.start, event.end
    if isinstance(start, datetime) and isinstance(end, datetime):
        return _moment(start, zone), _moment(end, zone), False
    return _midnight(start, zone), _midnight(max(end, start + timedelta(days=1)), zone), True


def _moment(value: datetime, zone: ZoneInfo) -> datetime:
    # RFC 5545 §3.3.5: without a zone it is meant on the reader's own clock.
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _is_busy(event: Event) -> bool:
    return _text(event, "TRANSP") != "TRANSPARENT" and _text(event, "X-MICROSOFT-CDO-BUSYSTATUS") not in _FREE


def _summary(event: Event) -> str:
    return "".join(letter for letter in str(event.get("SUMMARY", "")) if letter.isprintable())[:200]


def _text(event: Event, name: str) -> str:
    return str(event.get(name, "")).upper()


if __name__ == "__main__":
    main()
