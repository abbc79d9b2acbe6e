"""What the therapist does with a family's data for a family that phones: put it right, give it as a file."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from booking import family_data
from booking.access import Viewer, account_of, note, therapist_required
from booking.errors import BookingError
from booking.forms.family_data import CorrectByHandForm
from booking.models import Actor, Parent
from booking.views.answers import status_of
from booking.views.appointment import found_by
from booking.views.family_data import as_file
from practice.requests import PracticeRequest


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Show what is kept of the family, and keep what is put right on POST."""
    parent = _parent(viewer, public_id)
    posted, status, error = request.method == "POST", 200, ""
    form = CorrectByHandForm(request.POST if posted else None, now=family_data.of(parent))
    if posted:
        status = 422
        if form.is_valid():
            try:
                mailed = family_data.correct(
                    parent,
                    form.corrected(),
                    by=Actor.THERAPIST,
                    zone=request.practice.zone,
                    now=timezone.now(),
                    account=account_of(request),
                )
            except BookingError as refusal:
                status, error = status_of(refusal), refusal.to_therapist()
            else:
                done = _("Saved. The confirmation goes to the new address.") if mailed else _("Saved.")
                messages.success(request, done)
                return redirect("booking:agenda_appointment", public_id)
    note(request, "seen", [parent.appointment])
    context = {"form": form, "parent": parent, "appointment": parent.appointment, "error": error}
    return render(request, "agenda/correct_data.html", context, status=status)


@therapist_required
@require_GET
def download(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Give all that is kept of the family as a JSON file, to hand over."""
    parent = _parent(viewer, public_id)
    note(request, "downloaded", [parent.appointment])
    return as_file(request, parent)


def _parent(viewer: Viewer, public_id: UUID) -> Parent:
    """Return the parent who booked, where the viewer may see the family and it was not erased."""
    found = found_by(viewer, public_id)
    parent = found.parents.select_related("appointment__appointment_type", "appointment__therapist").first()
    if found.erased_at or parent is None:
        raise Http404
    return parent
