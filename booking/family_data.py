"""What is kept of a family: telling it, and putting it right (AVG articles 15, 16 and 20)."""

import hmac
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db.models import F

from booking import access_log, appointments, claims, history, notifications, outbox, rate_limits
from booking.appointments import Family, email_hash, phone_hash
from booking.encryption import Unreadable
from booking.errors import AlreadyChanged
from booking.models import Action, Actor, Appointment, Parent, State
from practice.mail_addresses import deliverable

# So long after booking a mistyped mail address can be put right by whoever booked, and so often.
READDRESS_TERM = timedelta(minutes=30)
MOST_READDRESSED = 3


def knows(parent: Parent, phone: str) -> bool:
    """Return whether `phone` (E.164, or "") is the number that this parent gave: what who got the mail by
    mistake does not know."""
    return bool(parent.phone_hash) and hmac.compare_digest(parent.phone_hash, phone_hash(phone))


def of(parent: Parent) -> Family:
    """Return what the family gave, as it stands now."""
    appointment = parent.appointment
    return Family(
        parent_name=parent.name,
        email=parent.email,
        phone=parent.phone,
        language=parent.language,
        child_first_name=appointment.child_first_name,
        age_band=appointment.age_band,
        remark=appointment.remark,
        consent_version=parent.consent_version,
        language_chosen=parent.language_chosen,
    )


def told(parent: Parent, zone: ZoneInfo) -> dict[str, Any]:
    """Return all that is kept about the family of `parent` and its appointment, for a file; times in UTC, the day
    on which it goes in `zone`."""
    appointment, family = parent.appointment, of(parent)
    return {
        "parent": {
            "name": family.parent_name,
            "email": family.email,
            "phone": family.phone,
            "language": family.language,
            "language_chosen": family.language_chosen,
            "wants_mail": parent.wants_mail,
            "wants_reminders": parent.wants_reminders,
        },
        "child": {"first_name": family.child_first_name, "age_band": family.age_band},
        "remark": family.remark,
        "consent": {"version": parent.consent_version, "given_at": parent.consented_at},
        "appointment": {
            "reference": appointment.public_id,
            "appointment_type": str(appointment.appointment_type.name),
            "therapist": appointment.therapist.name,
            "start": appointment.start,
            "end": appointment.end,
            "place": appointment.place,
            "can_change_until": appointment.can_change_until,
            "state": appointment.state,
            "outcome_at": appointment.outcome_at,
            "created_at": appointment.created_at,
            "asked_to_move_at": appointment.asked_to_move_at,
            "cancelled_at": appointment.cancelled_at,
            "cancelled_by": appointment.cancelled_by,
            "cancel_reason": appointment.cancel_reason,
            "erase_requested_at": appointment.erase_requested_at,
            "erased_on": appointment.erased_on(zone),
        },
        "mails": [
            {"kind": mail.kind, "due_at": mail.due_at, "state": mail.state, "sent_at": mail.sent_at}
            for mail in parent.notifications.order_by("due_at", "pk")
        ],
        "history": [
            {"at": done.at, "action": done.action, "by": done.actor} for done in appointment.history.all()
        ],
        "looks": [
            {"at": look.at, "action": look.action, "by": look.actor}
            for look in access_log.looks_at(appointment.public_id)
        ],
    }


def may_readdress(parent: Parent, *, now: datetime) -> bool:
    """Return whether whoever just booked as `parent` may still put the mail address right: within half an hour, a
    few times, as long as nothing else was done and nobody opened the link in the mail."""
    appointment = parent.appointment
    if appointment.state != State.CONFIRMED or appointment.sequence or appointment.erase_requested_at:
        return False
    if not now < appointment.start or not now - READDRESS_TERM < appointment.created_at <= now:
        return False
    if rate_limits.is_marked(rate_limits.LINK_OPENED, _link(parent), now=now):
        return False
    done = Counter(appointment.history.values_list("action", flat=True))
    readdressed = done.pop(Action.READDRESSED, 0)
    return readdressed < MOST_READDRESSED and not done.keys() - {Action.BOOKED}


def note_link_opened(parent: Parent, *, now: datetime) -> None:
    """Note that somebody else than the browser that booked opened the link of `parent`, while that matters. Raises
    Busy."""
    if now - READDRESS_TERM < parent.appointment.created_at:
        rate_limits.mark(rate_limits.LINK_OPENED, _link(parent), now=now)


