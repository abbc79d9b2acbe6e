"""A family confirms by the link in a mail, while so much is booked that programs may be at it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from booking import by_mail, client, links, rate_limits
from booking.errors import BookingError, Busy, TooManyRequests
from booking.forms.parent import AddressForm
from booking.models import Parent, State, Unconfirmed
from booking.views.answers import busy, private, status_of, too_many, with_error
from practice.requests import PracticeRequest


@private
@require_http_methods(["GET", "HEAD", "POST"])
def mailed(request: PracticeRequest) -> HttpResponse:
    """Say that a mail is on its way; whoever just booked in this browser can put its address right."""
    now = timezone.now()
    waits = asked_here(request, now=now)
    before = waits.email if waits else ""
    if request.method != "POST":
        return _mailed(request, waits, AddressForm(now=before))
    form = AddressForm(request.POST, now=before)
    if not waits or not form.is_valid():
        return _mailed(request, waits, form, status=422)
    try:
        rate_limits.count(rate_limits.BOOKINGS, client.networks(request), now=now)
        waits = by_mail.correct_address(waits, form.cleaned_data["email"], now=now)
    except links.DeadLink:
        return redirect("booking:mailed")
    except BookingError as error:
        return with_error(_mailed(request, waits, form, error=str(error)), error)
    request.session["asked"] = str(waits.public_id)
    messages.success(request, _("A new mail is on its way. The link in the earlier one no longer works."))
    return redirect("booking:mailed")


@private
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: PracticeRequest, token: str) -> HttpResponse:
    """Show what would be booked; book it on POST."""
    now, caller = timezone.now(), client.networks(request)
    try:
        rate_limits.refuse_exhausted(rate_limits.DEAD_LINKS, caller, now=now)
        try:
            public_id = links.unconfirmed_id(token)
            # Pressed twice, or opened once more: what it made.
            if made := by_mail.confirmed(public_id, now=now):
                return redirect("booking:booked", links.manage_token(made.parents.get()))
            unconfirmed = by_mail.waiting(public_id, now=now)
        except links.DeadLink:
            rate_limits.count(rate_limits.DEAD_LINKS, caller, now=now)
            return render(request, "booking/dead_link.html", status=404)
    except TooManyRequests as error:
        return too_many(request, error)
    except Busy:
        return busy(request)
    context = _about(unconfirmed)
    if request.method != "POST":
        return render(request, "booking/confirm.html", context)
    try:
        appointment = by_mail.confirm(unconfirmed, zone=request.practice.zone, now=now)
    except links.DeadLink:
        # Its address was put right at this moment.
        return render(request, "booking/dead_link.html", status=404)
    except BookingError as error:
        context["error"] = str(error)
        return with_error(render(request, "booking/confirm.html", context, status=status_of(error)), error)
    return redirect("booking:booked", links.manage_token(appointment.parents.get()))


def asked_here(request: PracticeRequest, *, now: datetime) -> Unconfirmed | None:
    """Return what this browser session booked last and has not confirmed yet."""
    asked = request.session.get("asked")
    try:
        return by_mail.waiting(UUID(asked), now=now) if asked else None
    except links.DeadLink:
        return None


def confirmed_here(request: PracticeRequest, start: datetime, *, now: datetime) -> Parent | None:
    """Return the parent for whom this browser session booked the moment `start` (UTC), where that was confirmed
    since, by whichever browser, and stands."""
    asked = request.session.get("asked")
    made = by_mail.confirmed(UUID(asked), now=now) if asked else None
    return made.parents.get() if made and made.state == State.CONFIRMED and made.start == start else None


def _mailed(
    request: PracticeRequest, waits: Unconfirmed | None, form: AddressForm, *, error: str = "", status: int = 200
) -> HttpResponse:
    context = {"form": form, "waits": waits, "error": error, **(_about(waits) if waits else {})}
    return render(request, "booking/mailed.html", context, status=status)


def _about(unconfirmed: Unconfirmed) -> dict[str, Any]:
    return {
        "type": unconfirmed.appointment_type,
        "therapist": unconfirmed.therapist,
        "start": unconfirmed.start,
        "end": unconfirmed.start + unconfirmed.appointment_type.duration,
        "kept": unconfirmed.kept,
        "until": unconfirmed.answer_by,
    }
