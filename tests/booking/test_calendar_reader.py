"""What a calendar file closes: what is well written exactly, and what cannot be understood more, never less.

Files are read in this very process here; test_calendar_files.py has them read by the child.
"""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from booking import calendar_reader
from booking.calendar_reader import Contents, Span

FILES = Path(__file__).parent / "calendars"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
FIRST, LAST = date(2026, 10, 1), date(2027, 4, 30)
SERIES = ["UID:s", "DTSTART;TZID=Europe/Amsterdam:20261102T090000", "DURATION:PT1H"]
EVERYTHING = "Thu 01 Oct 00:00 - 01 May 00:00"


def calendar(*lines: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:test", *lines, "END:VCALENDAR", ""]).encode()


def event(*lines: str) -> list[str]:
    return ["BEGIN:VEVENT", "SUMMARY:Koor", *lines, "END:VEVENT"]


def read(content: bytes, first: date = FIRST, last: date = LAST, zone: ZoneInfo = AMSTERDAM) -> Contents:
    return calendar_reader.read(content, zone, first, last, most=5000)


def closed(content: bytes, first: date = FIRST, last: date = LAST, zone: ZoneInfo = AMSTERDAM) -> list[str]:
    """What is closed, as clocks in `zone` show it."""
    return [line(span, zone) for span in sorted(read(content, first, last, zone).spans, key=key) if span.busy]


def key(span: Span) -> tuple[datetime, datetime]:
    return span.start, span.end


def line(span: Span, zone: ZoneInfo = AMSTERDAM) -> str:
    start, end = (
        moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone)
        for moment in (max(span.start, datetime(2026, 9, 30, 22)), min(span.end, datetime(2027, 4, 30, 22)))  # noqa: DTZ001
    )
    return f"{start:%a %d %b %H:%M} - {end:%d %b %H:%M}"


def doubts(content: bytes) -> set[str]:
    return {doubt for span in read(content).spans for doubt in span.doubts}


def days(content: bytes, first: date = FIRST, last: date = LAST) -> list[str]:
    """The days on which something begins, as "14 Dec"."""
    return [" ".join(shown.split()[1:3]) for shown in closed(content, first, last)]


@pytest.mark.parametrize("path", sorted(FILES.glob("*.ics")), ids=lambda path: path.stem)
def test_each_programs_file_closes_what_stands_beside_it(path: Path) -> None:
    contents = read(path.read_bytes())

    found = [line(span) for span in sorted(contents.spans, key=key) if span.busy]
    found += sorted({f"? {span.summary}: {doubt}" for span in contents.spans for doubt in span.doubts})
    assert found == path.with_suffix(".closed").read_text().splitlines()


class TestTheLastTimeOfASeries:
    """UNTIL in another form than DTSTART, as Outlook and Exchange write it."""

    @pytest.mark.parametrize(
        ("start", "rule", "last"),
        [
            ("20261130", "FREQ=WEEKLY;UNTIL=20261213T230000Z;BYDAY=MO", "14 Dec"),
            ("20261130", "FREQ=WEEKLY;UNTIL=20261214;BYDAY=MO", "14 Dec"),
            ("20261130", "FREQ=WEEKLY;UNTIL=20261214T000000;BYDAY=MO", "14 Dec"),
            ("20261130", "FREQ=WEEKLY;UNTIL=20261214T000000Z;BYDAY=MO", "14 Dec"),
            ("20261130", "FREQ=WEEKLY;UNTIL=20261212T230000Z;BYDAY=MO", "07 Dec"),
            ("20261130", "FREQ=YEARLY;UNTIL=20261129T230000Z", "30 Nov"),
            ("20251130", "FREQ=YEARLY;UNTIL=20261129T230000Z", "30 Nov"),
            ("20261019", "FREQ=DAILY;UNTIL=20261022T220000Z", "23 Oct"),
            ("20261022", "FREQ=DAILY;UNTIL=20261025T230000Z", "26 Oct"),
            ("20270325", "FREQ=DAILY;UNTIL=20270328T220000Z", "29 Mar"),
            ("20270325", "FREQ=DAILY;UNTIL=20270327T230000Z", "28 Mar"),
        ],
    )
    def test_of_whole_days_is_the_day_where_she_is(self, start: str, rule: str, last: str) -> None:
        assert days(calendar(*event(f"DTSTART;VALUE=DATE:{start}", f"RRULE:{rule}")))[-1] == last

    def test_of_whole_days_may_be_told_by_the_zone_of_the_file(self) -> None:
        """The calendar is kept in Tokyo, where the last midnight is nine hours earlier."""
        lines = event("DTSTART;VALUE=DATE:20261130", "RRULE:FREQ=WEEKLY;UNTIL=20261213T150000Z")

        assert days(calendar("X-WR-TIMEZONE:Asia/Tokyo", *lines))[-1] == "14 Dec"

    @pytest.mark.parametrize(
        ("start", "until", "last"),
        [
            (";TZID=Europe/Amsterdam:20261201T090000", "20261215", "15 Dec"),
            (";TZID=Europe/Amsterdam:20261201T090000", "20261215T080000Z", "15 Dec"),
            (";TZID=Europe/Amsterdam:20261201T090000", "20261215T075959Z", "14 Dec"),
            (";TZID=Europe/Amsterdam:20261201T090000", "20261215T090000", "15 Dec"),
            (";TZID=Europe/Amsterdam:20270401T090000", "20270415T070000Z", "15 Apr"),
            (";TZID=Europe/Amsterdam:20270401T090000", "20270415", "15 Apr"),
            (":20261201T080000Z", "20261215", "15 Dec"),
            (":20261201T080000Z", "20261215T080000Z", "15 Dec"),
            (":20261201T080000Z", "20261215T080000", "15 Dec"),
            (":20261201T233000Z", "20261215", "16 Dec"),
            (":20261201T090000", "20261215", "15 Dec"),
            (":20261201T090000", "20261215T080000Z", "15 Dec"),
            (";TZID=W. Europe Standard Time:20261201T235900", "20261215", "15 Dec"),
        ],
    )
    def test_with_times_is_on_its_last_day(self, start: str, until: str, last: str) -> None:
        lines = event(f"DTSTART{start}", "DURATION:PT30M", f"RRULE:FREQ=DAILY;UNTIL={until}")

        assert days(calendar(*lines))[-1] == last

    def test_before_its_first_one_leaves_the_first(self) -> None:
        assert days(calendar(*event(*SERIES, "RRULE:FREQ=DAILY;UNTIL=20260101T000000Z"))) == ["02 Nov"]

    def test_told_twice_is_the_later(self) -> None:
        rules = ["FREQ=DAILY;COUNT=2;UNTIL=20261105T080000Z", "FREQ=DAILY;COUNT=4;UNTIL=20261103T080000Z"]
        for rule in rules:
            content = calendar(*event(*SERIES, f"RRULE:{rule}"))
            assert days(content) == ["02 Nov", "03 Nov", "04 Nov", "05 Nov"]
            assert doubts(content) == {"rule"}


