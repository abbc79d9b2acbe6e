"""One appointment on the agenda, with all that can be done with it."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from booking import appointments
from booking.access import Viewer, therapist_required
from booking.errors import BookingError, Busy
from booking.forms.appointments import CancelForm
from booking.models import Actor, Appointment, State
from booking.views.days import entry
from practice.requests import PracticeRequest


@therapist_required
@require_GET
def show(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Show one appointment, how to reach the family, which mails went out, and what can be done."""
    return _appointment_page(request, _found(viewer, public_id), CancelForm())


@therapist_required
@require_POST
def cancel(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Cancel the appointment; the family gets a mail about it."""
    found, form = _found(viewer, public_id), CancelForm(request.POST)
    if not form.is_valid():
        return _appointment_page(request, found, form, status=422)
    reason = form.cleaned_data["reason"]
    return _act(
        request,
        found,
        lambda now: appointments.cancel(found, by=Actor.THERAPIST, now=now, reason=reason),
        _("The appointment is cancelled. The family gets a mail."),
    )


@therapist_required
@require_POST
def attended(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Write down that the family came."""
    found = _found(viewer, public_id)
    return _act(request, found, lambda now: appointments.mark_attended(found, now=now), _("Noted: they came."))


@therapist_required
@require_POST
def no_show(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Write down that the family did not come."""
    found = _found(viewer, public_id)
    return _act(request, found, lambda now: appointments.mark_no_show(found, now=now), _("Noted: nobody came."))


def _found(viewer: Viewer, public_id: UUID) -> Appointment:
    """Return the appointment, where the viewer may see it; raises Http404 else."""
    visible = viewer.appointments().select_related("appointment_type", "therapist").prefetch_related("parents")
    return get_object_or_404(visible, public_id=public_id)


def _act(
    request: PracticeRequest, found: Appointment, act: Callable[[datetime], object], done: str
) -> HttpResponse:
    try:
        act(timezone.now())
    except BookingError as error:
        found.refresh_from_db()
        status = 503 if isinstance(error, Busy) else 409
        return _appointment_page(request, found, CancelForm(), error=str(error), status=status)
    messages.success(request, done)
    return redirect("booking:agenda_appointment", found.public_id)


def _appointment_page(
    request: PracticeRequest, found: Appointment, form: CancelForm, *, error: str = "", status: int = 200
) -> HttpResponse:
    now = timezone.now()
    begun = now >= found.start
    context = {
        "entry": entry(found),
        "appointment": found,
        "mails": found.notifications.select_related("parent", "therapist").order_by("due_at", "pk"),
        "form": form,
        "error": error,
        "can_cancel": found.state == State.CONFIRMED and not begun,
        "can_mark": found.state != State.CANCELLED and begun,
        "erased_on": found.erased_on(request.practice.zone),
    }
    return render(request, "agenda/appointment.html", context, status=status)
