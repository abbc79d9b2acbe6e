"""Half-open spans of time in UTC, and the way from a wall clock to them. No Django, no database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, order=True, slots=True)
class Interval:
    """All moments from `start` up to, and not including, `end`; both aware and in UTC. May be empty."""

    start: datetime
    end: datetime

    def overlaps(self, other: "Interval") -> bool:
        """Return whether the two share a moment; adjacent ones do not, and an empty one has none to share."""
        return max(self.start, other.start) < min(self.end, other.end)

    def contains(self, other: "Interval") -> bool:
        """Return whether `other` lies wholly inside."""
        return self.start <= other.start and other.end <= self.end


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the same moments as sorted, disjoint, non-adjacent intervals; empty and reversed ones vanish."""
    merged: list[Interval] = []
    for interval in sorted(i for i in intervals if i.start < i.end):
        if merged and interval.start <= merged[-1].end:
            if interval.end > merged[-1].end:
                merged[-1] = Interval(merged[-1].start, interval.end)
        else:
            merged.append(interval)
    return merged


def subtract(windows: Iterable[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """Return the moments of `windows` that lie in none of `holes`, merged."""
    left: list[Interval] = []
    cuts = merge(holes)
    position = 0
    for window in merge(windows):
        start = window.start
        while position < len(cuts) and cuts[position].start < window.end:
            hole = cuts[position]
            if hole.start > start:
                left.append(Interval(start, hole.start))
            start = max(start, hole.end)
            if hole.end > window.end:
                break  # it reaches into the next window as well
            position += 1
        if start < window.end:
            left.append(Interval(start, window.end))
    return left


def exists(wall: datetime, zone: ZoneInfo) -> bool:
    """Return whether the naive time `wall` is ever on a clock in `zone`: not in the hour skipped in spring."""
    return wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall


def from_wall(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment (UTC) at which clocks in `zone` show the naive time `wall`.

    A time that comes twice means its first pass (PEP 495, fold=0); one that never comes means the moment
    at which the clock jumps over it, so that a window from or until there keeps its real edge.
    """
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if exists(wall, zone):
        return moment
    # The jump lies between the two readings of `wall`, and always at a whole second.
    before = wall.replace(tzinfo=zone, fold=1, microsecond=0).astimezone(UTC)
    after = moment.replace(microsecond=0)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after


def local_days(first: date, last: date, zone: ZoneInfo) -> Interval:
    """Return the span (UTC) of the local days `first` to `last`, both included: 23 to 25 hours for one day."""
    start, end = datetime.combine(first, time()), datetime.combine(last + timedelta(days=1), time())
    return Interval(from_wall(start, zone), from_wall(end, zone))