class TestARuleThatCannotBeRead:
    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=WEEKLY,INTERVAL=1",
            "W1 TU",
            "FREQ=WEEKLY;BYDAY=W1 TU",
            "FREQ=SOMETIMES",
            "INTERVAL=2",
            "FREQ=WEEKLY;INTERVAL=0",
            "FREQ=WEEKLY;INTERVAL=-1",
            "FREQ=WEEKLY;COUNT=0",
            "FREQ=WEEKLY;COUNT=x",
            "FREQ=WEEKLY;BYDAY=XX",
            "FREQ=WEEKLY;BYDAY=2MO",
            "FREQ=WEEKLY;UNTIL=tomorrow",
            "FREQ=WEEKLY;FREQ=DAILY",
            "FREQ=WEEKLY;BYEASTER=0",
            "FREQ=MONTHLY;BYSETPOS=1",
            "FREQ=MONTHLY;BYMONTHDAY=32",
            "FREQ=MONTHLY;BYWEEKNO=3",
            "RSCALE=HEBREW;FREQ=YEARLY",
            "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD;BYMONTHDAY=31",
            "FREQ=WEEKLY;BYDAY=" + ",".join(["MO"] * 1000),
            "",
        ],
    )
    def test_closes_every_day_at_that_time_and_is_named(self, rule: str) -> None:
        content = calendar(*event(*SERIES, f"RRULE:{rule}"))

        assert closed(content)[:2] == ["Mon 02 Nov 09:00 - 02 Nov 10:00", "Tue 03 Nov 09:00 - 03 Nov 10:00"]
        assert len(closed(content)) == (LAST - date(2026, 11, 2)).days + 1
        assert doubts(content) == {"rule"}

    @pytest.mark.parametrize(
        "rule", ["FREQ=DAILY;BYHOUR=8,25", "FREQ=OTHER;BYHOUR=8", "D1 0900 1400 #0", "FREQ=HOURLY;X"]
    )
    def test_that_may_move_its_times_closes_all_of_the_time(self, rule: str) -> None:
        content = calendar(*event(*SERIES, f"RRULE:{rule}"))

        assert "Mon 02 Nov 09:00 - 01 May 00:00" in closed(content)
        assert doubts(content) == {"rule", "often"}

    def test_ends_where_it_says_so(self) -> None:
        content = calendar(*event(*SERIES, "RRULE:FREQ=WEEKLY,INTERVAL=1;UNTIL=20261105T080000Z"))

        assert days(content) == ["02 Nov", "03 Nov", "04 Nov", "05 Nov"]

    def test_is_not_named_when_all_of_it_is_over(self) -> None:
        content = calendar(*event(*SERIES, "RRULE:FREQ=WEEKLY,INTERVAL=1;UNTIL=20261105T080000Z"))

        assert read(content, first=date(2026, 12, 1)).spans == []

    @pytest.mark.parametrize(
        "rule", ["FREQ=SECONDLY", "FREQ=MINUTELY;INTERVAL=15", "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30"]
    )
    def test_one_that_comes_more_than_daily_closes_all_between(self, rule: str) -> None:
        content = calendar(*event(*SERIES, f"RRULE:{rule};UNTIL=20261104T080000Z"))

        assert "Mon 02 Nov 09:00 - 05 Nov 09:00" in closed(content)
        assert doubts(content) == {"often"}

    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31",
        ],
    )
    def test_one_that_never_comes_true_leaves_its_first_date(self, rule: str) -> None:
        assert days(calendar(*event(*SERIES, f"RRULE:{rule}"))) == ["02 Nov"]


