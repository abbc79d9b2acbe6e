"""Calendar files from elsewhere: as Google, Outlook and Apple write them, and as somebody does who means harm."""

import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from booking import calendar_files
from booking.calendar_files import CalendarSpan, Doubted, UnreadableCalendar
from booking.models import Doubt, FetchFailure
from tests.booking.factories import AMSTERDAM

FILES = Path(__file__).parent / "calendars"
HOUR = ["DTSTART:20261026T090000Z", "DTEND:20261026T100000Z"]
MIDNIGHT = datetime(2026, 11, 1, tzinfo=UTC)
FIRST, LAST = date(2026, 10, 1), date(2027, 4, 30)


def read(content: bytes, first: date = FIRST, last: date = LAST, zone: ZoneInfo = AMSTERDAM) -> list[CalendarSpan]:
    return calendar_files.read(content, zone=zone, first=first, last=last).spans


def shown(spans: list[CalendarSpan], zone: ZoneInfo = AMSTERDAM) -> list[str]:
    """The spans as clocks show them, those that make busy."""
    local = [(span.start.astimezone(zone), span.end.astimezone(zone)) for span in spans if span.busy]
    return [f"{start:%a %d %b %H:%M} - {end:%d %b %H:%M}" for start, end in local]


def event(*lines: str) -> bytes:
    """A calendar with one event."""
    written = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:test",
        "BEGIN:VEVENT",
        "UID:1",
        "DTSTAMP:20261001T080000Z",
    ]
    return "\r\n".join([*written, *lines, "END:VEVENT", "END:VCALENDAR", ""]).encode()


def in_calendar(content: bytes, *lines: str) -> bytes:
    """The calendar `content` with `lines` before its end."""
    return content.replace(b"END:VCALENDAR", "\r\n".join([*lines, "END:VCALENDAR"]).encode())


def failure_of(content: bytes) -> FetchFailure:
    with pytest.raises(UnreadableCalendar) as refused:
        read(content)
    assert str(refused.value) == str(refused.value.failure.label)
    return refused.value.failure


def test_google_repeats_with_a_gap_and_an_exception_over_the_change_of_the_clock() -> None:
    spans = read((FILES / "google.ics").read_bytes(), last=date(2026, 11, 15))

    assert shown(spans) == [
        "Sun 18 Oct 19:00 - 18 Oct 20:00",
        "Sun 25 Oct 19:00 - 25 Oct 20:00",
        "Mon 02 Nov 13:00 - 02 Nov 14:30",
        "Sun 08 Nov 20:30 - 08 Nov 21:30",
        "Sun 15 Nov 19:00 - 15 Nov 20:00",
    ]
    assert [(span.summary, span.all_day) for span in spans if not span.busy] == [("Jarig", True)]
    assert "Koor, later" in {span.summary for span in spans}


def test_outlook_names_zones_in_its_own_way_and_says_what_leaves_her_free() -> None:
    spans = read((FILES / "outlook.ics").read_bytes(), last=date(2026, 12, 31))

    assert shown(spans)[:3] == [
        "Mon 19 Oct 09:00 - 19 Oct 10:30",
        "Mon 02 Nov 09:00 - 02 Nov 10:30",
        "Mon 16 Nov 09:00 - 16 Nov 10:30",
    ]
    assert "Mon 21 Dec 00:00 - 24 Dec 00:00" in shown(spans)
    assert [span.summary for span in spans if not span.busy] == ["Herinnering"]


def test_outlook_names_a_zone_without_describing_it() -> None:
    spans = read(event("DTSTART;TZID=W. Europe Standard Time:20261026T090000", "DURATION:PT1H"))

    assert shown(spans) == ["Mon 26 Oct 09:00 - 26 Oct 10:00"]


def test_apple_gives_durations_over_the_change_of_the_clock_and_times_without_a_zone() -> None:
    assert shown(read((FILES / "apple.ics").read_bytes())) == [
        "Fri 26 Mar 18:00 - 26 Mar 19:30",
        "Sat 27 Mar 18:00 - 27 Mar 19:30",
        "Sun 28 Mar 18:00 - 28 Mar 19:30",
        "Mon 29 Mar 18:00 - 29 Mar 19:30",
        "Thu 01 Apr 08:00 - 01 Apr 09:00",
    ]


def test_a_whole_day_is_that_of_the_practice() -> None:
    (span,) = read(event("DTSTART;VALUE=DATE:20261025"))

    assert span.all_day
    assert span.end - span.start == timedelta(hours=25)


