"""The hours of one day that differs from the week: what has to go and what has to come."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from booking import diary
from booking.diary import DiaryError
from booking.intervals import Interval, exists, from_wall, local_days, merge, subtract
from booking.models import Therapist


@dataclass(frozen=True, slots=True)
class DayHours:
    """The windows (UTC) of a local day, before time off, and whether they differ from the week's."""

    windows: list[Interval]
    changed: bool


def of(therapist: Therapist, day: date, zone: ZoneInfo) -> DayHours:
    """Return the hours of the local `day`, with what was changed of that very day, extra openings apart."""
    span = local_days(day, day, zone)
    added, removed = diary.changes_of(therapist, span)
    usual = diary.weekly_windows(therapist, day, zone)
    return DayHours(merge([*subtract(usual, removed), *added]), bool(added or removed))


def change(therapist: Therapist, day: date, windows: list[tuple[time, time]], zone: ZoneInfo) -> None:
    """Let the local `day` have just `windows` (wall-clock from and until, midnight as the end of the day).

    Raises DiaryError where one ends before it begins, overlaps another, or lies in the hour that the clock skips.
    """
    wanted: list[Interval] = []
    for start, end in sorted(windows):
        last = day + timedelta(days=1) if end == time() else day
        walls = datetime.combine(day, start), datetime.combine(last, end)
        if walls[1] <= walls[0]:
            raise DiaryError(_("The end must come after the beginning."))
        if not all(exists(wall, zone) for wall in walls):
            raise DiaryError(_("In that night the clock skips this time. Please choose another one."))
        wanted.append(Interval(*(from_wall(wall, zone) for wall in walls)))
    if any(one.overlaps(other) for one, other in pairwise(wanted)):
        raise DiaryError(_("These times overlap each other."))
    usual = diary.weekly_windows(therapist, day, zone)
    diary.change_day(therapist, local_days(day, day, zone), subtract(usual, wanted), subtract(wanted, usual))


def back_to_the_week(therapist: Therapist, day: date, zone: ZoneInfo) -> None:
    """Let the local `day` have the hours of the week again."""
    diary.change_day(therapist, local_days(day, day, zone), [], [])


def changed_days(therapist: Therapist, from_day: date, zone: ZoneInfo) -> list[date]:
    """Return the local days from `from_day` on that differ from the week."""
    starts = diary.changed_from(therapist, local_days(from_day, from_day, zone).start)
    return sorted({start.astimezone(zone).date() for start in starts})
