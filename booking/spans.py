"""Spans of time as people read them."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from booking.intervals import Interval


def in_words(interval: Interval, zone: ZoneInfo) -> str:
    """Return `interval` (UTC) in words on the clocks of `zone`, whole days as days."""
    start, end = interval.start.astimezone(zone), interval.end.astimezone(zone)
    if start.time() == end.time() == time():
        first, last = date_format(start, _("l j F Y")), date_format(end - timedelta(days=1), _("l j F Y"))
        return first if first == last else f"{first} – {last}"
    same_day = (end - timedelta(microseconds=1)).date() == start.date()
    until = date_format(end, _("H:i") if same_day else _("l j F Y, H:i"))
    return f"{date_format(start, _('l j F Y, H:i'))} – {until}"
