"""Days of the agenda as the pages lay them out: columns with rows, lists, and the weeks of a month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

from booking.agenda_days import Day, DayAtAGlance, What
from booking.day_plan import Place, Rows, Tick, rows_for
from booking.intervals import Interval, local_days
from booking.views.plan_items import Item, item, times_on, with_now
from booking.views.whereabouts import Whereabouts

# More beside each other could not be read any more, and would need classes that the style sheet has not.
_MOST_LANES = 6
_MOMENT = timedelta(seconds=1)
_USUAL = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Column:
    """A day, or with several therapists the day of one of them: its heading, its hours, and what lies on it."""

    day: date
    url: str
    word: str
    today: bool
    therapist: str
    holiday: str
    clock: str
    hours: list[str]
    items: list[Item]
    background: list[str]
    missing: list[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """Days beside each other. Without `ticks` there are no rows, and what lies on a day is a list by time."""

    columns: list[Column]
    ticks: list[Tick]
    by_therapist: bool


@dataclass(frozen=True, slots=True)
class MonthDay:
    """A day of a month at a glance; None in its place where the week has days of other months."""

    glance: DayAtAGlance
    url: str
    today: bool


def plan(found: Sequence[Day], where: Whereabouts, zone: ZoneInfo, now: datetime) -> Plan:
    """Return `found` as the page shows it: with several therapists a day has a column for each, a week lists."""
    if where.everyone and where.view == "week":
        by_day = [list(of_day) for _day, of_day in groupby(found, key=lambda day: day.day)]
        return Plan([_together(of_day, where, zone, now) for of_day in by_day], [], by_therapist=False)
    entries = [entry for day in found for entry in day.entries]
    whole = [window for day in found for window in day.available]
    whole += [entry.interval for entry in entries if entry.what in {What.APPOINTMENT, What.HOLD}]
    others = [entry.interval for entry in entries if entry.what in {What.ELSEWHERE, What.TIME_OFF}]
    rows = rows_for([where.first + timedelta(days=number) for number in range(_days(where))], zone, whole, others)
    columns = [_column(day, where, rows, now) for day in found]
    return Plan(columns, rows.ticks(), by_therapist=where.everyone)


def month_plan(found: list[DayAtAGlance], where: Whereabouts, now: datetime) -> list[list[MonthDay | None]]:
    """Return the days of a month by week, from Monday to Sunday."""
    today = timezone.localdate(now)
    days = [MonthDay(day, where.address(view="day", day=day.day), day.day == today) for day in found]
    before, after = where.first.weekday(), 6 - where.last.weekday()
    cells: list[MonthDay | None] = [*[None] * before, *days, *[None] * after]
    return [cells[at : at + 7] for at in range(0, len(cells), 7)]


def _days(where: Whereabouts) -> int:
    return (where.last - where.first).days + 1


def _column(day: Day, where: Whereabouts, rows: Rows, now: datetime) -> Column:
    places = rows.places(day.day, [entry.interval for entry in day.entries])
    of_day = local_days(day.day, day.day, rows.zone)
    items = [item(entry, of_day, place=_classes(place)) for entry, place in zip(day.entries, places, strict=True)]
    (row,) = rows.places(day.day, [Interval(now, now + _MOMENT)])
    background = [_classes(place) for place in rows.places(day.day, day.available) if place]
    return Column(
        day=day.day,
        url=where.address(view="day", day=day.day),
        word=_word(day.day, now),
        today=of_day.start <= now < of_day.end,
        therapist=day.therapist.name if where.everyone else "",
        holiday=day.holiday.name if day.holiday else "",
        clock=_clock(of_day),
        hours=[times_on(window, of_day) for window in day.available],
        items=with_now(items, day.entries, of_day, now, f"row-{row.row}" if row else "unshown"),
        background=background,
        missing=[_classes(place) for place in rows.missing(day.day)],
    )


def _together(days: list[Day], where: Whereabouts, zone: ZoneInfo, now: datetime) -> Column:
    """Return the same day of several therapists as one list, with their names; what is free is left to each."""
    of_day = local_days(days[0].day, days[0].day, zone)
    entries = sorted(
        (entry for day in days for entry in day.entries if entry.what != What.FREE),
        key=lambda entry: (entry.interval.start, entry.therapist.name),
    )
    return Column(
        day=days[0].day,
        url=where.address(view="day", day=days[0].day),
        word=_word(days[0].day, now),
        today=of_day.start <= now < of_day.end,
        therapist="",
        holiday=days[0].holiday.name if days[0].holiday else "",
        clock=_clock(of_day),
        hours=[
            f"{day.therapist.name}: {', '.join(times_on(window, of_day) for window in day.available)}"
            for day in days
            if day.available
        ],
        items=with_now([item(entry, of_day, named=True) for entry in entries], entries, of_day, now, ""),
        background=[],
        missing=[],
    )


def _classes(place: Place | None) -> str:
    assert place, "the rows hold whatever lies on their days"
    lanes = min(place.lanes, _MOST_LANES)
    return f"row-{place.row} rows-{place.rows} lane-{(place.lane - 1) % lanes + 1}-of-{lanes}"


def _word(day: date, now: datetime) -> str:
    return {0: _("Today"), 1: _("Tomorrow")}.get((day - timezone.localdate(now)).days, "")


def _clock(of_day: Interval) -> str:
    length = of_day.end - of_day.start
    if length == _USUAL:
        return ""
    if length < _USUAL:
        return _("The clock goes forward.")
    return _("The clock goes back.")
