"""The parent's way: choose a time, fill in the form, done; and the manage link from the mail."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import wraps
from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from booking import appointments, client, invitations, links, rate_limits
from booking.appointments import FreeSlot, Request
from booking.encryption import lookup_hash
from booking.errors import (
    AlreadyCancelled,
    AlreadyChanged,
    BookingError,
    Busy,
    SlotTaken,
    TooLateToChange,
    TooManyRequests,
)
from booking.forms.parent import BookingForm, ChooseForm, DayForm, ReasonForm, SlotForm, StartField
from booking.models import Actor, Appointment, AppointmentType, Parent, State, Therapist
from practice.requests import PracticeRequest

# How many days with free times a page of the list shows.
DAYS_SHOWN = 7
_STATUS: dict[type[BookingError], int] = {
    SlotTaken: 409,
    AlreadyCancelled: 409,
    AlreadyChanged: 409,
    TooLateToChange: 409,
    TooManyRequests: 429,
    Busy: 503,
}
View = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True)
class Time:
    """A free time as the list shows it: `value` goes back to the server, the rest is read."""

    value: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Day:
    """A local day with free times."""

    day: date
    times: list[Time]


def private(view: View) -> View:
    """Keep what a family sees out of caches and search engines."""

    @wraps(view)
    def guarded(request: PracticeRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        response["X-Robots-Tag"] = "noindex"
        return response

    return guarded


def with_parent(view: View) -> View:
    """Turn the token in the address into its Parent; every token that opens nothing gets one neutral page."""

    @wraps(view)
    def opened(request: PracticeRequest, token: str) -> HttpResponse:
        now, caller = timezone.now(), client.address(request)
        try:
            rate_limits.refuse_exhausted(rate_limits.DEAD_LINKS, caller, now=now)
            try:
                parent = links.parent_of(token)
            except links.DeadLink:
                rate_limits.count(rate_limits.DEAD_LINKS, caller, now=now)
                return render(request, "booking/dead_link.html", status=404)
        except TooManyRequests as error:
            return _too_many(request, error)
        return view(request, parent, token, now)

    return private(opened)


@require_safe
def choose(request: PracticeRequest) -> HttpResponse:
    """Show the first free moment and a list of days with times."""
    return _choose(request, request.GET)


@require_POST
def hold(request: PracticeRequest) -> HttpResponse:
    """Keep the chosen time for ten minutes, and go on to the form."""
    now = timezone.now()
    form = SlotForm(request.POST)
    if not form.is_valid():
        return _choose(request, request.POST, error=_first(form, "start"))
    caller = client.address(request)
    try:
        rate_limits.count(rate_limits.HOLDS, caller, now=now)
        appointments.hold(
            form.cleaned_data["type"],
            form.cleaned_data["start"],
            visitor=client.visitor(request),
            address=lookup_hash("address", caller),
            zone=request.practice.zone,
            now=now,
            therapist=form.cleaned_data["therapist"],
        )
    except BookingError as error:
        return _with_error(_choose(request, request.POST, error=str(error)), error)
    return redirect(f"{reverse('booking:details')}?{_query(form)}")


@require_http_methods(["GET", "HEAD", "POST"])
def details(request: PracticeRequest) -> HttpResponse:
    """Ask for the family's data and book; all that was typed stays, whatever goes wrong."""
    slot = SlotForm(request.POST if request.method == "POST" else request.GET)
    if not slot.is_valid() and (request.method != "POST" or set(slot.errors) != {"start"}):
        return _choose(request, slot.data, error=_first(slot, "start"))
    if request.method == "POST":
        return _book(request, slot)
    now = timezone.now()
    if not _still_free(request, slot, now):
        return _choose(request, request.GET, error=str(SlotTaken()), status=409)
    return _details(request, slot, BookingForm(initial={"key": uuid4().hex}), now)