def readdress(parent: Parent, email: str, *, now: datetime) -> Parent:
    """Let `parent` be reached at `email`, where a mistyped address was given a moment ago, and return it as it is
    now. The confirmation goes there, and the link that went to the old address is dead.

    Raises AlreadyChanged where it may not be (`may_readdress`), TooManyRequests where that mailbox has had its
    share, or Busy.
    """
    with claims.transacting():
        # Locked: two clicks at once are two tries, one after the other.
        parent = Parent.objects.select_for_update(of=("self",)).select_related("appointment").get(pk=parent.pk)
        appointment = parent.appointment
        if not may_readdress(parent, now=now):
            raise AlreadyChanged
        appointments.take_share(email, now=now, moved=appointment)
        parent.email, parent.email_hash = email, email_hash(email)
        parent.link_version += 1
        parent.save(update_fields=["email", "email_hash", "link_version"])
        appointments.forget_request(appointment)
        history.record(appointment, Action.READDRESSED, by=Actor.PARENT, at=now)
        notifications.plan_readdressed(appointment, now=now)
        notifications.try_again(parent.notifications.all(), now=now)
        outbox.wake()
    return parent


def _link(parent: Parent) -> str:
    return f"{parent.public_id} {parent.link_version}"


def correct(
    parent: Parent, family: Family, *, by: Actor, zone: ZoneInfo, now: datetime, account: User | None = None
) -> bool:
    """Let what is kept of the family be as `family` says, and return whether a confirmation is on its way.

    Consent and its version stay. A new mail address ends every link that went to the old one; while the
    appointment lies ahead, the confirmation goes to the new one, and with it the reminders (by the clocks of
    `zone`) where there was no address until now. Who wants no mail, and never had any, gets none. Raises Busy, or
    AlreadyChanged where the family was erased meanwhile.
    """
    family = replace(family, consent_version=parent.consent_version)
    with claims.transacting():
        # Locked: of a double click the second finds nothing left to do.
        parent = Parent.objects.select_for_update().select_related("appointment").get(pk=parent.pk)
        if family == of(parent):
            return False
        if replace(family, language_chosen=parent.language_chosen) == of(parent):
            # That it is to stay as it is: nothing was corrected.
            Parent.objects.filter(pk=parent.pk).update(language_chosen=family.language_chosen)
            return False
        moved = deliverable(family.email).casefold() != deliverable(parent.email).casefold()
        appointment = parent.appointment
        there = Appointment.objects.filter(pk=appointment.pk, erased_at=None, erase_requested_at=None)
        if not there.update(
            child_first_name=family.child_first_name, age_band=family.age_band, remark=family.remark
        ):
            raise AlreadyChanged
        Parent.objects.filter(pk=parent.pk).update(
            name=family.parent_name,
            email=family.email,
            phone=family.phone,
            **_hashes(family),
            language=family.language,
            language_chosen=family.language_chosen,
            link_version=F("link_version") + int(moved),
        )
        if moved:
            appointments.forget_request(appointment)
        fresh = Appointment.objects.get(pk=appointment.pk)
        history.record(fresh, Action.CORRECTED, by=by, at=now, account=account)
        expected = parent.wants_mail or parent.notifications.exists()
        ahead = fresh.state == State.CONFIRMED and now < fresh.start
        mailed = moved and bool(family.email) and expected and ahead
        # One whose address was given up with a lost key has had its mails planned, too.
        planned = bool(parent.email) or parent.notifications.filter(sequence=fresh.sequence).exists()
        if mailed and planned:
            notifications.plan_readdressed(fresh, now=now)
        elif mailed:
            notifications.plan_booked(fresh, zone=zone, now=now, tell_therapist=False)
        if moved:
            # What else failed, a cancellation say, failed for the address.
            notifications.try_again(parent.notifications.all(), now=now)
            outbox.wake()
    return mailed


def _hashes(family: Family) -> dict[str, str]:
    """Return by what the family is found; what no key reads stays as it is, and so does its hash."""
    hashes = {}
    if not isinstance(family.email, Unreadable):
        hashes["email_hash"] = email_hash(family.email) if family.email else ""
    if not isinstance(family.phone, Unreadable):
        hashes["phone_hash"] = phone_hash(family.phone)
    return hashes
