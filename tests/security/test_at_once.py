"""Every limit, tried by many at the very same moment: no more of them get an answer than of as many in a row."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client, RequestFactory

from booking import accounts, appointments, calendars, holds, links
from booking.calendars import TooManyCalendars
from booking.errors import TooManyRequests
from booking.models import AccessEntry, Hold, Parent, Therapist
from booking.rate_limits import DEAD_LINKS
from tests.booking.accounts import PASSWORD, code, make_account
from tests.booking.elsewhere import PATIENCE
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_family,
    make_hours,
    make_practice,
    make_therapist,
    make_type,
    wall,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engines]

NOW = wall("2026-11-30 10:05")
LOGIN, STEP = "/en/account/login/", "/en/account/2fa/authenticate/"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    make_practice()
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield
    cache.clear()


def crowd(number: int, act: Callable[[int], Any]) -> list[Any]:
    """Let `number` callers do `act` at the same moment, each with its own connection; return what came of it."""
    gate = Barrier(number)

    def one(place: int) -> Any:
        # Open before the gate is, or the first would be done before the last is connected.
        connection.ensure_connection()
        gate.wait(PATIENCE)
        try:
            return act(place)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def visitor() -> Client:
    return Client(headers={"accept-language": "en"})


@pytest.fixture
def alice() -> Therapist:
    return make_therapist(name="Alice", user=make_account("alice@praktijk.example"))


def test_the_phone_number_is_looked_at_five_times(alice: Therapist) -> None:
    make_appointment(make_type(alice), start="2026-12-01 10:00")
    address = f"/en/afspraak/beheer/{links.manage_token(Parent.objects.get())}/gegevens/"

    answers = crowd(12, lambda place: visitor().post(address, {"phone": f"06 123456{place:02}"}).status_code)

    assert Counter(answers) == {422: 5, 429: 7}
    assert AccessEntry.objects.filter(action="refused").count() == 5
    assert visitor().post(address, {"phone": "06 12345678"}).status_code == 429


def test_a_family_that_answers_right_is_asked_as_often_as_it_comes(alice: Therapist) -> None:
    make_appointment(make_type(alice), start="2026-12-01 10:00")
    address = f"/en/afspraak/beheer/{links.manage_token(Parent.objects.get())}/gegevens/"

    answers = [visitor().post(address, {"phone": "06 12345678"}).status_code for _ in range(9)]

    assert set(answers) == {302}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/en/afspraak/beheer/{}/", 404),
        ("/en/afspraak/bevestigen/{}/", 404),
        ("/agenda/abonnement/{}.ics", 404),
        ("/api/v1/appointments/{}", 404),
    ],
    ids=["manage link", "confirmation", "feed", "API"],
)
def test_dead_links_are_answered_as_often_as_the_limit_says(address: str, status: int) -> None:
    for number in range(DEAD_LINKS.most - 3):
        visitor().get(address.format(f"y{number}"))

    answers = crowd(8, lambda place: visitor().get(address.format(f"x{place}")).status_code)

    assert Counter(answers) == {status: 3, 429: 5}


def test_a_password_is_looked_at_five_times(alice: Therapist) -> None:
    def guess(place: int) -> str:
        text = visitor().post(LOGIN, {"login": "alice@praktijk.example", "password": f"fout {place}"})
        return "looked at" if "do not belong together" in text.content.decode() else "refused"

    assert Counter(crowd(9, guess)) == {"looked at": 5, "refused": 4}


def test_the_old_password_is_looked_at_five_times(alice: Therapist) -> None:
    browsers = [visitor() for _ in range(9)]
    for browser in browsers:
        assert alice.user
        browser.force_login(alice.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    # Without the second step the page is open to a demo alone.
    alice.user.authenticator_set.all().delete()  # type: ignore[union-attr]
    fields = {"password1": "drie groene fietsen", "password2": "drie groene fietsen"}

    def guess(place: int) -> str:
        answer = browsers[place].post("/en/account/password/change/", {**fields, "oldpassword": f"fout {place}"})
        return "looked at" if "This is not your current password." in answer.content.decode() else "refused"

    assert Counter(crowd(9, guess))["looked at"] <= 5


def test_a_code_is_looked_at_five_times(alice: Therapist) -> None:
    browsers = [visitor() for _ in range(9)]
    for browser in browsers:
        browser.post(LOGIN, {"login": "alice@praktijk.example", "password": PASSWORD})

    def guess(place: int) -> str:
        text = browsers[place].post(STEP, {"code": f"00000{place}"}).content.decode()
        return "looked at" if "This code is not right." in text else "refused"

    assert Counter(crowd(9, guess)) == {"looked at": 5, "refused": 4}


def test_a_code_lets_one_browser_in(alice: Therapist, settings: Any) -> None:
    # allauth's own memory of codes is in the cache, which tells two at once apart on Redis alone.
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    settings.ACCOUNT_RATE_LIMITS = False
    browsers = [visitor() for _ in range(4)]
    for browser in browsers:
        browser.post(LOGIN, {"login": "alice@praktijk.example", "password": PASSWORD})
    shown = [code(), f"{code()[:3]} {code()[3:]}", f"{code()[:3]}-{code()[3:]}", code()]

    answers = crowd(4, lambda place: browsers[place].post(STEP, {"code": shown[place]}).status_code)

    assert Counter(answers) == {302: 1, 200: 3}


def test_a_recovery_code_that_two_found_right_counts_for_the_first(alice: Therapist, rf: RequestFactory) -> None:
    """What allauth crosses off, another process may have read a moment before."""
    recovery, another = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[:2]
    assert alice.user

    accounts.use_code(rf.post("/"), alice.user, recovery)

    for again in (recovery, f"{recovery[:4]} {recovery[4:]}"):
        with pytest.raises(ValidationError):
            accounts.use_code(rf.post("/"), alice.user, again)
    accounts.use_code(rf.post("/"), alice.user, another)


def test_a_recovery_code_lets_one_browser_in(alice: Therapist, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    recovery, another = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[:2]
    browsers = [visitor() for _ in range(5)]
    for browser in browsers:
        browser.post(LOGIN, {"login": "alice@praktijk.example", "password": PASSWORD})
    shown = [recovery, f"{recovery[:4]} {recovery[4:]}", f"{recovery[:4]}-{recovery[4:]}", recovery]

    answers = crowd(4, lambda place: browsers[place].post(STEP, {"code": shown[place]}).status_code)

    assert Counter(answers) == {302: 1, 200: 3}
    # Nor later; the others are still good.
    assert browsers[4].post(STEP, {"code": recovery}).status_code == 200
    assert browsers[4].post(STEP, {"code": another}).status_code == 302


def test_one_address_keeps_three_times_however_many_therapists_there_are() -> None:
    therapists = [make_therapist() for _ in range(6)]
    for therapist in therapists:
        make_hours(therapist)
    consult = make_type(*therapists)

    def keep(place: int) -> bool:
        held = holds.hold(
            consult,
            wall("2026-12-01 10:00"),
            visitor=f"visitor {place}",
            address="one",
            zone=AMSTERDAM,
            now=NOW,
            therapist=therapists[place],
        )
        return held is not None

    assert Counter(crowd(6, keep)) == {True: 3, False: 3}
    assert Hold.objects.count() == 3


def test_one_mailbox_books_three_appointments_also_at_midnight(settings: Any) -> None:
    """The count of a day begins again in the middle of it: that opens nothing."""
    therapists = [make_therapist() for _ in range(6)]
    for therapist in therapists:
        make_hours(therapist)
    consult = make_type(*therapists)
    midnight = wall("2026-12-01 01:00")

    def book(place: int) -> bool:
        try:
            appointments.book(
                consult,
                wall("2026-12-02 10:00"),
                family=make_family(),
                zone=AMSTERDAM,
                now=midnight + timedelta(microseconds=place % 2 - 1),
                therapist=therapists[place],
            )
        except TooManyRequests:
            return False
        return True

    assert Counter(crowd(6, book)) == {True: settings.OPEN_APPOINTMENTS, False: 6 - settings.OPEN_APPOINTMENTS}


def test_a_therapist_has_as_many_calendars_as_there_may_be(alice: Therapist) -> None:
    for number in range(calendars.MOST_SOURCES - 1):
        calendars.add(alice, name=f"{number}", url="https://x.example/x.ics", now=NOW)

    def add(place: int) -> bool:
        try:
            calendars.add(alice, name=f"een van {place}", url="https://x.example/x.ics", now=NOW)
        except TooManyCalendars:
            return False
        return True

    assert Counter(crowd(4, add)) == {True: 1, False: 3}
    assert alice.calendar_sources.count() == calendars.MOST_SOURCES
