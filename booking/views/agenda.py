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
from booking.access import Viewer, note, therapist_required
from booking.models import Appointment, AppointmentQuerySet
from booking.views.days import days, entry
from booking.views.plans import month_plan, plan
from booking.views.whereabouts import Whereabouts, whereabouts
from practice.requests import PracticeRequest

_ON_A_PAGE = 20


@therapist_required
@require_GET
def show(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Show a day, a week, a month or a list of what is coming, and above it what is to be done: the mails that
    were not delivered, and the families that have not chosen another time."""
    zone, now = request.practice.zone, timezone.now()
    where = whereabouts(request.GET, viewer, today=timezone.localdate())
    failed = list(agenda.undelivered(viewer.notifications(), zone=zone, now=now))
    awaiting = agenda.awaiting_other_time(viewer.appointments(), now=now) if viewer.awaits_answer else []
    awaited = list(awaiting)
    shown, seen = _shown(request, viewer, where, now)
    # A mail that failed names its family too, and so does a question without an answer.
    of_failed = {mail.appointment for mail in failed if mail.parent and mail.appointment}
    note(request, "listed", {*seen, *of_failed, *awaited})
    context = {"where": where, "failed": failed, "awaited": [entry(one) for one in awaited], **shown}
    return render(request, f"agenda/{where.template}.html", context)


@therapist_required
@require_GET
def past(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """List the appointments of the last thirty days, the latest first."""
    zone, now = request.practice.zone, timezone.now()
    listed = agenda.past(viewer.appointments(), zone=zone, now=now)
    context, seen = _listed(request, listed, now)
    note(request, "listed", seen)
    return render(request, "agenda/past.html", context)


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


def _listed(
    request: PracticeRequest, found: AppointmentQuerySet, now: datetime
) -> tuple[dict[str, Any], list[Appointment]]:
    """Return the page of `found` that the address asks for by its number, with the addresses of those around it;
    and the appointments on it."""
    asked = request.GET.get("page", "")
    page = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 1
    first = max(page - 1, 0) * _ON_A_PAGE
    # One more than is shown tells whether there is another page.
    listed = list(found[first : first + _ON_A_PAGE + 1])
    around = {
        "earlier_page": page - 1 if page > 1 else 0,
        "later_page": page + 1 if len(listed) > _ON_A_PAGE else 0,
    }
    addresses = {}
    for name, number in around.items():
        query = request.GET.copy()
        query["page"] = f"{number}"
        addresses[name] = f"?{query.urlencode()}" if number else ""
    return {"days": days(listed[:_ON_A_PAGE], now), **addresses}, listed[:_ON_A_PAGE]


def _shown(
    request: PracticeRequest, viewer: Viewer, where: Whereabouts, now: datetime
) -> tuple[dict[str, Any], list[Appointment]]:
    """Return what the agenda shows at `where`, and the appointments of which it names the family."""
    zone, language = request.practice.zone, get_language() or "nl"
    if where.view == "list":
        own = viewer.appointments().filter(therapist__in=where.therapists)
        return _listed(request, agenda.coming(own, zone=zone, now=now), now)
    if where.view == "month":
        found = agenda_days.month(where.therapists, where.first, where.last, zone=zone, language=language)
        return {"weeks": month_plan(found, where, now)}, []
    of_days = agenda_days.days(where.therapists, where.first, where.last, zone=zone, now=now, language=language)
    entries = [entry for of_day in of_days for entry in of_day.entries]
    # An appointment over midnight lies on both of its days.
    shown = {entry.appointment.pk: entry.appointment for entry in entries if entry.appointment}
    return {"plan": plan(of_days, where, zone, now)}, list(shown.values())