def test_only_what_touches_the_days_asked_for_is_read() -> None:
    daily = event("DTSTART:20200101T100000Z", "DTEND:20200101T110000Z", "RRULE:FREQ=DAILY")

    assert len(read(daily, first=date(2026, 11, 1), last=date(2026, 11, 7))) == 7
    night = event("DTSTART:20261031T220000Z", "DTEND:20261101T020000Z")
    assert len(read(night, first=date(2026, 11, 1), last=date(2026, 11, 7))) == 1
    assert read(night, first=date(2026, 11, 2), last=date(2026, 11, 7)) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a calendar",
        b"<html><body>Sign in</body></html>",
        b"\x00\xff\xfe",
        b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:x\r\nEND:VCARD\r\n",
    ],
    ids=["empty", "words", "a page", "bytes", "a card"],
)
def test_what_is_no_calendar_is_said_to_be_none(content: bytes) -> None:
    assert failure_of(content) == FetchFailure.NOT_A_CALENDAR


def test_an_event_that_cannot_be_understood_is_named_and_loses_no_other() -> None:
    broken = event("SUMMARY:Koor", "DTSTART;TZID=Nowhere/Else:20261026T090000", "DURATION:PT1H")
    other = ["BEGIN:VEVENT", "UID:2", "DTSTART:20261130T080000Z", "DURATION:PT1H", "END:VEVENT"]
    file = calendar_files.read(in_calendar(broken, *other), zone=AMSTERDAM, first=FIRST, last=LAST)

    assert shown(file.spans) == ["Sun 25 Oct 20:00 - 26 Oct 23:00", "Mon 30 Nov 09:00 - 30 Nov 10:00"]
    assert [span.certain for span in file.spans] == [False, True]
    assert file.doubted == [Doubted(Doubt.ZONE, "Koor", date(2026, 10, 26), busy=True)]
    assert (file.events, file.whole) == (2, True)


def test_a_file_that_stops_halfway_says_so() -> None:
    file = calendar_files.read(event(*HOUR)[:-20], zone=AMSTERDAM, first=FIRST, last=LAST)

    assert not file.whole


def test_a_zone_does_not_matter_where_it_changes_nothing() -> None:
    whole_day = event("DTSTART;VALUE=DATE;TZID=Nowhere/Else:20261026")
    long_over = event("DTSTART;TZID=Nowhere/Else:20160111T090000", "DTEND;TZID=Nowhere/Else:20160111T100000")

    assert shown(read(whole_day)) == ["Mon 26 Oct 00:00 - 27 Oct 00:00"]
    assert read(long_over) == []


def test_a_zone_is_what_the_file_says_it_is() -> None:
    described = [
        "BEGIN:VTIMEZONE",
        "TZID:Home",
        "BEGIN:STANDARD",
        "DTSTART:16010101T000000",
        "TZOFFSETFROM:+0300",
        "TZOFFSETTO:+0300",
        "END:STANDARD",
        "END:VTIMEZONE",
    ]
    meeting = event("DTSTART;TZID=Home:20261026T090000", "DURATION:PT1H")

    assert shown(read(in_calendar(meeting, *described))) == ["Mon 26 Oct 07:00 - 26 Oct 08:00"]


def test_times_without_a_zone_are_in_that_of_the_calendar_if_it_has_one() -> None:
    floating = event("DTSTART:20261026T090000", "DURATION:PT1H")

    assert shown(read(floating)) == ["Mon 26 Oct 09:00 - 26 Oct 10:00"]
    for name in ("Asia/Tokyo", "Tokyo Standard Time"):
        assert shown(read(in_calendar(floating, f"X-WR-TIMEZONE:{name}"))) == ["Mon 26 Oct 01:00 - 26 Oct 02:00"]


def test_more_times_are_taken_as_they_are_listed() -> None:
    listed = event(
        *HOUR, "RDATE;VALUE=PERIOD:20261027T100000Z/PT2H", "RDATE;TZID=Europe/Amsterdam:20261029T100000"
    )

    assert shown(read(listed)) == [
        "Mon 26 Oct 10:00 - 26 Oct 11:00",
        "Tue 27 Oct 11:00 - 27 Oct 13:00",
        "Thu 29 Oct 10:00 - 29 Oct 11:00",
    ]


def test_one_time_of_a_series_that_was_called_off_is_free() -> None:
    series = event(*HOUR, "RRULE:FREQ=DAILY;COUNT=3")
    called_off = ["UID:1", "RECURRENCE-ID:20261027T090000Z", "DTSTART:20261027T090000Z", "STATUS:CANCELLED"]

    assert shown(read(in_calendar(series, "BEGIN:VEVENT", *called_off, "END:VEVENT"))) == [
        "Mon 26 Oct 10:00 - 26 Oct 11:00",
        "Wed 28 Oct 10:00 - 28 Oct 11:00",
    ]


def test_two_events_by_one_name_are_two() -> None:
    second = ["BEGIN:VEVENT", "UID:1", "DTSTART:20261027T090000Z", "DURATION:PT1H", "END:VEVENT"]

    assert len(read(in_calendar(event(*HOUR), *second))) == 2


