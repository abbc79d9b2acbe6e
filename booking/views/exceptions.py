"""Days that differ from the week: time off, extra openings and public holidays."""

from dataclasses import dataclass
from datetime import date, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from booking import diary
from booking.access import Viewer, therapist_required
from booking.forms.exceptions import (
    ExtraOpeningForm,
    TimeOffForm,
    extra_opening_initial,
    time_off_initial,
)
from booking.forms.fields import DayField
from booking.spans import in_words
from booking.views.diary_changes import change_diary, whose_of
from practice.requests import PracticeRequest

_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time off or an extra opening, as it is listed."""

    id: int
    when: str
    reason: str
    notice: str = ""


@therapist_required
@require_GET
def time_off(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """List what differs from the week from today on, with the quick ways to take a day off."""
    whose, now, zone = whose_of(request, viewer), timezone.now(), request.practice.zone
    today = timezone.localdate(now)
    therapist = whose.therapist
    context = {
        "whose": whose,
        "today": today,
        "tomorrow": today + timedelta(days=1),
        "day": asked_day(request),
        "time_off": [
            Span(off.id, in_words(off.interval, zone), off.reason, str(off.notice))
            for off in diary.time_off(therapist, now)
        ],
        "openings": [
            Span(opening.id, in_words(opening.interval, zone), opening.reason)
            for opening in diary.extra_openings(therapist, now)
        ],
        "own_days": diary.own_days(therapist, today, zone),
        "holidays": diary.holidays(therapist, today, today + _YEAR, zone, get_language() or "nl"),
    }
    return render(request, "agenda/time_off.html", context)


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_time_off(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Add a span in which nothing is offered."""
    whose, zone = whose_of(request, viewer), request.practice.zone
    initial = {"first_day": asked_day(request)}
    form = TimeOffForm(request.POST or None, initial=initial, zone=zone, now=timezone.now())
    return change_diary(
        request,
        whose,
        form,
        lambda: diary.add_time_off(whose.therapist, **form.written()),
        title=_("Take time off"),
        back="booking:time_off",
    )


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_time_off(request: PracticeRequest, viewer: Viewer, pk: int) -> HttpResponse:
    """Change a span of time off."""
    whose, zone, now = whose_of(request, viewer), request.practice.zone, timezone.now()
    off = next((found for found in diary.time_off(whose.therapist, now) if found.id == pk), None)
    if off is None:
        raise Http404
    form = TimeOffForm(request.POST or None, initial=time_off_initial(off, zone), zone=zone, now=now)
    return change_diary(
        request,
        whose,
        form,
        lambda: diary.change_time_off(whose.therapist, pk, **form.written()),
        title=_("Change time off"),
        back="booking:time_off",
    )


@therapist_required
@require_POST
def remove_time_off(request: PracticeRequest, viewer: Viewer, pk: int) -> HttpResponse:
    """Take back a span of time off."""
    whose = whose_of(request, viewer)
    return change_diary(
        request,
        whose,
        forms.Form(request.POST),
        lambda: diary.remove_time_off(whose.therapist, pk),
        title=_("Remove time off"),
        back="booking:time_off",
    )


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_extra_opening(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Add a span outside the weekly hours in which appointments are offered."""
    whose, zone = whose_of(request, viewer), request.practice.zone
    initial = {"day": asked_day(request)}
    form = ExtraOpeningForm(request.POST or None, initial=initial, zone=zone, now=timezone.now())
    return change_diary(
        request,
        whose,
        form,
        lambda: diary.add_extra_opening(whose.therapist, form.cleaned_data["interval"]),
        title=_("Add an extra opening"),
        back="booking:time_off",
    )


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_extra_opening(request: PracticeRequest, viewer: Viewer, pk: int) -> HttpResponse:
    """Change an extra opening."""
    whose, zone, now = whose_of(request, viewer), request.practice.zone, timezone.now()
    opening = next((found for found in diary.extra_openings(whose.therapist, now) if found.id == pk), None)
    if opening is None:
        raise Http404
    form = ExtraOpeningForm(request.POST or None, initial=extra_opening_initial(opening, zone), zone=zone, now=now)
    return change_diary(
        request,
        whose,
        form,
        lambda: diary.change_extra_opening(whose.therapist, pk, form.cleaned_data["interval"], opening.reason),
        title=_("Change the extra opening"),
        back="booking:time_off",
    )


@therapist_required
@require_POST
def remove_extra_opening(request: PracticeRequest, viewer: Viewer, pk: int) -> HttpResponse:
    """Take back an extra opening."""
    whose = whose_of(request, viewer)
    return change_diary(
        request,
        whose,
        forms.Form(request.POST),
        lambda: diary.remove_extra_opening(whose.therapist, pk),
        title=_("Remove the extra opening"),
        back="booking:time_off",
    )


@therapist_required
@require_POST
def work_on_holiday(request: PracticeRequest, viewer: Viewer, day: str, works: bool) -> HttpResponse:
    """Let the weekly hours hold on a public holiday, or close it again."""
    whose, local_day = whose_of(request, viewer), day_or_404(day)
    return change_diary(
        request,
        whose,
        forms.Form(request.POST),
        lambda: diary.work_on_holiday(whose.therapist, local_day, request.practice.zone, works=works),
        title=_("Public holidays"),
        back="booking:time_off",
    )


def day_or_404(text: str) -> date:
    """Return the day that `text` in an address names, as we write it there and in no other way."""
    day = _day(text)
    if day is None or text != f"{day}":
        raise Http404
    return day


def asked_day(request: PracticeRequest) -> date | None:
    """Return the day that the address asks for, if any."""
    return _day(request.GET.get("day", ""))


def _day(text: str) -> date | None:
    try:
        day: date = DayField().clean(text)
    except ValidationError:
        return None
    return day
