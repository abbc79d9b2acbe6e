"""What can be booked."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from booking.access import Viewer, therapist_required
from booking.forms.types import AppointmentTypeForm, lead_in_words
from practice.requests import PracticeRequest


@therapist_required
@require_GET
def appointment_types(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """List the appointment types that the viewer may change."""
    found = viewer.appointment_types().prefetch_related("therapists")
    listed = [(found_type, [lead_in_words(text) for text in found_type.reminders]) for found_type in found]
    return render(request, "agenda/appointment_types.html", {"types": listed})


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_appointment_type(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Add an appointment type; one that a therapist adds is offered by her."""
    form = AppointmentTypeForm(request.POST or None, initial={"therapists": [viewer.therapist]})
    if not viewer.manager:
        del form.fields["therapists"]
    if request.method == "POST" and form.is_valid():
        added = form.save()
        if not viewer.manager and viewer.therapist:
            added.therapists.add(viewer.therapist)
        messages.success(request, _("Added."))
        return redirect("booking:appointment_types")
    context = {"form": form, "title": _("Add an appointment type")}
    return render(request, "agenda/appointment_type.html", context, status=422 if form.is_bound else 200)


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
    context = {"form": form, "title": str(appointment_type)}
    return render(request, "agenda/appointment_type.html", context, status=status)
