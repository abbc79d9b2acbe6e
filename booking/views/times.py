"""The list of free times as pages show it: days, times, and the ways to earlier and later days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

from django.utils import timezone

from booking import client, diary, free_time, offers
from booking.free_time import FreeSlot
from booking.intervals import Interval, local_days
from booking.models import Appointment, AppointmentType, Therapist
from booking.offers import Offer
from practice.requests import PracticeRequest

# How many days with free times a page of the list shows.
DAYS_SHOWN = 7


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


@dataclass(frozen=True, slots=True)
class Notice:
    """What parents are told about time off; `name` says whose it is, where that is not clear."""

    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Stays:
    """How long what the list says stays true: from `since` until `until`, while `offer` does."""

    offer: Offer
    since: datetime
    until: datetime


def free_times(
    request: PracticeRequest,
    appointment_type: AppointmentType,
    therapist: Therapist | None,
    from_day: date | None,
    now: datetime,
    moving: Appointment | None = None,
) -> dict[str, Any]:
    """Return what the list of times needs: the first free one, a page of days, the ways to earlier and later."""
    zone = request.practice.zone
    first, last = free_time.booking_days(appointment_type, zone=zone, now=now)
    visitor = client.known_visitor(request)
    offer = offers.offer(appointment_type.slug) if not visitor and not moving else None
    found = offers.shown(offer, first, last, now=now, therapist=therapist) if offer else None
    slots: Sequence[FreeSlot] = (
        found.slots
        if found
        else free_time.free_slots(
            appointment_type,
            first,
            last,
            zone=zone,
            now=now,
            therapist=therapist,
            visitor=visitor,
            moving=moving,
        )
    )
    # Moving to where it is would be no move.
    days = days_of([slot for slot in slots if not moving or slot.start != moving.start])
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
    # Up to where the next page begins: it is between the days that time off shows.
    until = context["later"] - timedelta(days=1) if context["later"] else last
    asked = [therapist] if therapist else context["therapists"]
    pages = diary.pages(asked, first, last, zone)
    held = {one: pages[one.pk].openings.notices for one in asked}
    context["notices"] = _notices(held, local_days(min(from_day or first, until), until, zone), now)
    if offer and found and days:
        over = [notice.interval.end for notices in held.values() for notice in notices]
        context["stays"] = Stays(offer, now, min([found.until, *(end for end in over if end > now)]))
    if not days:
        context["opens_on"] = free_time.opens_on(appointment_type, zone=zone, now=now, therapist=therapist)
    return context


def _notices(held: dict[Therapist, tuple[diary.Notice, ...]], shown: Interval, now: datetime) -> list[Notice]:
    """Return what is said about time off that is not over and touches the span `shown` (UTC), once each."""
    found = [
        (notice.interval.start, Notice(one.name if len(held) > 1 else "", notice.sentence))
        for one, notices in held.items()
        for notice in notices
        if notice.interval.overlaps(shown) and notice.interval.end > now
    ]
    return list(dict.fromkeys(notice for _start, notice in sorted(found, key=lambda pair: pair[0])))


def days_of(slots: Sequence[FreeSlot]) -> list[Day]:
    """Group `slots` by local day; a time that several therapists have free is shown once."""
    once = {slot.start: slot for slot in slots}
    times = [
        Time(value_of(start), timezone.localtime(start), timezone.localtime(slot.end))
        for start, slot in once.items()
    ]
    return [Day(day, list(of_day)) for day, of_day in groupby(times, key=lambda time: time.start.date())]


def value_of(start: datetime) -> str:
    """Return `start` as it stands in forms and addresses."""
    return start.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
