"""What the calls share: how slugs are found, and how domain values look in an answer."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _

from booking import free_time, offers
from booking.api.problems import Problem, invalid
from booking.api.schemas import SlotOut
from booking.errors import SlotTaken
from booking.free_time import FreeSlot
from booking.models import Appointment, AppointmentType, Therapist
from booking.offers import Offer
from practice.requests import PracticeRequest

# What a call names otherwise than the form does.
_FIELDS = {
    "parent_name": "parent.name",
    "email": "parent.email",
    "phone": "parent.phone",
    "language": "parent.language",
    "child_first_name": "child.first_name",
    "age_band": "child.age_band",
}


def find_type(slug: str) -> AppointmentType:
    """Return the appointment type `slug`; raises the problem `not-found` where parents are not shown it."""
    found = AppointmentType.objects.filter(visible=True, slug=slug).first()
    if not found:
        raise _no_such_type()
    return found


def find_therapist(
    appointment_type: AppointmentType, slug: str | None, *, moving: Appointment | None = None
) -> Therapist | None:
    """Return the therapist `slug`, who must offer the type, or see the family that is `moving`; or None where none
    is named."""
    if slug is None:
        return None
    found = free_time.offering(appointment_type, moving=moving).filter(slug=slug).first()
    if not found:
        raise _no_such_therapist()
    return found


def find_offer(slug: str) -> Offer:
    """As `find_type`, with who offers it."""
    found = offers.offer(slug)
    if not found:
        raise _no_such_type()
    return found


def find_offering(offer: Offer, slug: str | None) -> Therapist | None:
    """As `find_therapist`, among those of `offer`."""
    if slug is None:
        return None
    found = next((therapist for therapist in offer.therapists if therapist.slug == slug), None)
    if not found:
        raise _no_such_therapist()
    return found


def _no_such_type() -> Problem:
    return Problem("not-found", _("There is no such appointment type."))


def _no_such_therapist() -> Problem:
    return Problem("not-found", _("There is no such therapist for this appointment type."))


def slots_out(zone: ZoneInfo, free: Iterable[FreeSlot]) -> list[SlotOut]:
    """Return `free` as answers show it, in the practice's zone."""
    return [
        SlotOut(start=slot.start.astimezone(zone), end=slot.end.astimezone(zone), therapist=slot.therapist.slug)
        for slot in free
    ]


def common(request: PracticeRequest, appointment: Appointment) -> dict[str, Any]:
    """Return what every answer about `appointment` holds; nothing of it is about the family."""
    zone = request.practice.zone
    return {
        "reference": str(appointment.public_id),
        "state": appointment.state,
        "start": appointment.start.astimezone(zone),
        "end": appointment.end.astimezone(zone),
        "therapist": appointment.therapist.slug,
        "appointment_type": appointment.appointment_type.slug,
    }


def taken(
    request: PracticeRequest,
    error: SlotTaken,
    appointment_type: AppointmentType,
    start: datetime,
    now: datetime,
    therapist: Therapist | None,
    moving: Appointment | None = None,
) -> Problem:
    """Return the problem that `start` was just taken, with the nearest times that are still free."""
    nearest = free_time.nearest_free_slots(
        appointment_type, start, zone=request.practice.zone, now=now, therapist=therapist, moving=moving
    )
    return Problem("slot-taken", str(error), alternatives=slots_out(request.practice.zone, nearest))


def problem_of(form: forms.Form) -> Problem:
    """Return what is wrong with `form`, under the names that the API has for its fields."""
    return invalid(
        (_FIELDS.get(field, field), str(message))
        for field, messages in form.errors.items()
        for message in messages
    )
