"""The therapist's own calendars elsewhere: when she is busy there, nothing can be booked here.

What was read last holds until it is read again: a calendar that cannot be reached opens nothing.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from celery import current_app
from django.db import transaction
from django.db.models import QuerySet
from kombu.exceptions import KombuError

from booking import calendar_files, fetching
from booking.calendar_files import UnreadableCalendar
from booking.fetching import FetchFailed
from booking.intervals import Interval, merge
from booking.models import CalendarSource, FetchFailure, ImportedBusy, Therapist

# Every so often a calendar is read, and less often while it fails.
EVERY = timedelta(minutes=15)
EVERY_WHILE_FAILING = timedelta(hours=1)
# A little further than anyone can book.
AHEAD = timedelta(days=400)
MOST_SOURCES = 10
_LEASE = timedelta(minutes=5)


def add(therapist: Therapist, *, name: str, url: str, now: datetime) -> CalendarSource:
    """Add the calendar at `url` to those of `therapist`; a worker reads it at once."""
    source = CalendarSource.objects.create(therapist=therapist, name=name, url=url, due_at=now)
    transaction.on_commit(_wake, robust=True)
    return source


def read_now(source: CalendarSource, *, now: datetime) -> None:
    """Have a worker read `source` at once."""
    CalendarSource.objects.filter(pk=source.pk).update(due_at=now)
    transaction.on_commit(_wake, robust=True)


def remove(source: CalendarSource) -> None:
    """Forget `source`, and the times that it took."""
    source.delete()


def failing(therapists: list[Therapist]) -> QuerySet[CalendarSource]:
    """Return the calendars of `therapists` that cannot be read just now."""
    return CalendarSource.objects.filter(therapist__in=therapists).exclude(failure="")


def read_due(*, zone: ZoneInfo, now: datetime) -> int:
    """Read each calendar that is due, and return how many were read well."""
    due = CalendarSource.objects.filter(due_at__lte=now)
    return sum(_read(source, zone, now) for source in due)


def _read(source: CalendarSource, zone: ZoneInfo, now: datetime) -> bool:
    claimed = CalendarSource.objects.filter(pk=source.pk, due_at=source.due_at).update(due_at=now + _LEASE)
    if not claimed:
        return False
    today = now.astimezone(zone).date()
    try:
        content = fetching.fetch(source.url)
        spans = calendar_files.read(content, zone=zone, first=today - timedelta(days=1), last=today + AHEAD)
    except (FetchFailed, UnreadableCalendar) as error:
        _failed(source, error.failure, now)
        return False
    busy = merge(Interval(span.start, span.end) for span in spans if span.busy)
    with transaction.atomic():
        # Only while it is still there: it may have been removed while it was being read.
        if not CalendarSource.objects.select_for_update().filter(pk=source.pk).exists():
            return False
        ImportedBusy.objects.filter(source=source).delete()
        ImportedBusy.objects.bulk_create(
            [ImportedBusy(source=source, start=interval.start, end=interval.end) for interval in busy]
        )
        CalendarSource.objects.filter(pk=source.pk).update(
            read_at=now, failing_since=None, failure="", due_at=now + EVERY
        )
    return True


def _failed(source: CalendarSource, failure: FetchFailure, now: datetime) -> None:
    """Write down why `source` could not be read, and since when that is so."""
    CalendarSource.objects.filter(pk=source.pk, failing_since=None).update(failing_since=now, failure=failure)
    CalendarSource.objects.filter(pk=source.pk).exclude(failing_since=None).update(
        failure=failure, due_at=now + EVERY_WHILE_FAILING
    )


def _wake() -> None:
    """Ask a worker to read what is due; with the broker down, the next sweep does."""
    try:
        current_app.send_task("booking.tasks.read_calendars", ignore_result=True, retry=False)
    except (KombuError, OSError):
        return
