"""What is in the way of an appointment that the practice books or moves by hand, named one by one."""

from dataclasses import dataclass
from datetime import datetime

from booking.intervals import Interval, merge
from booking.models import Appointment, CalendarSource, Hold, ImportedBusy, Therapist

# What is not shown is neither read nor decrypted.
_SHOWN = [
    *("public_id", "start", "end", "occupied_start", "occupied_end"),
    *("child_first_name", "erased_at", "appointment_type__name"),
]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that claims the time of a therapist: `interval` is when it is and `occupied` what it claims (UTC).

    It is an appointment, or a time that is read from the calendar `elsewhere`, or else a time that is kept for a
    family until `kept_until` (UTC).
    """

    interval: Interval
    occupied: Interval
    appointment: Appointment | None = None
    elsewhere: CalendarSource | None = None
    kept_until: datetime | None = None


def in_the_way(
    therapist: Therapist, span: Interval, *, now: datetime, moving: Appointment | None = None
) -> list[Obstacle]:
    """Return all but `moving` that claims a moment of `span` (UTC) with `therapist`, in its order of time.

    `span` is the new appointment with what is kept free around it. This names what `free_time.claimed` finds.
    """
    appointments = Appointment.objects.live().overlapping(span).filter(therapist=therapist)
    if moving:
        appointments = appointments.exclude(pk=moving.pk)
    found = [
        Obstacle(Interval(one.start, one.end), Interval(one.occupied_start, one.occupied_end), appointment=one)
        for one in appointments.select_related("appointment_type").only(*_SHOWN)
    ]
    holds = Hold.objects.filter(
        therapist=therapist, expires_at__gt=now, occupied_start__lt=span.end, occupied_end__gt=span.start
    )
    for hold in holds.select_related("appointment_type"):
        kept = Interval(hold.start, hold.start + hold.appointment_type.duration)
        occupied = Interval(hold.occupied_start, hold.occupied_end)
        found.append(Obstacle(kept, occupied, kept_until=hold.expires_at))
    busy: dict[CalendarSource, list[Interval]] = {}
    elsewhere = ImportedBusy.objects.filter(source__therapist=therapist, start__lt=span.end, end__gt=span.start)
    for one in elsewhere.select_related("source").only("start", "end", "source__name"):
        busy.setdefault(one.source, []).append(Interval(one.start, one.end))
    found += [
        Obstacle(interval, interval, elsewhere=source)
        for source, intervals in busy.items()
        for interval in merge(intervals)
    ]
    return sorted(found, key=lambda obstacle: (obstacle.interval, obstacle.elsewhere is not None))
