"""What the workers do. The moment is read here, once; the work itself is in the domain modules."""

from datetime import datetime
from threading import Event
from typing import Any

from celery import shared_task, signals
from django.utils import timezone

from booking import (
    access_log,
    appointments,
    by_mail,
    calendars,
    clock_ahead,
    drafts,
    erasure,
    holds,
    notifications,
    outbox,
    rate_limits,
    readiness,
    sessions,
)
from practice.models import Practice

_stopping = Event()


@signals.worker_shutting_down.connect
def _stop(**kwargs: Any) -> None:
    """Let a worker that was asked to end (SIGTERM) do so with the mail in hand, not with the last that is due."""
    _stopping.set()


@shared_task(name="booking.tasks.deliver")
def deliver() -> None:
    """Deliver what is due now; asked for after each booking, move and cancellation."""
    outbox.deliver_due(timezone.now, stopping=_stopping.is_set)
    by_mail.start_terms()


@shared_task(name="booking.tasks.sweep")
def sweep() -> None:
    """Each minute: whatever is due goes out, also when nobody asked."""
    clock_ahead.put_right(now=_at_work())
    by_mail.forget_expired(now=timezone.now())
    drafts.forget_expired(now=timezone.now())
    notifications.plan_overviews(zone=Practice.load().zone, now=timezone.now())
    outbox.deliver_due(_at_work, stopping=_stopping.is_set)
    by_mail.start_terms()
    erasure.erase_asked(now=timezone.now())


def _at_work() -> datetime:
    """Return the present moment (UTC), and write down that a sweep was at work then."""
    now = timezone.now()
    readiness.swept(now=now)
    return now


@shared_task(name="booking.tasks.tidy")
def tidy() -> None:
    """Each hour: erase what is past its term, and forget what served its purpose."""
    now = timezone.now()
    clock_ahead.put_right_hourly(now=now)
    erasure.erase_past_term(now=now)
    holds.forget_expired(now=now)
    appointments.forget_idempotency_keys(now=now)
    rate_limits.forget_old(now=now)
    access_log.forget_old(now=now)
    access_log.forget_networks()
    sessions.forget_expired(now=now)


@shared_task(name="booking.tasks.read_calendars")
def read_calendars() -> None:
    """Every five minutes, and when one was added: read the calendars elsewhere that are due."""
    calendars.read_due(timezone.now, zone=Practice.load().zone)
