"""The hours of one day that differs from the week."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from booking import diary
from booking.diary import DiaryError
from booking.intervals import Interval, exists, from_wall
from booking.models import Therapist


@dataclass(frozen=True, slots=True)
class DayHours:
    """The windows (UTC) of a local day, and whether they are its own instead of the week's."""

    windows: list[Interval]
    own: bool


def of(therapist: Therapist, day: date, zone: ZoneInfo) -> DayHours:
    """Return the hours of the local `day`, time off and extra openings apart."""
    own = diary.own_windows(therapist, day, zone)
    return DayHours(diary.weekly_windows(therapist, day, zone) if own is None else own, own is not None)


def change(therapist: Therapist, day: date, windows: list[tuple[time, time]], zone: ZoneInfo) -> None:
    """Let the local `day` have just `windows` (wall-clock from and until, midnight as the end of the day).

    They stay, whatever becomes of the week; where they are the week's own, the day goes with the week again.
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
    diary.set_own_windows(therapist, day, None if wanted == usual else wanted, zone)


def back_to_the_week(therapist: Therapist, day: date, zone: ZoneInfo) -> None:
    """Let the local `day` have the hours of the week again."""
    diary.set_own_windows(therapist, day, None, zone)