@with_parent
@require_safe
def booked(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Say what was booked and what happens next."""
    return render(request, "booking/booked.html", _about(request, parent, token, now))


@with_parent
@require_safe
def manage(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Show the appointment, and what can still be done with it."""
    return render(request, "booking/manage.html", _about(request, parent, token, now))


@with_parent
@require_http_methods(["GET", "HEAD", "POST"])
def reschedule(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Show other times; ask once about the chosen one; move on POST."""
    appointment = parent.appointment
    if request.method == "POST":
        return _reschedule(request, parent, token, now)
    if not _changeable(appointment, now):
        return redirect("booking:manage", token)
    if "start" in request.GET and (start := _start_of(request.GET.get("start", ""))):
        slot = _slot_for_move(request, appointment, start, now)
        if slot:
            context = {**_about(request, parent, token, now), "slot": slot, "value": _value(slot.start)}
            return render(request, "booking/reschedule_confirm.html", context)
        return _reschedule_page(request, parent, token, now, error=str(SlotTaken()), status=409)
    return _reschedule_page(request, parent, token, now)


@with_parent
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Ask once, cancel on POST; cancelling again changes nothing."""
    appointment = parent.appointment
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            appointments.cancel(appointment, by=Actor.PARENT, reason=form.cleaned_data["reason"], now=now)
        except BookingError as error:
            return _manage_with_error(request, parent, token, now, error)
        return redirect("booking:manage", token)
    if not _changeable(appointment, now):
        return redirect("booking:manage", token)
    status = 422 if form.is_bound else 200
    return render(
        request, "booking/cancel.html", {**_about(request, parent, token, now), "form": form}, status=status
    )


@with_parent
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Ask once, then erase the family's data (AVG article 17); a coming appointment is cancelled with it."""
    if request.method != "POST":
        return render(request, "booking/erase.html", _about(request, parent, token, now))
    try:
        appointments.erase(parent.appointment, by=Actor.PARENT, now=now)
    except BookingError as error:
        return _manage_with_error(request, parent, token, now, error)
    return redirect("booking:erased")


@require_safe
def erased(request: PracticeRequest) -> HttpResponse:
    """Say that the data go, without saying whose."""
    return render(request, "booking/erased.html")


@with_parent
@require_safe
def calendar_file(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Give the appointment as an .ics file for the parent's own calendar."""
    content = invitations.calendar_file(parent.appointment, parent, request.practice, now=now)
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="afspraak.ics"'
    return response


def _choose(request: PracticeRequest, data: Any, *, error: str = "", status: int = 0) -> HttpResponse:
    """Render the list of times; `error` is the sentence above it, and makes it a 422 unless `status` says else."""
    chosen, day_form, now = ChooseForm(data), DayForm(data), timezone.now()
    if not (chosen.is_valid() & day_form.is_valid()):
        error = error or _first(day_form if chosen.is_valid() else chosen)
    types = list(AppointmentType.objects.filter(visible=True, therapists__active=True).distinct())
    appointment_type = chosen.cleaned_data.get("type") or (types[0] if types else None)
    context: dict[str, Any] = {"error": error, "types": types, "type": appointment_type, "day_form": day_form}
    if appointment_type:
        from_day = day_form.cleaned_data.get("day")
        therapist = chosen.cleaned_data.get("therapist")
        context |= _free_times(request, appointment_type, therapist, from_day, now)
    response = render(request, "booking/choose.html", context, status=status or (422 if error else 200))
    add_never_cache_headers(response)
    return response


def _free_times(
    request: PracticeRequest,
    appointment_type: AppointmentType,
    therapist: Therapist | None,
    from_day: date | None,
    now: datetime,
    moving: Appointment | None = None,
) -> dict[str, Any]:
    """Return what the list of times needs: the first free one, a page of days, the ways to earlier and later."""
    zone = request.practice.zone
    first, last = appointments.booking_days(appointment_type, zone=zone, now=now)
    slots = appointments.free_slots(
        appointment_type,
        first,
        last,
        zone=zone,
        now=now,
        therapist=therapist,
        visitor=client.known_visitor(request),
        moving=moving,
    )
    days = _days(slots)
    shown = [day for day in days if not from_day or day.day >= from_day]
    earlier = [day for day in days if from_day and day.day < from_day]
    context: dict[str, Any] = {
        "therapist": therapist,
        "therapists": list(appointment_type.therapists.filter(active=True)),
        "first_free": days[0].times[0] if days else None,
        "days": shown[:DAYS_SHOWN],
        "later": shown[DAYS_SHOWN].day if len(shown) > DAYS_SHOWN else None,
        "earlier": earlier[-DAYS_SHOWN:][0].day if earlier else None,
        "last_day": last,
    }
    if not days:
        context["opens_on"] = appointments.opens_on(appointment_type, zone=zone, now=now, therapist=therapist)
    return context


def _days(slots: list[FreeSlot]) -> list[Day]:
    """Group `slots` by local day; a time that several therapists have free is shown once."""
    once = {slot.start: slot for slot in slots}
    times = [
        Time(_value(start), timezone.localtime(start), timezone.localtime(slot.end))
        for start, slot in once.items()
    ]
    return [Day(day, list(of_day)) for day, of_day in groupby(times, key=lambda time: time.start.date())]


def _value(start: datetime) -> str:
    """Return `start` as it stands in forms and addresses."""
    return start.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def _query(slot: SlotForm) -> str:
    """Return the query that says which slot was chosen, so that reload, back and a second tab all work."""
    data = slot.cleaned_data
    parts = {"type": data["type"].slug, "start": _value(data["start"])}
    if data["therapist"]:
        parts["therapist"] = data["therapist"].slug
    return urlencode(parts)


def _still_free(request: PracticeRequest, slot: SlotForm, now: datetime) -> bool:
    start, zone = slot.cleaned_data["start"], request.practice.zone
    if not appointments.within_booking_window(slot.cleaned_data["type"], start, now=now):
        return False
    day = start.astimezone(zone).date()
    free = appointments.free_slots(
        slot.cleaned_data["type"],
        day,
        day,
        zone=zone,
        now=now,
        therapist=slot.cleaned_data["therapist"],
        visitor=client.known_visitor(request),
    )
    return any(candidate.start == start for candidate in free)


def _details(
    request: PracticeRequest,
    slot: SlotForm,
    form: BookingForm,
    now: datetime,
    *,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    appointment_type, start = slot.cleaned_data["type"], slot.cleaned_data.get("start")
    held = start and appointments.live_hold(client.known_visitor(request), appointment_type, start, now=now)
    context = {
        "form": form,
        "type": appointment_type,
        "therapist": slot.cleaned_data.get("therapist"),
        "start": start,
        "end": start and start + appointment_type.duration,
        "value": start and _value(start),
        "held_until": held.expires_at if held else None,
        "erase_after_days": settings.ERASE_AFTER_DAYS,
        **extra,
    }
    response = render(request, "booking/details.html", context, status=status)
    add_never_cache_headers(response)
    response["X-Robots-Tag"] = "noindex"
    return response


def _book(request: PracticeRequest, slot: SlotForm) -> HttpResponse:
    now, form = timezone.now(), BookingForm(request.POST)
    # Both are looked at, so that a form with two things wrong says both.
    if not (form.is_valid() & slot.is_valid()):
        return _details(request, slot, form, now, status=422, **_alternatives(request, slot, now))
    language = get_language() or settings.LANGUAGE_CODE
    try:
        rate_limits.count(rate_limits.BOOKINGS, client.address(request), now=now)
        rate_limits.count(rate_limits.BOOKINGS_PER_MAIL, form.cleaned_data["email"].casefold(), now=now)
        appointment = appointments.book(
            slot.cleaned_data["type"],
            slot.cleaned_data["start"],
            family=form.family(language),
            zone=request.practice.zone,
            now=now,
            therapist=slot.cleaned_data["therapist"],
            visitor=client.visitor(request),
            request=_request(request, form, slot),
        )
    except BookingError as error:
        status = _STATUS.get(type(error), 422)
        extra: dict[str, Any] = {"error": str(error)}
        if status in {409, 422}:
            extra |= _alternatives(request, slot, now)
        return _with_error(_details(request, slot, form, now, status=status, **extra), error)
    return redirect("booking:booked", links.manage_token(appointment.parents.get()))


def _request(request: PracticeRequest, form: BookingForm, slot: SlotForm) -> Request:
    """Hash the form's key and what came with it; the session is part of it, so that a key that leaked gives
    nobody else's manage link away."""
    body = {name: str(value) for name, value in sorted({**form.cleaned_data, **slot.cleaned_data}.items())}
    return Request(
        key=lookup_hash("idempotency", "page", form.cleaned_data["key"]),
        body=lookup_hash("body", client.visitor(request), *(f"{name}={value}" for name, value in body.items())),
    )


def _alternatives(request: PracticeRequest, slot: SlotForm, now: datetime) -> dict[str, Any]:
    """Return the nearest free times where the chosen one cannot be booked (any more); nothing where it can."""
    start = slot.cleaned_data.get("start")
    if start and _still_free(request, slot, now):
        return {}
    slots = appointments.nearest_free_slots(
        slot.cleaned_data["type"],
        start or now,
        zone=request.practice.zone,
        now=now,
        therapist=slot.cleaned_data.get("therapist"),
        visitor=client.known_visitor(request),
    )
    return {"alternatives": _days(slots), "not_free": True}


def _about(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> dict[str, Any]:
    """Return what every page behind the manage link shows; nothing of it is about the family."""
    appointment = parent.appointment
    return {
        "appointment": appointment,
        "token": token,
        "can_change": _changeable(appointment, now),
        "cancelled": appointment.state == State.CANCELLED,
        "past": now >= appointment.start,
        "erased_on": appointment.erased_on(request.practice.zone),
        "erasing": appointment.erase_requested_at is not None,
    }


def _changeable(appointment: Appointment, now: datetime) -> bool:
    return appointment.state == State.CONFIRMED and now <= appointment.can_change_until and now < appointment.start


def _reschedule(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    start = _start_of(request.POST.get("start", ""))
    if not start:
        sentence = str(StartField.default_error_messages["invalid"])
        return _reschedule_page(request, parent, token, now, error=sentence, status=422)
    try:
        rate_limits.count(rate_limits.BOOKINGS, client.address(request), now=now)
        appointments.reschedule(parent.appointment, start, by=Actor.PARENT, zone=request.practice.zone, now=now)
    except (AlreadyCancelled, AlreadyChanged, TooLateToChange) as error:
        return _manage_with_error(request, parent, token, now, error)
    except BookingError as error:
        status = _STATUS.get(type(error), 422)
        page = _reschedule_page(request, parent, token, now, error=str(error), status=status)
        return _with_error(page, error)
    messages.success(request, _("Your appointment was moved. You get a mail about it."))
    return redirect("booking:manage", token)


def _reschedule_page(
    request: PracticeRequest, parent: Parent, token: str, now: datetime, *, error: str = "", status: int = 200
) -> HttpResponse:
    appointment, day_form = parent.appointment, DayForm(request.GET)
    if not day_form.is_valid():
        error, status = error or _first(day_form), 422
    context = _about(request, parent, token, now) | {"error": error, "day_form": day_form}
    context |= _free_times(
        request,
        appointment.appointment_type,
        appointment.therapist,
        day_form.cleaned_data.get("day"),
        now,
        moving=appointment,
    )
    return render(request, "booking/reschedule.html", context, status=status)


def _slot_for_move(
    request: PracticeRequest, appointment: Appointment, start: datetime, now: datetime
) -> FreeSlot | None:
    if not appointments.within_booking_window(appointment.appointment_type, start, now=now):
        return None
    zone = request.practice.zone
    day = start.astimezone(zone).date()
    slots = appointments.free_slots(
        appointment.appointment_type,
        day,
        day,
        zone=zone,
        now=now,
        therapist=appointment.therapist,
        moving=appointment,
    )
    return next((slot for slot in slots if slot.start == start), None)


def _manage_with_error(
    request: PracticeRequest, parent: Parent, token: str, now: datetime, error: BookingError
) -> HttpResponse:
    parent.appointment.refresh_from_db()
    context = {**_about(request, parent, token, now), "error": str(error)}
    page = render(request, "booking/manage.html", context, status=_STATUS.get(type(error), 422))
    return _with_error(page, error)


def _with_error(page: HttpResponse, error: BookingError) -> HttpResponse:
    """Give `page` the status that `error` stands for."""
    page.status_code = _STATUS.get(type(error), 422)
    if isinstance(error, TooManyRequests):
        page["Retry-After"] = str(error.retry_after)
    return page


def _too_many(request: PracticeRequest, error: TooManyRequests) -> HttpResponse:
    return _with_error(render(request, "429.html"), error)


def _first(form: Form, field: str = "") -> str:
    """Return the sentence about `field`, or the first of all, that says what is wrong with `form`."""
    errors = form.errors.get(field) or next(iter(form.errors.values()))
    return str(errors[0])


def _start_of(text: str) -> datetime | None:
    form = SlotForm.base_fields["start"]
    try:
        start: datetime | None = form.clean(text)
    except ValidationError:
        return None
    return start
