"""What can be booked."""

from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from booking.access import Viewer, therapist_required
from booking.forms.types import LAST_POSITION, AppointmentTypeForm, lead_in_words
from booking.models import AppointmentType
from practice.requests import PracticeRequest


@therapist_required
@require_GET
def appointment_types(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """List the types that the viewer offers, or all for a manager, and which of them the viewer may change."""
    found = viewer.appointment_types().prefetch_related("therapists")
    listed = [(found_type, [lead_in_words(text) for text in found_type.reminders]) for found_type in found]
    changeable = set(viewer.changeable_types(now=timezone.now()))
    return render(request, "agenda/appointment_types.html", {"types": listed, "changeable": changeable})


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_appointment_type(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Add an appointment type; one that a therapist adds is offered by her."""
    form = AppointmentTypeForm(request.POST or None, initial={"therapists": [viewer.therapist]})
    _leave_to_managers(form, viewer)
    if request.method == "POST" and form.is_valid():
        if "position" not in form.fields:
            last = AppointmentType.objects.aggregate(last=Max("position"))["last"]
            form.instance.position = 0 if last is None else min(last + 1, LAST_POSITION)
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
    """Change an appointment type; who offers it is for a manager to say, and so is what colleagues offer too."""
    now = timezone.now()
    appointment_type = get_object_or_404(viewer.appointment_types(), slug=slug)
    _must_change(viewer, appointment_type, now)
    form = AppointmentTypeForm(request.POST or None, instance=appointment_type)
    _leave_to_managers(form, viewer)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            # Locked, so that no colleague begins to offer it between the look and the change.
            AppointmentType.objects.select_for_update().get(pk=appointment_type.pk)
            _must_change(viewer, appointment_type, now)
            form.save()
        messages.success(request, _("Saved. What was booked before stays as it was."))
        return redirect("booking:appointment_types")
    status = 422 if form.is_bound else 200
    context = {"form": form, "title": str(appointment_type)}
    return render(request, "agenda/appointment_type.html", context, status=status)


def _must_change(viewer: Viewer, appointment_type: AppointmentType, now: datetime) -> None:
    if not viewer.changeable_types(now=now).filter(pk=appointment_type.pk).exists():
        raise PermissionDenied


def _leave_to_managers(form: AppointmentTypeForm, viewer: Viewer) -> None:
    """Take out of `form` what is not for `viewer` to say."""
    if not viewer.manager:
        del form.fields["therapists"]
    if not viewer.orders_types():
        del form.fields["position"]
