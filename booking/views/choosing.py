"""A parent books: choose a time, fill in the form."""

import re
from dataclasses import dataclass
from datetime import MAXYEAR, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpResponse, JsonResponse, QueryDict
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from booking import by_mail, client, drafts, free_time, holds, links, rate_limits
from booking.appointments import Request
from booking.encryption import lookup_hash
from booking.errors import BookingError, IdempotencyConflict, SlotTaken, TooManyRequests
from booking.forms.parent import (
    LONGEST_KEY,
    LOOKED_AT,
    THERAPIST_WITHDRAWN,
    BookingForm,
    CheckedField,
    ChooseForm,
    DayForm,
    SlotForm,
    start_of,
)
from booking.models import AppointmentType, Unconfirmed
from booking.views import just_booked
from booking.views.answers import first_error, status_of, with_error
from booking.views.confirming import asked_here, confirmed_here
from booking.views.times import Stays, around, days_of, free_times, value_of, ways
from practice.kept import is_like_any_other
from practice.middleware import without_practice
from practice.models import Version
from practice.requests import PracticeRequest

_TOKEN = re.compile(r'(?<=name="csrfmiddlewaretoken" value=")[^"]+')


@require_safe
def choose(request: PracticeRequest) -> HttpResponse:
    """Show the first free moment and a list of days with times; the same to everyone who holds nothing."""
    if not is_like_any_other(request):
        return _choose(request, request.GET)
    kept = _kept(get_language(), request.get_full_path())
    now = timezone.now()
    if not kept or not kept[0].holds(now):
        response, stays = _render(request, request.GET)
        if not stays or response.status_code != 200:
            return response
        # Of the site, the version that was read before anything else of it.
        versions = (request.site_version, *stays.offer.versions[1:])
        parts = tuple(_TOKEN.split(response.content.decode()))
        kept[:] = [KeptPage(stays.offer.names, versions, stays.since, stays.until, parts)]
        return response
    response = HttpResponse(get_token(request).join(kept[0].parts))
    add_never_cache_headers(response)
    return response


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A page as it was rendered under some versions, cut where each visitor's own token stands."""

    names: tuple[str, ...]
    versions: tuple[UUID | None, ...]
    since: datetime
    until: datetime
    parts: tuple[str, ...]

    def holds(self, now: datetime) -> bool:
        """Return whether this is what would be rendered at `now`; costs one query."""
        if None in self.versions or not self.since <= now < self.until:
            return False
        return Version.read(*self.names) == self.versions


@lru_cache(maxsize=128)
def _kept(language: str | None, path: str) -> list[KeptPage]:
    """Return the place where a page is kept; it is empty at first."""
    return []


@require_http_methods(["GET", "HEAD", "POST"])
def hold(request: PracticeRequest) -> HttpResponse:
    """Keep the chosen time for ten minutes, and go on to the form."""
    if request.method != "POST":
        # Who lost a race stands at this address, and may reload it or change the language.
        return redirect("booking:choose")
    now = timezone.now()
    form = SlotForm(request.POST)
    if not form.is_valid():
        return _refused(request, form)
    try:
        rate_limits.count(rate_limits.HOLDS, client.networks(request), now=now)
        holds.hold(
            form.cleaned_data["type"],
            form.cleaned_data["start"],
            visitor=client.visitor(request),
            address=client.line(request),
            zone=request.practice.zone,
            now=now,
            therapist=form.cleaned_data["therapist"],
        )
    except BookingError as error:
        if _asked_for(request, form, error, now):
            return redirect("booking:mailed")
        near = form.cleaned_data["start"]
        return with_error(_choose(request, request.POST, near=near, **_said(request, form, error, now)), error)
    return redirect(f"{reverse('booking:details')}?{_query(form)}")


