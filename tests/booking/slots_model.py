"""What open_slots must answer, worked out the slow way: every instant of a small world is looked at by itself.

It shares no arithmetic with booking/: a span is the set of its instants, and a rule is a question about each.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from booking.intervals import Interval
from booking.slots import Policy


@dataclass(frozen=True)
class World:
    """The instants `base`, `base` + `tick`, … (UTC): `count` of them. Every time in it is one of them."""

    base: datetime
    tick: timedelta
    count: int

    def at(self, number: int) -> datetime:
        return self.base + number * self.tick

    def span(self, first: int, last: int) -> Interval:
        return Interval(self.at(first), self.at(last))

    def number(self, moment: datetime) -> int:
        number, rest = divmod(moment - self.base, self.tick)
        assert not rest, "every time in a world is one of its instants"
        return number

    def instants(self, interval: Interval) -> set[int]:
        return set(range(self.number(interval.start), self.number(interval.end)))


def slots_by_looking_at_each_instant(
    world: World,
    windows: list[Interval],
    time_off: list[Interval],
    busy: list[Interval],
    booked_starts: list[datetime],
    policy: Policy,
    now: datetime,
    within: Interval | None = None,
    kept: datetime | None = None,
) -> list[Interval]:
    """Return the slots of `world`, asking of every instant each condition in turn."""
    zone = policy.zone
    step, length = policy.step // world.tick, policy.duration // world.tick
    before, after = policy.buffer_before // world.tick, policy.buffer_after // world.tick
    offered = set().union(*map(world.instants, windows)) - set().union(*map(world.instants, time_off))
    taken = set().union(*map(world.instants, busy))
    grid = {instant for window in windows for instant in sorted(world.instants(window))[::step]}
    booked_days = [moment.astimezone(zone).date() for moment in booked_starts]
    booked_weeks = [day.isocalendar()[:2] for day in booked_days]
    last_day = now.astimezone(zone).date() + timedelta(days=policy.horizon_days)

    def bookable(number: int) -> bool:
        start, end = world.at(number), world.at(number + length)
        reading = start.astimezone(zone)
        day, week = reading.date(), reading.date().isocalendar()[:2]
        an_hour_ago = (start - timedelta(hours=1)).astimezone(zone)
        return (
            all(instant in offered for instant in range(number, number + length))
            and not any(instant in taken for instant in range(number - before, number + length + after))
            and (start >= now + policy.minimum_notice or (start == kept and start >= now))
            and (end - datetime.resolution).astimezone(zone).date() <= last_day
            and reading.replace(tzinfo=None) != an_hour_ago.replace(tzinfo=None)
            and (policy.most_per_day is None or booked_days.count(day) < policy.most_per_day)
            and (policy.most_per_week is None or booked_weeks.count(week) < policy.most_per_week)
            and (within is None or within.start <= start < within.end)
        )

    return [world.span(number, number + length) for number in sorted(grid) if bookable(number)]
