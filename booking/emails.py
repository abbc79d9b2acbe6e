"""What a notification says: subject, text and HTML, in its recipient's language and on the practice's clock.

Nothing about the family stands in any mail: an address may be mistyped, and mail is read on shared screens.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import format_datetime, formataddr, parseaddr
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template import Context, Engine
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from booking import invitations, links, notifications
from booking.models import (
    Action,
    Actor,
    Appointment,
    Kind,
    Notification,
    NotificationState,
    Parent,
    Therapist,
    Unconfirmed,
)
from practice.links import absolute
from practice.mail_addresses import deliverable
from practice.models import Practice
from practice.translations import speaking

_METHODS: dict[str, invitations.Method] = {
    Kind.CONFIRMATION: "REQUEST",
    Kind.MOVED: "REQUEST",
    Kind.CANCELLED: "CANCEL",
    Kind.ASK_WITHDRAWN: "REQUEST",
}
# By which mail the family hears of what a therapist's mail tells, where it is another one.
_TOLD_BY: dict[str, Kind] = {Kind.NEW_BOOKING: Kind.CONFIRMATION}
_PREHEADER = re.compile(r'<div class="preheader"[^<>]*+>([^<]*+)</div>')
_BETWEEN_PARAGRAPHS = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Beside:
    """What a mail tells besides its notification: who did it, when it was before its last move (UTC), whether the
    family is told too, what else the therapist has that day, and who left where a manager reads it instead."""

    by_practice: bool = False
    was: datetime | None = None
    family_told: bool = False
    others: Sequence[Appointment] = ()
    who_left: str = ""


def compose(
    notification: Notification, practice: Practice | None = None, *, now: datetime, beside: Beside | None = None
) -> EmailMultiAlternatives:
    """Return the mail that `notification` stands for, not yet sent; `now` (UTC) is its date, and
    `practice` the practice where it was just read. What stands beside it is read from the tables unless given.

    Raises ValidationError where the recipient's or the practice's address is none, an erased one included.
    """
    practice = practice or Practice.load()
    beside = beside or _beside(notification, practice.zone)
    recipient = notification.parent or notification.therapist or notification.unconfirmed
    assert recipient is not None
    to = recipient.email
    if notification.kind == Kind.PASSWORD_LINK:
        # Her notices may go elsewhere: whoever reads them need not be who signs in.
        assert notification.therapist is not None
        assert notification.therapist.user is not None
        to = notification.therapist.user.email
    # What was kept before addresses had one spelling gets it here: Django would encode its domain as in 2003.
    to = deliverable(to)
    for address in (to, deliverable(practice.email)):
        validate_email(address)
    with speaking(recipient.language), timezone.override(practice.zone):
        context = {
            "practice": practice,
            "language": get_language(),
            "to_therapist": notification.therapist is not None,
            **_about(notification, practice, beside, now),
        }
        template = f"emails/{'therapist/' if notification.therapist else ''}{_said_as(notification)}"
        message = EmailMultiAlternatives(
            subject=_header(_render(f"{template}.subject.txt", context)),
            body=_paragraphs(_render(f"{template}.txt", context)),
            from_email=sender(practice),
            to=[to],
            reply_to=[_address_of(practice)],
            headers={
                "Message-ID": notification.message_id,
                "Date": format_datetime(now.astimezone(practice.zone)),
                # RFC 3834 §5: no out-of-office reply is owed to this.
                "Auto-Submitted": "auto-generated",
            },
        )
        message.attach_alternative(_render(f"{template}.html", context), "text/html")
    if notification.parent and notification.kind in _METHODS:
        _invite(message, notification, notification.parent, practice, now)
    return message


def sender(practice: Practice) -> str:
    """Return from whom mails come, name and address: FROM_EMAIL, or else the practice itself."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((name, deliverable(address))) if address else _address_of(practice)


def html(message: EmailMultiAlternatives) -> str:
    """Return the HTML of `message`."""
    return next(str(content) for content, kind in message.alternatives if kind == "text/html")


def preheader(message: EmailMultiAlternatives) -> str:
    """Return what mail programs show of `message` beside its subject, and nowhere else."""
    found = _PREHEADER.search(html(message))
    assert found is not None
    return unescape(found[1]).strip()


def _said_as(notification: Notification) -> str:
    """Return the name of the templates of `notification`: to a family that was asked to choose another time, a
    reminder repeats that, and does not say that the old one is near; nor does news of a move that went before say
    that the new moment holds."""
    appointment = notification.appointment
    if appointment and notification.parent and appointment.awaits_other_time:
        instead = {Kind.REMINDER: Kind.ASK_TO_MOVE, Kind.MOVED: Kind.CONFIRMATION}
        return instead.get(Kind(notification.kind), Kind(notification.kind)).value
    return notification.kind


