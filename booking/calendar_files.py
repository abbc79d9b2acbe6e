"""Calendar files from elsewhere (RFC 5545), read at arm's length."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from threading import BoundedSemaphore
from zoneinfo import ZoneInfo

from booking.models import Doubt, FetchFailure

LARGEST = 5 * 1024 * 1024
MOST_SPANS = 5000
# Of processor time, for the reader.
MOST_SECONDS = 5
# Longer than that, for a machine that is busy with other things.
_PATIENCE_SECONDS = 20
# In each of our processes: as many at once as there are threads would be more memory than there is.
_ONE_AT_A_TIME = BoundedSemaphore(1)
_ROOT = Path(__file__).resolve().parent.parent


class UnreadableCalendar(Exception):
    """A calendar file cannot be read; `failure` says why, `str(error)` in the reader's language."""

    def __init__(self, failure: FetchFailure) -> None:
        super().__init__(failure)
        self.failure = failure

    def __str__(self) -> str:
        return str(self.failure.label)


@dataclass(frozen=True, slots=True)
class CalendarSpan:
    """What an event takes (UTC): `busy` where the calendar counts it as such, `all_day` where it is whole days."""

    start: datetime
    end: datetime
    all_day: bool
    busy: bool
    summary: str
    certain: bool


@dataclass(frozen=True, slots=True)
class Doubted:
    """An event that could not be understood, so that more is taken than it may need: why, what it is called (which
    may be nothing), on which day it begins where that is known, and whether it makes busy."""

    doubt: Doubt
    name: str
    day: date | None
    busy: bool


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """What a calendar file holds: spans by their start, what is doubtful about them, the number of events on any
    day, and whether the file is whole, or stops halfway."""

    spans: list[CalendarSpan]
    doubted: list[Doubted]
    events: int
    whole: bool


def read(content: bytes, *, zone: ZoneInfo, first: date, last: date) -> CalendarFile:
    """Return what touches the local days `first` to `last`; repeated events once for each time.

    Times without a zone, and whole days, are read in `zone`. Raises UnreadableCalendar.
    """
    if len(content) > LARGEST:
        raise UnreadableCalendar(FetchFailure.TOO_LARGE)
    asked = {"zone": zone.key, "first": first.isoformat(), "last": last.isoformat()}
    limits = {"spans": MOST_SPANS, "seconds": MOST_SECONDS}
    try:
        with _ONE_AT_A_TIME:
            reader = subprocess.run(
                [sys.executable, "-m", "booking.calendar_reader"],
                input=json.dumps(asked | limits).encode() + b"\n" + content,
                capture_output=True,
                cwd=_ROOT,
                # None of our own variables: there are secrets in them.
                env={"PATH": os.environ.get("PATH", ""), "PYTHONIOENCODING": "utf-8"},
                timeout=_PATIENCE_SECONDS,
                check=True,
            )
        answer = json.loads(reader.stdout)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError, json.JSONDecodeError) as error:
        # Killed for the time that it took, or out of memory: either way there was too much to work out.
        raise UnreadableCalendar(FetchFailure.TOO_MUCH) from error
    if failure := answer.get("failure"):
        raise UnreadableCalendar(FetchFailure(failure))
    spans = [
        CalendarSpan(datetime.fromisoformat(start), datetime.fromisoformat(end), *rest)
        for start, end, *rest in answer["spans"]
    ]
    doubted = [
        Doubted(Doubt(doubt), name, date.fromisoformat(day) if day else None, busy)
        for doubt, name, day, busy in answer["doubts"]
    ]
    by_start = sorted(spans, key=lambda span: (span.start, span.end, span.summary))
    return CalendarFile(by_start, doubted, answer["events"], answer["whole"])
