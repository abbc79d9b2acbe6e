"""Any moment for an appointment, as the therapist's pages ask for one and answer to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from booking import by_hand, free_time, obstacles
from booking.access import Viewer, note
from booking.errors import BookingError, NotOffered, SlotTaken
from booking.intervals import Interval, local_days
from booking.models import Appointment, AppointmentType, Therapist
from booking.obstacles import Obstacle
from booking.views.plan_items import clock_at, times_on
from booking.views.times import days_of
from practice.requests import PracticeRequest


def chosen(request: PracticeRequest, data: QueryDict) -> dict[str, str]:
    """Return the day and time that were filled in, or those of a free time that was pressed instead."""
    try:
        start = timezone.localtime(datetime.fromisoformat(data.get("start", "")), request.practice.zone)
    except (ValueError, OverflowError):
        return {"day": data.get("day", ""), "time": data.get("time", "")}
    return {"day": f"{start:%Y-%m-%d}", "time": f"{start:%H:%M}"}


@dataclass(frozen=True, slots=True)
class InTheWay:
    """Something in the way, in words: when it is, what it is, where it can be looked at, and `around`, which says
    what is kept free before and after it."""

    times: str
    what: str
    url: str = ""
    around: str = ""


def answer(
    request: PracticeRequest,
    viewer: Viewer,
    appointment_type: AppointmentType,
    therapist: Therapist,
    start: datetime | None,
    now: datetime,
    error: BookingError | None,
    moving: Appointment | None = None,
) -> dict[str, Any]:
    """Return what the page says about `start` (UTC), and whether it asks once more before it goes on.

    That is a warning, or an error with what is in the way and the nearest free times. It looks for these also
    before anything was tried, and writes into the access log whose appointments it names. Raises Busy.
    """
    zone = request.practice.zone
    span = by_hand.occupied(appointment_type, start) if start else None
    if span and start and (error is None or isinstance(error, SlotTaken)):
        found = obstacles.in_the_way(therapist, span, now=now, moving=moving)
        if found or error:
            note(request, "listed", [one.appointment for one in found if one.appointment])
            slots = free_time.nearest_free_slots(
                appointment_type, start, zone=zone, now=now, therapist=therapist, moving=moving, by_hand=True
            )
            day = timezone.localtime(start).date()
            own = viewer.therapist == therapist
            return {
                "error": _("Something else is booked, kept free or planned at this time."),
                "in_the_way": [_in_words(one, local_days(day, day, zone), own=own) for one in found],
                "around": span if span.end - span.start > appointment_type.duration else None,
                "nearest": days_of(slots),
            }
    if isinstance(error, NotOffered):
        return {"warning": str(error), "asks_once_more": True}
    if error:
        return {"error": error.to_therapist()}
    if start is None:
        return {}
    objection = by_hand.object_to(appointment_type, therapist, start, zone=zone, now=now, moving=moving)
    return {"warning": str(objection) if objection else ""}


def _in_words(obstacle: Obstacle, of_day: Interval, *, own: bool) -> InTheWay:
    """Return `obstacle` as it is read on the local day `of_day`; a calendar elsewhere has its name for its owner
    alone."""
    times, url = times_on(obstacle.interval, of_day), ""
    if obstacle.appointment:
        who = _("erased") if obstacle.appointment.erased_at else obstacle.appointment.child_first_name
        url = reverse("booking:agenda_appointment", args=[obstacle.appointment.public_id])
        what = ", ".join(filter(None, [str(obstacle.appointment.appointment_type), who]))
    elif obstacle.elsewhere:
        what = _("“%(name)s”, your calendar elsewhere") % {"name": obstacle.elsewhere.name}
        what = what if own else _("Busy elsewhere")
    else:
        assert obstacle.kept_until
        what = _("kept until %(time)s for a family that is booking") % {"time": clock_at(obstacle.kept_until)}
    around = ""
    if obstacle.occupied != obstacle.interval:
        around = _("with the time around it %(times)s") % {"times": times_on(obstacle.occupied, of_day)}
    return InTheWay(times, what, url, around)
