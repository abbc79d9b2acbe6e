"""The weekly hours of a therapist."""

from dataclasses import dataclass

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
from booking.forms.hours import WorkingHoursForm
from booking.hours import WorkingHours
from booking.views.diary_changes import change_diary, whose_of
from practice.requests import PracticeRequest


@dataclass(frozen=True, slots=True)
class Weekday:
    """A day of the week and the working hours on it."""

    name: str
    hours: list[WorkingHours]


@therapist_required
@require_GET
def working_hours(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Show the working hours as a week."""
    whose = whose_of(request, viewer)
    found = diary.working_hours(whose.therapist, request.practice.zone)
    week = [
        Weekday(
            capfirst(name), sorted((h for h in found if h.weekday == day), key=lambda h: (h.start, h.first_day))
        )
        for day, name in WEEKDAYS.items()
    ]
    return render(request, "agenda/working_hours.html", {"week": week, "whose": whose, "any": bool(found)})


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
    """Change a window of the week."""
    whose, zone = whose_of(request, viewer), request.practice.zone
    hours = next((found for found in diary.working_hours(whose.therapist, zone) if found.id == pk), None)
    if hours is None:
        raise Http404
    initial = {name: getattr(hours, name) for name in WorkingHoursForm.base_fields}
    form = WorkingHoursForm(request.POST or None, initial=initial)
    return change_diary(
        request,
        whose,
        form,
        lambda: diary.change_working_hours(whose.therapist, pk, form.hours(pk), zone),
        title=_("Change working hours"),
        back="booking:working_hours",
    )


@therapist_required
@require_POST
def remove_working_hours(request: PracticeRequest, viewer: Viewer, pk: int) -> HttpResponse:
    """Take a window out of the week."""
    whose = whose_of(request, viewer)
    return change_diary(
        request,
        whose,
        forms.Form(request.POST),
        lambda: diary.remove_working_hours(whose.therapist, pk),
        title=_("Remove working hours"),
        back="booking:working_hours",
    )
