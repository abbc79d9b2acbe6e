"""The Dutch public holidays, as the calendar of the Netherlands has them."""

from datetime import date, timedelta

import pytest

from booking import public_holidays

NAMES_2027 = {
    date(2027, 1, 1): "Nieuwjaarsdag",
    date(2027, 3, 26): "Goede vrijdag",
    date(2027, 3, 28): "Eerste paasdag",
    date(2027, 3, 29): "Tweede paasdag",
    date(2027, 4, 27): "Koningsdag",
    date(2027, 5, 6): "Hemelvaartsdag",
    date(2027, 5, 16): "Eerste pinksterdag",
    date(2027, 5, 17): "Tweede pinksterdag",
    date(2027, 12, 25): "Eerste kerstdag",
    date(2027, 12, 26): "Tweede kerstdag",
}


def test_a_year_has_its_holidays_in_order() -> None:
    found = public_holidays.between(date(2027, 1, 1), date(2027, 12, 31))

    assert list(found.items()) == list(NAMES_2027.items())


def test_both_ends_are_included_and_years_run_on() -> None:
    found = public_holidays.between(date(2026, 12, 26), date(2027, 1, 1))

    assert list(found) == [date(2026, 12, 26), date(2027, 1, 1)]
    assert public_holidays.between(date(2026, 12, 27), date(2026, 12, 31)) == {}


@pytest.mark.parametrize(
    ("language", "name"),
    [("nl", "Koningsdag"), ("en", "King's Day"), ("en-gb", "King's Day"), ("fr", "King's Day")],
)
def test_names_are_in_the_readers_language(language: str, name: str) -> None:
    day = date(2026, 4, 27)

    assert public_holidays.between(day, day, language) == {day: name}


def test_a_kings_day_on_sunday_is_kept_the_day_before() -> None:
    assert date(2025, 4, 26) in public_holidays.between(date(2025, 4, 20), date(2025, 4, 28))


def test_a_year_that_was_read_is_kept() -> None:
    first = date(2031, 1, 1)
    public_holidays.between(first, first)
    before = public_holidays._of.cache_info()

    public_holidays.between(first, first + timedelta(days=100))

    after = public_holidays._of.cache_info()
    assert (after.hits - before.hits, after.misses - before.misses) == (1, 0)
