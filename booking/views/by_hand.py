"""Booking by hand: a family phones, and the therapist books any time at all."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from booking import by_hand
from booking.access import Viewer, account_of, therapist_required
from booking.appointments import Request
from booking.encryption import lookup_hash
from booking.errors import BookingError
from booking.forms.by_hand import ByHandForm
from booking.forms.moments import MomentForm
from booking.forms.parent import DayForm
from booking.models import AppointmentType, State, Therapist
from booking.views import moments
from booking.views.answers import status_of
from booking.views.times import free_times, value_of
from practice.requests import PracticeRequest


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def book(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Choose a moment, then fill in the family's data and book."""
    now = timezone.now()
    therapist, appointment_type = _asked(request, viewer)
    if therapist is None or appointment_type is None:
        return render(request, "agenda/by_hand_choose.html", {"therapist": therapist})
    if request.method == "POST":
        return _book(request, viewer, therapist, appointment_type, now)
    moment = MomentForm(moments.chosen(request, request.GET), zone=request.practice.zone, now=now)
    if "start" in request.GET or {"day", "time"} <= set(request.GET):
        if moment.is_valid():
            start = moment.cleaned_data["start"]
            answer = moments.answer(request, viewer, appointment_type, therapist, start, now, None)
            if "error" in answer:
                # Looked at before the family is asked for anything.
                return _choose(request, viewer, therapist, appointment_type, moment, now, answer=answer)
            form = ByHandForm(initial={"key": uuid4().hex, "language": therapist.language})
            return _details(request, therapist, appointment_type, moment, form, answer)
    else:
        moment = MomentForm(initial={"day": request.GET.get("day")}, zone=request.practice.zone, now=now)
    return _choose(request, viewer, therapist, appointment_type, moment, now)


def _asked(request: PracticeRequest, viewer: Viewer) -> tuple[Therapist | None, AppointmentType | None]:
    """Return whom and what the address names, else the viewer and the first type; raises Http404 for another's."""
    allowed = viewer.therapists()
    slug = request.GET.get("therapist", "")
    therapist = next((found for found in allowed if slug in {"", found.slug}), None)
    if slug and therapist is None:
        raise Http404
    types = list(therapist.appointment_types.all()) if therapist else []
    slug = request.GET.get("type", "")
    chosen = next((found for found in types if slug in {"", found.slug}), None)
    if slug and chosen is None:
        raise Http404
    return therapist, chosen


def _choose(
    request: PracticeRequest,
    viewer: Viewer,
    therapist: Therapist,
    appointment_type: AppointmentType,
    moment: MomentForm,
    now: datetime,
    *,
    answer: dict[str, Any] | None = None,
) -> HttpResponse:
    """Ask for a moment; `answer` says what is in the way of the one that was chosen."""
    day_form = DayForm({"day": request.GET.get("from", "")})
    from_day = day_form.cleaned_data.get("day") if day_form.is_valid() else None
    context = {
        **free_times(request, appointment_type, therapist, from_day, now, by_hand=True),
        "therapist": therapist,
        "therapists": viewer.therapists(),
        "type": appointment_type,
        "types": therapist.appointment_types.all(),
        "form": moment,
        "query": urlencode({"type": appointment_type.slug, "therapist": therapist.slug}),
        **(answer or {}),
    }
    # To look is no refusal: a free part of the agenda that is too short for this type leads here too.
    return render(request, "agenda/by_hand_choose.html", context, status=422 if moment.errors else 200)


def _details(
    request: PracticeRequest,
    therapist: Therapist,
    appointment_type: AppointmentType,
    moment: MomentForm,
    form: ByHandForm,
    answer: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    """Ask for the family's data; `answer` is what there is to say about the moment."""
    start = moment.cleaned_data.get("start")
    context = {
        "therapist": therapist,
        "type": appointment_type,
        "moment": moment,
        "form": form,
        "start": start,
        "end": start and start + appointment_type.duration,
        "value": start and value_of(start),
        **answer,
        "query": urlencode({"type": appointment_type.slug, "therapist": therapist.slug}),
    }
    return render(request, "agenda/by_hand_details.html", context, status=status)


def _book(
    request: PracticeRequest,
    viewer: Viewer,
    therapist: Therapist,
    appointment_type: AppointmentType,
    now: datetime,
) -> HttpResponse:
    moment = MomentForm(moments.chosen(request, request.POST), zone=request.practice.zone, now=now)
    form = ByHandForm(request.POST)

    def again(error: BookingError | None, status: int) -> HttpResponse:
        start = moment.cleaned_data.get("start")
        answer = moments.answer(request, viewer, appointment_type, therapist, start, now, error)
        return _details(request, therapist, appointment_type, moment, form, answer, status=status)

    if not (moment.is_valid() & form.is_valid()):
        return again(None, 422)
    start = moment.cleaned_data["start"]
    try:
        appointment = by_hand.book(
            appointment_type,
            therapist,
            start,
            family=form.family(),
            wants_mail=form.cleaned_data["wants_mail"],
            account=account_of(request),
            zone=request.practice.zone,
            now=now,
            all_the_same=request.POST.get("all_the_same") == value_of(start),
            request=_request(form, therapist, appointment_type, start),
        )
    except BookingError as error:
        return again(error, status_of(error))
    if appointment.state == State.CONFIRMED:
        # An old form that is sent once more leads to what it made, whatever became of that.
        messages.success(request, _("The appointment is booked."))
    return redirect("booking:agenda_appointment", appointment.public_id)


def _request(
    form: ByHandForm, therapist: Therapist, appointment_type: AppointmentType, start: datetime
) -> Request:
    body = {name: str(value) for name, value in sorted(form.cleaned_data.items())}
    told = [therapist.slug, appointment_type.slug, value_of(start), *(f"{name}={body[name]}" for name in body)]
    return Request(
        key=lookup_hash("idempotency", "by-hand", form.cleaned_data["key"]), body=lookup_hash("body", *told)
    )
