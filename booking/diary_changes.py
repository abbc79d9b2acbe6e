"""Changes of a diary that hit booked appointments: never unseen by the therapist, and no appointment is cancelled
by them."""

from bisect import bisect_right
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db import transaction

from booking import by_hand, claims, diary, outbox
from booking.errors import AlreadyChanged
from booking.intervals import Interval, subtract
from booking.models import Appointment, State, Therapist


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change.

    Nothing was changed where `hit` lists appointments; else `mailed` parents are asked to choose another time.
    """

    hit: list[Appointment]
    mailed: int


def carry_out(
    therapist: Therapist,
    change: Callable[[], object],
    *,
    accepted: Collection[UUID],
    ask: Collection[UUID],
    account: User,
    zone: ZoneInfo,
    now: datetime,
) -> Outcome:
    """Carry out `change`, unless it hits coming appointments that are not `accepted`: takes the ground from under
    them, or puts them into time off in which they did not lie before, wherever they stood.

    All appointments stay booked. The families of those that it hits and that are among `ask` are asked by mail
    to choose another time, in the same transaction. Raises what `change` raises, or Busy.
    """
    with claims.transacting():
        # Held until the end, so that nobody books between the look and the change.
        locked = Therapist.objects.select_for_update(no_key=True)
        therapist.refresh_from_db(fields=["diary_version"], from_queryset=locked)
        version = therapist.diary_version
        before = _places(therapist, zone, now)
        change()
        after = _places(therapist, zone, now)
        hit = _for_reading((before.with_ground - after.with_ground) | (after.in_time_off - before.in_time_off))
        if any(appointment.public_id not in accepted for appointment in hit):
            transaction.set_rollback(True)
            therapist.diary_version = version
            return Outcome(hit, 0)
        mailed = 0
        for appointment in hit:
            # A family that moved or cancelled a moment ago needs no asking any more.
            with suppress(AlreadyChanged):
                if appointment.public_id in ask:
                    mailed += by_hand.write_down_asked(appointment, account=account, now=now)
        if mailed:
            outbox.wake()
    return Outcome([], mailed)


@dataclass(frozen=True, slots=True)
class _Places:
    """Which coming appointments (primary keys) lie wholly in availability, and which at least partly in time off.

    One that was booked by hand in an evening or on a holiday may lie in neither.
    """

    with_ground: set[int]
    in_time_off: set[int]


def _places(therapist: Therapist, zone: ZoneInfo, now: datetime) -> _Places:
    confirmed = Appointment.objects.filter(therapist=therapist, state=State.CONFIRMED, start__gt=now)
    spans = {pk: Interval(start, end) for pk, start, end in confirmed.values_list("pk", "start", "end")}
    if not spans:
        return _Places(set(), set())
    first, last = min(span.start for span in spans.values()), max(span.end for span in spans.values())
    openings = diary.openings(therapist, first.astimezone(zone).date(), last.astimezone(zone).date(), zone)
    free = subtract(openings.windows, openings.time_off)
    # The windows are disjoint and in order: only the last one that has begun can hold an appointment.
    starts = [window.start for window in free]
    with_ground = {
        pk
        for pk, span in spans.items()
        if (begun := bisect_right(starts, span.start)) and free[begun - 1].contains(span)
    }
    in_time_off = {pk for pk, span in spans.items() if any(off.overlaps(span) for off in openings.time_off)}
    return _Places(with_ground, in_time_off)


def _for_reading(pks: set[int]) -> list[Appointment]:
    # A family may have cancelled since, which needs no lock.
    found = Appointment.objects.filter(pk__in=pks, state=State.CONFIRMED)
    found = found.select_related("appointment_type", "therapist")
    return list(found.prefetch_related("parents").order_by("start", "pk"))