@pytest.mark.parametrize(
    "written",
    [
        b"\xef\xbb\xbf" + event(*HOUR),
        event(*HOUR).replace(b"\r\n", b"\n"),
        event(*HOUR, "SUMMARY:x").replace(b":x", b":\xe9"),
    ],
    ids=["mark of order", "plain lines", "another encoding"],
)
def test_a_file_may_be_written_a_little_differently(written: bytes) -> None:
    assert shown(read(written)) == ["Mon 26 Oct 10:00 - 26 Oct 11:00"]


def test_ten_years_of_appointments_are_no_trouble() -> None:
    """What is over, and what is said about it, is most of such a file."""
    past = "".join(
        f"BEGIN:VEVENT\r\nUID:{number}\r\nDTSTART:20{16 + number % 10}0{1 + number % 9}11T100000Z\r\n"
        f"DTEND:20{16 + number % 10}0{1 + number % 9}11T110000Z\r\nDESCRIPTION:{'x' * 600}\r\nEND:VEVENT\r\n"
        for number in range(6000)
    ).encode()
    content = event(*HOUR).replace(b"BEGIN:VEVENT", past + b"BEGIN:VEVENT")
    assert 4 * 1024 * 1024 < len(content) < calendar_files.LARGEST

    assert shown(read(content)) == ["Mon 26 Oct 10:00 - 26 Oct 11:00"]


def test_fifty_megabytes_are_not_even_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("booking.calendar_files.subprocess.run")

    assert failure_of(b"x" * 50 * 1024 * 1024) == FetchFailure.TOO_LARGE


def every_second() -> bytes:
    return event("DTSTART:20260101T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY")


def list_without_end() -> bytes:
    dates = (f"{MIDNIGHT + timedelta(seconds=number):%Y%m%dT%H%M%SZ}" for number in range(200_000))
    return event(*HOUR, f"RDATE:{','.join(dates)}")


def boxes_in_boxes() -> bytes:
    boxes = b"BEGIN:X\r\n" * 200_000 + b"END:X\r\n" * 200_000
    return b"BEGIN:VCALENDAR\r\n" + boxes + b"END:VCALENDAR\r\n"


@pytest.mark.parametrize("content", [every_second, list_without_end, boxes_in_boxes])
def test_what_asks_for_endless_work_costs_the_other_events_nothing(content: Callable[[], bytes]) -> None:
    other = ["BEGIN:VEVENT", "UID:2", "DTSTART:20261130T080000Z", "DURATION:PT1H", "END:VEVENT"]

    assert "Mon 30 Nov 09:00 - 30 Nov 10:00" in shown(read(in_calendar(content(), *other)))


def series_without_number() -> bytes:
    events = (
        f"BEGIN:VEVENT\r\nUID:{number}\r\nDTSTART:19800101T100000Z\r\nRRULE:FREQ=DAILY;COUNT=30000\r\nEND:VEVENT\r\n"
        for number in range(2000)
    )
    return event(*HOUR).replace(b"BEGIN:VEVENT", "".join(events).encode() + b"BEGIN:VEVENT", 1)


def test_what_would_never_end_is_ended() -> None:
    assert failure_of(series_without_number()) == FetchFailure.TOO_MUCH


def test_what_takes_longer_than_it_may_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendar_files, "MOST_SECONDS", 1)
    monkeypatch.setattr("booking.calendar_files.LARGEST", 200 * 1024 * 1024)

    assert failure_of(b"BEGIN:VCALENDAR\r\n" + b"UID:x\r\n" * 20_000_000) == FetchFailure.TOO_MUCH


def test_a_thousand_years_of_days_are_no_trouble() -> None:
    ages = event("DTSTART:16010101T100000Z", "DTEND:16010101T110000Z", "RRULE:FREQ=DAILY;UNTIL=26010101T000000Z")

    assert len(read(ages, first=date(2026, 11, 1), last=date(2026, 11, 7))) == 7


def test_more_than_anyone_has_is_too_much() -> None:
    many = b"".join(
        event(f"DTSTART:2026{10 + number % 3}{1 + number % 28:02}T100000Z", "DURATION:PT1H")
        .split(b"DTSTAMP:20261001T080000Z\r\n")[1]
        .split(b"END:VEVENT")[0]
        .join([f"BEGIN:VEVENT\r\nUID:{number}\r\n".encode(), b"END:VEVENT\r\n"])
        for number in range(calendar_files.MOST_SPANS + 1)
    )

    assert failure_of(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:t\r\n" + many + b"END:VCALENDAR\r\n") == (
        FetchFailure.TOO_MUCH
    )


def test_the_reader_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process starts without our environment, so not even a hole in a parser could give the keys away."""
    seen: dict[str, dict[str, str]] = {}
    run = subprocess.run

    def watched(*args: Any, **kwargs: Any) -> Any:
        seen.update(kwargs)
        return run(*args, **kwargs)

    monkeypatch.setattr("booking.calendar_files.subprocess.run", watched)
    read(event("DTSTART:20261026T090000Z", "DURATION:PT1H"))

    assert set(seen["env"]) == {"PATH", "PYTHONIOENCODING"}
