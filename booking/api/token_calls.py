"""What can be done with the token of an appointment, which stands for the parent who booked it."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils import timezone
from ninja import P, Router
from ninja.params import PathEx

from booking import appointments, client, family_data, links, rate_limits
from booking.api.documented import answers
from booking.api.problems import invalid
from booking.api.resources import common, find_therapist, problem_of, taken
from booking.api.schemas import AppointmentOut, CancelIn, RescheduleIn
from booking.errors import SlotTaken
from booking.forms.parent import ReasonForm, StartField
from booking.models import Actor, Appointment, Parent, Place
from practice.requests import PracticeRequest

router = Router()
Token = PathEx[str, P(description="From the answer to a booking, or from the link in the parent's mail.")]
_NO_REASON = CancelIn(reason="")


@router.get(
    "/appointments/{token}",
    response=AppointmentOut,
    exclude_none=True,
    operation_id="appointment",
    summary="See an appointment",
    openapi_extra=answers(200, "The appointment.", "not-found"),
)
def appointment(request: PracticeRequest, token: Token) -> AppointmentOut:
    """The appointment that the token opens."""
    return _appointment(request, _parent(request, token, timezone.now()).appointment)


@router.post(
    "/appointments/{token}/cancel",
    response=AppointmentOut,
    exclude_none=True,
    operation_id="cancel",
    summary="Cancel an appointment",
    openapi_extra=answers(
        200,
        "The cancelled appointment; one that was cancelled before stays as it was.",
        "malformed",
        "not-found",
        "too-late",
        "changed",
        "too-large",
        "unsupported-media-type",
        "invalid",
        "busy",
    ),
)
def cancel(request: PracticeRequest, token: Token, body: CancelIn = _NO_REASON) -> AppointmentOut:
    """Cancel the appointment, as the parent could by the link. The body may be left out."""
    now = timezone.now()
    parent, form = _parent(request, token, now), ReasonForm({"reason": body.reason})
    if not form.is_valid():
        raise problem_of(form)
    cancelled = appointments.cancel(
        parent.appointment, by=Actor.PARENT, reason=form.cleaned_data["reason"], now=now
    )
    return _appointment(request, cancelled)


@router.post(
    "/appointments/{token}/reschedule",
    response=AppointmentOut,
    exclude_none=True,
    operation_id="reschedule",
    summary="Move an appointment",
    openapi_extra=answers(
        200,
        "The moved appointment.",
        "malformed",
        "not-found",
        "slot-taken",
        "too-late",
        "cancelled",
        "changed",
        "too-large",
        "unsupported-media-type",
        "invalid",
        "busy",
    ),
)
def reschedule(request: PracticeRequest, token: Token, body: RescheduleIn) -> AppointmentOut:
    """Move the appointment to another free time, as the parent could by the link."""
    now, zone = timezone.now(), request.practice.zone
    made = _parent(request, token, now).appointment
    therapist = find_therapist(made.appointment_type, body.therapist, moving=made)
    try:
        start = StartField().clean(body.start)
    except ValidationError as error:
        raise invalid([("start", error.messages[0])]) from error
    rate_limits.count(rate_limits.BOOKINGS, client.networks(request), now=now)
    try:
        moved = appointments.reschedule(made, start, by=Actor.PARENT, zone=zone, now=now, therapist=therapist)
    except SlotTaken as error:
        other = therapist or appointments.moves_with(made)
        raise taken(request, error, made.appointment_type, start, now, other, moving=made) from error
    return _appointment(request, moved)


def _parent(request: PracticeRequest, token: str, now: datetime) -> Parent:
    """Return the parent whom `token` names. Dead ones are counted, so that nobody tries them by the thousand."""
    caller = client.networks(request)
    rate_limits.refuse_exhausted(rate_limits.DEAD_LINKS, caller, now=now)
    try:
        parent = links.parent_of(token)
    except links.DeadLink:
        rate_limits.count(rate_limits.DEAD_LINKS, caller, now=now)
        raise
    family_data.note_link_opened(parent, now=now)
    return parent


def _appointment(request: PracticeRequest, appointment: Appointment) -> AppointmentOut:
    asked_at = appointment.asked_to_move_at if appointment.awaits_other_time else None
    return AppointmentOut(
        **common(request, appointment),
        place=Place(appointment.place),
        can_change_until=appointment.can_change_until.astimezone(request.practice.zone),
        sequence=appointment.sequence,
        asked_to_move_at=asked_at and asked_at.astimezone(request.practice.zone),
    )
