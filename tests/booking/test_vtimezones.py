"""A VTIMEZONE tells a calendar the same hours as the tz database does."""

from datetime import datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical

from booking.vtimezones import vtimezone


def test_amsterdam_is_two_yearly_rules_as_outlook_wants_them() -> None:
    lines = vtimezone(ZoneInfo("Europe/Amsterdam"), 2026).to_ical().decode().split("\r\n")

    assert lines == [
        "BEGIN:VTIMEZONE",
        "TZID:Europe/Amsterdam",
        "BEGIN:DAYLIGHT",
        "DTSTART:20250330T020000",
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
        "TZNAME:CEST",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "DTSTART:20251026T030000",
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
        "TZNAME:CET",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "END:STANDARD",
        "END:VTIMEZONE",
        "",
    ]


@pytest.mark.parametrize("year", [2026, 2027])
@pytest.mark.parametrize(
    "name",
    [
        "Europe/Amsterdam",
        "Europe/Dublin",
        "America/New_York",
        "America/Curacao",
        "Asia/Kolkata",
        "Africa/Casablanca",  # by the moon: no yearly rule
        "Asia/Jerusalem",  # the Friday before the last Sunday
        "Australia/Lord_Howe",  # half an hour, and summer over new year
    ],
)
def test_another_reader_finds_the_zone_s_own_offset_all_year(name: str, year: int) -> None:
    zone = ZoneInfo(name)
    text = f"BEGIN:VCALENDAR\n{vtimezone(zone, year).to_ical().decode()}END:VCALENDAR\n"
    read = tzical(StringIO(text.replace("\r\n", "\n"))).get()

    hours = [datetime(year, 1, 1) + timedelta(hours=hour) for hour in range(366 * 24)]  # noqa: DTZ001 - wall times
    # An hour that comes twice or never is read in more than one way.
    plain = [
        wall
        for wall in hours
        if wall.replace(tzinfo=zone).utcoffset() == wall.replace(tzinfo=zone, fold=1).utcoffset()
    ]
    assert [
        wall for wall in plain if wall.replace(tzinfo=zone).utcoffset() != wall.replace(tzinfo=read).utcoffset()
    ] == []
