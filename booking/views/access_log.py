"""Who saw or changed which family's data: for managers, to read and as a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from booking.access import Viewer, note_about_log, therapist_required
from booking.forms.access_log import LookupForm
from booking.intervals import local_days
from booking.models import AccessEntry, Appointment
from booking.views import spreadsheets
from practice.requests import PracticeRequest

_ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as it is read: who in words, and whether what it is about can still be opened."""

    entry: AccessEntry
    who: str
    opens: bool


@therapist_required
@require_GET
def show(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Show a page of the log, the latest first; by appointment, colleague or day where that is asked for."""
    _must_manage(viewer)
    note_about_log(request, "log_seen")
    form = LookupForm(request.GET)
    if not form.is_valid():
        return render(request, "agenda/access_log.html", {"form": form}, status=422)
    asked = form.cleaned_data["page"] or 1
    first = (asked - 1) * _ON_A_PAGE
    found = list(_entries(request, form)[first : first + _ON_A_PAGE + 1])
    context = {
        "form": form,
        "lines": _lines(found[:_ON_A_PAGE]),
        "earlier_page": _address(form, asked - 1) if asked > 1 else "",
        "later_page": _address(form, asked + 1) if len(found) > _ON_A_PAGE else "",
        "query": urlencode(form.chosen()),
    }
    return render(request, "agenda/access_log.html", context)


@therapist_required
@require_GET
def download(request: PracticeRequest, viewer: Viewer) -> HttpResponseBase:
    """Give all of what is asked for as a CSV file, however much it is."""
    _must_manage(viewer)
    form = LookupForm(request.GET)
    if not form.is_valid():
        return render(request, "agenda/access_log.html", {"form": form}, status=422)
    note_about_log(request, "log_exported")
    response = StreamingHttpResponse(
        spreadsheets.lines(_rows(_entries(request, form))), content_type=spreadsheets.CONTENT_TYPE
    )
    name = _("access-log")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _must_manage(viewer: Viewer) -> None:
    if not viewer.manager:
        raise PermissionDenied


def _entries(request: PracticeRequest, form: LookupForm) -> QuerySet[AccessEntry]:
    asked, found = form.cleaned_data, AccessEntry.objects.select_related("account__therapist")
    if asked["about"]:
        found = found.filter(appointment=asked["about"])
    if asked["who"]:
        found = found.filter(account=asked["who"])
    if asked["until"]:
        found = found.filter(at__lt=local_days(asked["until"], asked["until"], request.practice.zone).end)
    return found


def _lines(found: list[AccessEntry]) -> list[Line]:
    references = {entry.appointment for entry in found if entry.appointment}
    there = set(
        Appointment.objects.filter(public_id__in=references, erased_at=None).values_list("public_id", flat=True)
    )
    return [Line(entry, _who(entry), entry.appointment in there) for entry in found]


def _who(entry: AccessEntry) -> str:
    # The account may be gone: its number stays.
    account = entry.account if entry.account_id else None
    if account is None:
        return entry.get_actor_display()
    therapist = getattr(account, "therapist", None)
    return therapist.name if therapist else account.email


def _rows(found: QuerySet[AccessEntry]) -> Iterator[list[Any]]:
    yield [_("Moment (UTC)"), _("What"), _("Who"), _("Account"), _("About"), _("Network")]
    for entry in found.iterator(chunk_size=500):
        account = entry.account.email if entry.account_id and entry.account else ""
        moment = entry.at.isoformat(timespec="seconds")
        yield [moment, entry.action, entry.actor, account, entry.appointment, entry.network]


def _address(form: LookupForm, page: int) -> str:
    return f"?{urlencode({**form.chosen(), 'page': page})}"
