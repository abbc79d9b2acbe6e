"""Every mail leaves through here: claimed, looked at again, sent, marked. Nothing else sends.

A claim is one conditional UPDATE, so no two workers hold the same row. A worker that dies between the
mail server's yes and the mark leaves a lease that runs out, and the mail goes again under the same
Message-ID: at least once, on purpose.
"""

import logging
import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta
from random import sample
from typing import Any

from celery import current_app
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError, transaction
from django.db.models import F, Min, Q, QuerySet
from django.db.models.functions import Coalesce
from kombu.exceptions import KombuError

from booking import emails, notifications
from booking.models import Notification, NotificationState
from practice import request_ids
from practice.models import Practice

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
BACKOFF = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)]
_BATCH = 100
# What no mail says is neither read nor decrypted.
_WITH_ALL_IT_SAYS = Notification.objects.select_related(
    "appointment__appointment_type",
    "appointment__therapist",
    "parent",
    "therapist",
    "unconfirmed__appointment_type",
).defer(
    "appointment__child_first_name",
    "appointment__remark",
    "appointment__cancel_reason",
    "parent__phone",
    "unconfirmed__typed",
)


def wake() -> None:
    """Ask a worker, once the transaction has committed, to deliver what is due.

    Never raises where the broker is down: the minute's sweep finds the rows all the same.
    """
    transaction.on_commit(_nudge, robust=True)


def _nudge() -> None:
    try:
        headers = {"request_id": request_ids.current()}
        current_app.send_task("booking.tasks.deliver", ignore_result=True, retry=False, headers=headers)
    except (KombuError, OSError) as error:
        logger.warning("The queue cannot be reached (%s): the next sweep delivers.", type(error).__name__)


def deliver_due(clock: Callable[[], datetime], *, stopping: Callable[[], bool] = lambda: False) -> int:
    """Deliver every notification that is due, and return how many were sent.

    `clock` gives the present moment in UTC; it is read anew for each mail, since a long queue takes long. Once
    `stopping` says so, what is in hand is the last one: the others are there for the next worker.
    """
    sent, alone = 0, True
    connection = get_connection()
    try:
        while pks := list(_claimable(clock()).values_list("pk", flat=True)[:_BATCH]):
            for pk in pks if alone else sample(pks, len(pks)):
                if stopping():
                    return sent
                state = deliver(pk, connection=connection, now=clock())
                sent += state == NotificationState.SENT
                if state is None:
                    # Another worker is at it too: from here on, not both from the same end.
                    alone = False
                    break
    finally:
        connection.close()
    return sent


def deliver(pk: int, *, connection: BaseEmailBackend, now: datetime) -> NotificationState | None:
    """Claim the notification `pk` and bring it to its next state, which is returned; None where it was
    not to be claimed (another worker has it, it is not due, or it is done)."""
    lease = now + LEASE
    claimed = _claimable(now).filter(pk=pk)
    if not claimed.update(state=NotificationState.SENDING, lease_until=lease, attempts=F("attempts") + 1):
        return None
    changes = _try(pk, connection, now)
    # Only while the lease is still ours: past it another worker may have claimed the row.
    ours = Notification.objects.filter(pk=pk, state=NotificationState.SENDING, lease_until=lease)
    ours.update(lease_until=None, **changes)
    logger.info("notification %s: %s %s", pk, changes["state"], changes["last_error"])
    state: NotificationState = changes["state"]
    return state


def retry(notification: Notification, *, now: datetime) -> bool:
    """Make a failed `notification` due again; return False where it was not (or no longer) failed."""
    with transaction.atomic():
        again = Notification.objects.filter(pk=notification.pk, state=NotificationState.FAILED).update(
            state=NotificationState.DUE, due_at=now, retry_at=None, attempts=0, last_error=""
        )
        wake()
    return bool(again)


def waiting_since(now: datetime) -> datetime | None:
    """Return since when (UTC) the notification that waited longest at `now` could have been claimed, and was not;
    None where none waits."""
    since = Coalesce("lease_until", "retry_at", "due_at")
    waited: datetime | None = _claimable(now).aggregate(since=Min(since))["since"]
    return waited


def _claimable(now: datetime) -> QuerySet[Notification]:
    # What ends later than any lease or wait can was given by a clock that ran ahead, and would never run out.
    over = Q(lease_until__lt=now) | Q(lease_until__gt=now + 2 * LEASE)
    waited = Q(retry_at=None) | Q(retry_at__lte=now) | Q(retry_at__gt=now + 2 * BACKOFF[-1])
    due = Q(waited, state=NotificationState.DUE, due_at__lte=now)
    # Said once more outside of the alternatives, for the index.
    open_ones = Notification.objects.filter(state__in=[NotificationState.DUE, NotificationState.SENDING])
    return open_ones.filter(due | Q(over, state=NotificationState.SENDING)).order_by("due_at", "pk")


def _try(pk: int, connection: BaseEmailBackend, now: datetime) -> dict[str, Any]:
    """Return what to write down about the claimed notification `pk`, sent or not."""
    try:
        notification = _WITH_ALL_IT_SAYS.get(pk=pk)
        state, error = _send(notification, connection, now)
    except DatabaseError:
        # Nothing is wrong with the mail: the lease runs out, and it goes again.
        raise
    except Exception as error:  # noqa: BLE001 - a mail that cannot be written must not hold up the others
        logger.error("notification %s cannot be written: %s", pk, type(error).__name__)
        return {"state": NotificationState.FAILED, "last_error": type(error).__name__}
    changes: dict[str, Any] = {"state": state, "last_error": error}
    if state == NotificationState.SENT:
        changes["sent_at"] = now
    if state == NotificationState.DUE:
        changes["retry_at"] = now + BACKOFF[min(notification.attempts, len(BACKOFF)) - 1]
    return changes


def _send(
    notification: Notification, connection: BaseEmailBackend, now: datetime
) -> tuple[NotificationState, str]:
    practice = Practice.load()
    stale = notifications.verdict(notification, zone=practice.zone, now=now)
    if stale is not None:
        return stale, ""
    message = emails.compose(notification, practice, now=now)
    message.connection = connection
    return _hand_over(message, connection)


def _hand_over(message: EmailMessage, connection: BaseEmailBackend) -> tuple[NotificationState, str]:
    """Give `message` to the mail server; what it refuses for good has failed, all else is due again."""
    try:
        # Opened here, so that one connection carries all the mails of a sweep.
        connection.open()
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        code = max(code for code, _ in error.recipients.values())
        connection.close()
        return (NotificationState.FAILED if code >= 500 else NotificationState.DUE), f"recipient {code}"
    except smtplib.SMTPDataError as error:
        connection.close()
        failed = error.smtp_code >= 500
        return (NotificationState.FAILED if failed else NotificationState.DUE), f"data {error.smtp_code}"
    except ValueError as error:
        # An address or a header that cannot be written at all: no later try will change that.
        return NotificationState.FAILED, type(error).__name__
    except (smtplib.SMTPException, OSError) as error:
        connection.close()
        # The class and its code only: a server's answer may quote the address.
        return NotificationState.DUE, f"{type(error).__name__} {getattr(error, 'smtp_code', '')}".strip()
    return NotificationState.SENT, ""
