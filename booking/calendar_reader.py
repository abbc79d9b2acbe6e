"""Reads a calendar file in a process of its own: `python -m booking.calendar_reader`, see calendar_files.py.

In comes one line of JSON (zone, first and last local day, the most spans) and then the file itself; out comes
JSON. A file from elsewhere can ask for a thousand years of seconds: whatever it does, it does it to this process,
which has little time and little memory. No Django here, so that it starts at once and knows no secret.
"""

import json
import resource
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Component, Event

CPU_SECONDS = 5
MEMORY = 1 << 30
_FREE = {"FREE", "WORKINGELSEWHERE"}


class Unreadable(Exception):
    """The file cannot be read; the one argument is the name of a FetchFailure."""


def main() -> None:
    """Read a request from standard input and write the answer to standard output."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.loads(sys.stdin.buffer.readline())
    first, last = date.fromisoformat(asked["first"]), date.fromisoformat(asked["last"])
    try:
        spans = []
        for span in read(sys.stdin.buffer.read(), ZoneInfo(asked["zone"]), first, last):
            spans.append(span)
            if len(spans) > asked["most"]:
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
    calendars = Calendar.from_ical(content, multiple=True)
    if not calendars or any(calendar.name != "VCALENDAR" for calendar in calendars):
        raise Unreadable("not_a_calendar")
    begin, end = _midnight(first, zone), _midnight(last + timedelta(days=1), zone)
    for calendar in calendars:
        for event in calendar.walk("VEVENT"):
            _check_zones(event)
        # A day more at either side: the library counts in the zones of the events.
        query = recurring_ical_events.of(calendar)
        for event in query.between(first - timedelta(days=1), last + timedelta(days=2)):
            start, until, whole_day = _times(event, zone)
            if start < until and start < end and until > begin and _text(event, "STATUS") != "CANCELLED":
                yield [start.isoformat(), until.isoformat(), whole_day, _is_busy(event), _summary(event)]


def _check_zones(event: Component) -> None:
    """Refuse a time in a zone that nobody knows: read as if it were another, it would free the wrong hours."""
    for name in ("DTSTART", "DTEND"):
        value = event.get(name)
        if value is not None and "TZID" in value.params and isinstance(value.dt, datetime) and not value.dt.tzinfo:
            raise Unreadable("unknown_zone")


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
