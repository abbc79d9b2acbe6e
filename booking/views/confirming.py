"""A family confirms by the link in a mail what its browser could not prove."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from booking import by_mail, client, links, rate_limits
from booking.errors import BookingError, TooManyRequests
from booking.views.answers import private, status_of, too_many, with_error
from practice.requests import PracticeRequest


@require_safe
def mailed(request: PracticeRequest) -> HttpResponse:
    """Say that a mail is on its way, without saying to whom."""
    return render(request, "booking/mailed.html")


@private
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: PracticeRequest, token: str) -> HttpResponse:
    """Show what would be booked; book it on POST."""
    now, caller = timezone.now(), client.networks(request)
    try:
        rate_limits.refuse_exhausted(rate_limits.DEAD_LINKS, caller, now=now)
        public_id = links.unconfirmed_id(token)
        # Pressed twice, or opened once more: what it made.
        if made := by_mail.confirmed(public_id, now=now):
            return redirect("booking:booked", links.manage_token(made.parents.get()))
        unconfirmed = by_mail.waiting(public_id, now=now)
    except TooManyRequests as error:
        return too_many(request, error)
    except links.DeadLink:
        rate_limits.record(rate_limits.DEAD_LINKS, caller, now=now)
        return render(request, "booking/dead_link.html", status=404)
    context: dict[str, Any] = {
        "type": unconfirmed.appointment_type,
        "therapist": unconfirmed.therapist,
        "start": unconfirmed.start,
        "end": unconfirmed.start + unconfirmed.appointment_type.duration,
    }
    if request.method != "POST":
        return render(request, "booking/confirm.html", context)
    try:
        appointment = by_mail.confirm(unconfirmed, zone=request.practice.zone, now=now)
    except BookingError as error:
        context["error"] = str(error)
        return with_error(render(request, "booking/confirm.html", context, status=status_of(error)), error)
    return redirect("booking:booked", links.manage_token(appointment.parents.get()))