def _beside(notification: Notification, zone: ZoneInfo) -> Beside:
    """Read what stands beside `notification` in the tables."""
    appointment, therapist = notification.appointment, notification.therapist
    if therapist and notification.local_day:
        return Beside(others=list(notifications.appointments_on(therapist, notification.local_day, zone)))
    if not appointment:
        return Beside()
    if not therapist:
        return Beside(was=_known_before(appointment, notification) if notification.kind == Kind.MOVED else None)
    deed = notifications.deed_told_by(notification)
    told = appointment.notifications.filter(
        kind=_TOLD_BY.get(notification.kind, notification.kind),
        sequence=notification.sequence,
        parent__isnull=False,
    )
    day = appointment.start.astimezone(zone).date()
    others = notifications.appointments_on(therapist, day, zone).exclude(pk=appointment.pk)
    passed_on = therapist.pk != appointment.therapist_id and appointment.therapist.has_left
    return Beside(
        by_practice=deed is not None and deed.actor == Actor.THERAPIST,
        was=_was(appointment),
        family_told=told.exists(),
        others=[] if passed_on else list(others),
        who_left=appointment.therapist.name if passed_on else "",
    )


def _known_before(appointment: Appointment, notification: Notification) -> datetime | None:
    """Return the moment (UTC) of `appointment` that the parent of the mail `notification` knows, for it may have
    moved more than once before a mail went out: the last one that was mailed, or agreed upon without any mail.
    None where it is back there."""
    moves = appointment.history.filter(action=Action.MOVED, start_before__isnull=False).order_by("pk")
    left = list(moves.values_list("start_before", flat=True))
    # A move's number is the sequence that it left; the mails about getting there have the same.
    told = appointment.notifications.filter(kind__in=[Kind.MOVED, Kind.CONFIRMATION], parent=notification.parent)
    mails = list(told.values_list("sequence", "state", "kind"))
    heard = {sequence for sequence, state, _kind in mails if state == NotificationState.SENT}
    unheard = {sequence for sequence, _state, kind in mails if kind == Kind.MOVED} - heard
    known = next((start for sequence, start in reversed([*enumerate(left)]) if sequence not in unheard), None)
    return known if known != appointment.start else None


def _was(appointment: Appointment) -> datetime | None:
    """Return the moment (UTC) at which `appointment` stood before its last move; None where it never moved."""
    moved = appointment.history.filter(action=Action.MOVED, start_before__isnull=False).last()
    return moved.start_before if moved else None


def _about(notification: Notification, practice: Practice, beside: Beside, now: datetime) -> dict[str, Any]:
    """Return what the templates of `notification` say, ready to be shown."""
    if notification.therapist and notification.local_day:
        return _about_day(notification.local_day, beside.others, practice.zone)
    if notification.therapist and notification.kind == Kind.PASSWORD_LINK:
        return _about_password(notification.therapist, practice.zone, now)
    if notification.unconfirmed:
        return _about_unconfirmed(notification.unconfirmed, practice.zone, now)
    if notification.therapist and notification.kind == Kind.MANY_BOOKINGS:
        return _about_many_bookings(notification, practice.zone)
    appointment = notification.appointment
    assert appointment is not None
    was = {"was": _day_and_time(beside.was.astimezone(practice.zone)) if beside.was else ""}
    if notification.parent:
        repeated = {"repeated": notification.kind == Kind.REMINDER}
        return _about_parents(appointment, notification.parent, practice, now) | was | repeated
    with_colleague = notification.therapist_id != appointment.therapist_id and not beside.who_left
    return {
        **_about_therapists(appointment, practice.zone),
        **was,
        # What is a colleague's she may not look at.
        **({"url": absolute(reverse("booking:agenda"))} if with_colleague else {}),
        "colleague": appointment.therapist.name if with_colleague else "",
        "by_practice": beside.by_practice,
        "family_told": beside.family_told,
        "neighbours": [_about_therapists(other, practice.zone) for other in beside.others],
        "who_left": beside.who_left,
    }


def _about_appointment(appointment: Appointment, zone: ZoneInfo) -> dict[str, Any]:
    start, end = appointment.start.astimezone(zone), appointment.end.astimezone(zone)
    return {
        "type": appointment.appointment_type,
        "day": _day(start),
        "start": _time(start),
        "end": _time(end),
        "city": _city(zone),
    }


