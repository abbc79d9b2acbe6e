"""Any moment for an appointment, as the therapist's pages ask for one and answer to it."""

from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from booking import by_hand, free_time
from booking.errors import BookingError, NotOffered, SlotTaken
from booking.models import Appointment, AppointmentType, Therapist
from booking.views.times import days_of
from practice.requests import PracticeRequest


def chosen(request: PracticeRequest, data: QueryDict) -> dict[str, str]:
    """Return the day and time that were filled in, or those of a free time that was pressed instead."""
    try:
        start = timezone.localtime(datetime.fromisoformat(data.get("start", "")), request.practice.zone)
    except (ValueError, OverflowError):
        return {"day": data.get("day", ""), "time": data.get("time", "")}
    return {"day": f"{start:%Y-%m-%d}", "time": f"{start:%H:%M}"}


def answer(
    request: PracticeRequest,
    appointment_type: AppointmentType,
    therapist: Therapist,
    start: datetime | None,
    now: datetime,
    error: BookingError | None,
    moving: Appointment | None = None,
) -> dict[str, Any]:
    """Return what the page says about `start` (UTC): a warning, or an error with the nearest free times; and
    whether it asks once more before it goes on."""
    zone = request.practice.zone
    if isinstance(error, SlotTaken) and start:
        slots = free_time.nearest_free_slots(
            appointment_type, start, zone=zone, now=now, therapist=therapist, moving=moving, by_hand=True
        )
        taken = _("Something else is booked, kept free or planned at this time.")
        return {"error": taken, "nearest": days_of(slots)}
    if isinstance(error, NotOffered):
        return {"warning": str(error), "asks_once_more": True}
    if error:
        return {"error": error.to_therapist()}
    if start is None:
        return {}
    objection = by_hand.object_to(appointment_type, therapist, start, zone=zone, now=now, moving=moving)
    return {"warning": str(objection) if objection else ""}
