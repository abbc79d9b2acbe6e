"""When and what can be booked: working hours, time off, extra openings and appointment types."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from booking import agenda, diary
from booking.access import Viewer, therapist_required
from booking.forms.therapist import (
    AppointmentTypeForm,
    ExtraOpeningForm,
    TimeOffForm,
    WorkingHoursForm,
    lead_in_words,
)
from booking.hours import WorkingHours
from booking.models import Therapist
from booking.views.days import days
from practice.requests import PracticeRequest


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose hours a page is about, and the query that keeps it about them."""

    therapist: Therapist
    others: list[Therapist]
    query: str


@dataclass(frozen=True, slots=True)
class Weekday:
    """A day of the week and the working hours on it."""

    name: str
    hours: list[WorkingHours]


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
def working_hours(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Show the working hours as a week."""
    whose = _whose(request, viewer)
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
    whose, zone = _whose(request, viewer), request.practice.zone
    form = WorkingHoursForm(request.POST or None, initial={"first_day": timezone.localdate()})
    return _change_diary(
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
    whose, zone = _whose(request, viewer), request.practice.zone
    hours = next((found for found in diary.working_hours(whose.therapist, zone) if found.id == pk), None)
    if hours is None:
        raise Http404
    initial = {name: getattr(hours, name) for name in WorkingHoursForm.base_fields}
    form = WorkingHoursForm(request.POST or None, initial=initial)
    return _change_diary(
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
    whose = _whose(request, viewer)
    return _change_diary(
        request,
        whose,
        forms.Form(request.POST),
        lambda: diary.remove_working_hours(whose.therapist, pk),
        title=_("Remove working hours"),
        back="booking:working_hours",
    )


@therapist_required
@require_GET
def time_off(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """List the coming time off and extra openings."""
    whose, now = _whose(request, viewer), timezone.now()
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
    whose = _whose(request, viewer)
    form = TimeOffForm(request.POST or None, zone=request.practice.zone, now=timezone.now())
    return _change_diary(
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
    whose = _whose(request, viewer)
    return _change_diary(
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
    whose = _whose(request, viewer)
    form = ExtraOpeningForm(request.POST or None, zone=request.practice.zone, now=timezone.now())
    return _change_diary(
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
    whose = _whose(request, viewer)
    return _change_diary(
        request,
        whose,
        forms.Form(request.POST),
        lambda: diary.remove_extra_opening(whose.therapist, pk),
        title=_("Remove the extra opening"),
        back="booking:time_off",
    )


@therapist_required
@require_GET
def appointment_types(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """List the appointment types that the viewer may change."""
    found = viewer.appointment_types().prefetch_related("therapists")
    listed = [(found_type, [lead_in_words(text) for text in found_type.reminders]) for found_type in found]
    return render(request, "agenda/appointment_types.html", {"types": listed})


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_appointment_type(request: PracticeRequest, viewer: Viewer, slug: str) -> HttpResponse:
    """Change an appointment type; who offers it is for a manager to say."""
    appointment_type = next((found for found in viewer.appointment_types() if found.slug == slug), None)
    if appointment_type is None:
        raise Http404
    form = AppointmentTypeForm(request.POST or None, instance=appointment_type)
    if not viewer.manager:
        del form.fields["therapists"]
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved. What was booked before stays as it was."))
        return redirect("booking:appointment_types")
    status = 422 if form.is_bound else 200
    context = {"form": form, "type": appointment_type}
    return render(request, "agenda/appointment_type.html", context, status=status)


def _whose(request: PracticeRequest, viewer: Viewer) -> Whose:
    """Return the therapist whom the address names, else the viewer's own self, else the first one."""
    allowed = viewer.therapists()
    slug = request.GET.get("therapist", "")
    therapist = next((found for found in allowed if slug in {"", found.slug}), None)
    if therapist is None:
        raise Http404
    query = f"?{urlencode({'therapist': therapist.slug})}" if slug else ""
    return Whose(therapist, [found for found in allowed if found != therapist], query)


def _change_diary(
    request: PracticeRequest,
    whose: Whose,
    form: forms.Form,
    change: Callable[[], object],
    *,
    title: str,
    back: str,
) -> HttpResponse:
    """Ask, check, and carry out `change`; where it hits appointments, list them and ask once more."""
    context: dict[str, Any] = {"form": form, "whose": whose, "title": title, "back": reverse(back) + whose.query}
    if request.method == "POST" and form.is_valid():
        zone, now = request.practice.zone, timezone.now()
        try:
            hit = agenda.change_diary(whose.therapist, change, accepted=_accepted(request), zone=zone, now=now)
        except diary.NotInDiary as error:
            messages.info(request, str(error))
            return redirect(context["back"])
        except diary.DiaryError as error:
            form.add_error(None, str(error))
        else:
            if hit:
                context["days"] = days(hit, now)
                return render(request, "agenda/confirm_change.html", context, status=409)
            messages.success(request, _("Saved."))
            return redirect(context["back"])
    return render(request, "agenda/diary_form.html", context, status=422 if form.is_bound else 200)


def _accepted(request: PracticeRequest) -> set[UUID]:
    """Return the appointments that the page before listed, and that stay booked all the same."""
    accepted = set()
    for text in request.POST.getlist("accepted"):
        try:
            accepted.add(UUID(text))
        except ValueError:
            continue
    return accepted


def _span(found: diary.TimeOff | diary.ExtraOpening) -> Span:
    """Return `found` on the practice's clocks; whole days end on the day before the midnight they end at."""
    start, end = timezone.localtime(found.interval.start), timezone.localtime(found.interval.end)
    whole_days = start.time() == end.time() == time()
    last = end.date() - timedelta(days=whole_days)
    return Span(found.id, start.date(), last, whole_days, start, end, found.reason)
