"""What a therapist looks at."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q, QuerySet

from booking.intervals import local_days
from booking.models import AppointmentQuerySet, Kind, Notification, NotificationState

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
    # A link to choose a password is waited for about as long as it would have worked.
    awaited = now - timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    in_time |= Q(kind=Kind.PASSWORD_LINK, therapist__user__is_active=True, due_at__gt=awaited)
    failed = notifications.filter(in_time, state=NotificationState.FAILED)
    return failed.select_related("appointment__appointment_type", "parent", "therapist__user")


def awaiting_other_time(appointments: AppointmentQuerySet, *, now: datetime) -> AppointmentQuerySet:
    """Return those of `appointments` ahead whose family was asked to choose another time and has not answered."""
    return _for_reading(appointments.awaiting_other_time(now))


def _for_reading(appointments: AppointmentQuerySet) -> AppointmentQuerySet:
    return (
        appointments.select_related("appointment_type", "therapist")
        .prefetch_related("parents")
        .order_by("start", "pk")
    )


def _midnight(zone: ZoneInfo, now: datetime) -> datetime:
    today = now.astimezone(zone).date()
    return local_days(today, today, zone).start