class TestATimeThatCannotBeRead:
    @pytest.mark.parametrize(
        "lines", [["DTSTART:yesterday"], ["DTSTART:", "DURATION:PT1H"], [], ["DTSTART:20261302T090000Z"]]
    )
    def test_without_any_day_closes_all_days(self, lines: list[str]) -> None:
        content = calendar(*event(*lines))

        assert closed(content) == [EVERYTHING]
        assert doubts(content) == {"day"}

    @pytest.mark.parametrize(
        "lines",
        [
            ["DTSTART:2026-11-02T09:00:00+01:00", "DTEND:2026-11-02T10:00:00+01:00"],
            ["DTSTART:20261102T99", "DURATION:PT1H"],
            ["DTSTART:junk", "DTEND:20261102T100000Z"],
            ['DTSTART;TZID="Europe/Amsterdam:20261102T090000'],
        ],
    )
    def test_with_a_day_closes_that_day_anywhere_on_earth(self, lines: list[str]) -> None:
        content = calendar(*event(*lines))

        assert closed(content) == ["Sun 01 Nov 11:00 - 03 Nov 13:00"]
        assert doubts(content) == {"day"}

    @pytest.mark.parametrize(
        "end",
        [
            "DTEND:later",
            "DURATION:long",
            "DURATION:-PT1H",
            "DURATION:PT",
            "DTEND:20261102T070000Z",
            "DURATION:P1Y",
        ],
    )
    def test_without_an_end_closes_its_day(self, end: str) -> None:
        content = calendar(*event("DTSTART;TZID=Europe/Amsterdam:20261102T090000", end))

        assert closed(content) == ["Mon 02 Nov 00:00 - 03 Nov 00:00"]
        assert doubts(content) == {"end"}

    def test_with_an_end_days_before_its_start_closes_the_days_between(self) -> None:
        content = calendar(*event("DTSTART;VALUE=DATE:20261106", "DTEND;VALUE=DATE:20261102"))

        assert closed(content) == ["Mon 02 Nov 00:00 - 07 Nov 00:00"]

    @pytest.mark.parametrize("end", [[], ["DURATION:PT0S"], ["DTEND;TZID=Europe/Amsterdam:20261102T090000"]])
    def test_that_takes_no_time_is_a_minute(self, end: list[str]) -> None:
        content = calendar(*event("DTSTART;TZID=Europe/Amsterdam:20261102T090000", *end))

        assert (closed(content), doubts(content)) == (["Mon 02 Nov 09:00 - 02 Nov 09:01"], set())

    @pytest.mark.parametrize(
        "end", [[], ["DTEND;VALUE=DATE:20261102"], ["DURATION:P0D"], ["DURATION:P1D"], ["DURATION:PT24H"]]
    )
    def test_a_day_is_never_less_than_a_day(self, end: list[str]) -> None:
        content = calendar(*event("DTSTART;VALUE=DATE:20261102", *end))

        assert (closed(content), doubts(content)) == (["Mon 02 Nov 00:00 - 03 Nov 00:00"], set())

    def test_that_is_told_twice_counts_twice(self) -> None:
        content = calendar(*event("DTSTART:20261102T080000Z", "DTSTART:20261103T080000Z", "DURATION:PT1H"))

        assert days(content) == ["02 Nov", "03 Nov"]

    def test_that_is_cancelled_takes_nothing(self) -> None:
        assert closed(calendar(*event("DTSTART:junk", "STATUS:CANCELLED"))) == []

    def test_leaves_the_other_events_as_they_are(self) -> None:
        broken = [
            event("UID:a", "DTSTART:20261102T99"),
            event("UID:b", "DTSTART;TZID=Nowhere:20261104T090000", "DURATION:PT1H"),
        ]
        well = event("UID:c", "DTSTART:20261109T080000Z", "DURATION:PT1H")

        assert "Mon 09 Nov 09:00 - 09 Nov 10:00" in closed(calendar(*broken[0], *broken[1], *well))


class TestAZoneThatNobodyKnows:
    def test_closes_that_time_anywhere_on_earth(self) -> None:
        content = calendar(*event("DTSTART;TZID=Nowhere/Else:20261102T090000", "DURATION:PT1H"))

        # From 09:00 in UTC+14 to 10:00 in UTC-12.
        assert closed(content) == ["Sun 01 Nov 20:00 - 02 Nov 23:00"]
        assert doubts(content) == {"zone"}

    def test_of_a_whole_calendar_holds_for_times_without_one(self) -> None:
        lines = [
            *event("UID:a", "DTSTART:20261102T090000", "DURATION:PT1H"),
            *event("UID:b", "DTSTART:20261109T090000Z", "DURATION:PT1H"),
        ]

        assert closed(calendar("X-WR-TIMEZONE:Nowhere/Else", *lines)) == [
            "Sun 01 Nov 20:00 - 02 Nov 23:00",
            "Mon 09 Nov 10:00 - 09 Nov 11:00",
        ]

    def test_takes_no_time_out_of_another_zone(self) -> None:
        lines = [*SERIES, "RRULE:FREQ=DAILY;COUNT=3", "EXDATE;TZID=Nowhere/Else:20261103T090000"]

        assert len(closed(calendar(*event(*lines)))) == 3

    def test_takes_out_its_own_times(self) -> None:
        lines = [
            "DTSTART;TZID=No:20261102T090000",
            "DURATION:PT1H",
            "RRULE:FREQ=WEEKLY;COUNT=3",
            "EXDATE;TZID=No:20261109T090000",
        ]

        assert days(calendar(*event(*lines))) == ["01 Nov", "15 Nov"]

    @pytest.mark.parametrize(
        "name",
        [
            "Europe/Amsterdam",
            "europe/amsterdam",
            '"Europe/Amsterdam"',
            "/softwarestudio.org/Olson_20011030_5/Europe/Amsterdam",
            "/citadel.org/20210210_1/Europe/Amsterdam",
            "/freeassociation.sourceforge.net/Tzfile/Europe/Amsterdam",
            "/freeassociation.sourceforge.net/Europe/Amsterdam",
            "W. Europe Standard Time",
            "w. europe standard time",
        ],
    )
    def test_is_not_one_that_is_only_written_in_another_way(self, name: str) -> None:
        content = calendar(*event(f"DTSTART;TZID={name}:20261102T090000", "DURATION:PT1H"))

        assert closed(content) == ["Mon 02 Nov 09:00 - 02 Nov 10:00"]
        assert doubts(content) == set()

    @pytest.mark.parametrize(
        "name", ["Factory", "localtime", "../Europe/Amsterdam/..", "x" * 100_000, "GMT+0100", "é\x00"]
    )
    def test_is_none_that_the_tz_database_happens_to_hold(self, name: str) -> None:
        assert doubts(calendar(*event(f"DTSTART;TZID={name}:20261102T090000", "DURATION:PT1H"))) == {"zone"}


