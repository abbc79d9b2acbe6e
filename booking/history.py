"""Writing down who did what with an appointment, in the transaction of the deed itself."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from prometheus_client import Counter

from booking import access_log
from booking.models import Action, Actor, Appointment, HistoryEntry

_DEEDS = Counter("kennismaking_deeds", "What was done with appointments, and by whom.", ["action", "actor"])


def record(
    appointment: Appointment,
    action: Action,
    *,
    by: Actor,
    at: datetime,
    account: User | None = None,
    start_before: datetime | None = None,
) -> None:
    """Write down that `by` (with `account`, where a therapist or manager did it) did `action` at `at` (UTC).

    `start_before` (UTC) is where the appointment was before a move.
    """
    HistoryEntry.objects.create(
        appointment=appointment, action=action, actor=by, at=at, account=account, start_before=start_before
    )
    access_log.record(action, [appointment.public_id], by=by, at=at, account=account)
    transaction.on_commit(_DEEDS.labels(action.value, by.value).inc, robust=True)
