"""The therapist's own calendars elsewhere, whose times are taken here."""

from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from booking import calendars
from booking.access import Viewer, therapist_required
from booking.calendars import TooManyCalendars
from booking.forms.calendars import CalendarForm, FreeForm
from booking.models import CalendarSource, Therapist
from practice.requests import PracticeRequest


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """List the calendars that are read, and add one."""
    therapist, form = _own(viewer), CalendarForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            calendars.add(therapist, **form.cleaned_data, now=timezone.now())
        except TooManyCalendars as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Added. It is being read now; look again in a minute."))
            return redirect("booking:calendars")
    sources = [
        (source, urlsplit(source.url).hostname, calendars.doubts(source))
        for source in therapist.calendar_sources.all()
    ]
    full = len(sources) >= calendars.MOST_SOURCES and not form.is_bound
    context = {"sources": sources, "form": form, "full": full}
    return render(request, "agenda/calendars.html", context, status=422 if form.is_bound else 200)


@therapist_required
@require_POST
def read_now(request: PracticeRequest, viewer: Viewer, pk: int) -> HttpResponse:
    """Read one at once."""
    calendars.read_now(_found(viewer, pk), now=timezone.now())
    messages.success(request, _("It is being read now; look again in a minute."))
    return redirect("booking:calendars")


@therapist_required
@require_POST
def choose(request: PracticeRequest, viewer: Viewer, pk: int) -> HttpResponse:
    """Close what one marks as free too, or leave it open."""
    source, form = _found(viewer, pk), FreeForm(request.POST)
    if form.is_valid():
        calendars.choose(source, free_is_busy=form.cleaned_data["free_is_busy"], now=timezone.now())
    messages.success(request, _("Saved. It is being read now; look again in a minute."))
    return redirect("booking:calendars")


@therapist_required
@require_POST
def remove(request: PracticeRequest, viewer: Viewer, pk: int) -> HttpResponse:
    """Forget one, and the times that it took."""
    calendars.remove(_found(viewer, pk))
    messages.success(request, _("Removed. Its times can be booked again."))
    return redirect("booking:calendars")


def _own(viewer: Viewer) -> Therapist:
    """Return the viewer's own self: a private calendar is nobody else's, not even a manager's."""
    if viewer.therapist is None:
        raise Http404
    return viewer.therapist


def _found(viewer: Viewer, pk: int) -> CalendarSource:
    return get_object_or_404(CalendarSource, pk=pk, therapist=_own(viewer))
