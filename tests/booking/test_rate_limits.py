"""Tries are counted exactly, and kept under a hash alone."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from booking import rate_limits
from booking.errors import Busy, TooManyRequests
from booking.models import RateCounter
from booking.rate_limits import Limit
from tests.booking.elsewhere import impatient, meanwhile
from tests.booking.factories import wall

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

LIMIT = Limit("test", 3, timedelta(hours=1))
NOW = wall("2026-12-01 10:15")


def tries(number: int, caller: str = "10.0.0.1", now: Any = NOW) -> None:
    for _ in range(number):
        rate_limits.count(LIMIT, caller, now=now)


def test_one_try_too_many_says_when_to_come_back() -> None:
    tries(3)

    with pytest.raises(TooManyRequests) as refused:
        tries(1)

    assert refused.value.retry_after == 45 * 60 + 1


def test_each_caller_each_limit_and_each_window_counts_for_itself() -> None:
    tries(3)
    tries(3, caller="10.0.0.2")
    tries(3, now=NOW + timedelta(hours=1))
    rate_limits.count(Limit("other", 1, timedelta(hours=1)), "10.0.0.1", now=NOW)

    assert RateCounter.objects.count() == 4


def test_looking_does_not_count() -> None:
    for _ in range(9):
        rate_limits.refuse_exhausted(LIMIT, "10.0.0.1", now=NOW)
    tries(3)

    with pytest.raises(TooManyRequests):
        rate_limits.refuse_exhausted(LIMIT, "10.0.0.1", now=NOW)
    rate_limits.refuse_exhausted(LIMIT, "10.0.0.1", now=NOW + timedelta(hours=1))


def test_what_was_no_guess_is_taken_back() -> None:
    for _ in range(9):
        tries(1)
        rate_limits.give_back(LIMIT, "10.0.0.1", now=NOW)
    rate_limits.give_back(LIMIT, "10.0.0.1", now=NOW)

    tries(3)
    with pytest.raises(TooManyRequests):
        tries(1)


def test_no_address_stands_in_the_table() -> None:
    tries(1)

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM booking_ratecounter")
        assert "10.0.0.1" not in str(cursor.fetchall())


def test_they_can_be_switched_off_for_a_load_test(settings: Any) -> None:
    settings.RATE_LIMITS = False

    tries(50)

    assert not RateCounter.objects.exists()


def test_old_windows_are_forgotten() -> None:
    tries(1)

    rate_limits.forget_old(now=NOW + timedelta(days=1))
    assert RateCounter.objects.exists()
    rate_limits.forget_old(now=NOW + timedelta(days=3))

    assert not RateCounter.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_try_that_has_to_wait_too_long_is_refused_and_what_was_right_is_not() -> None:
    with meanwhile(lambda: tries(1)), impatient():
        with pytest.raises(Busy):
            tries(1)
        rate_limits.give_back(LIMIT, "10.0.0.1", now=NOW)

    assert RateCounter.objects.get().count == 1


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_all_counted() -> None:
    limit = Limit("crowd", 25, timedelta(hours=1))

    def five_tries(number: int) -> int:
        passed = 0
        try:
            for _ in range(5):
                with suppress(TooManyRequests):
                    rate_limits.count(limit, "10.0.0.1", now=NOW)
                    passed += 1
        finally:
            connection.close()
        return passed

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(five_tries, range(8))) == limit.most

    assert RateCounter.objects.get().count == 40


def test_a_line_that_changes_its_network_is_counted_in_the_wider_ones() -> None:
    def passed(names: list[tuple[str, ...]]) -> int:
        through = 0
        for caller in names:
            with suppress(TooManyRequests):
                rate_limits.refuse_exhausted(LIMIT, caller, now=NOW)
                rate_limits.count(LIMIT, caller, now=NOW)
                through += 1
        return through

    # Three tries of each /64, twelve of a /56, forty-eight of a /48: a new /64 for each try, then a new /56 too.
    assert passed([(f"64-{number}", "56-a", "48-a") for number in range(20)]) == 12
    assert passed([("64-other", "56-b", "48-a"), ("64-other", "56-b", "48-a")]) == 2
    assert passed([(f"64-{number}", f"56-{number}", "48-a") for number in range(100)]) == 48 - 14
    assert passed([("64-far", "56-far", "48-far")]) == 1
    assert passed([("203.0.113.9",)] * 5) == 3


@pytest.mark.only("postgresql")
@pytest.mark.django_db(transaction=True)
def test_turns_of_one_caller_come_one_after_the_other() -> None:
    """Also where each of them writes into a row of its own, and so locks nothing that another one wants."""
    with meanwhile(lambda: rate_limits.take_turn("test", "10.0.0.1")), impatient(), transaction.atomic():
        rate_limits.take_turn("test", "10.0.0.2")
        with pytest.raises(OperationalError), transaction.atomic():
            rate_limits.take_turn("test", "10.0.0.1")
