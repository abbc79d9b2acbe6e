"""Times and days are read as people type them, and asked about where they could be two."""

from datetime import date, time
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.typed import Ambiguous, Unreadable, read_day, read_time
from tests.attacks import MOST, attacks, seconds

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    "text",
    [
        *("9:30", "09:30", "9.30", "09.30", "930", "0930", "9,30", "9u30", "9h30", "9 : 30", "09:30:00"),
        *("9.30 uur", "9:30u", " 9:30 ", "\u200e9:30", "９：３０", "9:30 am", "9.30 a.m."),
    ],
)
def test_half_past_nine(text: str) -> None:
    assert read_time(text) == time(9, 30)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        *(("9", time(9)), ("9u", time(9)), ("9 uur", time(9)), ("14", time(14)), ("1400", time(14))),
        *(("0:00", time()), ("0000", time()), ("00.05", time(0, 5)), ("23:59", time(23, 59))),
        *(("2 pm", time(14)), ("2:15 PM", time(14, 15)), ("12 am", time()), ("12 pm", time(12))),
    ],
)
def test_other_times(text: str, at: time) -> None:
    assert read_time(text) == at
    assert read_time(text, is_end=True) == at


@pytest.mark.parametrize("text", ["24:00", "24.00", "2400", "24", "24 uur"])
def test_twenty_four_hours_are_the_end_of_a_day_and_no_beginning(text: str) -> None:
    assert read_time(text, is_end=True) == time()
    with pytest.raises(Unreadable):
        read_time(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "25:00", "9:60", "9:99", "24:01", "-9:30", "half tien", "12345", "9:30:15", "9:30-10:00", "13 pm"),
        *("0 am", "9 30 1", "9:9", "x" * 250_000, "9" * 250_000, "٩:٣٠"),
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read_time(text, is_end=True)


def test_one_digit_of_minutes_could_be_two_times() -> None:
    with pytest.raises(Ambiguous) as asked:
        read_time("9:3")

    assert (asked.value.one, asked.value.other) == (time(9, 3), time(9, 30))


@pytest.mark.parametrize(
    "text",
    [
        *("2026-12-03", "2026/12/3", "03-12-2026", "3-12-2026", "03/12/2026", "3.12.2026", "3 12 2026", "3-12-26"),
        *("20261203", "03122026", "3-12", "3/12", "03/12", "3.12.", "3 / 12", "3\u201312\u20132026", "３／１２"),
        *(
            "3 december",
            "3 dec",
            "3 dec. 2026",
            "3 December 2026",
            "3rd December",
            "December 3, 2026",
            "3-dec-2026",
        ),
        " 3/12\u200e ",
    ],
)
def test_the_third_of_december(text: str) -> None:
    assert read_day(text, today=TODAY) == date(2026, 12, 3)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20/11", TODAY),
        ("19/11", date(2027, 11, 19)),
        ("1/1", date(2027, 1, 1)),
        ("1 mrt", date(2027, 3, 1)),
        ("3 maart 2028", date(2028, 3, 3)),
        ("31-12-2025", date(2025, 12, 31)),
        ("26-12-03", date(2003, 12, 26)),
    ],
)
def test_without_a_year_it_is_the_next_such_day(text: str, day: date) -> None:
    assert read_day(text, today=TODAY) == day


def test_the_29th_of_february_comes_where_there_is_one_within_a_year() -> None:
    assert read_day("29/2", today=date(2027, 3, 1)) == date(2028, 2, 29)
    with pytest.raises(Unreadable):
        read_day("29/2", today=TODAY)


@pytest.mark.parametrize("text", ["3/12", "03/12/2026", "12/3", "3/12/26"])
def test_where_the_month_may_come_first_it_is_asked_which(text: str) -> None:
    with pytest.raises(Ambiguous) as asked:
        read_day(text, today=TODAY, month_may_come_first=True)

    assert {(day.month, day.day) for day in (asked.value.one, asked.value.other)} == {(12, 3), (3, 12)}  # type: ignore[union-attr]


@pytest.mark.parametrize(("text", "day"), [("20/12", 20), ("12/12", 12), ("3-12-2026", 3), ("3 Dec", 3)])
def test_what_can_be_only_one_day_is_not_asked_about(text: str, day: int) -> None:
    assert read_day(text, today=TODAY, month_may_come_first=True) == date(2026, 12, day)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "3",
            "32/12",
            "3/13",
            "0/12",
            "31-2-2026",
            "2026-13-03",
            "2026-02-30",
            "3 foo",
            "december",
            "x" * 999,
        ),
        *("3/12/2026/1", "99999999", "00000000", "tomorrow", "3/12 2026 x", "٣/١٢", "9" * 250_000),
    ],
)
@pytest.mark.parametrize("month_may_come_first", [False, True])
def test_what_is_no_day_is_refused(text: str, month_may_come_first: bool) -> None:
    with pytest.raises(Unreadable):
        read_day(text, today=TODAY, month_may_come_first=month_may_come_first)


@given(st.dates(date(2000, 1, 1), date(2100, 12, 31)))
def test_every_day_that_a_browser_or_a_page_writes_is_read_back(day: date) -> None:
    for written in (f"{day}", f"{day:%d-%m-%Y}", f"{day:%Y%m%d}", f"{day:%d%m%Y}"):
        assert read_day(written, today=TODAY) == day


@given(st.times())
def test_every_time_that_a_browser_writes_is_read_back(at: time) -> None:
    minute = at.replace(second=0, microsecond=0)

    assert read_time(f"{minute:%H:%M}") == read_time(f"{minute:%H%M}") == minute


@pytest.mark.parametrize("size", [40, 250_000])
def test_no_text_keeps_them_busy(size: int) -> None:
    for seed in ("9:30 am", "3/12/2026", "3 december", "\u0301\u0316", " "):
        for attack in attacks(seed, size):
            assert seconds(partial(tried, attack)) < MOST


def tried(text: str) -> None:
    for read in (lambda: read_time(text), lambda: read_day(text, today=TODAY)):
        try:
            read()
        except Unreadable:
            continue
