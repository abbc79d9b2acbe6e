"""A family sees what is kept of it, takes it along and puts it right, by the link in its mails.

The link alone shows nothing of the family: the mail may have come to somebody else. So the phone number is asked
once, and then for a quarter of an hour not again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from booking import access_log, family_data, rate_limits
from booking.errors import BookingError
from booking.forms.family_data import AnswerForm, CorrectForm
from booking.models import Actor, Parent
from booking.views.answers import status_of
from booking.views.managing import with_parent
from practice.requests import PracticeRequest

OPEN_FOR = timedelta(minutes=15)
_KEY = "family_data"
ParentView = Callable[[PracticeRequest, Parent, str, datetime], HttpResponse]


@with_parent
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Ask for the phone number, or show all that is kept once it was given."""
    if request.method == "POST":
        return _answer(request, parent, token, now)
    if not _is_open(request, parent, now):
        return _ask(request, token, AnswerForm())
    _note("seen", parent, now)
    context = {"parent": parent, "family": family_data.of(parent), "token": token}
    return render(request, "booking/family_data.html", context)


@with_parent
@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Show what can be put right; keep it on POST."""
    if not _is_open(request, parent, now):
        return redirect("booking:family_data", token)
    posted = request.method == "POST"
    form = CorrectForm(request.POST if posted else None, now=family_data.of(parent))
    form.ask_for_place(parent.appointment.place)
    status, error = 200, ""
    if posted:
        status = 422
        if form.is_valid():
            rate_limits.count(rate_limits.LOGGED, str(parent.public_id), now=now)
            try:
                zone = request.practice.zone
                family_data.correct(parent, form.corrected(), by=Actor.PARENT, zone=zone, now=now)
            except BookingError as refusal:
                status, error = status_of(refusal), str(refusal)
            else:
                messages.success(request, _("Your data are as you filled them in."))
                return redirect("booking:family_data", token)
    else:
        _note("seen", parent, now)
    return render(
        request, "booking/correct_data.html", {"form": form, "token": token, "error": error}, status=status
    )


@with_parent
@require_safe
def download(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Give all that is kept as a JSON file."""
    if not _is_open(request, parent, now):
        return redirect("booking:family_data", token)
    _note("downloaded", parent, now)
    return as_file(request, parent)


def as_file(request: PracticeRequest, parent: Parent) -> HttpResponse:
    """Return all that is kept about the family of `parent` as a file to keep."""
    response = JsonResponse(
        family_data.told(parent, request.practice.zone), json_dumps_params={"ensure_ascii": False, "indent": 2}
    )
    response["Content-Type"] = "application/json; charset=utf-8"
    response["Content-Disposition"] = 'attachment; filename="gegevens.json"'
    return response


def _answer(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    form, family = AnswerForm(request.POST), str(parent.public_id)
    if form.is_valid():
        rate_limits.count(rate_limits.ANSWERS, family, now=now)
        if family_data.knows(parent, form.cleaned_data["phone"]):
            rate_limits.give_back(rate_limits.ANSWERS, family, now=now)
            request.session[_KEY] = {family: int((now + OPEN_FOR).timestamp())}
            return redirect("booking:family_data", token)
        _note("refused", parent, now)
        form.add_error("phone", _("This is not the number that we have. You can call us too."))
    return _ask(request, token, form, status=422)


def _ask(request: PracticeRequest, token: str, form: AnswerForm, *, status: int = 200) -> HttpResponse:
    return render(request, "booking/ask_for_phone.html", {"form": form, "token": token}, status=status)


def _is_open(request: PracticeRequest, parent: Parent, now: datetime) -> bool:
    until = request.session.get(_KEY, {}).get(str(parent.public_id), 0)
    return bool(until > now.timestamp())


def _note(action: str, parent: Parent, now: datetime) -> None:
    rate_limits.count(rate_limits.LOGGED, str(parent.public_id), now=now)
    access_log.record(action, [parent.appointment.public_id], by=Actor.PARENT, at=now)
