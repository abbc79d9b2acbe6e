"""A session does not open the agenda for ever. Alice signs in at nine."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from tests.booking.accounts import PASSWORD, code, make_account
from tests.booking.factories import make_practice, make_therapist, wall

pytestmark = pytest.mark.django_db

NINE = wall("2026-11-23 09:00")
AGENDA = "/en/agenda/"


@pytest.fixture(autouse=True)
def at_nine() -> Any:
    cache.clear()
    with time_machine.travel(NINE, tick=False) as clock:
        yield clock
    cache.clear()


@pytest.fixture
def alice() -> User:
    make_practice()
    user = make_account("alice@praktijk.example")
    make_therapist(name="Alice", user=user)
    return user


@pytest.fixture
def browser(alice: User) -> Client:
    """A browser in which Alice has just signed in with both steps."""
    browser = Client(headers={"accept-language": "en"})
    browser.post("/en/account/login/", {"login": alice.email, "password": PASSWORD})
    browser.post("/en/account/2fa/authenticate/", {"code": code()})
    return browser


def opens(browser: Client, path: str = AGENDA) -> bool:
    return browser.get(path).status_code == 200


def test_who_was_away_for_hours_signs_in_again(browser: Client, at_nine: Any) -> None:
    at_nine.move_to(NINE + timedelta(hours=3, minutes=59))
    assert opens(browser)

    at_nine.move_to(NINE + timedelta(hours=7, minutes=59))
    refused = browser.get(AGENDA, follow=True)

    assert refused.redirect_chain == [(f"/en/account/login/?next={AGENDA}", 302)]
    assert "You were signed out, to keep the families&#x27; data safe." in refused.content.decode()


def test_whoever_goes_on_working_signs_in_once_a_day(browser: Client, at_nine: Any) -> None:
    for hours in range(3, 24, 3):
        at_nine.move_to(NINE + timedelta(hours=hours))
        assert opens(browser), hours

    at_nine.move_to(NINE + timedelta(hours=24))

    assert not opens(browser)
    # Nor does anything else open that was open before.
    assert not opens(browser, "/en/account/2fa/")


def test_the_admin_goes_by_the_same_clock(alice: User, browser: Client, at_nine: Any) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    assert opens(browser, "/en/beheer/")

    at_nine.move_to(NINE + timedelta(hours=4))

    assert not opens(browser, "/en/beheer/")


def test_being_there_is_written_down_every_five_minutes(browser: Client, at_nine: Any) -> None:
    session = browser.session
    at_nine.move_to(NINE + timedelta(seconds=299))
    opens(browser)
    assert browser.session["age"] == session["age"]

    at_nine.move_to(NINE + timedelta(seconds=300))
    opens(browser)

    assert browser.session["age"]["seen"] == session["age"]["seen"] + 300


def test_a_page_for_everyone_looks_at_no_session(browser: Client, at_nine: Any) -> None:
    at_nine.move_to(NINE + timedelta(hours=10))

    assert "Cookie" not in browser.get("/robots.txt").get("Vary", "")
    assert "age" in browser.session


def test_who_signed_in_by_a_clock_that_ran_ahead_signs_in_again(browser: Client, at_nine: Any) -> None:
    at_nine.move_to(NINE - timedelta(minutes=4))
    assert opens(browser)

    at_nine.move_to(NINE - timedelta(days=3))
    assert not opens(browser)
