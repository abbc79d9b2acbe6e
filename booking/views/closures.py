"""Closures from a calendar file: what is in it is shown first, and what is ticked is saved."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from booking import calendar_files, diary
from booking.access import Viewer, therapist_required
from booking.calendar_files import UnreadableCalendar
from booking.forms.closures import CalendarFileForm, ClosuresForm, closure_of, posted_closures
from booking.intervals import Interval
from booking.views.diary_changes import Whose, change_diary, whose_of
from practice.requests import PracticeRequest
from practice.uploads import takes_file

# How far ahead a file is read, and how many closures a page can ask about.
_AHEAD = timedelta(days=2 * 366)
MOST_CLOSURES = 200
MOST_LEFT_OUT = 20


@takes_file()
@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def import_closures(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Ask for a calendar file, and show what is in it; nothing is saved yet."""
    whose = whose_of(request, viewer)
    if request.method != "POST":
        return _ask_file(request, whose, CalendarFileForm())
    form = CalendarFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _ask_file(request, whose, form)
    zone, now = request.practice.zone, timezone.now()
    today = timezone.localdate(now)
    content = form.cleaned_data["file"].read()
    try:
        file = calendar_files.read(content, zone=zone, first=today, last=today + _AHEAD)
    except UnreadableCalendar as error:
        form.add_error("file", str(error))
        return _ask_file(request, whose, form)
    spans = [span for span in file.spans if span.certain and span.end > now]
    found = [closure_of(Interval(span.start, span.end), span.summary) for span in spans]
    if not 0 < len(found) <= MOST_CLOSURES:
        too_many = _("This file has more than can be shown. Please choose a smaller one.")
        unreadable = _("Nothing in this file can be read well. Please fill in the days yourself.")
        nothing = unreadable if file.doubted else _("In this file there is nothing from today on.")
        form.add_error("file", too_many if found else nothing)
        return _ask_file(request, whose, form)
    off = [known.interval for known in diary.time_off(whose.therapist, now)]
    # What is not certain takes more than it may need: she knows better which days these are.
    left_out = list(dict.fromkeys((doubted.name, doubted.day) for doubted in file.doubted))
    context = {
        "whose": whose,
        "form": ClosuresForm(found=found, off=off, zone=zone),
        "left_out": left_out[:MOST_LEFT_OUT],
        "cut_short": not file.whole,
    }
    return render(request, "agenda/closures.html", context)


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def save_closures(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Save what was ticked as time off."""
    whose = whose_of(request, viewer)
    if request.method != "POST":
        # Who reloads the preview stands at this address.
        return redirect(reverse("booking:import_closures") + whose.query)
    found = posted_closures(request.POST.getlist("closures"))
    form = ClosuresForm(request.POST, found=found, zone=request.practice.zone)
    return change_diary(
        request,
        whose,
        form,
        lambda: diary.add_closures(whose.therapist, form.chosen()),
        title=_("Closures from a calendar file"),
        back="booking:time_off",
        template="agenda/closures.html",
    )


def _ask_file(request: PracticeRequest, whose: Whose, form: CalendarFileForm) -> HttpResponse:
    context = {"whose": whose, "form": form}
    return render(request, "agenda/import_closures.html", context, status=422 if form.is_bound else 200)
