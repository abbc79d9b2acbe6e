"""What lies on the days of a diary: appointments and all else that claims time or keeps it free, and a month at a
glance."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db.models import BooleanField, Value

from booking import diary, public_holidays
from booking.day_plan import QUARTER
from booking.diary import Page, PublicHoliday
from booking.intervals import Interval, local_days, merge, subtract
from booking.models import (
    Appointment,
    Hold,
    ImportedBusy,
    State,
    Therapist,
)

_DAY = timedelta(days=1)
# What is not shown is neither read nor decrypted.
_SHOWN = [
    "public_id", "therapist_id", "start", "end", "occupied_start", "occupied_end", "state", "asked_to_move_at",
    "child_first_name", "erased_at", "appointment_type__name",
]  # fmt: skip


class What(StrEnum):
    """What can lie on a day."""

    APPOINTMENT = "appointment"
    HOLD = "hold"
    ELSEWHERE = "elsewhere"
    TIME_OFF = "time-off"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something on a day of `therapist`, from and until when (UTC, cut off at midnight).

    An appointment says whether it lies `outside` the availability; time off has a `reason`.
    """

    what: What
    interval: Interval
    therapist: Therapist
    appointment: Appointment | None = None
    outside: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """A local day of `therapist`: when she is available, a public holiday, and all else in its order of time."""

    day: date
    therapist: Therapist
    available: list[Interval]
    holiday: PublicHoliday | None
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class DayAtAGlance:
    """A local day in a month: how many appointments begin on it, and what keeps it closed.

    With several therapists it is `closed` where none is available, and `time_off` where one of them is away for
    a part of it at least.
    """

    day: date
    appointments: int
    closed: bool
    time_off: bool
    holiday: str


def days(
    therapists: list[Therapist], first: date, last: date, *, zone: ZoneInfo, now: datetime, language: str
) -> list[Day]:
    """Return the local days `first` to `last`, both included, and for each of them each of `therapists`.

    Names of holidays are in `language`. Costs three queries at most, for a day and a month, for one and for many.
    """
    pages, span = diary.pages(therapists, first, last, zone), local_days(first, last, zone)
    named = public_holidays.between(first, last, language)
    claims: dict[int, list[tuple[Entry, Interval]]] = {therapist.pk: [] for therapist in therapists}
    for entry, occupied in _claims(therapists, span, now):
        claims[entry.therapist.pk].append((entry, occupied))
    found = []
    for therapist in therapists:
        page = pages[therapist.pk]
        available = _available(page)
        entries = [_placed(entry, available, now) for entry, _occupied in claims[therapist.pk]]
        entries += [Entry(What.TIME_OFF, off.interval, therapist, reason=off.reason) for off in page.time_off]
        busy = [occupied for _entry, occupied in claims[therapist.pk]]
        free = subtract(available, [*busy, Interval(span.start, max(span.start, _soonest(now)))])
        entries += [Entry(What.FREE, part, therapist) for part in free if part.end - part.start >= QUARTER]
        for day in _each(first, last):
            of_day = local_days(day, day, zone)
            holiday = PublicHoliday(day, named[day], day in page.worked_holidays) if day in named else None
            on_day = [entry for entry in entries if entry.interval.overlaps(of_day)]
            shown = [replace(entry, interval=_cut(entry.interval, of_day)) for entry in on_day]
            shown.sort(key=lambda entry: entry.interval)
            open_then = [_cut(window, of_day) for window in available if window.overlaps(of_day)]
            found.append(Day(day, therapist, open_then, holiday, shown))
    return sorted(found, key=lambda day: day.day)


def month(
    therapists: list[Therapist], first: date, last: date, *, zone: ZoneInfo, language: str
) -> list[DayAtAGlance]:
    """Return the local days `first` to `last`, both included, with what `therapists` have together on each."""
    pages, span = diary.pages(therapists, first, last, zone), local_days(first, last, zone)
    named = public_holidays.between(first, last, language)
    live = Appointment.objects.live().filter(therapist__in=therapists, start__gte=span.start, start__lt=span.end)
    begin_on = [start.astimezone(zone).date() for start in live.order_by().values_list("start", flat=True)]
    available = [window for page in pages.values() for window in _available(page)]
    away = [off.interval for page in pages.values() for off in page.time_off]
    found = []
    for day in _each(first, last):
        of_day = local_days(day, day, zone)
        found.append(
            DayAtAGlance(
                day,
                begin_on.count(day),
                not any(window.overlaps(of_day) for window in available),
                any(off.overlaps(of_day) for off in away),
                named.get(day, ""),
            )
        )
    return found


def _claims(therapists: list[Therapist], span: Interval, now: datetime) -> Iterator[tuple[Entry, Interval]]:
    """Yield what claims a moment of `span` (UTC), with all the time that it occupies, in two queries."""
    by_id = {therapist.pk: therapist for therapist in therapists}
    appointments = Appointment.objects.live().overlapping(span).filter(therapist__in=therapists)
    for found in appointments.select_related("appointment_type").only(*_SHOWN):
        entry = Entry(What.APPOINTMENT, Interval(found.start, found.end), by_id[found.therapist_id], found)
        yield entry, Interval(found.occupied_start, found.occupied_end)
    holds = Hold.objects.filter(
        therapist__in=therapists, expires_at__gt=now, occupied_start__lt=span.end, occupied_end__gt=span.start
    )
    elsewhere = ImportedBusy.objects.filter(
        source__therapist__in=therapists, start__lt=span.end, end__gt=span.start
    )
    held, busy = (Value(held, output_field=BooleanField()) for held in (True, False))
    both = (
        holds.order_by()
        .values_list("therapist_id", "occupied_start", "occupied_end", held)
        .union(elsewhere.order_by().values_list("source__therapist_id", "start", "end", busy), all=True)
    )
    spans: dict[tuple[int, bool], list[Interval]] = {}
    for therapist_id, start, end, is_hold in both:
        spans.setdefault((therapist_id, bool(is_hold)), []).append(Interval(start, end))
    for (therapist_id, is_hold), taken in spans.items():
        # Several calendars elsewhere may say the same.
        for interval in taken if is_hold else merge(taken):
            yield Entry(What.HOLD if is_hold else What.ELSEWHERE, interval, by_id[therapist_id]), interval


def _soonest(now: datetime) -> datetime:
    """Return the next quarter of an hour: what begins at this very moment cannot be booked any more."""
    return now - (now - datetime.min.replace(tzinfo=UTC)) % QUARTER + QUARTER


def _available(page: Page) -> list[Interval]:
    return subtract(page.openings.windows, page.openings.time_off)


def _placed(entry: Entry, available: list[Interval], now: datetime) -> Entry:
    """Return `entry` with whether it is a coming appointment outside what is `available`."""
    coming = entry.appointment and entry.appointment.state == State.CONFIRMED and entry.interval.start > now
    return replace(entry, outside=bool(coming) and not any(one.contains(entry.interval) for one in available))


def _cut(interval: Interval, span: Interval) -> Interval:
    """Return what `interval`, which overlaps `span`, has of it."""
    return Interval(max(interval.start, span.start), min(interval.end, span.end))


def _each(first: date, last: date) -> Iterable[date]:
    return (first + number * _DAY for number in range((last - first).days + 1))
