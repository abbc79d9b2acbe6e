"""Putting right what was written by a clock that ran ahead, and has been set back since.

Each moment here decides when something is done next: left as it is, a mail would wait for days, a time be kept as
long, a calendar not be read. Moments that only tell when something was stay as they are. A lease is looked at
where it is claimed (outbox.py), a session where it is used (practice/session_age.py), what is cached where it is
read (practice/caches.py), and the scheduler goes by no such clock (practice/scheduler.py).
"""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Case, F, Q, Value, When

from booking import calendars, holds
from booking.models import (
    Appointment,
    CalendarSource,
    Hold,
    Kind,
    Notification,
    NotificationState,
    RateCounter,
    Unconfirmed,
)

# So far the clocks of several machines may differ.
DIFFER = timedelta(minutes=5)
# What is due in the moment in which it is planned. Reminders and overviews are planned by the appointment's time.
_AT_ONCE = [
    *(Kind.CONFIRMATION, Kind.MOVED, Kind.CANCELLED, Kind.NEW_BOOKING, Kind.ASK_TO_MOVE),
    *(Kind.PASSWORD_LINK, Kind.CONFIRM, Kind.MANY_BOOKINGS, Kind.ASK_WITHDRAWN),
]
# Longer than anything is kept for a family.
_LONGEST_KEPT = Unconfirmed.LONGEST_WAY + 2 * Unconfirmed.TERM


# A machine without a battery begins in 1970, or in the year of its system, until a time server answers. By such a
# clock everything lies ahead, and what is right already would be spoilt.
_NO_CLOCK_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


def put_right(*, now: datetime) -> None:
    """Each minute: what lies further ahead of `now` (UTC) than it can is due now, or ends as if it began now."""
    if now < _NO_CLOCK_BEFORE:
        return
    ahead = now + DIFFER
    owed = Notification.objects.filter(state__in=[NotificationState.DUE, NotificationState.FAILED])
    owed.filter(kind__in=_AT_ONCE, due_at__gt=ahead).update(due_at=now)
    Hold.objects.filter(expires_at__gt=now + _LONGEST_KEPT).update(expires_at=now + holds.HOLD_TIME)
    Unconfirmed.objects.filter(expires_at__gt=now + _LONGEST_KEPT).update(
        asked_at=now, expires_at=now + Unconfirmed.SOON + Unconfirmed.TERM
    )
    CalendarSource.objects.filter(due_at__gt=ahead + calendars.EVERY_WHILE_FAILING).update(due_at=now)
    RateCounter.objects.filter(window_start__gt=ahead).delete()


def put_right_hourly(*, now: datetime) -> None:
    """Each hour: the same, of what decides over days."""
    if now < _NO_CLOCK_BEFORE:
        return
    ahead = now + DIFFER
    later = Q(cancelled_at__gt=ahead) | Q(erase_requested_at__gt=ahead)
    Appointment.objects.filter(later, erased_at=None).update(
        **{
            name: Case(When(**{f"{name}__gt": ahead}, then=Value(now)), default=F(name))
            for name in ("cancelled_at", "erase_requested_at")
        }
    )
    longest = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    Session.objects.filter(expire_date__gt=ahead + longest).delete()
