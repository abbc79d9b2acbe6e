"""The therapist's agenda: days, weeks and months, lists, and the mails that could not be delivered."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from booking import agenda, agenda_days, outbox
from booking.access import Viewer, therapist_required
from booking.views.days import days
from booking.views.plans import month_plan, plan
from booking.views.whereabouts import Whereabouts, whereabouts
from practice.requests import PracticeRequest


@therapist_required
@require_GET
def show(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Show a day, a week, a month or a list of what is coming, and above it the mails that were not delivered."""
    zone, now = request.practice.zone, timezone.now()
    where = whereabouts(request.GET, viewer, today=timezone.localdate())
    context = {
        "where": where,
        "failed": agenda.undelivered(viewer.notifications(), zone=zone, now=now),
        **_shown(request, viewer, where, now),
    }
    return render(request, f"agenda/{where.template}.html", context)


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


def _shown(request: PracticeRequest, viewer: Viewer, where: Whereabouts, now: datetime) -> dict[str, Any]:
    zone, language = request.practice.zone, get_language() or "nl"
    if where.view == "list":
        own = viewer.appointments().filter(therapist__in=where.therapists)
        return {"days": days(agenda.coming(own, zone=zone, now=now), now)}
    if where.view == "month":
        found = agenda_days.month(where.therapists, where.first, where.last, zone=zone, language=language)
        return {"weeks": month_plan(found, where, now)}
    of_days = agenda_days.days(where.therapists, where.first, where.last, zone=zone, now=now, language=language)
    return {"plan": plan(of_days, where, zone, now)}
