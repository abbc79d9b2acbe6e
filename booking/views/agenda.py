"""The therapist's agenda: what is coming, what has been, and the mails that could not be delivered."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from booking import agenda, outbox
from booking.access import Viewer, therapist_required
from booking.views.days import days
from practice.requests import PracticeRequest


@therapist_required
@require_GET
def coming(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """List the coming appointments by day, and above them the mails that could not be delivered."""
    zone, now = request.practice.zone, timezone.now()
    listed = agenda.coming(viewer.appointments(), zone=zone, now=now)
    failed = agenda.undelivered(viewer.notifications(), zone=zone, now=now)
    context = {"days": days(listed, now), "failed": failed}
    return render(request, "agenda/coming.html", context)


@therapist_required
@require_GET
def past(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """List the appointments of the last thirty days, the latest first."""
    zone, now = request.practice.zone, timezone.now()
    listed = agenda.past(viewer.appointments(), zone=zone, now=now)
    return render(request, "agenda/past.html", {"days": days(listed, now)})


@therapist_required
@require_POST
def retry_mail(request: PracticeRequest, viewer: Viewer, pk: int) -> HttpResponse:
    """Try a mail once more that could not be delivered."""
    notification = get_object_or_404(viewer.notifications().select_related("appointment"), pk=pk)
    if outbox.retry(notification, now=timezone.now()):
        messages.success(request, _("The mail is tried once more."))
    else:
        messages.info(request, _("This mail was already on its way again."))
    if notification.appointment:
        return redirect("booking:agenda_appointment", notification.appointment.public_id)
    return redirect("booking:agenda")
