"""docs/security.md names tests that are there, and limits that are so."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from booking import rate_limits
from booking.rate_limits import Limit

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "security.md").read_text(encoding="utf-8")
PER = {timedelta(minutes=10): "10 minutes", timedelta(hours=1): "hour", timedelta(days=1): "day"}


def test_every_test_that_it_names_is_there() -> None:
    named = set(re.findall(r"`([\w/]*test_\w+\.py)`", PAGE))

    assert len(named) > 10
    assert not [name for name in named if not {TESTS / name, TESTS / "booking" / name} & set(TESTS.rglob("*.py"))]


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("choosing a time, first or once more", rate_limits.HOLDS),
        ("booking, moving by a parent", rate_limits.BOOKINGS),
        ("booking", rate_limits.BOOKINGS_PER_MAIL),
        ("moving by a parent", rate_limits.MOVES_PER_MAIL),
        ("tokens that open nothing", rate_limits.DEAD_LINKS),
        ("phone number asked before data are shown", rate_limits.ANSWERS),
        ("looks at the data, corrections, reminders on and off", rate_limits.LOGGED),
        ("signing in, a link for a password", rate_limits.SIGN_IN),
        ("links for a password", rate_limits.PASSWORD_LINKS),
        ("looking at one field of the form", rate_limits.FIELDS),
        ("calls of the API", rate_limits.API),
    ],
    ids=lambda value: value.name if isinstance(value, Limit) else "",
)
def test_each_limit_is_as_the_table_says(what: str, limit: Limit) -> None:
    assert re.search(
        rf"^\| {re.escape(what)} \| [\w ]+ \| {limit.most} \| {PER[limit.window]} \|", PAGE, re.MULTILINE
    )
