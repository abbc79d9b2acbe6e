"""What came in before families were first asked to confirm, with one button to cancel it."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from booking import appointments, notifications
from booking.access import Viewer, account_of, note, therapist_required
from booking.models import Kind
from booking.views.days import entry
from practice.requests import PracticeRequest


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def many_bookings(request: PracticeRequest, viewer: Viewer, pk: int) -> HttpResponse:
    """Show what families booked in the hour before the practice was told of it; cancel on POST what is ticked."""
    told = viewer.notifications().filter(kind=Kind.MANY_BOOKINGS, pk=pk).first()
    if not told:
        raise Http404
    until = told.due_at
    visible = viewer.appointments().filter(pk__in=notifications.booked_by_families(until).values("pk"))
    found = visible.select_related("appointment_type", "therapist").prefetch_related("parents")
    if request.method == "POST":
        ticked = set(request.POST.getlist("appointment"))
        chosen = [one for one in found if str(one.public_id) in ticked]
        count = appointments.cancel_many(chosen, account=account_of(request), now=timezone.now())
        done = ngettext("%(count)s appointment is cancelled.", "%(count)s appointments are cancelled.", count)
        messages.success(request, done % {"count": count})
        return redirect("booking:agenda")
    listed = list(found)
    note(request, "listed", listed)
    context = {"entries": [entry(one) for one in listed], "since": until - notifications.BUSY_SPAN, "until": until}
    return render(request, "agenda/many_bookings.html", context)