@require_http_methods(["GET", "HEAD", "POST"])
def details(request: PracticeRequest) -> HttpResponse:
    """Ask for the family's data and book; all that was typed stays, whatever goes wrong."""
    slot = SlotForm(request.POST if request.method == "POST" else request.GET)
    # Who filled in the form stays there; only where it does not even say what is booked, there is no form.
    if not slot.is_valid() and (request.method != "POST" or slot.errors.keys() & {"type", "therapist"}):
        return _refused(request, slot)
    if request.method == "POST":
        return _choose_again(request, slot) if "another" in request.POST else _book(request, slot)
    now = timezone.now()
    if not _still_free(request, slot, now):
        why = free_time.refusal(
            slot.cleaned_data["type"],
            slot.cleaned_data["start"],
            zone=request.practice.zone,
            now=now,
            therapist=slot.cleaned_data["therapist"],
        )
        if _asked_for(request, slot, why, now):
            return redirect("booking:mailed")
        near, said = slot.cleaned_data["start"], _said(request, slot, why, now)
        return _choose(request, request.GET, status=status_of(why), near=near, **said)
    # What was typed before another moment was chosen comes back, and is sent under a key of its own.
    typed = drafts.of(client.known_visitor(request), now=now)
    form = BookingForm(initial={**typed, "key": uuid4().hex})
    return _details(request, slot, form, now, brought_back=bool(typed))


@require_POST
@without_practice
def look_at_field(request: PracticeRequest) -> HttpResponse:
    """Say about the one field that was just left what the form would say of it. Nothing of it is kept."""
    try:
        rate_limits.count(rate_limits.FIELDS, client.networks(request), now=timezone.now())
    except BookingError as error:
        # The page goes on without: the form says the same when it is sent.
        return with_error(JsonResponse({}, status=status_of(error)), error)
    field = BookingForm(request.POST)[next((name for name in LOOKED_AT if name in request.POST), LOOKED_AT[0])]
    assert isinstance(field, CheckedField)
    return JsonResponse(
        {
            "error": next(map(str, field.errors), ""),
            "question": _("Did you mean %(instead)s?") % {"instead": field.instead} if field.instead else "",
            "instead": field.instead,
        }
    )


def _choose(request: PracticeRequest, data: Any, **said: Any) -> HttpResponse:
    """Render the list of times, as `_render` does."""
    return _render(request, data, **said)[0]


def _render(
    request: PracticeRequest,
    data: Any,
    *,
    error: str = "",
    status: int = 422,
    near: datetime | None = None,
    **said: Any,
) -> tuple[HttpResponse, Stays | None]:
    """Render the list of times; `error` is the sentence above it, and gives the page the `status` of an error,
    with what else is `said` about it. Where the moment `near` (UTC) was lost, the page is that of its days, and
    shows the free times around it. Returned with how long the list stays as it is."""
    chosen, day_form, now = ChooseForm(data), DayForm(data), timezone.now()
    if not (chosen.is_valid() & day_form.is_valid()):
        error = error or first_error(day_form if chosen.is_valid() else chosen)
    types = list(AppointmentType.objects.filter(visible=True, therapists__active=True).distinct())
    appointment_type = chosen.cleaned_data.get("type") or (types[0] if types else None)
    therapist = chosen.cleaned_data.get("therapist")
    if appointment_type and therapist and not free_time.offering(appointment_type, therapist).exists():
        therapist, error = None, error or str(THERAPIST_WITHDRAWN)
    context: dict[str, Any] = {
        **said,
        "error": error,
        "types": types,
        "type": appointment_type,
        "day_form": day_form,
    }
    if appointment_type:
        from_day = day_form.cleaned_data.get("day")
        if near:
            nearest = around(request, appointment_type, near, now, therapist=therapist)
            from_day, context["nearest"] = from_day or nearest.day, nearest.days
        context |= free_times(request, appointment_type, therapist, from_day, now, by_month=day_form.by_month)
        context |= ways(
            reverse("booking:choose"),
            by_month=day_form.by_month,
            type=appointment_type.slug,
            therapist=therapist.slug if therapist else "",
        )
    response = render(request, "booking/choose.html", context, status=status if error or "own" in said else 200)
    add_never_cache_headers(response)
    return response, context.get("stays")