def _about_unconfirmed(unconfirmed: Unconfirmed, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    start = unconfirmed.start.astimezone(zone)
    return {
        "day": _day(start),
        "start": _time(start),
        "city": _city(zone),
        "kept": unconfirmed.kept,
        # The mail goes out now, and the time to answer runs from here.
        "until": _time(unconfirmed.until(now).astimezone(zone)),
        "url": links.confirm_url(unconfirmed),
    }


def _about_many_bookings(notification: Notification, zone: ZoneInfo) -> dict[str, Any]:
    until = notification.due_at.astimezone(zone)
    return {
        "day": _day(until),
        "since": _time(until - notifications.BUSY_SPAN),
        "until": _time(until),
        "city": _city(zone),
        "url": links.many_bookings_url(notification),
    }


def _about_therapists(appointment: Appointment, zone: ZoneInfo) -> dict[str, Any]:
    return {
        **_about_appointment(appointment, zone),
        "place": capfirst(appointment.get_place_display()),
        "asked": appointment.awaits_other_time,
        "url": links.agenda_url(appointment),
    }


def _about_password(therapist: Therapist, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    until = (now + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)).astimezone(zone)
    return {"url": links.password_url(therapist), "until": _day_and_time(until), "city": _city(zone)}


def _about_parents(appointment: Appointment, parent: Parent, practice: Practice, now: datetime) -> dict[str, Any]:
    until = appointment.can_change_until.astimezone(practice.zone)
    return {
        **_about_appointment(appointment, practice.zone),
        "therapist": appointment.therapist,
        "place": invitations.place(appointment, practice),
        "comes_by": appointment.place,
        "url": links.manage_url(parent),
        "reschedule_url": links.reschedule_url(parent),
        "choose_url": f"{absolute(reverse('booking:choose'))}?type={appointment.appointment_type.slug}",
        "can_change": now <= appointment.can_change_until,
        "asked": appointment.awaits_other_time,
        "until_day": date_format(until, _("l j F")),
        "until_time": _time(until),
        "cancelled_by_practice": appointment.cancelled_by == Actor.THERAPIST,
        "erasing": appointment.erase_requested_at is not None,
        "erased_on": date_format(appointment.erased_on(practice.zone), _("j F Y")),
    }


def _about_day(day: date, appointments: Sequence[Appointment], zone: ZoneInfo) -> dict[str, Any]:
    return {
        "day": _day(day),
        "city": _city(zone),
        "appointments": [_about_therapists(appointment, zone) for appointment in appointments],
        "url": absolute(reverse("booking:agenda")),
    }


def _invite(
    message: EmailMultiAlternatives,
    notification: Notification,
    parent: Parent,
    practice: Practice,
    now: datetime,
) -> None:
    """Put the invitation into `message` twice: for mail programs that read it, and as a file for all others."""
    assert notification.appointment is not None
    method = _METHODS[notification.kind]
    content = invitations.invitation(notification.appointment, parent, practice, method=method, now=now)
    # MIMEText adds the charset. The method must be the calendar's own (RFC 6047 §2.4).
    message.attach_alternative(content.decode(), f"text/calendar; method={method}")
    # Not text/*, which mail servers may re-wrap: base64 keeps each byte.
    message.attach(invitations.FILE_NAME, content, "application/ics")


def _render(name: str, context: dict[str, Any]) -> str:
    template = Engine.get_default().get_template(name)
    return template.render(Context(context, autoescape=name.endswith(".html")))


def _paragraphs(text: str) -> str:
    """Return `text` with one empty line where the tags of a template left several."""
    return _BETWEEN_PARAGRAPHS.sub("\n\n", text).strip() + "\n"


def _address_of(practice: Practice) -> str:
    return formataddr((_header(practice.name), deliverable(practice.email)))


def _header(text: str) -> str:
    """Return `text` as one line of a mail's head, in which no reader finds an encoded word (RFC 2047 §2)."""
    return " ".join(text.split()).replace("=?", "= ?")


def _day(day: date) -> str:
    return date_format(day, _("l j F Y"))


def _time(moment: datetime) -> str:
    return date_format(moment, _("H:i"))


def _day_and_time(moment: datetime) -> str:
    return f"{_day(moment)}, {_time(moment)}"


def _city(zone: ZoneInfo) -> str:
    """Return the name by which a reader knows `zone`: the city that the tz database calls it after."""
    return zone.key.rpartition("/")[2].replace("_", " ")
