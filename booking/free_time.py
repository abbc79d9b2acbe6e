"""Which times are free: the working hours less all that is claimed, the same for pages, API and booking."""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, CharField, DateTimeField, Q, QuerySet, Value

from booking import diary
from booking.errors import BookingError, OutsideBookingWindow, SlotTaken
from booking.intervals import Interval, local_days, subtract
from booking.models import Appointment, AppointmentType, Hold, ImportedBusy, Therapist
from booking.slots import Policy, Taken, fitting, open_slots, takes_too_much

NEAREST = 6
_MOMENT, _DAY = datetime.resolution, timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """A span (UTC) that is occupied: by an appointment or a hold, which starts at `start`, or by a calendar
    elsewhere, which is of no type. A hold has an end, and says whose it is."""

    therapist_id: int
    type_id: int | None
    start: datetime
    occupied: Interval
    expires_at: datetime | None
    visitor: str


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A start and end (UTC) that can be booked now with `therapist`."""

    start: datetime
    end: datetime
    therapist: Therapist


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """What is free from the moment `since` until `until`, sorted by start, unless something is changed."""

    slots: tuple[FreeSlot, ...]
    since: datetime
    until: datetime


def free_slots(
    appointment_type: AppointmentType,
    first: date,
    last: date,
    *,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
    visitor: str = "",
    moving: Appointment | None = None,
    by_hand: bool = False,
) -> list[FreeSlot]:
    """Return what can be booked on the local days `first` to `last`, both included, sorted by start.

    Every therapist of the type is asked unless one is named. The visitor's own hold and the appointment
    that is being moved do not stand in the way; what the visitor keeps stays free past the type's notice. Costs
    the same few queries for a day and for a year. `by_hand` as for `offering`.
    """
    therapists = list(offering(appointment_type, therapist, moving=moving, by_hand=by_hand))
    return search(appointment_type, therapists, first, last, zone=zone, now=now, visitor=visitor, moving=moving)


def booking_days(appointment_type: AppointmentType, *, zone: ZoneInfo, now: datetime) -> tuple[date, date]:
    """Return the first and last local day on which `appointment_type` may be booked at this moment."""
    today = now.astimezone(zone).date()
    return today, today + timedelta(days=appointment_type.horizon_days)


def within_booking_window(appointment_type: AppointmentType, start: datetime, *, now: datetime) -> bool:
    """Return whether `start` is near enough to be looked at at all; a date at the end of the calendar, which no
    zone can hold, is not."""
    return now <= start <= now + timedelta(days=appointment_type.horizon_days + 2)


def slot_at(
    appointment_type: AppointmentType,
    start: datetime,
    *,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
    visitor: str = "",
    moving: Appointment | None = None,
    by_hand: bool = False,
) -> FreeSlot | None:
    """Return the free slot that starts at `start` (UTC), or None where that time cannot be booked now; `by_hand`
    as for `offering`."""
    if not within_booking_window(appointment_type, start, now=now):
        return None
    day = start.astimezone(zone).date()
    slots = free_slots(
        appointment_type,
        day,
        day,
        zone=zone,
        now=now,
        therapist=therapist,
        visitor=visitor,
        moving=moving,
        by_hand=by_hand,
    )
    return next((slot for slot in slots if slot.start == start), None)


def refusal(
    appointment_type: AppointmentType,
    start: datetime,
    *,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
    moving: Appointment | None = None,
) -> BookingError:
    """Return why `start` (UTC), which is not free, cannot be booked: SlotTaken where it is on offer but claimed,
    OutsideBookingWindow where it is not on offer at all."""
    if not within_booking_window(appointment_type, start, now=now):
        return OutsideBookingWindow()
    day = start.astimezone(zone).date()
    therapists = list(offering(appointment_type, therapist, moving=moving))
    offered = search(appointment_type, therapists, day, day, zone=zone, now=now, claimed=False)
    return SlotTaken() if any(slot.start == start for slot in offered) else OutsideBookingWindow()


def room(
    appointment_type: AppointmentType, therapists: Sequence[Therapist], *, zone: ZoneInfo, now: datetime
) -> int:
    """Return how many appointments of `appointment_type` still fit on its whole horizon, with all `therapists`
    together, which were just read."""
    first, last = booking_days(appointment_type, zone=zone, now=now)
    policy, by_therapist = _policy(appointment_type, zone), defaultdict[int, list[Interval]](list)
    for slot in look(appointment_type, therapists, first, last, zone=zone, now=now).slots:
        by_therapist[slot.therapist.pk].append(Interval(slot.start, slot.end))
    starts = defaultdict[int, list[datetime]](list)
    for claim in _claims(therapists, _around(first, last, zone), now, None):
        if claim.type_id == appointment_type.pk:
            starts[claim.therapist_id].append(claim.start)
    return sum(fitting(slots, starts[pk], policy) for pk, slots in by_therapist.items())


def opens_on(
    appointment_type: AppointmentType,
    *,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
) -> date | None:
    """Return the local day on which the next time beyond the horizon can be booked; None where the diary has
    none within a year."""
    longer = copy(appointment_type)
    longer.horizon_days += 366
    _, horizon = booking_days(appointment_type, zone=zone, now=now)
    beyond = horizon + timedelta(days=1)
    slots = free_slots(longer, beyond, beyond + timedelta(days=365), zone=zone, now=now, therapist=therapist)
    if not slots:
        return None
    return slots[0].start.astimezone(zone).date() - timedelta(days=appointment_type.horizon_days)


def nearest_free_slots(
    appointment_type: AppointmentType,
    start: datetime,
    *,
    zone: ZoneInfo,
    now: datetime,
    therapist: Therapist | None = None,
    visitor: str = "",
    moving: Appointment | None = None,
    by_hand: bool = False,
) -> list[FreeSlot]:
    """Return up to six free slots at different times, those nearest to `start`, in their order of time; `by_hand`
    as for `offering`."""
    first, last = booking_days(appointment_type, zone=zone, now=now)
    slots = free_slots(
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
    by_start = {slot.start: slot for slot in reversed(slots)}
    nearest = sorted(by_start.values(), key=lambda slot: abs(slot.start - start))[:NEAREST]
    return sorted(nearest, key=lambda slot: slot.start)


def claimed(therapist: Therapist, span: Interval, *, now: datetime, moving: Appointment | None = None) -> bool:
    """Return whether anything but `moving` claims a moment of `span` (UTC): a live appointment with its buffers,
    a live hold, or a calendar elsewhere."""
    return any(span.overlaps(claim.occupied) for claim in _claims([therapist], span, now, moving))


def keeping_takes_too_much(
    appointment_type: AppointmentType,
    slot: FreeSlot,
    *,
    visitor: str,
    zone: ZoneInfo,
    now: datetime,
) -> bool:
    """Return whether keeping `slot` free for `visitor`, in place of what that visitor keeps already, would leave
    too little of a day for all others, of whichever type the therapist offers parents.

    Whatever is kept counts, for a form or for a confirmation: each claim that ends by itself.
    """
    day = slot.start.astimezone(zone).date()
    span = _around(day, day, zone)
    booked: list[Taken] = []
    kept: list[Taken] = []
    for claim in _claims([slot.therapist], span, now, None):
        if not visitor or claim.visitor != visitor:
            taken = Taken(claim.start, claim.occupied, claim.type_id)
            (kept if claim.expires_at else booked).append(taken)
    first, last = span.start.astimezone(zone).date(), (span.end - _MOMENT).astimezone(zone).date()
    openings = diary.openings(slot.therapist, *_months(first, last), zone)
    types = slot.therapist.appointment_types.filter(visible=True)
    policies = {one.pk: _policy(one, zone) for one in [appointment_type, *types]}
    occupied = Interval(slot.start - appointment_type.buffer_before, slot.end + appointment_type.buffer_after)
    return takes_too_much(
        Taken(slot.start, occupied, appointment_type.pk),
        booked,
        kept,
        [window for window in openings.windows if window.overlaps(span)],
        [off for off in openings.time_off if off.overlaps(span)],
        policies,
        now,
        within=span,
    )


def available(therapist: Therapist, span: Interval, zone: ZoneInfo) -> bool:
    """Return whether all of `span` (UTC) lies in the availability of `therapist`, whatever is booked in it."""
    first, last = span.start.astimezone(zone).date(), span.end.astimezone(zone).date()
    openings = diary.openings(therapist, first, last, zone)
    return any(window.contains(span) for window in subtract(openings.windows, openings.time_off))


def offering(
    appointment_type: AppointmentType,
    therapist: Therapist | None = None,
    *,
    moving: Appointment | None = None,
    by_hand: bool = False,
) -> QuerySet[Therapist]:
    """Return the therapists who offer `appointment_type`; of them only `therapist` where one is named.

    Who takes no new families still sees the one whose appointment is `moving`, unless her account is closed; and
    `by_hand`, where the practice itself books, she sees whom she wants.
    """
    takes = Q() if by_hand else Q(active=True)
    if moving and not by_hand:
        takes |= Q(pk=moving.therapist_id) & ~Q(user__is_active=False)
    offering = appointment_type.therapists.filter(takes)
    return offering.filter(pk=therapist.pk) if therapist else offering


def search(
    appointment_type: AppointmentType,
    therapists: list[Therapist],
    first: date,
    last: date,
    *,
    zone: ZoneInfo,
    now: datetime,
    visitor: str = "",
    moving: Appointment | None = None,
    claimed: bool = True,
) -> list[FreeSlot]:
    """As `free_slots`, of `therapists` as they were just read; with `claimed` False as if nothing were claimed."""
    found = look(
        appointment_type,
        therapists,
        first,
        last,
        zone=zone,
        now=now,
        visitor=visitor,
        moving=moving,
        claimed=claimed,
    )
    return list(found.slots)


def look(
    appointment_type: AppointmentType,
    therapists: Sequence[Therapist],
    first: date,
    last: date,
    *,
    zone: ZoneInfo,
    now: datetime,
    visitor: str = "",
    moving: Appointment | None = None,
    claimed: bool = True,
) -> Found:
    """As `search`, with how long what was found stays true."""
    today, horizon = booking_days(appointment_type, zone=zone, now=now)
    first, last = max(first, today), min(last, horizon)
    # From midnight on, another day is the last that can be booked.
    until = local_days(today, today, zone).end
    if first > last:
        return Found((), now, until)
    busy: dict[int, list[Interval]] = {therapist.pk: [] for therapist in therapists}
    starts: dict[int, list[datetime]] = {therapist.pk: [] for therapist in therapists}
    kept: dict[int, datetime] = {}
    for claim in _claims(therapists, _around(first, last, zone), now, moving) if claimed else ():
        of_this_type = claim.type_id == appointment_type.pk
        if visitor and claim.visitor == visitor:
            if of_this_type:
                kept[claim.therapist_id] = claim.start
            continue
        busy[claim.therapist_id].append(claim.occupied)
        until = min(until, claim.expires_at or until)
        if of_this_type:
            starts[claim.therapist_id].append(claim.start)
    policy, span = _policy(appointment_type, zone), local_days(first, last, zone)
    slots = []
    pages, near = diary.pages(therapists, *_months(first, last), zone), local_days(first - _DAY, last + _DAY, zone)
    for therapist in therapists:
        openings = pages[therapist.pk].openings
        found = open_slots(
            [window for window in openings.windows if window.overlaps(near)],
            [off for off in openings.time_off if off.overlaps(near)],
            busy[therapist.pk],
            starts[therapist.pk],
            policy,
            now,
            within=span,
            kept=kept.get(therapist.pk),
        )
        slots += [FreeSlot(slot.start, slot.end, therapist) for slot in found]
    slots.sort(key=lambda slot: (slot.start, slot.therapist.pk))
    if slots:
        # Past its minimum notice the first of them is no longer free.
        until = min(until, slots[0].start - appointment_type.minimum_notice + _MOMENT)
    return Found(tuple(slots), now, until)


def _months(first: date, last: date) -> tuple[date, date]:
    """Return the whole months around the days `first` to `last`, so that the diary is not expanded day by day."""
    return first.replace(day=1), last.replace(day=monthrange(last.year, last.month)[1])


def _around(first: date, last: date, zone: ZoneInfo) -> Interval:
    """Return the span (UTC) in which claims matter for the local days `first` to `last`."""
    # Whole weeks, since a limit a week counts days outside the range too; a day more for buffers at the edge.
    monday, sunday = first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())
    return local_days(monday - timedelta(days=1), sunday + timedelta(days=1), zone)


def _claims(
    therapists: Sequence[Therapist], span: Interval, now: datetime, moving: Appointment | None
) -> Iterator[Claim]:
    """Yield what is claimed in `span`, in one query: by live appointments but `moving`, by live holds, and by
    calendars elsewhere."""
    appointments = Appointment.objects.live().overlapping(span).filter(therapist__in=therapists)
    if moving:
        appointments = appointments.exclude(pk=moving.pk)
    holds = Hold.objects.filter(
        therapist__in=therapists,
        expires_at__gt=now,
        occupied_start__lt=span.end,
        occupied_end__gt=span.start,
    )
    elsewhere = ImportedBusy.objects.filter(
        source__therapist__in=therapists, start__lt=span.end, end__gt=span.start
    )
    columns = ("therapist_id", "appointment_type_id", "start", "occupied_start", "occupied_end")
    of_no_type, never = Value(None, output_field=BigIntegerField()), Value(None, output_field=DateTimeField())
    nobody = Value("", output_field=CharField())
    claimed = (
        appointments.order_by()
        .values_list(*columns, never, nobody)
        .union(
            holds.values_list(*columns, "expires_at", "visitor"),
            elsewhere.order_by().values_list(
                "source__therapist_id", of_no_type, "start", "start", "end", never, nobody
            ),
            all=True,
        )
    )
    for therapist_id, type_id, start, occupied_start, occupied_end, expires_at, visitor in claimed:
        occupied = Interval(occupied_start, occupied_end)
        yield Claim(therapist_id, type_id, start, occupied, expires_at, visitor)


def _policy(appointment_type: AppointmentType, zone: ZoneInfo) -> Policy:
    """Return the slot policy that `appointment_type` stands for in `zone`."""
    return Policy(
        duration=appointment_type.duration,
        step=appointment_type.step,
        buffer_before=appointment_type.buffer_before,
        buffer_after=appointment_type.buffer_after,
        minimum_notice=appointment_type.minimum_notice,
        horizon_days=appointment_type.horizon_days,
        most_per_day=appointment_type.most_per_day,
        most_per_week=appointment_type.most_per_week,
        zone=zone,
    )
