"""What lies on a day of the agenda, in the words and classes of the page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from booking.agenda_days import Entry, What
from booking.intervals import Interval
from booking.models import Appointment, State, Therapist


@dataclass(frozen=True, slots=True)
class Item:
    """Something on a day: `classes` for its state and its place in a plan, `since` and `until` for when it is."""

    what: str
    classes: str
    since: str
    until: str = ""
    url: str = ""
    who: str = ""
    about: str = ""
    marks: list[str] = field(default_factory=list)


def item(entry: Entry, of_day: Interval, *, place: str = "", named: bool = False) -> Item:
    """Return `entry` of the local day `of_day` as it is shown, with the therapist's name where it is `named`."""
    (since, until), about = _words(entry.interval, of_day), _about(entry)
    about = f"{about}, {entry.therapist.name}" if named else about
    if appointment := entry.appointment:
        return Item(
            entry.what.value,
            f"item--{appointment.state} {place}",
            clock_at(appointment.start),
            f"–{clock_at(appointment.end)}",
            url=reverse("booking:agenda_appointment", args=[appointment.public_id]),
            who=_("erased") if appointment.erased_at else appointment.child_first_name,
            about=about,
            marks=_marks(entry, appointment),
        )
    url = _booking_address(entry.therapist, entry.interval) if entry.what == What.FREE else ""
    return Item(entry.what.value, place, since, until, url=url, about=about)


def _about(entry: Entry) -> str:
    if entry.appointment:
        return str(entry.appointment.appointment_type.name)
    return {
        What.HOLD: _("Held: someone is booking"),
        What.ELSEWHERE: _("Busy elsewhere"),
        What.FREE: _("Free: book"),
        What.TIME_OFF: f"{_('Away')}: {entry.reason}" if entry.reason else _("Away"),
    }[entry.what]


def _marks(entry: Entry, appointment: Appointment) -> list[str]:
    marks = []
    if appointment.state != State.CONFIRMED:
        marks.append(appointment.get_state_display())
    elif appointment.asked_to_move_at:
        marks.append(_("other time asked"))
    if entry.outside:
        marks.append(_("outside working hours"))
    return marks


def _booking_address(therapist: Therapist, free: Interval) -> str:
    """Return where the free time is booked by hand, from its beginning on."""
    start = timezone.localtime(free.start)
    query = {"therapist": therapist.slug, "day": f"{start:%Y-%m-%d}", "time": f"{start:%H:%M}"}
    return f"{reverse('booking:book_by_hand')}?{urlencode(query)}"


def with_now(
    items: list[Item], entries: Sequence[Entry], of_day: Interval, now: datetime, place: str
) -> list[Item]:
    """Return `items` with the present moment among them, where it is on this day."""
    if not of_day.start <= now < of_day.end:
        return items
    before = sum(entry.interval.start <= now for entry in entries)
    return [*items[:before], Item("now", place, clock_at(now)), *items[before:]]


def times_on(interval: Interval, of_day: Interval) -> str:
    """Return from and until when `interval` (UTC) is, as one says it of the local day `of_day`."""
    return "".join(_words(interval, of_day))


def _words(interval: Interval, of_day: Interval) -> tuple[str, str]:
    if interval.start <= of_day.start and interval.end >= of_day.end:
        return _("all day"), ""
    if interval.start <= of_day.start:
        return _("until %(time)s") % {"time": clock_at(interval.end)}, ""
    if interval.end >= of_day.end:
        return _("from %(time)s") % {"time": clock_at(interval.start)}, ""
    return clock_at(interval.start), f"–{clock_at(interval.end)}"


def clock_at(moment: datetime) -> str:
    """Return what the clock of the practice shows at `moment`."""
    return f"{timezone.localtime(moment):%H:%M}"
