"""The therapist's own calendars elsewhere: when she is busy there, nothing can be booked here.

What was read last holds until it is read again: a calendar that cannot be reached opens nothing.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from celery import current_app
from django.db import transaction
from django.db.models import OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import KombuError

from booking import calendar_files, fetching
from booking.calendar_files import CalendarFile, Doubted, UnreadableCalendar
from booking.encryption import Unreadable
from booking.errors import BookingError
from booking.fetching import FetchFailed
from booking.intervals import Interval, local_days, merge, subtract
from booking.models import CalendarSource, Doubt, FetchFailure, ImportedBusy, Therapist

logger = logging.getLogger(__name__)

# Every so often a calendar is read, and in the end less often while it fails.
EVERY = timedelta(minutes=15)
EVERY_WHILE_FAILING = timedelta(hours=1)
# A little further than anyone can book.
AHEAD = timedelta(days=400)
MOST_SOURCES = 10
# What could not be understood is named by so many, and by so much of each name.
MOST_DOUBTS = 20
LONGEST_NAME = 80
_LEASE = timedelta(minutes=5)
# What was taken on days that a reading did not look at stays for so long: a clock that is wrong for a moment looks
# at other days, and must not open these.
_REMEMBERED = timedelta(days=35)


class TooManyCalendars(BookingError):
    """A therapist reads as many calendars as there may be."""

    sentence = _("There are enough calendars here. Remove one first.")


def add(therapist: Therapist, *, name: str, url: str, now: datetime, free_is_busy: bool = False) -> CalendarSource:
    """Add the calendar at `url` to those of `therapist`; a worker reads it at once. Raises TooManyCalendars."""
    with transaction.atomic():
        # Locked: of several that are added at once each counts the one before it.
        Therapist.objects.select_for_update(no_key=True).get(pk=therapist.pk)
        if therapist.calendar_sources.count() >= MOST_SOURCES:
            raise TooManyCalendars
        source = CalendarSource.objects.create(
            therapist=therapist, name=name, url=url, free_is_busy=free_is_busy, due_at=now
        )
        transaction.on_commit(_wake, robust=True)
    return source


def read_now(source: CalendarSource, *, now: datetime) -> None:
    """Have a worker read `source` at once."""
    CalendarSource.objects.filter(pk=source.pk).update(due_at=now)
    transaction.on_commit(_wake, robust=True)


def remove(source: CalendarSource) -> None:
    """Forget `source`, and the times that it took."""
    source.delete()


def choose(source: CalendarSource, *, free_is_busy: bool, now: datetime) -> None:
    """Let what `source` marks as free be busy, or not; a worker reads it at once."""
    CalendarSource.objects.filter(pk=source.pk).update(free_is_busy=free_is_busy)
    read_now(source, now=now)


@dataclass(frozen=True, slots=True)
class Doubts:
    """What of a calendar could not be understood: so many at most by name, and how many more."""

    listed: list[Doubted]
    more: int

    @property
    def number(self) -> int:
        """How many there are in all."""
        return len(self.listed) + self.more


def doubts(source: CalendarSource) -> Doubts:
    """Return what could not be understood of what was read last of `source`."""
    # What no key reads is written once more with the next reading.
    if not source.doubts or isinstance(source.doubts, Unreadable):
        return Doubts([], 0)
    kept = json.loads(source.doubts)
    listed = [
        Doubted(Doubt(doubt), name, date.fromisoformat(day) if day else None, busy=True)
        for doubt, name, day in kept["listed"]
    ]
    return Doubts(listed, kept["more"])


def _written(file: CalendarFile, source: CalendarSource) -> str:
    """Return what is kept of the doubts about `file`: those that take time."""
    counted = [doubted for doubted in file.doubted if doubted.busy or source.free_is_busy]
    if not counted:
        return ""
    listed = [
        (doubted.doubt, doubted.name[:LONGEST_NAME], doubted.day.isoformat() if doubted.day else "")
        for doubted in counted[:MOST_DOUBTS]
    ]
    return json.dumps({"listed": listed, "more": len(counted) - len(listed)})


def failing(therapist: Therapist | OuterRef) -> QuerySet[CalendarSource]:
    """Return the calendars of `therapist` that cannot be read just now."""
    return CalendarSource.objects.filter(therapist=therapist).exclude(failure="")


def read_due(clock: Callable[[], datetime], *, zone: ZoneInfo) -> int:
    """Read each calendar that is due, and return how many were read well.

    `clock` gives the present moment in UTC; it is read anew for each, since a slow calendar takes long.
    """
    due = CalendarSource.objects.filter(due_at__lte=clock()).order_by("due_at")
    # Of somebody who left nobody reads the private calendar any more.
    due = due.exclude(therapist__user__is_active=False)
    return sum(_read(pk, zone, clock()) for pk in list(due.values_list("pk", flat=True)))


def _read(pk: int, zone: ZoneInfo, now: datetime) -> bool:
    """Claim the calendar `pk` and read it; return whether that went well."""
    lease = now + _LEASE
    if not CalendarSource.objects.filter(pk=pk, due_at__lte=now).update(due_at=lease):
        return False
    claimed = CalendarSource.objects.filter(pk=pk, due_at=lease)
    try:
        source = claimed.get()
        today = now.astimezone(zone).date()
        first, last = today - timedelta(days=1), today + AHEAD
        file = _fetched(source, zone, first, last)
    except (FetchFailed, UnreadableCalendar) as error:
        _failed(claimed, source, error.failure, now)
        return False
    except Exception as error:  # noqa: BLE001 - one that cannot be dealt with at all must not hold up the others
        logger.error("calendar %s cannot be dealt with: %s", pk, type(error).__name__)
        return False
    return _keep(claimed, file, local_days(first, last, zone), now)


def _fetched(source: CalendarSource, zone: ZoneInfo, first: date, last: date) -> CalendarFile:
    if isinstance(source.url, Unreadable):
        logger.error("calendar %s cannot be read: no key reads its address", source.pk)
        raise FetchFailed(FetchFailure.UNREACHABLE)
    return calendar_files.read(fetching.fetch(source.url), zone=zone, first=first, last=last)


def _keep(claimed: QuerySet[CalendarSource], file: CalendarFile, days: Interval, now: datetime) -> bool:
    """Put what `file` says about `days` in the place of what was read about them before; return False where the
    claim is lost."""
    with transaction.atomic():
        source = claimed.select_for_update().first()
        # Meanwhile it was removed, or asked for anew: then who reads it now knows better.
        if source is None:
            return False
        before = [Interval(start, end) for start, end in source.busy.values_list("start", "end")]
        # As she chose at this moment, not as it was when the file was asked for.
        taken = [span for span in file.spans if span.busy or source.free_is_busy]
        # Of a file that stops halfway nobody knows what the rest says: what was taken stays so.
        elsewhen = [one for one in subtract(before, [days]) if one.end > days.start - _REMEMBERED]
        left = elsewhen if file.whole else before
        busy = merge([*(Interval(span.start, span.end) for span in taken), *left])
        # Mostly nothing is new, and a thousand rows need not be written anew.
        if busy != before:
            source.busy.all().delete()
            ImportedBusy.objects.bulk_create(
                [ImportedBusy(source=source, start=interval.start, end=interval.end) for interval in busy]
            )
        told = {"events": file.events, "doubts": _written(file, source)}
        if file.whole:
            claimed.update(read_at=now, failing_since=None, failure="", due_at=now + EVERY, **told)
        else:
            CalendarSource.objects.filter(pk=source.pk).update(**told)
            _failed(claimed, source, FetchFailure.CUT_SHORT, now)
    return file.whole


def _failed(
    claimed: QuerySet[CalendarSource], source: CalendarSource, failure: FetchFailure, now: datetime
) -> None:
    """Write down why `source` could not be read and since when that is so; what was read last stays."""
    since = source.failing_since or now
    # The longer it lasts the less often it is tried.
    wait = min(max(now - since, EVERY), EVERY_WHILE_FAILING)
    claimed.update(failing_since=since, failure=failure, due_at=now + wait)


def _wake() -> None:
    """Ask a worker to read what is due; with the broker down, the next sweep does."""
    try:
        current_app.send_task("booking.tasks.read_calendars", ignore_result=True, retry=False)
    except (KombuError, OSError):
        return
