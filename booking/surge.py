"""When so much is booked at once that programs may be at it: then a booking stands only once the family confirmed
it by the link in its mail (decision 58).

What counts is the share of the horizon that was booked in an hour, and in a day, by all visitors together and from
one network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q

from booking import free_time
from booking.models import Action, Actor, AppointmentType, HistoryEntry
from booking.rate_limits import UNLIMITED, Limit

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# In a day three times as much as in an hour, and in each wider network twice as much as in the one inside it.
_TIMES = {HOUR: 1, DAY: 3}
_WIDER = 2
# So many in an hour are never too many: of all visitors (and one for each therapist), and from one network, since
# a family with three children books three.
FEW, FEW_OF_NETWORK = 5, 3
_COUNTED = {HOUR: Limit("booked-hour", UNLIMITED, HOUR), DAY: Limit("booked-day", UNLIMITED, DAY)}


def counted(networks: Sequence[str]) -> list[tuple[Limit, str]]:
    """Return what to count of a booking from `networks`, the narrowest first, for `must_confirm`."""
    return [(limit, network) for limit in _COUNTED.values() for network in networks]


def must_confirm(
    appointment_type: AppointmentType,
    networks: Sequence[str],
    counts: Sequence[int],
    *,
    zone: ZoneInfo,
    now: datetime,
) -> bool:
    """Return whether one more booking of `appointment_type` from `networks` at `now` (UTC) has to be confirmed.

    `counts` are those of `counted(networks)`, this booking included. Costs one query while little is booked; past
    that, what still fits on the whole horizon is worked out.
    """
    booked = _booked(appointment_type, now)
    levels = [
        _Level(booked[span] + 1, FEW * times, times, settings.CONFIRM_SHARE * times, span)
        for span, times in _TIMES.items()
    ]
    each = iter(counts)
    for span, times in _TIMES.items():
        for step in range(len(networks)):
            share = times * _WIDER**step
            levels.append(
                _Level(next(each), FEW_OF_NETWORK * share, 0, settings.CONFIRM_NETWORK_SHARE * share, span)
            )
    levels = [level for level in levels if level.count > level.few]
    therapists = list(free_time.offering(appointment_type)) if levels else []
    levels = [level for level in levels if level.count > level.each_therapist * len(therapists)]
    if not levels:
        return False
    free = free_time.room(appointment_type, therapists, zone=zone, now=now)
    return any(level.count * 100 > level.percent * (free + booked[level.span]) for level in levels)


@dataclass(frozen=True, slots=True)
class _Level:
    """How much was booked in `span`, so many in all and so many for each therapist that are never too many, and
    the share (percent) of what could be booked at its beginning from which on it is."""

    count: int
    few: int
    each_therapist: int
    percent: int
    span: timedelta


def _booked(appointment_type: AppointmentType, now: datetime) -> dict[timedelta, int]:
    """Return how much families booked within each span before `now` with the therapists of `appointment_type`;
    what was cancelled since counts too."""
    by_families = HistoryEntry.objects.filter(
        action=Action.BOOKED,
        actor=Actor.PARENT,
        at__gt=now - DAY,
        at__lte=now,
        appointment__therapist__in=appointment_type.therapists.all(),
    )
    found = by_families.aggregate(hour=Count("pk", filter=Q(at__gt=now - HOUR)), day=Count("pk"))
    return {HOUR: found["hour"], DAY: found["day"]}