def _refused(request: PracticeRequest, slot: SlotForm) -> HttpResponse:
    """Render the list of times with what is wrong about `slot` above it."""
    sentence = first_error(slot, NON_FIELD_ERRORS if slot.withdrawn else "start")
    status = 409 if slot.withdrawn else 422
    return _choose(request, slot.data, error=sentence, status=status, call=bool(slot.withdrawn))


def _query(slot: SlotForm) -> str:
    """Return the query that says which slot was chosen, so that reload, back and a second tab all work."""
    data = slot.cleaned_data
    parts = {"type": data["type"].slug, "start": value_of(data["start"])}
    if data["therapist"]:
        parts["therapist"] = data["therapist"].slug
    return urlencode(parts)


def _still_free(request: PracticeRequest, slot: SlotForm, now: datetime) -> bool:
    free = free_time.slot_at(
        slot.cleaned_data["type"],
        slot.cleaned_data["start"],
        zone=request.practice.zone,
        now=now,
        therapist=slot.cleaned_data["therapist"],
        visitor=client.known_visitor(request),
    )
    return free is not None


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
    near = start or start_of(request.POST.get("near", ""))
    if "alternatives" in extra or (start and start.year == MAXYEAR):
        # It is not shown, and one from the end of the calendar has no end to compute.
        start = None
    form.ask_for_place(appointment_type.place)
    held = start and holds.live(client.known_visitor(request), appointment_type, start, now=now)
    context = {
        "form": form,
        "type": appointment_type,
        "type_withdrawn": slot.withdrawn == "type",
        "therapist": slot.cleaned_data.get("therapist") if slot.withdrawn != "therapist" else None,
        "start": start,
        "end": start and start + appointment_type.duration,
        "value": start and value_of(start),
        "near": near and value_of(near),
        "held_until": held.expires_at if held else None,
        "held_for": held and int((held.expires_at - now).total_seconds()),
        "erase_after_days": settings.ERASE_AFTER_DAYS,
        **extra,
    }
    response = render(request, "booking/details.html", context, status=status)
    add_never_cache_headers(response)
    response["X-Robots-Tag"] = "noindex"
    return response


def _book(request: PracticeRequest, slot: SlotForm) -> HttpResponse:
    now, form = timezone.now(), BookingForm(_with_key(request.POST))
    extra: dict[str, Any] = {}
    # Both are looked at, so that a form with two things wrong says both.
    if not (form.is_valid() & slot.is_valid()):
        if slot.errors:
            extra["error"] = first_error(slot)
        status = 409 if slot.withdrawn else 422
        return _details(request, slot, form, now, status=status, **extra, **_alternatives(request, slot, now))
    language = get_language() or settings.LANGUAGE_CODE
    try:
        rate_limits.count(rate_limits.BOOKINGS, client.networks(request), now=now)
        made = by_mail.book(
            slot.cleaned_data["type"],
            slot.cleaned_data["start"],
            family=form.family(language),
            visitor=client.visitor(request),
            networks=client.networks(request),
            address=client.line(request),
            request=_request(request, form, slot),
            zone=request.practice.zone,
            now=now,
            therapist=slot.cleaned_data["therapist"],
            may_change=True,
        )
    except BookingError as error:
        if _asked_for(request, slot, error, now):
            return redirect("booking:mailed")
        status = status_of(error)
        extra |= _said(request, slot, error, now)
        if status in {409, 422}:
            extra |= _alternatives(request, slot, now)
        return with_error(_details(request, slot, form, now, status=status, **extra), error)
    if isinstance(made, Unconfirmed):
        request.session["asked"] = str(made.public_id)
        return redirect("booking:mailed")
    parent = made.parents.select_related("appointment").get()
    just_booked.remember(request, parent)
    return redirect("booking:booked", links.manage_token(parent))


def _asked_for(request: PracticeRequest, slot: SlotForm, error: BookingError, now: datetime) -> bool:
    """Return whether the moment is taken (`error`) by what this browser booked itself and has not confirmed yet:
    whoever goes back is led to the page that says so."""
    waits = asked_here(request, now=now) if isinstance(error, SlotTaken) else None
    return waits is not None and waits.start == slot.cleaned_data["start"]


def _said(request: PracticeRequest, slot: SlotForm, error: BookingError, now: datetime) -> dict[str, Any]:
    """Return what the page says of `error`: whoever goes back after booking was not overtaken by anybody, and is
    led to what they booked."""
    start = slot.cleaned_data["start"]
    own = just_booked.at(request, start, now=now) or confirmed_here(request, start, now=now)
    if isinstance(error, IdempotencyConflict):
        own = own or just_booked.last(request, now=now)
    if own and isinstance(error, SlotTaken | IdempotencyConflict):
        said = str(error)
        if isinstance(error, SlotTaken):
            said = _("You have booked this moment already. The confirmation is in your mail.")
        return {"own": links.manage_token(own), "own_said": said}
    if isinstance(error, SlotTaken) and (until := _kept_here_until(request, slot)):
        said = _(
            "This moment is kept until %(time)s for somebody on your own network. Perhaps that is you, on a page "
            "that you opened before: go on there, choose this moment again after %(time)s, or take another one."
        ) % {"time": date_format(timezone.localtime(until), "H:i")}
        return {"error": said}
    return {"error": str(error), "call": isinstance(error, TooManyRequests)}


def _choose_again(request: PracticeRequest, slot: SlotForm) -> HttpResponse:
    """Keep what was typed for some minutes, and go back to the list of times, where that moment is."""
    now = timezone.now()
    typed = {name: request.POST.get(name, "") for name in BookingForm.base_fields if name != "key"}
    try:
        rate_limits.count(rate_limits.HOLDS, client.networks(request), now=now)
        drafts.keep(typed, visitor=client.visitor(request), now=now)
    except BookingError as error:
        form = BookingForm(initial={**typed, "key": uuid4().hex})
        page = _details(request, slot, form, now, error=str(error), brought_back=True)
        return with_error(page, error)
    messages.info(request, _("What you filled in comes back in the form: we keep it for ten minutes."))
    chosen = slot.cleaned_data
    query = {"type": chosen["type"].slug}
    if chosen.get("therapist") and not slot.withdrawn:
        query["therapist"] = chosen["therapist"].slug
    start = chosen.get("start") or start_of(request.POST.get("near", ""))
    if start and free_time.within_booking_window(chosen["type"], start, now=now):
        query["day"] = f"{timezone.localtime(start, request.practice.zone):%Y-%m-%d}"
    return redirect(f"{reverse('booking:choose')}?{urlencode(query)}")


def _kept_here_until(request: PracticeRequest, slot: SlotForm) -> datetime | None:
    """Return until when somebody at the caller's own line keeps the time: whoever lost the cookie of their hold
    was not overtaken either."""
    return holds.kept_until(
        slot.cleaned_data["start"],
        therapist=slot.cleaned_data["therapist"],
        address=client.line(request),
        now=timezone.now(),
    )


def _with_key(posted: QueryDict) -> QueryDict:
    """Return what was posted with a fresh key where its own is none, since nobody could correct a hidden field."""
    key = posted.get("key", "")
    if key.isprintable() and 0 < len(key.strip()) <= LONGEST_KEY:
        return posted
    with_key = posted.copy()
    with_key["key"] = uuid4().hex
    return with_key


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
    start, gone = slot.cleaned_data.get("start"), slot.withdrawn
    if gone == "type" or (not gone and start and _still_free(request, slot, now)):
        return {}
    slots = free_time.nearest_free_slots(
        slot.cleaned_data["type"],
        start or start_of(request.POST.get("near", "")) or now,
        zone=request.practice.zone,
        now=now,
        therapist=None if gone else slot.cleaned_data.get("therapist"),
        visitor=client.known_visitor(request),
    )
    return {"alternatives": days_of(slots), "not_free": True}
