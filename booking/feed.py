"""The therapist's appointments as a calendar that her own programs subscribe to (RFC 5545, RFC 7986).

Its address is the only key to it, so it can be renewed and switched off, and says no more of a family than she
chose: a calendar is shown on many screens, and often kept by someone else.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F
from django.utils.translation import gettext as _
from icalendar import Calendar, Event, vDuration, vUri

from booking import links
from booking.models import Appointment, FeedDetail, Parent, Therapist
from booking.vtimezones import vtimezone
from practice.models import Practice
from practice.translations import speaking

# What was stays in sight for as long as a therapist may look for it.
DAYS_BACK = timedelta(days=30)
# How often a calendar program is asked to come back (RFC 7986 §5.7).
REFRESH = timedelta(minutes=30)


def feed(therapist: Therapist, practice: Practice, *, now: datetime) -> bytes:
    """Return the calendar of `therapist` from 30 days before `now` (UTC) on, in her language."""
    with speaking(therapist.language):
        calendar = Calendar()
        calendar.add("prodid", "-//Kennismaking//Feed//EN")
        calendar.add("version", "2.0")
        calendar.add("calscale", "GREGORIAN")
        calendar.add("name", practice.name)
        calendar.add("x-wr-calname", practice.name)
        calendar.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
        calendar.add("x-published-ttl", vDuration(REFRESH))
        appointments = _appointments(therapist, now)
        for appointment in appointments:
            calendar.add_component(_event(appointment, FeedDetail(therapist.feed_detail)))
        if not appointments:
            # RFC 5545 §3.6: a calendar has one component at least, and some programs refuse one without.
            calendar.add_component(vtimezone(practice.zone, now.astimezone(practice.zone).year))
        content: bytes = calendar.to_ical()
        return content


def turn_on(therapist: Therapist, detail: FeedDetail) -> None:
    """Give `therapist` a feed that tells `detail`; an address that she has already stays good."""
    Therapist.objects.filter(pk=therapist.pk).update(feed_on=True, feed_detail=detail)
    therapist.refresh_from_db(fields=["feed_on", "feed_detail"])


def turn_off(therapist: Therapist) -> None:
    """Switch the feed of `therapist` off; its address is dead for good."""
    Therapist.objects.filter(pk=therapist.pk).update(feed_on=False, feed_version=F("feed_version") + 1)
    therapist.refresh_from_db(fields=["feed_on", "feed_version"])


def renew(therapist: Therapist) -> None:
    """Give the feed of `therapist` another address; the one before is dead."""
    Therapist.objects.filter(pk=therapist.pk, feed_on=True).update(feed_version=F("feed_version") + 1)
    therapist.refresh_from_db(fields=["feed_version"])


def _appointments(therapist: Therapist, now: datetime) -> list[Appointment]:
    coming = Appointment.objects.live().filter(therapist=therapist, start__gte=now - DAYS_BACK)
    return list(
        coming.select_related("appointment_type", "therapist").prefetch_related("parents").order_by("start")
    )


def _event(appointment: Appointment, detail: FeedDetail) -> Event:
    event = Event()
    # Another one than the family's own entry has: a therapist who opens its invitation must not mix up the two.
    event.add("uid", f"{appointment.public_id}-feed@{urlsplit(settings.BASE_URL).hostname}")
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", appointment.changed_at.astimezone(UTC))
    event.add("created", appointment.created_at.astimezone(UTC))
    event.add("last-modified", appointment.changed_at.astimezone(UTC))
    event.add("dtstart", appointment.start.astimezone(UTC))
    event.add("dtend", appointment.end.astimezone(UTC))
    event.add("status", "TENTATIVE" if appointment.awaits_other_time else "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add("class", "PRIVATE")
    event.add("summary", _summary(appointment, detail))
    event.add("url", vUri(links.agenda_url(appointment)))
    return event


def _summary(appointment: Appointment, detail: FeedDetail) -> str:
    child = appointment.child_first_name
    if detail == FeedDetail.NOTHING or not child:
        return _("Appointment")
    if detail == FeedDetail.INITIALS:
        return f"{appointment.appointment_type} ({child[0]}.)"
    return ", ".join([f"{appointment.appointment_type}: {child}", *map(_reached, appointment.parents.all())])


def _reached(parent: Parent) -> str:
    return f"{parent.name} ({parent.phone})"