def described(name: str, winter: str, summer: str) -> list[str]:
    return [
        *("BEGIN:VTIMEZONE", f"TZID:{name}", "BEGIN:STANDARD", "DTSTART:19701025T030000"),
        *(
            "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
            f"TZOFFSETFROM:{summer}",
            f"TZOFFSETTO:{winter}",
            "END:STANDARD",
        ),
        *("BEGIN:DAYLIGHT", "DTSTART:19700329T020000", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU"),
        *(f"TZOFFSETFROM:{winter}", f"TZOFFSETTO:{summer}", "END:DAYLIGHT", "END:VTIMEZONE"),
    ]


class TestADescribedZone:
    def test_is_as_described(self) -> None:
        zone = described("Thuis", "+0200", "+0300")
        lines = event("DTSTART;TZID=Thuis:20261019T100000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2")

        assert closed(calendar(*zone, *lines)) == [
            "Mon 19 Oct 09:00 - 19 Oct 10:00",
            "Mon 26 Oct 09:00 - 26 Oct 10:00",
        ]

    def test_that_contradicts_its_well_known_name_closes_both(self) -> None:
        zone = described("Europe/Amsterdam", "+0300", "+0400")
        content = calendar(*zone, *event("DTSTART;TZID=Europe/Amsterdam:20261102T090000", "DURATION:PT1H"))

        assert closed(content) == ["Mon 02 Nov 07:00 - 02 Nov 10:00"]
        assert doubts(content) == {"zone"}

    @pytest.mark.parametrize("broken", ["TZOFFSETTO:east", "DTSTART:once", "RRULE:FREQ=NOW"])
    def test_of_which_the_description_cannot_be_read_is_unknown(self, broken: str) -> None:
        name = broken.partition(":")[0]
        zone = [broken if each.startswith(name) else each for each in described("Thuis", "+0100", "+0200")]

        assert doubts(calendar(*zone, *event("DTSTART;TZID=Thuis:20261102T090000", "DURATION:PT1H"))) == {"zone"}

    def test_is_that_of_its_own_calendar(self) -> None:
        lines = event("DTSTART;TZID=Thuis:20261102T090000", "DURATION:PT1H")
        one = calendar(*described("Thuis", "+0100", "+0200"), *lines)
        other = calendar(*described("Thuis", "+0200", "+0300"), *lines)

        assert closed(one + other) == ["Mon 02 Nov 08:00 - 02 Nov 09:00", "Mon 02 Nov 09:00 - 02 Nov 10:00"]


class TestAnException:
    WEEKLY = [*SERIES, "RRULE:FREQ=WEEKLY;COUNT=3"]

    def moved(self, to: str = "DTSTART:20261110T090000Z", *more: str, at: str = ":20261109T080000Z") -> list[str]:
        return event("UID:s", f"RECURRENCE-ID{at}", to, "DURATION:PT1H", *more)

    @pytest.mark.parametrize(
        "at", [":20261109T080000Z", ";TZID=Europe/Amsterdam:20261109T090000", ":20261109T090000"]
    )
    def test_stands_in_the_place_of_its_time(self, at: str) -> None:
        assert days(calendar(*event(*self.WEEKLY), *self.moved(at=at))) == ["02 Nov", "10 Nov", "16 Nov"]

    @pytest.mark.parametrize("at", [":junk", ";VALUE=DATE:20261109", ";TZID=No:20261109T090000"])
    def test_of_a_time_that_cannot_be_told_leaves_all_closed(self, at: str) -> None:
        assert days(calendar(*event(*self.WEEKLY), *self.moved(at=at)))[:3] == ["02 Nov", "09 Nov", "10 Nov"]

    def test_that_cannot_be_read_takes_nothing_out(self) -> None:
        content = calendar(*event(*self.WEEKLY), *self.moved("DTSTART:20261110T99"))

        assert {"02 Nov", "09 Nov", "16 Nov"} <= set(days(content))
        assert "Sun 08 Nov 11:00 - 11 Nov 13:00" in closed(content)

    @pytest.mark.parametrize(
        "exdate", ["EXDATE:junk", "EXDATE;VALUE=DATE:20261109", "EXRULE:FREQ=WEEKLY", "EXDATE:"]
    )
    def test_by_a_date_that_cannot_be_read_takes_nothing_out(self, exdate: str) -> None:
        content = calendar(*event(*self.WEEKLY, exdate))

        assert days(content) == ["02 Nov", "09 Nov", "16 Nov"]
        assert doubts(content) == {"exception"}

    def test_beside_one_that_cannot_be_read_still_holds(self) -> None:
        assert days(calendar(*event(*self.WEEKLY, "EXDATE:junk,20261109T080000Z"))) == ["02 Nov", "16 Nov"]

    @pytest.mark.parametrize("exdate", ["VALUE=DATE:20261109", "TZID=Europe/Amsterdam:20261109T000000"])
    def test_takes_a_whole_day_out_of_a_series_of_days(self, exdate: str) -> None:
        series = event("DTSTART;VALUE=DATE:20261102", "RRULE:FREQ=WEEKLY;COUNT=3", f"EXDATE;{exdate}")

        assert days(calendar(*series)) == ["02 Nov", "16 Nov"]

    def test_takes_a_whole_day_out_by_its_midnight_in_utc(self) -> None:
        series = event("DTSTART;VALUE=DATE:20261102", "RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE:20261108T230000Z")

        assert days(calendar(*series)) == ["02 Nov", "16 Nov"]

    def test_that_is_cancelled_frees_its_time_alone(self) -> None:
        content = calendar(*event(*self.WEEKLY), *self.moved("DTSTART:20261109T080000Z", "STATUS:CANCELLED"))

        assert days(content) == ["02 Nov", "16 Nov"]

    def test_of_a_cancelled_series_stays(self) -> None:
        assert days(calendar(*event(*self.WEEKLY, "STATUS:CANCELLED"), *self.moved())) == ["10 Nov"]

    def test_of_a_free_series_is_busy_unless_it_says_otherwise(self) -> None:
        free = event(*self.WEEKLY, "TRANSP:TRANSPARENT")

        assert days(calendar(*free, *self.moved())) == ["10 Nov"]
        assert days(
            calendar(*event(*self.WEEKLY), *self.moved("DTSTART:20261110T090000Z", "TRANSP:TRANSPARENT"))
        ) == [
            "02 Nov",
            "16 Nov",
        ]

    def test_given_twice_closes_twice(self) -> None:
        both = [*self.moved(), *self.moved("DTSTART:20261111T090000Z", "SEQUENCE:2")]

        assert days(calendar(*event(*self.WEEKLY), *both)) == ["02 Nov", "10 Nov", "11 Nov", "16 Nov"]
        assert days(calendar(*both)) == ["10 Nov", "11 Nov"]

    def test_of_two_series_by_one_name_takes_out_nothing(self) -> None:
        older = event(*self.WEEKLY, "SEQUENCE:0")
        newer = event(
            "UID:s", "DTSTART:20261103T130000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=3", "SEQUENCE:1"
        )
        content = calendar(*older, *newer, *self.moved("DTSTART:20261112T090000Z", at=":20261110T130000Z"))

        assert days(content) == ["02 Nov", "03 Nov", "09 Nov", "10 Nov", "12 Nov", "16 Nov", "17 Nov"]
        assert doubts(content) == {"exception"}

    def test_of_the_same_series_twice_holds(self) -> None:
        assert days(calendar(*event(*self.WEEKLY), *self.moved()) + calendar(*event(*self.WEEKLY))) == [
            "02 Nov",
            "10 Nov",
            "16 Nov",
        ]

    def test_for_all_that_follows_closes_both_ways_to_read_it(self) -> None:
        content = calendar(*event(*self.WEEKLY), *self.moved(at=";RANGE=THISANDFUTURE:20261109T080000Z"))

        assert days(content) == ["02 Nov", "10 Nov", "16 Nov", "17 Nov"]
        assert doubts(content) == {"exception"}

    def test_may_repeat_itself(self) -> None:
        content = calendar(
            *event(*self.WEEKLY), *self.moved("DTSTART:20261110T090000Z", "RRULE:FREQ=DAILY;COUNT=2")
        )

        assert days(content) == ["02 Nov", "10 Nov", "11 Nov", "16 Nov"]


class TestMoreTimes:
    @pytest.mark.parametrize(
        ("rdate", "more"),
        [
            ("RDATE:20261104T080000Z", "Wed 04 Nov 09:00 - 04 Nov 10:00"),
            ("RDATE;VALUE=PERIOD:20261104T080000Z/PT2H", "Wed 04 Nov 09:00 - 04 Nov 11:00"),
            ("RDATE;VALUE=PERIOD:20261104T080000Z/20261104T110000Z", "Wed 04 Nov 09:00 - 04 Nov 12:00"),
            ("RDATE;VALUE=PERIOD:20261104T080000Z/soon", "Wed 04 Nov 00:00 - 05 Nov 00:00"),
            ("RDATE;VALUE=PERIOD:20261104T080000Z/20261104T070000Z", "Wed 04 Nov 00:00 - 05 Nov 00:00"),
            ("RDATE;VALUE=DATE:20261104", "Wed 04 Nov 00:00 - 05 Nov 01:00"),
            ("RDATE:20261104T99", "Tue 03 Nov 11:00 - 05 Nov 13:00"),
            ("RDATE:some day", EVERYTHING),
        ],
    )
    def test_are_closed_as_far_as_they_can_be_read(self, rdate: str, more: str) -> None:
        assert more in closed(calendar(*event(*SERIES, rdate)))
        assert "Mon 02 Nov 09:00 - 02 Nov 10:00" in closed(calendar(*event(*SERIES, rdate)))

    def test_come_by_several_rules(self) -> None:
        content = calendar(*event(*SERIES, "RRULE:FREQ=WEEKLY;COUNT=2", "RRULE:FREQ=MONTHLY;COUNT=2"))

        assert days(content) == ["02 Nov", "09 Nov", "02 Dec"]

    def test_come_more_than_once_a_day(self) -> None:
        content = calendar(*event(*SERIES, "RRULE:FREQ=DAILY;COUNT=3;BYHOUR=9,14"))

        assert [shown[11:16] for shown in closed(content)] == ["09:00", "14:00", "09:00"]

    def test_too_many_to_count_close_all_between(self) -> None:
        listed = ",".join(
            f"202611{day:02}T{hour:02}{minute:02}00Z"
            for day in range(1, 31)
            for hour in range(24)
            for minute in range(0, 60, 15)
        )
        content = calendar(*event(*SERIES, f"RDATE:{listed}"))

        assert closed(content) == ["Sun 01 Nov 01:00 - 01 Dec 01:45"]
        assert doubts(content) == {"often"}

    def test_counted_out_long_ago_come_no_more(self) -> None:
        content = calendar(*event("DTSTART;VALUE=DATE:19301102", "RRULE:FREQ=YEARLY;COUNT=90"))

        assert (closed(content), closed(content.replace(b"=90", b"=97"))) == (
            [],
            ["Mon 02 Nov 00:00 - 03 Nov 00:00"],
        )

    def test_of_ten_years_ago_still_come(self) -> None:
        series = ["DTSTART;TZID=Europe/Amsterdam:20160104T090000", "DURATION:PT1H"]

        assert (
            len(
                closed(
                    calendar(*event(*series, "RRULE:FREQ=WEEKLY;BYDAY=MO")), date(2026, 11, 2), date(2026, 11, 15)
                )
            )
            == 2
        )
        assert days(calendar(*event(*series, "RRULE:FREQ=WEEKLY;COUNT=567")))[-1] == "09 Nov"

    def test_on_a_leap_day_come_in_leap_years(self) -> None:
        content = calendar(*event("DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY"))

        assert closed(content) == []
        assert days(content, date(2027, 1, 1), date(2028, 12, 31)) == ["29 Feb"]

    @pytest.mark.parametrize(
        ("start", "rule", "later"),
        [
            ("20261231", "FREQ=MONTHLY", ["31 Dec", "31 Jan", "28 Feb", "31 Mar", "30 Apr"]),
            ("20261230", "FREQ=MONTHLY;BYMONTHDAY=30", ["30 Dec", "30 Jan", "28 Feb", "30 Mar", "30 Apr"]),
            ("20240229", "FREQ=YEARLY", ["28 Feb"]),
            ("20240229", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ["28 Feb"]),
        ],
    )
    def test_on_a_day_that_a_month_lacks_come_on_its_last_one_in_outlook(
        self, start: str, rule: str, later: list[str]
    ) -> None:
        content = calendar(*event(f"DTSTART;VALUE=DATE:{start}", f"RRULE:{rule}"))

        assert (
            days(content.replace(b"PRODID:test", b"PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN"))
            == later
        )
        assert "28 Feb" not in days(content)

    def test_keep_to_their_clock_or_to_utc_as_they_were_written(self) -> None:
        local = event(
            "UID:a", "DTSTART;TZID=Europe/Amsterdam:20261019T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2"
        )
        utc = event("UID:b", "DTSTART:20261019T110000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2")

        assert [shown[11:16] for shown in closed(calendar(*local, *utc))] == ["09:00", "13:00", "09:00", "12:00"]


class TestBusyOrFree:
    @pytest.mark.parametrize(
        ("lines", "busy"),
        [
            ([], True),
            (["TRANSP:OPAQUE"], True),
            (["TRANSP:TRANSPARENT"], False),
            (["TRANSP:SOMEWHAT"], True),
            (["TRANSP:OPAQUE", "TRANSP:TRANSPARENT"], True),
            (["X-MICROSOFT-CDO-BUSYSTATUS:FREE"], False),
            (["TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS:OOF"], True),
            (["X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE"], True),
            (["X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE"], True),
            (["STATUS:TENTATIVE"], True),
            (["STATUS:CANCELED"], True),
        ],
    )
    def test_is_as_the_event_says(self, lines: list[str], busy: bool) -> None:
        (span,) = read(calendar(*event(*SERIES, *lines))).spans

        assert span.busy == busy

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("FREEBUSY:20261102T080000Z/20261102T090000Z", ["Mon 02 Nov 09:00 - 02 Nov 10:00"]),
            ("FREEBUSY;FBTYPE=BUSY:20261102T080000Z/PT1H", ["Mon 02 Nov 09:00 - 02 Nov 10:00"]),
            (
                "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261102T080000Z/PT1H,20261103T080000Z/PT1H",
                ["Mon 02 Nov 09:00 - 02 Nov 10:00", "Tue 03 Nov 09:00 - 03 Nov 10:00"],
            ),
            ("FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20261102T080000Z/PT1H", ["Mon 02 Nov 09:00 - 02 Nov 10:00"]),
            ("FREEBUSY;FBTYPE=X-LUNCH:20261102T080000Z/PT1H", ["Mon 02 Nov 09:00 - 02 Nov 10:00"]),
            ("FREEBUSY;FBTYPE=FREE:20261102T080000Z/PT1H", []),
            ("FREEBUSY:20261102T080000Z/soon", ["Mon 02 Nov 00:00 - 03 Nov 00:00"]),
            ("FREEBUSY:20261102T99/PT1H", ["Sun 01 Nov 11:00 - 03 Nov 13:00"]),
            ("FREEBUSY:20261102T080000Z", ["Sun 01 Nov 11:00 - 03 Nov 13:00"]),
            ("FREEBUSY:junk", [EVERYTHING]),
        ],
    )
    def test_is_as_a_list_of_busy_times_says(self, line: str, expected: list[str]) -> None:
        lines = ["BEGIN:VFREEBUSY", "DTSTART:20261101T000000Z", "DTEND:20261201T000000Z", line, "END:VFREEBUSY"]

        assert closed(calendar(*lines)) == expected

    def availability(self, *lines: str) -> bytes:
        return calendar(
            "BEGIN:VAVAILABILITY",
            "DTSTART:20261101T230000Z",
            "DTEND:20261103T230000Z",
            *lines,
            "END:VAVAILABILITY",
        )

    def test_is_all_but_what_is_available(self) -> None:
        office = [
            "BEGIN:AVAILABLE",
            "DTSTART;TZID=Europe/Amsterdam:20261102T090000",
            "DTEND;TZID=Europe/Amsterdam:20261102T170000",
            "RRULE:FREQ=DAILY",
            "END:AVAILABLE",
        ]

        assert closed(self.availability(*office)) == [
            "Mon 02 Nov 00:00 - 02 Nov 09:00",
            "Mon 02 Nov 17:00 - 03 Nov 09:00",
            "Tue 03 Nov 17:00 - 04 Nov 00:00",
        ]

    @pytest.mark.parametrize(
        "line",
        ["RRULE:FREQ=NOW", "EXDATE:junk", "DTEND:junk", "RRULE:FREQ=DAILY;UNTIL=20261101", "STATUS:CANCELLED"],
    )
    def test_is_all_where_it_cannot_be_read_when_somebody_is_available(self, line: str) -> None:
        office = ["BEGIN:AVAILABLE", "DTSTART:20261102T080000Z", "DURATION:PT1H", line, "END:AVAILABLE"]
        content = self.availability(*office)

        assert closed(content) == ["Mon 02 Nov 00:00 - 04 Nov 00:00"]
        assert doubts(content) == {"available"}

    @pytest.mark.parametrize("name", ["VTODO", "VJOURNAL"])
    def test_is_not_what_tasks_and_notes_say(self, name: str) -> None:
        contents = read(
            calendar(f"BEGIN:{name}", "DTSTART:20261102T080000Z", "DUE:20261102T090000Z", f"END:{name}")
        )

        assert (contents.spans, contents.events, contents.whole) == ([], 0, True)


