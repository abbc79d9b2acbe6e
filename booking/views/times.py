"""The list of free times as pages show it: a week of days, their times, and the ways to other days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.translation import get_language

from booking import client, diary, free_time, offers
from booking.free_time import FreeSlot
from booking.intervals import Interval, local_days
from booking.models import Appointment, AppointmentType, Therapist
from booking.offers import Offer
from booking.views import weeks
from booking.views.weeks import DAYS_SHOWN, Day, Time
from practice.requests import PracticeRequest
from practice.translations import Translated

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Notice:
    """What parents are told about time off; `name` says whose it is, where that is not clear, and `lang` in which
    language it is where that is not the page's."""

    name: str
    sentence: str
    lang: str


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
    *,
    by_month: bool = False,
    by_hand: bool = False,
) -> dict[str, Any]:
    """Return what the list of times needs: the first free one, a page of days, the ways to earlier and later, and
    the sheet of a month where it is asked for. `by_hand` it is the practice that looks, and nothing was kept."""
    zone = request.practice.zone
    first, last = free_time.booking_days(appointment_type, zone=zone, now=now)
    visitor = "" if by_hand else client.known_visitor(request)
    offer = offers.offer(appointment_type.slug) if not visitor and not moving and not by_hand else None
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
            by_hand=by_hand,
        )
    )
    # Moving to where it is would be no move.
    days = days_of([slot for slot in slots if not moving or slot.start != moving.start])
    asked_day = from_day and min(max(from_day, first), last + _DAY)
    begin = asked_day or (days[0].day if days else first)
    end = begin + (DAYS_SHOWN - 1) * _DAY
    before, after = [day.day for day in days if day.day < begin], [day.day for day in days if day.day > end]
    context: dict[str, Any] = {
        "therapist": therapist,
        "therapists": list(appointment_type.therapists.filter(active=True)),
        "first_free": days[0].times[0] if days else None,
        "begin": begin,
        "end": min(end, last),
        "days": [day for day in days if begin <= day.day <= end],
        "later": after[0] if after else None,
        # As many days as a page shows, the last of which is the last one before this page.
        "earlier": next((day for day in before if day > before[-1] - DAYS_SHOWN * _DAY), None),
        "last_day": last,
    }
    # Up to where the next page begins: it is between the days that time off shows.
    until = context["later"] - _DAY if context["later"] else last
    asked = [therapist] if therapist else context["therapists"]
    pages = diary.pages(asked, first, last, zone)
    held = {one: pages[one.pk].openings.notices for one in asked}
    context["notices"] = _notices(held, local_days(min(begin, until), until, zone), now)
    soon = (now + appointment_type.minimum_notice).astimezone(zone).date()
    openings = [pages[one.pk].openings for one in asked]
    context["week"] = weeks.week(days, begin, min(end, last), openings=openings, soon=soon, zone=zone)
    if by_month:
        context["month"] = weeks.month(days, begin, first, last)
    next_free = next((day for day in days if day.day >= begin), None)
    if asked_day and next_free and next_free.day != begin:
        context |= {"asked_day": begin, "next_free": next_free.times[0]}
    if offer and found and days:
        over = [notice.interval.end for notices in held.values() for notice in notices]
        over.append(local_days(soon, soon, zone).end - appointment_type.minimum_notice)
        context["stays"] = Stays(offer, now, min([found.until, *(end for end in over if end > now)]))
    if not days:
        context["opens_on"] = free_time.opens_on(appointment_type, zone=zone, now=now, therapist=therapist)
    return context


@dataclass(frozen=True, slots=True)
class Around:
    """What is shown in place of a moment that was lost: its local day, where that can be booked at all, and the
    nearest free times, by day."""

    day: date | None
    days: list[Day]


def around(
    request: PracticeRequest,
    appointment_type: AppointmentType,
    start: datetime,
    now: datetime,
    *,
    therapist: Therapist | None,
    moving: Appointment | None = None,
) -> Around:
    """Return what lies around the moment `start` (UTC) that could not be had."""
    if not free_time.within_booking_window(appointment_type, start, now=now):
        return Around(None, [])
    zone = request.practice.zone
    slots = free_time.nearest_free_slots(
        appointment_type,
        start,
        zone=zone,
        now=now,
        therapist=therapist,
        visitor=client.known_visitor(request),
        moving=moving,
    )
    # Moving to where it is would be no move.
    free = [slot for slot in slots if not moving or slot.start != moving.start]
    return Around(start.astimezone(zone).date(), days_of(free))


def ways(here: str, *, by_month: bool, **query: str) -> dict[str, Any]:
    """Return the addresses under which `free_times` are shown from another day on, each as far as where that day
    stands; `query` is what else was chosen at the address `here`."""
    kept = {name: value for name, value in query.items() if value}
    at_week = f"{here}?{urlencode({**kept, 'day': ''})}"
    at_month = f"{here}?{urlencode({**kept, 'view': 'month', 'day': ''})}"
    return {
        "here": here,
        "chosen": kept | ({"view": "month"} if by_month else {}),
        "by_month": by_month,
        "at_week": at_week,
        "at_month": at_month,
        "at": at_month if by_month else at_week,
    }


def _notices(held: dict[Therapist, tuple[diary.Notice, ...]], shown: Interval, now: datetime) -> list[Notice]:
    """Return what is said about time off that is not over and touches the span `shown` (UTC), once each."""
    language = str(get_language())
    found = [
        (notice.interval.start, _notice(one.name if len(held) > 1 else "", notice.sentence, language))
        for one, notices in held.items()
        for notice in notices
        if notice.interval.overlaps(shown) and notice.interval.end > now
    ]
    return list(dict.fromkeys(notice for _start, notice in sorted(found, key=lambda pair: pair[0])))


def _notice(name: str, sentence: Translated, language: str) -> Notice:
    spoken = sentence.spoken_for(language)
    return Notice(name, sentence.in_language(language), spoken if spoken != language else "")


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
