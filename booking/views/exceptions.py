"""Days that differ from the week: time off and extra openings."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from booking import diary
from booking.access import Viewer, therapist_required
from booking.forms.exceptions import ExtraOpeningForm, TimeOffForm
from booking.views.diary_changes import change_diary, whose_of
from practice.requests import PracticeRequest


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time off or an extra opening, as it is listed."""

    id: int
    first: date
    last: date
    whole_days: bool
    start: datetime
    end: datetime
    reason: str


@therapist_required
@require_GET
def time_off(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """List the coming time off and extra openings."""
    whose, now = whose_of(request, viewer), timezone.now()
    context = {
        "whose": whose,
        "time_off": [_span(found) for found in diary.time_off(whose.therapist, now)],
        "openings": [_span(found) for found in diary.extra_openings(whose.therapist, now)],
    }
    return render(request, "agenda/time_off.html", context)


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_time_off(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Add a span in which nothing is offered."""
    whose = whose_of(request, viewer)
    form = TimeOffForm(request.POST or None, zone=request.practice.zone, now=timezone.now())
    return change_diary(
        request,
        whose,
        form,
        lambda: diary.add_time_off(
            whose.therapist, form.cleaned_data["interval"], reason=form.cleaned_data["reason"], notice=""
        ),
        title=_("Add time off"),
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
    whose = whose_of(request, viewer)
    form = ExtraOpeningForm(request.POST or None, zone=request.practice.zone, now=timezone.now())
    return change_diary(
        request,
        whose,
        form,
        lambda: diary.add_extra_opening(whose.therapist, form.cleaned_data["interval"]),
        title=_("Add an extra opening"),
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


def _span(found: diary.TimeOff | diary.ExtraOpening) -> Span:
    """Return `found` on the practice's clocks; whole days end on the day before the midnight they end at."""
    start, end = timezone.localtime(found.interval.start), timezone.localtime(found.interval.end)
    whole_days = start.time() == end.time() == time()
    last = end.date() - timedelta(days=whole_days)
    return Span(found.id, start.date(), last, whole_days, start, end, found.reason)