class TestAFile:
    def test_tells_how_many_events_it_has(self) -> None:
        long_over = event("UID:a", "DTSTART:20160101T080000Z", "DTEND:20160101T090000Z")

        assert read(calendar(*long_over, *event(*SERIES, "RRULE:FREQ=DAILY"))).events == 2
        assert read(calendar()).events == 0

    @pytest.mark.parametrize("left", [1, 2])
    def test_that_stops_halfway_says_so_and_closes_what_it_has(self, left: int) -> None:
        whole = calendar(*event(*SERIES), *event("UID:t", "DTSTART:20261104T080000Z", "DURATION:PT1H"))
        contents = read(whole[: whole.rindex(b"DURATION" if left == 1 else b"END:VCALENDAR")])

        assert not contents.whole
        assert [line(span) for span in sorted(contents.spans, key=key)] == [
            "Mon 02 Nov 09:00 - 02 Nov 10:00",
            "Wed 04 Nov 00:00 - 05 Nov 00:00" if left == 1 else "Wed 04 Nov 09:00 - 04 Nov 10:00",
        ]

    def test_cut_before_the_time_of_its_last_event_closes_the_others(self) -> None:
        contents = read(calendar(*event(*SERIES)).replace(b"END:VCALENDAR\r\n", b"BEGIN:VEVENT\r\nUID:x\r\n"))

        assert ([line(span) for span in contents.spans], contents.whole) == (
            ["Mon 02 Nov 09:00 - 02 Nov 10:00"],
            False,
        )

    def test_in_which_one_event_has_no_end_keeps_the_next(self) -> None:
        torn = event("UID:a", "DTSTART:20261104T080000Z", "DURATION:PT1H")[:-1]
        contents = read(calendar(*torn, *event(*SERIES)))

        assert sorted(map(line, contents.spans)) == [
            "Mon 02 Nov 09:00 - 02 Nov 10:00",
            "Wed 04 Nov 00:00 - 05 Nov 00:00",
        ]
        assert not contents.whole

    def test_with_an_event_behind_its_end_closes_that_too(self) -> None:
        contents = read(calendar(*event(*SERIES)) + "\r\n".join(event("DTSTART;VALUE=DATE:20261104", "")).encode())

        assert [line(span) for span in sorted(contents.spans, key=key)] == [
            "Mon 02 Nov 09:00 - 02 Nov 10:00",
            "Wed 04 Nov 00:00 - 05 Nov 00:00",
        ]
        assert not contents.whole

    def test_may_hold_several_calendars(self) -> None:
        first, second = (
            calendar(*event(f"UID:{day}", f"DTSTART:202611{day}T080000Z", "DURATION:PT1H")) for day in ("02", "03")
        )

        assert days(first + second) == ["02 Nov", "03 Nov"]

    @pytest.mark.parametrize(
        "change", [lambda text: text.replace("\r\n", "\r"), str.lower, lambda text: "\ufeff" + text]
    )
    def test_may_be_written_a_little_differently(self, change: object) -> None:
        text = calendar(*event("UID:1", "DTSTART:20261102T080000Z", "DTEND:20261102T090000Z")).decode()

        assert closed(change(text).encode()) == ["Mon 02 Nov 09:00 - 02 Nov 10:00"]  # type: ignore[operator]

    def test_of_sixteen_bits_is_read(self) -> None:
        assert days(calendar(*event(*SERIES)).decode().encode("utf-16")) == ["02 Nov"]

    def test_with_an_end_that_is_over_before_a_start_to_come_is_not_over(self) -> None:
        content = calendar(*event("DTSTART;VALUE=DATE:20261106", "DTEND;VALUE=DATE:20260901"))

        assert closed(content)[-1].endswith("07 Nov 00:00")

    def test_names_an_event_by_little_of_a_long_name(self) -> None:
        (span,) = read(calendar(*event(*SERIES)).replace(b"Koor", "é̖́".encode() * 200_000)).spans

        assert len(span.summary) <= 200

    @pytest.mark.parametrize(
        "lines",
        [
            ["DTSTART:00010101T000000Z", "DTEND:99991231T235959Z"],
            ["DTSTART;TZID=Europe/Amsterdam:00010101T000000", "DURATION:PT1H", "RRULE:FREQ=DAILY"],
            ["DTSTART;VALUE=DATE:00010101", "RRULE:FREQ=YEARLY;COUNT=1000000000;UNTIL=99991231"],
            ["DTSTART:20261102T080000Z", "DURATION:P999999D", "RRULE:FREQ=DAILY"],
        ],
    )
    def test_at_the_ends_of_time_leaves_the_others(self, lines: list[str]) -> None:
        others = event("UID:x", "DTSTART:20261109T080000Z", "DURATION:PT1H")

        assert "Mon 09 Nov 09:00 - 09 Nov 10:00" in closed(calendar(*event("UID:a", *lines), *others))


