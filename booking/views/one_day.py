"""The hours of one day, where it differs from the week."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from booking import day_hours, diary
from booking.access import Viewer, therapist_required
from booking.day_hours import DayHours
from booking.forms.exceptions import DayHoursForm
from booking.intervals import local_days
from booking.spans import in_words
from booking.views.diary_changes import Whose, change_diary, whose_of
from booking.views.exceptions import asked_day, day_or_404
from practice.requests import PracticeRequest


@therapist_required
@require_GET
def go_to_day(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Lead to the day that was filled in."""
    whose, day = whose_of(request, viewer), asked_day(request)
    if day is None:
        messages.info(request, _("Please choose a day."))
        return redirect(reverse("booking:time_off") + whose.query)
    return redirect(reverse("booking:day_hours", args=[day]) + whose.query)


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_day(request: PracticeRequest, viewer: Viewer, day: str) -> HttpResponse:
    """Show the hours of one day, and change them."""
    whose, zone, local_day = whose_of(request, viewer), request.practice.zone, day_or_404(day)
    found = day_hours.of(whose.therapist, local_day, zone)
    context = _context(whose, local_day, found, zone)
    if context["past"]:
        return render(request, "agenda/day.html", context, status=200 if request.method != "POST" else 422)
    was_closed = not found.windows
    if "more" in request.POST:
        return render(request, "agenda/day.html", {**context, "form": _with_a_line_more(request.POST, was_closed)})
    form = (
        DayHoursForm(request.POST, rows=_rows(request.POST), was_closed=was_closed)
        if request.method == "POST"
        else DayHoursForm(initial=_initial(found, zone), rows=len(found.windows) + 1, was_closed=was_closed)
    )
    return change_diary(
        request,
        whose,
        form,
        lambda: day_hours.change(whose.therapist, local_day, form.cleaned_data["windows"], zone),
        title=_("The hours of one day"),
        back="booking:time_off",
        template="agenda/day.html",
        context=context,
    )


@therapist_required
@require_POST
def back_to_the_week(request: PracticeRequest, viewer: Viewer, day: str) -> HttpResponse:
    """Let a day go with the week again."""
    whose, local_day = whose_of(request, viewer), day_or_404(day)
    return change_diary(
        request,
        whose,
        forms.Form(request.POST),
        lambda: day_hours.back_to_the_week(whose.therapist, local_day, request.practice.zone),
        title=_("Back to the usual hours"),
        back="booking:time_off",
    )


def _context(whose: Whose, day: date, found: DayHours, zone: ZoneInfo) -> dict[str, Any]:
    span = local_days(day, day, zone)
    openings = diary.openings(whose.therapist, day, day, zone)
    holidays = diary.holidays(whose.therapist, day, day, zone, get_language() or "nl")
    return {
        "whose": whose,
        "day": day,
        "own": found.own,
        "usual": diary.weekly_windows(whose.therapist, day, zone),
        "time_off": [in_words(off, zone) for off in sorted(openings.time_off) if off.overlaps(span)],
        "holiday": next(iter(holidays), None),
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
        "past": day < timezone.localdate(),
    }


def _initial(found: DayHours, zone: ZoneInfo) -> dict[str, Any]:
    initial: dict[str, Any] = {"closed": found.own and not found.windows}
    for number, window in enumerate(found.windows):
        initial[f"start_{number}"] = window.start.astimezone(zone).time()
        initial[f"end_{number}"] = window.end.astimezone(zone).time()
    return initial


def _with_a_line_more(posted: QueryDict, was_closed: bool) -> DayHoursForm:
    """Return the form with what was typed and one line more; nothing is checked yet."""
    return DayHoursForm(initial=posted.dict(), rows=_rows(posted) + 1, was_closed=was_closed)


def _rows(posted: QueryDict) -> int:
    text = posted.get("rows", "")
    return int(text) if text.isdecimal() and len(text) <= 2 else 1
