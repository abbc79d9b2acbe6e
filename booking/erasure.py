"""Letting go of a family's data: when asked, and when its term has passed."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Exists, F, OuterRef, Q

from booking import appointments, claims, history
from booking.models import (
    Action,
    Actor,
    Appointment,
    AppointmentQuerySet,
    Notification,
    NotificationState,
    State,
)

# Mails about a cancellation go out first; an erasure waits for them, but no longer than this.
LONGEST_WAIT = timedelta(hours=24)


def erase(appointment: Appointment, *, by: Actor, now: datetime, account: User | None = None) -> None:
    """Erase the family's data of `appointment`, as it may be asked at any time (AVG article 17).

    One that still lies ahead is cancelled first, and its data goes when the cancellation's mails have
    ended, after 24 hours at the latest; all else is erased at once.
    """
    if appointment.state == State.CONFIRMED and appointment.start > now:
        # A right, so no change notice stands in its way.
        appointment = appointments.cancel(appointment, by=by, now=now, despite_notice=True, account=account)
    with claims.transacting():
        unasked = Appointment.objects.filter(pk=appointment.pk, erase_requested_at=None, erased_at=None)
        if unasked.update(erase_requested_at=now):
            history.record(appointment, Action.ERASE_ASKED, by=by, at=now, account=account)
    _erase(_erasable_now(now).filter(pk=appointment.pk), now)


def asked_for(*, since: datetime | None = None) -> dict[UUID, datetime]:
    """Return the appointments whose family asked for its erasure (after `since`, UTC), and when each did."""
    asked = Appointment.objects.filter(erase_requested_at__isnull=False).order_by("erase_requested_at")
    if since:
        asked = asked.filter(erase_requested_at__gte=since)
    return {
        public_id: moment for public_id, moment in asked.values_list("public_id", "erase_requested_at") if moment
    }


def erase_again(asked: Iterable[UUID], *, now: datetime) -> int:
    """Erase those of the appointments `asked` that an old backup brought back, and return how many they were.

    One that lies ahead is cancelled, as it was. The family is told nothing: it was, and it wants to be left alone.
    """
    erased = 0
    for appointment in Appointment.objects.filter(public_id__in=list(asked), erased_at=None):
        if appointment.state == State.CONFIRMED and appointment.start > now:
            appointments.cancel(appointment, by=Actor.SYSTEM, now=now, despite_notice=True, tell_parents=False)
        erased += _erase(Appointment.objects.filter(pk=appointment.pk), now)
    return erased


def erase_asked(*, now: datetime) -> int:
    """Erase every family that asked for it and has no mail to wait for any more; return how many that were."""
    return _erase(_erasable_now(now), now)


def erase_past_term(*, now: datetime) -> int:
    """Erase every family whose term has passed or who asked for it, and return how many that were.

    The term runs from the end or from the cancellation, whichever comes first (ERASE_AFTER_DAYS).
    """
    oldest = now - timedelta(days=settings.ERASE_AFTER_DAYS)
    past_term = Q(end__lte=oldest) | Q(state=State.CANCELLED, cancelled_at__lte=oldest)
    return _erase(Appointment.objects.filter(past_term, erased_at=None), now) + erase_asked(now=now)


def _erasable_now(now: datetime) -> AppointmentQuerySet:
    """Those whose erasure was asked for and has nothing left to wait for."""
    unsent = Notification.objects.filter(
        appointment=OuterRef("pk"), state__in=[NotificationState.DUE, NotificationState.SENDING]
    )
    return Appointment.objects.filter(
        Q(erase_requested_at__lte=now - LONGEST_WAIT) | ~Exists(unsent),
        erase_requested_at__isnull=False,
        erased_at=None,
    )


def _erase(appointments: AppointmentQuerySet, now: datetime) -> int:
    """Blank the families' data; what remains (time, type, state) names no one and keeps the counts."""
    erased = 0
    for appointment in appointments:
        with claims.transacting():
            # Another worker may have been here a moment earlier.
            if not Appointment.objects.filter(pk=appointment.pk, erased_at=None).update(
                child_first_name="",
                age_band="",
                remark="",
                cancel_reason="",
                idempotency_key=None,
                idempotency_body="",
                erased_at=now,
            ):
                continue
            appointment.parents.update(
                name="",
                email="",
                email_hash="",
                phone="",
                phone_hash="",
                # What most have says nothing.
                language=settings.LANGUAGE_CODE,
                language_chosen=False,
                consent_version="",
                consented_at=None,
                link_version=F("link_version") + 1,
            )
            appointment.notifications.filter(state__in=[NotificationState.DUE, NotificationState.FAILED]).update(
                state=NotificationState.VOID
            )
            history.record(appointment, Action.ERASED, by=Actor.SYSTEM, at=now)
        erased += 1
    return erased
