"""The weekly hours of a therapist."""

from dataclasses import dataclass
from datetime import date, time, timedelta

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from booking import diary
from booking.access import Viewer, therapist_required
from booking.forms.hours import ChangeHoursForm, WorkingHoursForm
from booking.hours import WorkingHours
from booking.views.diary_changes import change_diary, whose_of
from practice.requests import PracticeRequest

# The drawing of the week, in its own units: an hour is so wide, a day so high.
_HOUR, _ROW, _NAMES = 60, 40, 60
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Window:
    """A window of the week as it is listed: `begins` only where that is more than a week ahead."""

    hours: WorkingHours
    begins: date | None
    ends: date | None
    next_day: date


@dataclass(frozen=True, slots=True)
class Weekday:
    """A day of the week and the working hours on it."""

    name: str
    windows: list[Window]


@dataclass(frozen=True, slots=True)
class Bar:
    """A window in the drawing of the week."""

    x: int
    y: int
    width: int
    every_other_week: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A line in the drawing, with the hour or the day that it stands for."""

    at: int
    label: str


@dataclass(frozen=True, slots=True)
class Week:
    """The drawing of the week: days from top to bottom, hours from left to right."""

    bars: list[Bar]
    hours: list[Tick]
    days: list[Tick]
    width: int
    height: int


@therapist_required
@require_GET
def working_hours(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Show the working hours as a week: those that hold now and those to come, and apart those that have ended."""
    whose, today = whose_of(request, viewer), timezone.localdate()
    found = diary.working_hours(whose.therapist, request.practice.zone)
    windows = [window for hours in found if (window := _window(hours, today))]
    week = [
        Weekday(capfirst(name), [window for window in windows if window.hours.weekday == day])
        for day, name in WEEKDAYS.items()
    ]
    context = {
        "whose": whose,
        "week": week,
        "drawing": _drawing([window.hours for window in windows if not window.begins]),
        "any": bool(windows),
        "ended": [(capfirst(WEEKDAYS[hours.weekday]), hours) for hours in found if not hours.next_day(today)],
    }
    return render(request, "agenda/working_hours.html", context)


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_working_hours(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Add a window to the week."""
    whose, zone = whose_of(request, viewer), request.practice.zone
    form = WorkingHoursForm(request.POST or None, initial={"first_day": timezone.localdate()})
    return change_diary(
        request,
        whose,
        form,
        lambda: diary.add_working_hours(whose.therapist, form.hours(), zone),
        title=_("Add working hours"),
        back="booking:working_hours",
    )


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_working_hours(request: PracticeRequest, viewer: Viewer, pk: int) -> HttpResponse:
    """Change a window of the week from a day on; the days before stay as they were."""
    whose, zone, today = whose_of(request, viewer), request.practice.zone, timezone.localdate()
    hours = next((found for found in diary.working_hours(whose.therapist, zone) if found.id == pk), None)
    if hours is None:
        raise Http404
    form = ChangeHoursForm(request.POST or None, hours=hours, earliest=today)
    return change_diary(
        request,
        whose,
        form,
        lambda: diary.change_working_hours(whose.therapist, pk, form.hours(pk), zone, same_weeks=form.same_weeks),
        title=_("Change working hours"),
        back="booking:working_hours",
    )


@therapist_required
@require_POST
def end_working_hours(request: PracticeRequest, viewer: Viewer, pk: int) -> HttpResponse:
    """Take a window out of the week from today on; the days before stay as they were."""
    whose, zone, today = whose_of(request, viewer), request.practice.zone, timezone.localdate()
    return change_diary(
        request,
        whose,
        forms.Form(request.POST),
        lambda: diary.end_working_hours(whose.therapist, pk, today, zone),
        title=_("Remove working hours"),
        back="booking:working_hours",
    )


def _window(hours: WorkingHours, today: date) -> Window | None:
    next_day = hours.next_day(today)
    if next_day is None:
        return None
    begins = hours.first_day if hours.first_day >= today + timedelta(weeks=1) else None
    return Window(hours, begins, hours.last_day, next_day)


def _drawing(windows: list[WorkingHours]) -> Week:
    """Return the week as a drawing, from eight to six at least."""
    spans = [(hours, _minutes(hours.start), _minutes(hours.end) or _DAY_MINUTES) for hours in windows]
    first = min([8, *(start // 60 for _hours, start, _end in spans)])
    last = max([18, *(-(-end // 60) for _hours, _start, end in spans)])
    bars = [
        Bar(
            _NAMES + (start - first * 60) * _HOUR // 60,
            hours.weekday * _ROW,
            (end - start) * _HOUR // 60,
            hours.every_weeks == 2,
        )
        for hours, start, end in spans
    ]
    ticks = [Tick(_NAMES + (hour - first) * _HOUR, f"{hour}") for hour in range(first, last + 1, 2)]
    days = [Tick(day * _ROW, capfirst(name)[:2]) for day, name in WEEKDAYS.items()]
    return Week(bars, ticks, days, _NAMES + (last - first) * _HOUR + 20, 7 * _ROW + 30)


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute
