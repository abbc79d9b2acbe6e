"""What can be booked, and booking it: read the request, one domain call, one answer.

docs/api.md shows a conversation.
"""

from functools import lru_cache
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from ninja import P, Query, Router, Status
from ninja.params import HeaderEx
from ninja.security import HttpBearer

from booking import appointments, by_mail, client, links, offers, rate_limits
from booking.api.documented import answers
from booking.api.problems import Problem, invalid
from booking.api.resources import (
    common,
    find_offer,
    find_offering,
    find_therapist,
    find_type,
    problem_of,
    slots_out,
    taken,
)
from booking.api.schemas import AppointmentTypeOut, BookedOut, BookingIn, SlotsOut, SlotsQuery, UnconfirmedOut
from booking.appointments import Request
from booking.encryption import lookup_hash
from booking.errors import SlotTaken
from booking.forms.parent import FamilyForm, StartField
from booking.free_time import Found
from booking.models import Appointment, AppointmentType, Place, Unconfirmed
from practice.requests import PracticeRequest

MOST_DAYS = 62
# Whose requests they are where no key is asked for.
ANYONE = "anyone"
router = Router()
IdempotencyKey = HeaderEx[
    str,
    P(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="A text of your own, such as a new UUID. The same key with the same body within 24 hours gives"
        " the appointment that was made before; with another body it is refused.",
        example="0b8b1f0e-8a37-4b7e-9f0c-2f4c8d0f7a11",
    ),
]


class IntegrationKey(HttpBearer):
    """One of the practice's own keys for other software, where the practice asks for one (API_BOOKING)."""

    openapi_description = "A key that the practice gave you. A practice may also take bookings without one."

    def __call__(self, request: HttpRequest) -> str | None:
        if settings.API_BOOKING == "off":
            raise Problem("booking-off")
        key: str | None = super().__call__(request)
        return key or (ANYONE if settings.API_BOOKING == "open" else None)

    def authenticate(self, request: HttpRequest, token: str) -> str | None:
        # All of them are compared, each in constant time: how long it takes says nothing.
        known = [constant_time_compare(token, key) for key in settings.API_KEYS if key]
        return token if any(known) else None


class CallForm(FamilyForm):
    """What the page asks of a family, and what the page knows without asking."""

    start = StartField()
    language = forms.ChoiceField(choices=settings.LANGUAGES)


@router.get(
    "/appointment-types",
    response=list[AppointmentTypeOut],
    operation_id="appointment_types",
    summary="List what can be booked",
    openapi_extra=answers(200, "The appointment types, in the practice's own order."),
)
def appointment_types(request: PracticeRequest) -> list[AppointmentTypeOut]:
    """What can be booked here."""
    offered = AppointmentType.objects.filter(visible=True, therapists__active=True).distinct()
    return [
        AppointmentTypeOut(
            slug=one.slug,
            name=str(one.name),
            description=str(one.description),
            duration_minutes=one.duration_minutes,
            places=[Place(one.place)],
        )
        for one in offered
    ]


@router.get(
    "/slots",
    response=SlotsOut,
    operation_id="slots",
    summary="Find free times",
    openapi_extra=answers(200, "What can be booked at this moment.", "not-found", "invalid"),
)
def slots(request: PracticeRequest, query: Query[SlotsQuery]) -> HttpResponse:
    """Free times on the local days `from` to `until`. A time that is shown can be taken a moment later."""
    days = (query.last - query.first).days + 1
    if days < 1:
        raise invalid([("until", _("The last day comes before the first."))])
    if days > MOST_DAYS:
        raise invalid([("until", _("Please ask for at most %(days)s days at once.") % {"days": MOST_DAYS})])
    offer = find_offer(query.appointment_type)
    therapist = find_offering(offer, query.therapist)
    found = offers.shown(offer, query.first, query.last, now=timezone.now(), therapist=therapist)
    return HttpResponse(_json(found, offer.zone), content_type="application/json")


@lru_cache(maxsize=128)
def _json(found: Found, zone: ZoneInfo) -> bytes:
    """Return the answer that `found` is, written once for all who are shown it."""
    return SlotsOut(time_zone=zone.key, slots=slots_out(zone, found.slots)).model_dump_json().encode()


@router.post(
    "/appointments",
    auth=IntegrationKey(),
    response={201: BookedOut, 202: UnconfirmedOut},
    operation_id="book",
    summary="Book a free time",
    openapi_extra=answers(
        201,
        "The new appointment; for a repeated request the one that was made before, as it is now.",
        "malformed",
        "idempotency-key-missing",
        "key-required",
        "booking-off",
        "not-found",
        "slot-taken",
        "too-large",
        "unsupported-media-type",
        "invalid",
        "idempotency-conflict",
        "busy",
        others={202: "The parent is asked by mail to confirm; the appointment is made once that was done."},
        # Beside the key: none, where the practice lets anyone book.
        security=[{}],
    ),
)
def book(
    request: PracticeRequest, body: BookingIn, key: IdempotencyKey
) -> Status[BookedOut] | Status[UnconfirmedOut]:
    """Book a free time for a family. Mails to the parent and to the therapist follow by themselves.

    Without a key of the practice, and while very much is booked, the answer is 202: the appointment is made once
    the parent confirms it by the link in a mail. Until then the same request gets the same answer, and 201
    afterwards.
    """
    now, zone = timezone.now(), request.practice.zone
    form = _filled_in(body)
    start, language = form.cleaned_data["start"], form.cleaned_data["language"]
    # The integration is part of it: two that count their requests from 1 are not each other's repetition.
    keyed = lookup_hash("idempotency", "api", request.auth, key)  # type: ignore[attr-defined]
    asked = Request(key=keyed, body=lookup_hash("body", body.model_dump_json()))
    rate_limits.count(rate_limits.BOOKINGS, client.networks(request), now=now)
    # What was booked stands, whatever became of what was on offer.
    if before := appointments.made_before(asked, now):
        return Status(201, _booked(request, before))
    if waits := by_mail.asked_before(asked, now):
        return Status(202, _unconfirmed(waits, zone))
    appointment_type = find_type(body.appointment_type)
    therapist = find_therapist(appointment_type, body.therapist)
    try:
        made = by_mail.book(
            appointment_type,
            start,
            family=form.family(language, language_chosen=True),
            visitor="",
            # The practice knows whom it gave a key.
            networks=client.networks(request) if request.auth == ANYONE else (),  # type: ignore[attr-defined]
            address=client.line(request),
            request=asked,
            zone=zone,
            now=now,
            therapist=therapist,
        )
    except SlotTaken as error:
        raise taken(request, error, appointment_type, start, now, therapist) from error
    if isinstance(made, Unconfirmed):
        return Status(202, _unconfirmed(made, zone))
    return Status(201, _booked(request, made))


def _filled_in(body: BookingIn) -> CallForm:
    """Return the form that `body` fills in, valid; raises the problem that names each wrong field."""
    form = CallForm(
        {
            "start": body.start,
            "language": body.parent.language,
            "parent_name": body.parent.name,
            "email": body.parent.email,
            "phone": body.parent.phone,
            "child_first_name": body.child.first_name,
            "age_band": body.child.age_band,
            "remark": body.remark,
            "consent": body.consent,
        }
    )
    if not form.is_valid():
        raise problem_of(form)
    return form


def _booked(request: PracticeRequest, appointment: Appointment) -> BookedOut:
    parent = appointment.parents.get(booked=True)
    return BookedOut(
        **common(request, appointment), manage_url=links.manage_url(parent), token=links.manage_token(parent)
    )


def _unconfirmed(waits: Unconfirmed, zone: ZoneInfo) -> UnconfirmedOut:
    return UnconfirmedOut(
        reference=str(waits.public_id), state="unconfirmed", expires_at=waits.answer_by.astimezone(zone)
    )
