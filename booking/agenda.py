"""What a therapist looks at, and changes of the diary that may not leave a family standing unseen."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet

from booking import diary
from booking.intervals import Interval, local_days, subtract
from booking.models import (
    Appointment,
    AppointmentQuerySet,
    Notification,
    NotificationState,
    State,
    Therapist,
)

DAYS_BACK = 30


def coming(appointments: AppointmentQuerySet, *, zone: ZoneInfo, now: datetime) -> AppointmentQuerySet:
    """Return those of `appointments` from the start of the local day on, without the cancelled ones."""
    return _for_reading(appointments.live().filter(start__gte=_midnight(zone, now)))


def past(appointments: AppointmentQuerySet, *, zone: ZoneInfo, now: datetime) -> AppointmentQuerySet:
    """Return those of `appointments` on the 30 local days before today, the latest first."""
    midnight = _midnight(zone, now)
    today = now.astimezone(zone).date()
    first = local_days(today - timedelta(days=DAYS_BACK), today, zone).start
    return _for_reading(appointments.live().filter(start__gte=first, start__lt=midnight)).reverse()


def undelivered(notifications: QuerySet[Notification], *, zone: ZoneInfo, now: datetime) -> QuerySet[Notification]:
    """Return those of `notifications` that failed, as long as another try could still serve someone."""
    today = now.astimezone(zone).date()
    in_time = Q(appointment__start__gt=now, appointment__erased_at=None) | Q(local_day__gte=today)
    failed = notifications.filter(in_time, state=NotificationState.FAILED)
    return failed.select_related("appointment__appointment_type", "parent", "therapist")


def change_diary(
    therapist: Therapist,
    change: Callable[[], object],
    *,
    accepted: Collection[UUID],
    zone: ZoneInfo,
    now: datetime,
) -> list[Appointment]:
    """Carry out `change`, unless it takes the ground from under coming appointments that are not `accepted`.

    Returns those appointments, in which case nothing was changed; they stay booked either way. Raises what
    `change` raises.
    """
    with transaction.atomic():
        # Held until the end, so that nobody books between the look and the change.
        therapist.refresh_from_db(fields=["diary_version"], from_queryset=Therapist.objects.select_for_update())
        version = therapist.diary_version
        before = _with_ground(therapist, zone, now)
        change()
        after = {appointment.pk for appointment in _with_ground(therapist, zone, now)}
        hit = [appointment for appointment in before if appointment.pk not in after]
        unseen = any(appointment.public_id not in accepted for appointment in hit)
        if unseen:
            transaction.set_rollback(True)
            therapist.diary_version = version
    return hit if unseen else []


def _with_ground(therapist: Therapist, zone: ZoneInfo, now: datetime) -> list[Appointment]:
    """Return the coming appointments of `therapist` that lie in her availability."""
    confirmed = Appointment.objects.filter(therapist=therapist, state=State.CONFIRMED, start__gt=now)
    appointments = list(_for_reading(confirmed))
    if not appointments:
        return []
    first, last = appointments[0].start.astimezone(zone).date(), appointments[-1].end.astimezone(zone).date()
    openings = diary.openings(therapist, first, last, zone)
    free = subtract(openings.windows, openings.time_off)
    return [
        appointment
        for appointment in appointments
        if any(window.contains(Interval(appointment.start, appointment.end)) for window in free)
    ]


def _for_reading(appointments: AppointmentQuerySet) -> AppointmentQuerySet:
    return (
        appointments.select_related("appointment_type", "therapist")
        .prefetch_related("parents")
        .order_by("start", "pk")
    )


def _midnight(zone: ZoneInfo, now: datetime) -> datetime:
    today = now.astimezone(zone).date()
    return local_days(today, today, zone).start
