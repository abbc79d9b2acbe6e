"""The appointment as calendars read it (RFC 5545, RFC 5546), for parents; the therapist has the feed.

The UID stays the same for the appointment's life and SEQUENCE rises with each change, so that a calendar
updates its own entry on a move and takes it away on a cancellation.
"""

from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from icalendar import Calendar, Event, vCalAddress, vUri

from booking import links
from booking.models import Appointment, Parent, Place, State
from booking.vtimezones import vtimezone
from practice.mail_addresses import deliverable
from practice.models import Practice
from practice.translations import speaking

Method = Literal["REQUEST", "CANCEL"]
FILE_NAME = "afspraak.ics"


def invitation(
    appointment: Appointment, parent: Parent, practice: Practice, *, method: Method, now: datetime
) -> bytes:
    """Return the invitation that a mail to `parent` carries, in the parent's language.

    REQUEST makes or updates the calendar's entry, CANCEL takes it away (RFC 5546 §3.2.2 and §3.2.5).
    `now` is the moment (UTC) at which it is made.
    """
    status = "CANCELLED" if method == "CANCEL" else _status(appointment)
    with speaking(parent.language):
        event = _event(appointment, parent, practice, status, now)
        # Nothing is to be answered: an answer would reach the practice's mail, and change nothing there.
        attendee = _address(parent.email)
        attendee.params.update({"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "ACCEPTED", "RSVP": "FALSE"})
        event.add("attendee", attendee)
        return _calendar(event, appointment, practice.zone, method)


def calendar_file(appointment: Appointment, parent: Parent, practice: Practice, *, now: datetime) -> bytes:
    """Return the appointment as a file that `parent` downloads, in the parent's language.

    METHOD:PUBLISH, since the parent opens it on purpose: with REQUEST, Outlook would offer to accept or decline,
    and without any method it reads PUBLISH all the same. PUBLISH allows no ATTENDEE (RFC 5546 §3.2.1). With the
    same UID as the mail's invitation it adds no second entry.
    """
    status = "CANCELLED" if appointment.state == State.CANCELLED else _status(appointment)
    with speaking(parent.language):
        event = _event(appointment, parent, practice, status, now)
        return _calendar(event, appointment, practice.zone, "PUBLISH")


def place(appointment: Appointment, practice: Practice) -> str:
    """Return where the appointment is, as one line in the language of the moment."""
    if appointment.place == Place.PHONE:
        return _("By phone: the practice calls you.")
    if appointment.place == Place.VIDEO:
        return appointment.appointment_type.video_url or _("By video: the practice sends you the link.")
    return f"{practice.name}, {practice.street}, {practice.postal_code} {practice.city}"


def _status(appointment: Appointment) -> str:
    """Return what the entry of an appointment that is not cancelled says of itself (RFC 5545 §3.8.1.11): one for
    which the family was asked to choose another time is not certain."""
    return "TENTATIVE" if appointment.awaits_other_time else "CONFIRMED"


def _calendar(event: Event, appointment: Appointment, zone: ZoneInfo, method: str) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", "-//Kennismaking//Appointments//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(vtimezone(zone, appointment.start.astimezone(zone).year))
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def _event(appointment: Appointment, parent: Parent, practice: Practice, status: str, now: datetime) -> Event:
    url = links.manage_url(parent)
    organizer = _address(practice.email)
    organizer.params["CN"] = practice.name
    event = Event()
    event.add("uid", f"{appointment.public_id}@{urlsplit(settings.BASE_URL).hostname}")
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", now.astimezone(UTC))
    event.add("created", appointment.created_at.astimezone(UTC))
    event.add("last-modified", appointment.changed_at.astimezone(UTC))
    event.add("dtstart", _moment(appointment.start, practice.zone))
    event.add("dtend", _moment(appointment.end, practice.zone))
    event.add("status", status)
    event.add("transp", "TRANSPARENT" if status == "CANCELLED" else "OPAQUE")
    # A calendar may be shared with colleagues: they see that the time is taken, and neither where nor the link.
    event.add("class", "PRIVATE")
    event.add("organizer", organizer)
    event.add("summary", _("Appointment: %(practice)s") % {"practice": practice.name})
    event.add("location", place(appointment, practice))
    event.add("description", _description(appointment, practice, url if status != "CANCELLED" else ""))
    event.add("url", vUri(url))
    return event


def _description(appointment: Appointment, practice: Practice, url: str) -> str:
    """Return what the entry says; `url` is empty where there is nothing left to move or cancel."""
    links_and_warning = [
        _("Move or cancel:"),
        url,
        "",
        _("Declining or deleting this in your calendar cancels nothing. Please use the link."),
    ]
    asked = [_("The practice asked you to choose another moment. Please do not count on this one."), ""]
    lines = [
        str(appointment.appointment_type),
        "",
        *(asked if appointment.awaits_other_time else []),
        *(links_and_warning if url else []),
    ]
    return "\n".join([*lines, f"{practice.name}, {practice.phone_shown}"])


def _moment(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return `moment` in `zone`, or in UTC where its reading comes a second time: with a TZID that always means
    the first (RFC 5545 §3.3.5), and 02:30 to 02:30 in the night of the change would last no time at all."""
    local = moment.astimezone(zone)
    return moment.astimezone(UTC) if local.fold else local


def _address(email: str) -> vCalAddress:
    # As the mail itself is addressed: calendars look for the recipient's own address.
    # Left as they are: the characters that RFC 6068 §2 allows there.
    return vCalAddress("mailto:" + quote(deliverable(email), safe="!$'()*+,;:@"))
