"""Which times can be booked. Pure: values in, values out; no clock, no settings, no database."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from booking.intervals import Interval, local_days, merge, subtract

# Ranges of starts include their last moment, and intervals do not: one of these makes the one of the other.
_MOMENT = datetime.resolution
_BEGINNING_OF_TIME = datetime.min.replace(tzinfo=UTC)
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Policy:
    """The conditions under which an appointment type is offered.

    `duration` and `step` are positive, the other lengths at least zero. `most_per_day` and `most_per_week`
    count per local day and per ISO week in `zone`; None means no limit.
    """

    duration: timedelta
    step: timedelta
    buffer_before: timedelta
    buffer_after: timedelta
    minimum_notice: timedelta
    horizon_days: int
    most_per_day: int | None
    most_per_week: int | None
    zone: ZoneInfo


def open_slots(
    windows: Iterable[Interval],
    time_off: Iterable[Interval],
    busy: Iterable[Interval],
    booked_starts: Iterable[datetime],
    policy: Policy,
    now: datetime,
    *,
    within: Interval | None = None,
    kept: datetime | None = None,
) -> list[Interval]:
    """Return the slots that can be booked at `now`, by start, each start once. All times are UTC.

    `windows` are working hours and extra openings as they are in the diary, in any order, neither merged nor
    clipped: starts are counted in steps from where each of them begins, so a day has the same starts
    whatever range was asked for. `busy` are the ranges that others occupy, their buffers included.
    `booked_starts` are the starts of this therapist's and type's live appointments, for the limits per day
    and week, without the one that is being moved. `within` keeps only the slots that start in it. `kept` is a
    start that is kept for whoever asks: it was chosen in time, and does not end with the notice.

    A slot lies in the windows without the time off; windows that touch count as one. With its buffers it
    may reach outside them, but not into `busy`.
    """
    anchors = [window for window in windows if window.start < window.end]
    offered = [Interval(free.start, free.end - policy.duration + _MOMENT) for free in subtract(anchors, time_off)]
    blocked = [
        Interval(taken.start - policy.buffer_after - policy.duration + _MOMENT, taken.end + policy.buffer_before)
        for taken in merge(busy)
    ]
    blocked += _outside(policy, now, within, kept)
    blocked += _full(booked_starts, policy)
    possible = subtract(offered, blocked)

    starts: set[datetime] = set()
    for window in anchors:
        position = bisect_right(possible, window.start, key=lambda reach: reach.end)
        while position < len(possible) and possible[position].start < window.end:
            reach = possible[position]
            steps = max(0, -((window.start - reach.start) // policy.step))
            start, end = window.start + steps * policy.step, min(window.end, reach.end)
            while start < end:
                starts.add(start)
                start += policy.step
            position += 1
    # An hour that comes twice is offered once: its second pass reads as fold=1 (PEP 495).
    return [
        Interval(start, start + policy.duration)
        for start in sorted(starts)
        if not start.astimezone(policy.zone).fold
    ]


@dataclass(frozen=True, slots=True)
class Taken:
    """A span (UTC) that is occupied from before `start` on, by something of the type `type_id`, or of none."""

    start: datetime
    occupied: Interval
    type_id: int | None


def takes_too_much(
    another: Taken,
    booked: Sequence[Taken],
    kept: Sequence[Taken],
    windows: Sequence[Interval],
    time_off: Sequence[Interval],
    policies: Mapping[int, Policy],
    now: datetime,
    *,
    within: Interval,
) -> bool:
    """Return whether keeping `another` free for one visitor would leave too little for all others.

    Of each type in `policies` (by its id), at least half of what could be booked if nothing were `kept` has to
    remain: of the starts on each local day of `within`, of the appointments that fit on it, and of those that fit
    in each ISO week with a limit; limits and overlaps included. What `another` takes nothing from is not counted
    against it. All times are UTC, of one therapist.
    """

    def room(type_id: int, taken: Sequence[Taken]) -> Counter[tuple[str, date]]:
        policy = policies[type_id]
        starts = [one.start for one in taken if one.type_id == type_id]
        busy = [one.occupied for one in taken]
        found = Counter[tuple[str, date]]()
        days, weeks = defaultdict[date, list[Interval]](list), defaultdict[date, list[Interval]](list)
        for slot in open_slots(windows, time_off, busy, starts, policy, now, within=within):
            day = slot.start.astimezone(policy.zone).date()
            days[day].append(slot)
            weeks[day - timedelta(days=day.weekday())].append(slot)
        for day, slots in days.items():
            found["starts", day], found["day", day] = len(slots), fitting(slots, starts, policy)
        for monday, slots in weeks.items() if policy.most_per_week is not None else ():
            found["week", monday] = fitting(slots, starts, policy)
        return found

    for type_id in policies:
        left, before = room(type_id, [*booked, *kept, another]), room(type_id, [*booked, *kept])
        for what, count in room(type_id, booked).items():
            if left[what] < before[what] and left[what] * 2 < count:
                return True
    return False


def fitting(slots: Iterable[Interval], booked_starts: Iterable[datetime], policy: Policy) -> int:
    """Return how many appointments fit into `slots` (UTC, by start), one after the other with their buffers,
    within what `booked_starts` leave of the limits of each local day and ISO week."""

    def spans(start: datetime) -> list[tuple[int | None, tuple[str, date]]]:
        day = start.astimezone(policy.zone).date()
        monday = day - timedelta(days=day.weekday())
        return [(policy.most_per_day, ("day", day)), (policy.most_per_week, ("week", monday))]

    taken = Counter(span for start in booked_starts for _most, span in spans(start))
    count, free_from = 0, _BEGINNING_OF_TIME
    for slot in slots:
        within = spans(slot.start)
        full = any(most is not None and taken[span] >= most for most, span in within)
        if full or slot.start - policy.buffer_before < free_from:
            continue
        count, free_from = count + 1, slot.end + policy.buffer_after
        taken.update(span for _most, span in within)
    return count


def _outside(policy: Policy, now: datetime, within: Interval | None, kept: datetime | None) -> Iterator[Interval]:
    """Yield the starts that notice, horizon and `within` forbid: all before the first but `kept`, all after the
    last."""
    last_day = now.astimezone(policy.zone).date() + timedelta(days=policy.horizon_days)
    first = now + policy.minimum_notice
    last = local_days(last_day, last_day, policy.zone).end - policy.duration
    if kept and now <= kept < first:
        yield Interval(_BEGINNING_OF_TIME, kept)
        yield Interval(kept + _MOMENT, first)
    else:
        yield Interval(_BEGINNING_OF_TIME, first)
    yield Interval(last + _MOMENT, _END_OF_TIME)
    if within:
        yield Interval(_BEGINNING_OF_TIME, within.start)
        yield Interval(within.end, _END_OF_TIME)


def _full(booked_starts: Iterable[datetime], policy: Policy) -> Iterator[Interval]:
    """Yield the local days and ISO weeks in which no further appointment of this type may start."""
    days = [start.astimezone(policy.zone).date() for start in booked_starts]
    mondays = [day - timedelta(days=day.weekday()) for day in days]
    for most, firsts, length in ((policy.most_per_day, days, 1), (policy.most_per_week, mondays, 7)):
        if most == 0:
            yield Interval(_BEGINNING_OF_TIME, _END_OF_TIME)
        elif most is not None:
            for first, count in Counter(firsts).items():
                if count >= most:
                    yield local_days(first, first + timedelta(days=length - 1), policy.zone)