def test_what_lies_beyond_all_years_closes_nothing_now() -> None:
    assert closed(calendar(*event("DTSTART:99991231T235959Z", "DURATION:P999999W"))) == []


def test_a_whole_day_by_microsofts_word_is_a_day_here_too() -> None:
    """Exchange in New York: the day begins there at five in the morning."""
    content = calendar(
        *event(
            "DTSTART;TZID=Eastern Standard Time:20261102T000000",
            "DTEND;TZID=Eastern Standard Time:20261103T000000",
            "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE",
        )
    )

    assert closed(content) == ["Mon 02 Nov 00:00 - 03 Nov 06:00"]


def test_from_the_first_pass_of_an_hour_into_the_second_is_closed() -> None:
    content = calendar(
        *event("DTSTART;TZID=Europe/Amsterdam:20261025T024500", "DTEND;TZID=Europe/Amsterdam:20261025T021500")
    )

    (span,) = read(content).spans
    assert (span.end - span.start, span.doubts) == (timedelta(minutes=90), frozenset())


class TestWhatOtherProgramsWriteOdd:
    """Ways to write a file that no standard knows, and that must not make anything of it go unseen."""

    ONE = ["UID:s", "DTSTART;TZID=Europe/Amsterdam:20261102T090000", "DURATION:PT1H"]

    @pytest.mark.parametrize(
        "lines",
        [
            ["DTSTART;VALUE=DATE:20261201T000000"],
            ["DTSTART;VALUE=DATE:20261201T000000", "DTEND;VALUE=DATE:20261202T000000"],
            ["DTSTART:20261201T000000", "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE"],
            ["DTSTART:20261130T230000Z", "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE"],
            ["DTSTART:20261201T000000", "DTEND:20261201T000000", "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE"],
            ["DTSTART:20261201T000000", "DTEND:20261201T235900", "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT:TRUE"],
            ["DTSTART:20261201T000000", "X-FUNAMBOL-ALLDAY:1"],
        ],
    )
    def test_what_is_called_a_whole_day_takes_one(self, lines: list[str]) -> None:
        content = calendar(*event("UID:d", *lines))

        assert closed(content) == ["Tue 01 Dec 00:00 - 02 Dec 00:00"]
        assert doubts(content) == set()

    @pytest.mark.parametrize(
        "lines",
        [
            ["DTSTART;VALUE=DATE:20261201T090000"],
            ["DTSTART:20261201T090000", "DTEND:20261201T093000", "X-FUNAMBOL-ALLDAY:1"],
        ],
    )
    def test_hours_that_are_called_whole_days_take_the_day_and_are_named(self, lines: list[str]) -> None:
        content = calendar(*event("UID:d", *lines))

        assert closed(content) == ["Tue 01 Dec 00:00 - 02 Dec 00:00"]
        assert doubts(content) == {"end"}

    @pytest.mark.parametrize("begin", ["BEGIN:VEVENT", "BEGIN;X=1:VEVENT", "BEGIN :VEVENT", "begin: vevent "])
    def test_an_event_begins_however_its_first_line_is_written(self, begin: str) -> None:
        assert days(calendar(begin, *self.ONE, "END:VEVENT")) == ["02 Nov"]

    @pytest.mark.parametrize("around", ["VALARM", "X-SCHOOL", "DAYLIGHT"])
    @pytest.mark.parametrize("is_closed", [True, False])
    def test_an_event_in_something_else_takes_its_time_and_the_file_is_not_whole(
        self, around: str, is_closed: bool
    ) -> None:
        content = calendar(
            f"BEGIN:{around}", *event("UID:a", *self.ONE[1:]), *[f"END:{around}"] * is_closed, *event(*SERIES)
        )

        assert days(content) == ["02 Nov", "02 Nov"]
        assert not read(content).whole

    @pytest.mark.parametrize("end", ["\r\n", "\r\r\n", "\n\n", "\r"])
    def test_a_folded_line_goes_on_whatever_ends_a_line(self, end: str) -> None:
        lines = [*self.ONE, "RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=MO", " ,TU", "RDA", "\tTE:20261201T080000Z"]
        content = calendar(*event(*lines)).replace(b"\r\n", end.encode())

        assert days(content) == ["02 Nov", "03 Nov", "09 Nov", "01 Dec"]

    @pytest.mark.parametrize("name", ["; TZID=", ";TZID =", ";TZID= ", ' ; TZID = "'])
    def test_blanks_do_not_hide_a_zone(self, name: str) -> None:
        start = f"DTSTART{name}America/New_York{name.count(chr(34)) * chr(34)}:20261102T090000"

        assert closed(calendar(*event("UID:z", start, "DURATION:PT1H"))) == ["Mon 02 Nov 15:00 - 02 Nov 16:00"]

    def test_a_rule_behind_a_blank_counts_for_a_series_that_began_long_ago(self) -> None:
        lines = ["UID:o", "DTSTART:20250106T090000", "DTEND:20250106T100000"]

        assert days(calendar(*event(*lines, "RRULE :FREQ=YEARLY;BYMONTH=11;BYDAY=1MO"))) == ["02 Nov"]

    def test_zeros_in_the_middle_are_a_part_that_is_missing(self) -> None:
        assert not read(calendar(*event(*self.ONE), "\0" * 512, *event("UID:e", *self.ONE[1:]))).whole

    def test_an_empty_list_of_busy_times_takes_nothing(self) -> None:
        content = calendar(
            "BEGIN:VFREEBUSY", "FREEBUSY:", "FREEBUSY;FBTYPE=BUSY:20261201T090000Z/PT1H,", "END:VFREEBUSY"
        )

        assert closed(content) == ["Tue 01 Dec 10:00 - 01 Dec 11:00"]

    def test_a_comma_at_the_end_of_a_list_says_nothing(self) -> None:
        lists = ["RDATE:20261201T080000Z,", "EXDATE:20261201T080000Z,"]

        assert days(calendar(*event(*self.ONE, *lists))) == ["02 Nov"]
        assert doubts(calendar(*event(*self.ONE, *lists))) == set()

    def test_more_busy_times_than_there_may_be_are_refused(self) -> None:
        times = [f"FREEBUSY:202611{day:02}T{hour:02}0000Z/PT1M" for day in range(1, 31) for hour in range(24)] * 7
        with pytest.raises(calendar_reader.Unreadable, match="too_much"):
            read(calendar("BEGIN:VFREEBUSY", *times, "END:VFREEBUSY"))

    def test_a_zone_of_a_single_year_is_not_believed_for_the_next(self) -> None:
        zone = ["BEGIN:VTIMEZONE", "TZID:Ons", "BEGIN:STANDARD", "DTSTART:20251026T030000", "TZOFFSETFROM:+0200"]
        zone += ["TZOFFSETTO:+0100", "END:STANDARD", "BEGIN:DAYLIGHT", "DTSTART:20260329T020000"]
        zone += ["TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "END:DAYLIGHT", "END:VTIMEZONE"]
        autumn = event("UID:1", "DTSTART;TZID=Ons:20261020T090000", "DURATION:PT1H")
        winter = event("UID:2", "DTSTART;TZID=Ons:20261201T090000", "DURATION:PT1H")

        assert doubts(calendar(*zone, *autumn)) == set()
        assert closed(calendar(*zone, *autumn)) == ["Tue 20 Oct 09:00 - 20 Oct 10:00"]
        assert closed(calendar(*zone, *winter)) == ["Tue 01 Dec 08:00 - 01 Dec 10:00"]
        assert doubts(calendar(*zone, *winter)) == {"zone"}
