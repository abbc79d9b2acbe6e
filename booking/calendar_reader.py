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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from booking import calendar_lines
from booking.calendar_events import Event, Moment, Scope, Time, TooMuch, Zones
from booking.intervals import Interval, merge, subtract

# Bytes: twice what a calendar of five megabytes takes. docker-compose.yml and deploy/ leave room for it.
MEMORY = 512 << 20
_HOUR = timedelta(hours=1)
# Where one event comes more often than this, all that lies between is taken.
_MOST_TIMES = 2000
_CLEAR_END = re.compile(r"UNTIL=\d{8}T\d{6}Z", re.ASCII | re.IGNORECASE)


class Unreadable(Exception):
    """The file cannot be read; the one argument is the name of a FetchFailure."""


@dataclass(frozen=True, slots=True)
class Span:
    """What something takes (UTC, naive), what it is called, and why it may take too much."""

    start: datetime
    end: datetime
    whole_day: bool
    busy: bool
    summary: str
    day: str
    doubts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Contents:
    """What touches the days asked about, how many events there are on any day, and whether the file is whole."""

    spans: list[Span]
    events: int
    whole: bool


def main() -> None:
    """Read a request from standard input and write the answer to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.loads(sys.stdin.buffer.readline())
    resource.setrlimit(resource.RLIMIT_CPU, (asked["seconds"], asked["seconds"]))
    first, last = date.fromisoformat(asked["first"]), date.fromisoformat(asked["last"])
    try:
        contents = read(sys.stdin.buffer.read(), ZoneInfo(asked["zone"]), first, last, most=asked["spans"])
        answer = _answer(contents)
    except Unreadable as error:
        answer = {"failure": error.args[0]}
    except (MemoryError, TooMuch):
        answer = {"failure": "too_much"}
    except Exception:  # noqa: BLE001 - whatever the reader trips over, it is no calendar that can be relied on
        answer = {"failure": "not_a_calendar"}
    json.dump(answer, sys.stdout)


def read(content: bytes, zone: ZoneInfo, first: date, last: date, *, most: int) -> Contents:
    """Return all in the calendar file `content` that touches the days `first` to `last` in `zone`, but for what is
    cancelled. Raises Unreadable where it is no calendar, or has more than `most` spans in those days."""
    calendars, whole = calendar_lines.calendars(content)
    if not calendars:
        raise Unreadable("not_a_calendar")
    scope = Scope(zone, first, last)
    # Two days of grace, for ends in other zones.
    over = f"{first - timedelta(days=2):%Y%m%d}"
    series: dict[object, list[Event]] = {}
    spans: list[Span] = []
    events = 0
    for calendar in calendars:
        zones = Zones(calendar, scope)
        for part in calendar.parts:
            if part.name == "VEVENT":
                events += 1
                if not calendar_lines.is_over(part, over):
                    series.setdefault(part.text("UID") or id(part), []).append(Event(part, zones, scope))
            elif part.name == "VFREEBUSY":
                found = list(_periods(Event(part, zones, scope)))
                events += len(found)
                spans += found
            elif part.name == "VAVAILABILITY":
                events += 1
                spans += _unavailable(Event(part, zones, scope))
    spans = [span for span in spans if _is_near(span, scope)]
    for alike in series.values():
        spans += [span for span in _series(alike, scope) if _is_near(span, scope)]
        if len(spans) > most:
            break
    if len(spans) > most:
        raise Unreadable("too_much")
    return Contents(spans, events, whole)


def _is_near(span: Span, scope: Scope) -> bool:
    return span.start < span.end and span.start < scope.end and span.end > scope.begin


def _series(alike: list[Event], scope: Scope) -> Iterator[Span]:
    """Yield what the events with one UID take: a series, what stands in the place of some of its times, or several
    that somebody gave one name."""
    # The very same event twice, as in two calendars in one file, is one.
    masters = {
        (tuple(sorted(event.part.raw)), tuple(start.early for start in event.starts)): event
        for event in alike
        if not event.is_exception
    }
    exceptions = [event for event in alike if event.is_exception]
    replaced: list[Moment] = []
    for exception in exceptions:
        moment = exception.replaces()
        # Of two series nobody can tell to which one an exception belongs: then it takes out nothing.
        if moment is None or len(masters) > 1:
            for event in (exception, *masters.values()):
                event.doubts.add("exception")
        else:
            replaced.append(moment)
    for master in masters.values():
        if not master.is_cancelled:
            later = [event for event in exceptions if _is_for_the_future(event) and event.starts]
            yield from _spans(master, replaced, later, scope)
    for exception in exceptions:
        if not exception.is_cancelled:
            yield from _spans(exception, [], [], scope)


def _is_for_the_future(exception: Event) -> bool:
    lines = exception.part.all("RECURRENCE-ID")
    return any(line.parameters.get("RANGE", "").upper() == "THISANDFUTURE" for line in lines)


def _spans(event: Event, replaced: Iterable[Moment], later: list[Event], scope: Scope) -> list[Span]:
    """Return what `event` takes but for the times that are `replaced`, with what those exceptions say that are for
    all `later` times."""
    try:
        times = _times(event, replaced, later, scope)
    except (TooMuch, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - one event that the reader trips over must not cost the others
        times = list(event.roughly())
    times = [time for time in times if time.start < scope.end and time.end > scope.begin]
    if len(times) > _MOST_TIMES:
        event.doubts.add("often")
        times = [Time(min(time.start for time in times), max(time.end for time in times))]
    summary, doubts = event.part.summary, frozenset(event.doubts)
    unsure = doubts | {"zone"}
    return [
        Span(
            time.start,
            time.end,
            time.moment is not None and time.moment.whole_day,
            event.is_busy,
            summary,
            event.day,
            doubts if time.moment is None or time.moment.sure else unsure,
        )
        for time in times
    ]


def _times(event: Event, replaced: Iterable[Moment], later: list[Event], scope: Scope) -> list[Time]:
    times = list(event.times())
    starts = event.starts
    whole_day = bool(starts) and starts[0].whole_day
    out = event.left_out(whole_day)
    for moment in replaced:
        key = event.key(moment, whole_day)
        if key is None:
            event.doubts.add("exception")
        else:
            out.add(key)
    left = [time for time in times if time.moment is None or event.key(time.moment, whole_day) not in out]
    for exception in later:
        # Few programs read RANGE=THISANDFUTURE: the times as they were stay taken too.
        event.doubts.add("exception")
        begun = exception.replaces()
        if begun is None or exception.is_cancelled:
            continue
        begins = exception.starts[0]
        length = max((time.end - time.start for time in exception.times()), default=timedelta())
        for time in times:
            if time.moment is not None and time.moment.early > begun.early:
                moved = time.moment.wall + (begins.early - begun.early)
                start = time.moment.zone.earliest(moved) - _HOUR
                left.append(Time(start, start + length + 2 * _HOUR))
    return left


def _periods(event: Event) -> Iterator[Span]:
    """Yield the times at which a VFREEBUSY (RFC 5545 §3.6.4) says that somebody is not free."""
    for line in event.part.all("FREEBUSY"):
        if line.parameters.get("FBTYPE", "BUSY").upper() == "FREE":
            continue
        # An empty list is a list of nothing.
        for text in filter(str.strip, line.value.split(",")):
            event.doubts.clear()
            time = event.period(text, line) if "/" in text else event.somewhere(text)
            sure = time.moment is None or time.moment.sure
            doubts = frozenset(event.doubts) if sure else frozenset(event.doubts | {"zone"})
            yield Span(
                time.start, time.end, False, True, event.part.summary, time.start.date().isoformat(), doubts
            )


def _unavailable(event: Event) -> list[Span]:
    """Return what a VAVAILABILITY (RFC 7953) leaves no time for: all of it but what is AVAILABLE in it."""
    scope = event.scope
    whole = Interval(scope.begin, scope.end)
    if event.part.all("DTSTART") and event.starts:
        bounded = event.part.all("DTEND") or event.part.all("DURATION")
        times = list(event.times())
        start = max(min(time.start for time in times), scope.begin)
        end = min(max(time.end for time in times), scope.end) if bounded and not event.doubts else scope.end
        whole = Interval(start, end)
    open_times: list[Interval] = []
    for part in event.part.parts:
        available = Event(part, event.zones, scope)
        spans = _spans(available, [], [], scope)
        # Here what is unclear must make less, so that nothing may be wider than it surely is.
        clear = all(_CLEAR_END.search(line.value) for line in part.all("RRULE") if "UNTIL" in line.value.upper())
        plain = part.name == "AVAILABLE" and not (available.is_exception or available.is_cancelled)
        if not plain or not clear or any(span.doubts for span in spans):
            event.doubts.add("available")
            continue
        open_times += [_surely(span, scope) for span in spans]
    left = subtract([whole], merge(open_times))
    doubts = frozenset(event.doubts)
    return [Span(each.start, each.end, False, True, event.part.summary, event.day, doubts) for each in left]


def _surely(span: Span, scope: Scope) -> Interval:
    """Return what `span` takes however its clock is read: it is as long as it can be."""
    changed = scope.local(span.end) - scope.local(span.start) - (span.end - span.start)
    start, end = span.start + abs(changed), span.end - abs(changed)
    return Interval(start, max(start, end))


def _answer(contents: Contents) -> dict[str, Any]:
    doubted = dict.fromkeys(
        (code, span.summary, span.day, span.busy) for span in contents.spans for code in sorted(span.doubts)
    )
    return {
        "spans": [
            [_iso(span.start), _iso(span.end), span.whole_day, span.busy, span.summary, not span.doubts]
            for span in contents.spans
        ],
        "doubts": list(doubted),
        "events": contents.events,
        "whole": contents.whole,
    }


def _iso(moment: datetime) -> str:
    return moment.replace(tzinfo=UTC).isoformat()


if __name__ == "__main__":
    main()
