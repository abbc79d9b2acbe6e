"""Every mail leaves through here: claimed, looked at again, sent, marked. Nothing else sends.

A claim takes a few rows at once, passing over what another worker is just taking, so no two workers hold the same
row. A worker that dies leaves a lease that runs out, and what it had in hand goes out then; one that dies between
the mail server's yes and the mark has it sent again under the same Message-ID: at least once, on purpose.
"""

import logging
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from celery import current_app
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError, transaction
from django.db.models import F, Min, Q, QuerySet
from django.db.models.functions import Coalesce
from kombu.exceptions import KombuError

from booking import emails, notifications
from booking.encryption import Unreadable
from booking.models import Notification, NotificationState
from practice import request_ids
from practice.models import Practice

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
BACKOFF = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)]
# So many are claimed and read at once. Where less than this is left of their lease, the others are given back: the
# slowest of mail servers has nearly the whole of it for each mail.
_BATCH, _ENOUGH = 25, LEASE - timedelta(seconds=20)
# What no mail says is neither read nor decrypted.
_WITH_ALL_IT_SAYS = Notification.objects.select_related(
    "appointment__appointment_type",
    "appointment__therapist",
    "parent",
    "therapist__user",
    "unconfirmed__appointment_type",
).defer(
    "appointment__child_first_name",
    "appointment__remark",
    "appointment__cancel_reason",
    "parent__phone",
    "unconfirmed__typed",
)
# What changes whenever a mail to a parent would say something else, or should no longer be sent.
_CHANGES = [
    *("appointment.changed_at", "appointment.state", "appointment.sequence", "appointment.asked_to_move_at"),
    *("appointment.erase_requested_at", "appointment.erased_at", "parent.email_hash"),
    *("parent.language", "parent.link_version", "parent.wants_reminders"),
]
_as_read = attrgetter(*_CHANGES)


@dataclass(frozen=True)
class _Batch:
    """What was claimed together until `lease` (UTC), and what of it was read at once, under `practice`."""

    pks: list[int]
    lease: datetime
    practice: Practice
    read: dict[int, Notification]


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
    sent = 0
    connection = get_connection()
    try:
        while not stopping() and (batch := _claim(clock())):
            for place, pk in enumerate(batch.pks):
                now = clock()
                if stopping() or (place and batch.lease - now < _ENOUGH):
                    _give_back(batch.pks[place:], batch.lease)
                    break
                sent += _deliver(pk, batch, connection, now) == NotificationState.SENT
    finally:
        connection.close()
    return sent


def reach() -> None:
    """Open the connection that mails go by, sign in, and close it. Raises what smtplib raises, or OSError."""
    connection = get_connection()
    try:
        connection.open()
    finally:
        connection.close()


def try_out(message: EmailMessage) -> str:
    """Send `message` at once, which nobody is owed and no row tells of, and return what the mail server said, or
    the file that it became. Raises what smtplib raises, or OSError."""
    connection = message.connection = get_connection()
    try:
        connection.open()
        message.send()
        return str(getattr(connection, "said", ""))
    finally:
        connection.close()


def retry(notification: Notification, *, now: datetime) -> bool:
    """Make a failed `notification` due again; return False where it was not (or no longer) failed."""
    with transaction.atomic():
        again = notifications.try_again(Notification.objects.filter(pk=notification.pk), now=now)
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


def _claim(now: datetime) -> _Batch | None:
    """Claim those that have waited longest, if any, and read them."""
    lease = now + LEASE
    with transaction.atomic():
        first = _claimable(now).select_for_update(skip_locked=True).values_list("pk", "state")[:_BATCH]
        states = dict(first)
        # What a worker left behind comes alone: it may be what the worker died of, and would take others with it.
        left = [pk for pk, state in states.items() if state == NotificationState.SENDING]
        pks = left[:1] or list(states)
        Notification.objects.filter(pk__in=pks).update(
            state=NotificationState.SENDING, lease_until=lease, attempts=F("attempts") + 1
        )
    return _Batch(pks, lease, Practice.load(), _read(pks)) if pks else None


def _read(pks: list[int]) -> dict[int, Notification]:
    """Return what parents are owed of `pks`, with all that it says."""
    return _WITH_ALL_IT_SAYS.filter(parent__isnull=False).in_bulk(pks)


def _give_back(pks: list[int], lease: datetime) -> None:
    _held(lease).filter(pk__in=pks).update(
        state=NotificationState.DUE, lease_until=None, attempts=F("attempts") - 1
    )


def _held(lease: datetime) -> QuerySet[Notification]:
    # Past its lease another worker may have claimed a row, and it is not for us to touch.
    return Notification.objects.filter(state=NotificationState.SENDING, lease_until=lease)


def _deliver(pk: int, batch: _Batch, connection: BaseEmailBackend, now: datetime) -> NotificationState | None:
    """Bring the claimed notification `pk` to its next state and return that; None where it is no longer ours."""
    held = _held(batch.lease).filter(pk=pk)
    is_now = held.values_list(*(name.replace(".", "__") for name in _CHANGES)).first()
    if is_now is None:
        return None
    read = batch.read.get(pk)
    changes = _try(pk, read if read and _as_read(read) == is_now else None, batch.practice, connection, now)
    held.update(lease_until=None, **changes)
    logger.info("notification %s: %s %s", pk, changes["state"], changes["last_error"])
    state: NotificationState = changes["state"]
    return state


def _try(
    pk: int, read: Notification | None, practice: Practice, connection: BaseEmailBackend, now: datetime
) -> dict[str, Any]:
    """Return what to write down about the claimed notification `pk`, sent or not; `read` is None where it is to be
    read first."""
    try:
        notification = read or _WITH_ALL_IT_SAYS.get(pk=pk)
        state, error = _send(notification, practice, connection, now)
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
    notification: Notification, practice: Practice, connection: BaseEmailBackend, now: datetime
) -> tuple[NotificationState, str]:
    stale = notifications.verdict(notification, zone=practice.zone, now=now)
    if stale == NotificationState.VOID and not notifications.pass_on(notification, zone=practice.zone, now=now):
        # Shown above the agenda: somebody has to hear of it.
        return NotificationState.FAILED, "account closed"
    if stale is not None:
        return stale, ""
    family = notification.parent or notification.unconfirmed
    if family and any(isinstance(value, Unreadable) for value in vars(family).values()):
        # Nothing is wrong with the mail: the key that reads it is missing, and may come back.
        return NotificationState.DUE, "no key reads it"
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
