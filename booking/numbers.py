"""How the practice is doing, in numbers that name no one: they stay when a family's data go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Literal
from zoneinfo import ZoneInfo

from booking import diary
from booking.intervals import Interval, local_days, subtract
from booking.models import Appointment, State, Therapist

By = Literal["week", "month"]
PERIODS = 12
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What became of the appointments that begin on the local days `first` to `last`, both included.

    `open` are those that are still to come, or of which nothing was noted. `lead_days` is the median of the days
    between booking and appointment, the cancelled left out; `used` how much of the offered time was taken, in per
    cent. Both are None where there is nothing to measure.
    """

    first: date
    last: date
    booked: int
    kept: int
    no_show: int
    cancelled: int
    open: int
    lead_days: int | None
    used: int | None


def numbers(therapists: Sequence[Therapist], by: By, *, zone: ZoneInfo, now: datetime) -> list[Numbers]:
    """Return the numbers of `therapists` together for twelve weeks or months, that of `now` (UTC) the last.

    Costs as many queries for many appointments as for none: one, and what each diary costs.
    """
    periods = _periods(by, now.astimezone(zone).date())
    first, last = periods[0][0], periods[-1][1]
    span = local_days(first, last, zone)
    appointments = list(
        Appointment.objects.filter(therapist__in=therapists, start__gte=span.start, start__lt=span.end)
        .only("therapist_id", "start", "end", "created_at", "state")
        .order_by("start")
    )
    free = {therapist.pk: _availability(therapist, first, last, zone) for therapist in therapists}
    return [
        _of_period(from_day, until_day, local_days(from_day, until_day, zone), appointments, free)
        for from_day, until_day in periods
    ]


def _periods(by: By, today: date) -> list[tuple[date, date]]:
    """Return the first and last day of the last twelve periods, that of `today` the last."""
    if by == "week":
        monday = today - timedelta(days=today.weekday())
        starts = [monday + timedelta(weeks=number) for number in range(1 - PERIODS, 2)]
    else:
        months = [today.year * 12 + today.month - 1 + number for number in range(1 - PERIODS, 2)]
        starts = [date(month // 12, month % 12 + 1, 1) for month in months]
    return [(first, following - _DAY) for first, following in pairwise(starts)]


def _availability(therapist: Therapist, first: date, last: date, zone: ZoneInfo) -> list[Interval]:
    openings = diary.openings(therapist, first, last, zone)
    return subtract(openings.windows, openings.time_off)


def _of_period(
    first: date, last: date, span: Interval, appointments: list[Appointment], free: dict[int, list[Interval]]
) -> Numbers:
    found = [appointment for appointment in appointments if span.start <= appointment.start < span.end]
    live = [appointment for appointment in found if appointment.state != State.CANCELLED]
    leads = [(appointment.start - appointment.created_at).days for appointment in live]
    offered, left = timedelta(), timedelta()
    for therapist_id, windows in free.items():
        within = [
            Interval(max(window.start, span.start), min(window.end, span.end))
            for window in windows
            if window.overlaps(span)
        ]
        taken = [Interval(one.start, one.end) for one in live if one.therapist_id == therapist_id]
        offered += _length(within)
        left += _length(subtract(within, taken))

    def count(state: State) -> int:
        return sum(appointment.state == state for appointment in found)

    return Numbers(
        first=first,
        last=last,
        booked=len(found),
        kept=count(State.ATTENDED),
        no_show=count(State.NO_SHOW),
        cancelled=count(State.CANCELLED),
        open=count(State.CONFIRMED),
        lead_days=round(median(leads)) if leads else None,
        used=round(100 * (offered - left) / offered) if offered else None,
    )


def _length(intervals: Iterable[Interval]) -> timedelta:
    return sum((interval.end - interval.start for interval in intervals), timedelta())
