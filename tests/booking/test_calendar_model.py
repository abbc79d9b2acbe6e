"""Invented calendars, read by ours and by an independent reader: what that one calls busy is closed."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from booking import calendar_reader
from booking.calendar_reader import Contents
from tests.booking.calendar_model import busy_minutes

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
FILES = Path(__file__).parent / "calendars"
# The clock goes back on 25 October 2026, and forward on 28 March 2027.
WINDOWS = [(date(2026, 10, 12), date(2026, 11, 12)), (date(2027, 3, 15), date(2027, 4, 15))]
# As clocks show them.
STARTS = datetime(2018, 1, 1), datetime(2027, 5, 1)  # noqa: DTZ001
UNTILS = datetime(2026, 10, 1), datetime(2027, 4, 30)  # noqa: DTZ001
# Where a clock changes, an event may take what it takes by either.
CHANGES = [datetime(*day, tzinfo=UTC) for day in [(2026, 10, 25), (2026, 11, 1), (2027, 3, 14), (2027, 3, 28)]]
NEAR = timedelta(hours=72)
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


def some(choices: list[str], most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(choices), min_size=1, max_size=most, unique=True).map(",".join)


ORDINAL_DAYS = [f"{number}{day}" for number in (1, 2, 4, -1, -2) for day in WEEKDAYS]
MONTH_DAYS = ["1", "13", "28", "-1", "-3", "-28"]
MONTHS = ["3", "4", "10", "11"]
BY = {
    "DAILY": [("BYDAY", some(WEEKDAYS)), ("BYMONTH", some(MONTHS)), ("BYMONTHDAY", some(MONTH_DAYS))],
    "WEEKLY": [("BYDAY", some(WEEKDAYS)), ("BYMONTH", some(MONTHS))],
    "MONTHLY": [
        ("BYDAY", st.one_of(some(WEEKDAYS), some(ORDINAL_DAYS))),
        ("BYMONTHDAY", some(MONTH_DAYS)),
        ("BYMONTH", some(MONTHS)),
    ],
    "YEARLY": [
        ("BYDAY", st.one_of(some(WEEKDAYS), some(ORDINAL_DAYS))),
        ("BYMONTH", some(MONTHS)),
        ("BYMONTHDAY", some(MONTH_DAYS)),
        ("BYYEARDAY", some(["1", "80", "95", "290", "310", "-60", "-70"])),
        ("BYWEEKNO", some(["12", "15", "42", "45", "-9"])),
    ],
}


@st.composite
def rules(draw: st.DrawFn, written: str, start: datetime) -> str:
    whole_day, zoned = written == "day", written not in {"utc", "floating"}
    frequency = draw(st.sampled_from(list(BY)))
    parts = [f"FREQ={frequency}"]
    chosen = draw(st.lists(st.sampled_from(BY[frequency]), max_size=2, unique_by=lambda pair: pair[0]))
    # With both, dateutil looks up to the year 9999 for what hardly ever comes.
    chosen = chosen[:1] if {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"} & {name for name, _values in chosen} else chosen
    values: dict[str, str] = {name: draw(strategy) for name, strategy in chosen}
    if "BYWEEKNO" in values:
        values["BYDAY"] = draw(some(WEEKDAYS))
    if frequency == "YEARLY" and "BYDAY" in values and "BYWEEKNO" not in values:
        values["BYMONTH"] = draw(some(MONTHS))
    parts += [f"{name}={value}" for name, value in values.items()]
    if draw(st.booleans()) and values:
        parts.append(f"BYSETPOS={draw(some(['1', '2', '-1']))}")
    if not {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"} & values.keys() and draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 3))}")
    if draw(st.booleans()):
        parts.append(f"WKST={draw(st.sampled_from(WEEKDAYS))}")
    ends = draw(st.sampled_from(["never", "count", "day", "utc", "wall"]))
    # Half of them at the very moment of a last time.
    at = draw(st.datetimes(*UNTILS))
    at = datetime.combine(at, start.time()) if draw(st.booleans()) else at
    if ends == "count":
        parts.append(f"COUNT={draw(st.integers(1, 200))}")
    elif ends == "day":
        parts.append(f"UNTIL={at:%Y%m%d}")
    elif ends == "utc" and whole_day:
        # As Exchange does: the midnight where she is.
        midnight = datetime(at.year, at.month, at.day, tzinfo=AMSTERDAM).astimezone(UTC)
        parts.append(f"UNTIL={midnight:%Y%m%dT%H%M%SZ}")
    elif ends == "utc" and zoned:
        parts.append(f"UNTIL={at.replace(tzinfo=ZoneInfo(written)).astimezone(UTC):%Y%m%dT%H%M%SZ}")
    elif ends == "utc" or (ends == "wall" and not zoned):
        parts.append(f"UNTIL={at:%Y%m%dT%H%M%SZ}")
    elif ends == "wall":
        parts.append(f"UNTIL={at:%Y%m%d}" if whole_day else f"UNTIL={at:%Y%m%dT%H%M%S}")
    return ";".join(parts)


def stamp(name: str, value: datetime, written: str) -> str:
    match written:
        case "day":
            return f"{name};VALUE=DATE:{value:%Y%m%d}"
        case "utc":
            return f"{name}:{value:%Y%m%dT%H%M%SZ}"
        case "floating":
            return f"{name}:{value:%Y%m%dT%H%M%S}"
        case _:
            return f"{name};TZID={written}:{value:%Y%m%dT%H%M%S}"


@st.composite
def events(draw: st.DrawFn, uid: int) -> list[str]:
    written = draw(
        st.sampled_from(["day", "utc", "floating", "Europe/Amsterdam", "America/New_York", "Asia/Tokyo"])
    )
    step = timedelta(minutes=draw(st.integers(0, 95)) * 15)
    start = draw(st.datetimes(*STARTS))
    start = start.replace(hour=0, minute=0, second=0, microsecond=0) + step
    length = timedelta(minutes=draw(st.sampled_from([15, 60, 90, 600, 3000])))
    if written == "day":
        length = timedelta(days=draw(st.integers(1, 3)))
    lines = [f"UID:{uid}", stamp("DTSTART", start, written)]
    if draw(st.booleans()):
        lines.append(stamp("DTEND", start + length, written))
    else:
        lines.append(
            f"DURATION:P{length.days}DT{length.seconds // 60}M"
            if written != "day"
            else f"DURATION:P{length.days}D"
        )
    series = draw(st.booleans())
    if series:
        lines.append(f"RRULE:{draw(rules(written, start))}")
    lines += draw(st.sampled_from([[], [], ["TRANSP:TRANSPARENT"], ["STATUS:CANCELLED"], ["TRANSP:OPAQUE"]]))
    found = [lines]
    if series:
        first, last = WINDOWS[0][0], WINDOWS[1][1]
        for _each in range(draw(st.integers(0, 2))):
            day = draw(st.dates(first, last))
            lines.append(stamp("EXDATE", datetime.combine(day, start.time()), written))
        at = {draw(st.dates(first, last)) for _each in range(draw(st.integers(0, 2)))}
        for day in at:
            wall = datetime.combine(day, start.time())
            moved = wall + timedelta(minutes=draw(st.integers(-96, 96)) * 15)
            to = stamp("DTSTART", moved, written)
            cancelled = draw(st.sampled_from([[], [], ["STATUS:CANCELLED"]]))
            found.append(
                [
                    f"UID:{uid}",
                    stamp("RECURRENCE-ID", wall, written),
                    to,
                    lines[2].replace("DTEND", "X-END"),
                    *cancelled,
                ]
            )
            if lines[2].startswith("DTEND"):
                found[-1].append(stamp("DTEND", moved + length, written))
    return [line for event in found for line in ["BEGIN:VEVENT", *event, "END:VEVENT"]]


@st.composite
def calendars(draw: st.DrawFn) -> bytes:
    lines = [line for uid in range(draw(st.integers(1, 3))) for line in draw(events(uid))]
    text = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:test", *lines, "END:VCALENDAR", ""])
    return text.encode()


def minutes(contents: Contents) -> set[int]:
    found: set[int] = set()
    for span in contents.spans:
        if span.busy:
            start, end = (int(moment.replace(tzinfo=UTC).timestamp()) for moment in (span.start, span.end))
            found.update(range(start // 60, -(end // -60)))
    return found


@seed(13)
@settings(
    max_examples=250, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(calendars(), st.sampled_from(WINDOWS))
def test_what_another_reader_calls_busy_is_closed(content: bytes, window: tuple[date, date]) -> None:
    first, last = window
    contents = calendar_reader.read(content, AMSTERDAM, first, last, most=100_000)

    theirs, ours = busy_minutes(content, AMSTERDAM, first, last), minutes(contents)
    assert theirs <= ours
    inside = range(*(int(datetime(*day.timetuple()[:3], tzinfo=UTC).timestamp()) // 60 for day in window))
    near = [int(change.timestamp()) for change in CHANGES]
    too_much = (minute for minute in ours - theirs if minute in inside)
    assert not [
        each for each in too_much if all(abs(each * 60 - change) > NEAR.total_seconds() for change in near)
    ]
    assert not any(span.doubts for span in contents.spans)


@pytest.mark.parametrize("name", ["google", "outlook", "apple", "icloud", "proton", "teamup"])
def test_of_real_programs_no_more_is_closed_than_another_reader_calls_busy(name: str) -> None:
    content = (FILES / f"{name}.ics").read_bytes()
    first, last = date(2026, 10, 1), date(2027, 4, 25)
    ours = minutes(calendar_reader.read(content, AMSTERDAM, first, last, most=5000))

    assert ours == busy_minutes(content, AMSTERDAM, first, last)
