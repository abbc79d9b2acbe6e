"""Accounts, where two managers act at the same moment, for who left, and for an address that nobody has."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client

from booking import accounts, calendars, feed, links, outbox
from booking.models import CalendarSource, FeedDetail, Kind, Notification, NotificationState, Therapist
from tests.booking.accounts import PASSWORD, code, make_account, signed_in
from tests.booking.factories import AMSTERDAM, make_practice, make_therapist, wall
from tests.visitor import all_at_once

NOW = wall("2026-11-30 10:00")
LOGIN = "/en/account/login/"
STRONG = "drie groene fietsen"


def outcome(act: Callable[[], object]) -> Callable[[], str]:
    """Return `act` as something that a thread can do, and that says how it ended."""

    def run() -> str:
        try:
            act()
        except ValidationError:
            return "refused"
        finally:
            connection.close()
        return "done"

    return run


@pytest.mark.engines
@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    @pytest.fixture
    def managers(self) -> list[User]:
        return [make_account(f"{name}@praktijk.example", manager=True) for name in ("alice", "bob")]

    @pytest.mark.parametrize("act", ["set_manager", "set_open"])
    def test_managers_who_put_each_other_out_leave_one(self, managers: list[User], act: str) -> None:
        def put_out(user: User) -> None:
            if act == "set_manager":
                accounts.set_manager(user, manager=False)
            else:
                accounts.set_open(user, open=False)

        ends = all_at_once([outcome(lambda user=user: put_out(user)) for user in managers])  # type: ignore[misc]

        assert sorted(ends) == ["done", "refused"]
        assert User.objects.filter(is_staff=True, is_active=True).count() == 1

    def test_a_button_pressed_twice_adds_one_colleague(self, managers: list[User]) -> None:
        make_practice()
        colleague = {"name": "Erin", "email": "erin@praktijk.example", "language": "nl"}

        def add() -> object:
            return accounts.add_colleague(**colleague, manager=False, bookable=True, now=NOW)

        assert sorted(all_at_once([outcome(add), outcome(add)])) == ["done", "refused"]
        assert Therapist.objects.get().slug == "erin"
        assert Notification.objects.count() == 1


@pytest.mark.engines
@pytest.mark.django_db
class TestClosing:
    def test_an_account_that_is_opened_again_revives_no_address_of_the_feed(self) -> None:
        user = make_account("alice@praktijk.example")
        alice = make_therapist(user=user)
        feed.turn_on(alice, FeedDetail.NAMES)
        first = links.feed_url(alice)

        accounts.set_open(user, open=False)
        accounts.set_open(user, open=True)

        alice.refresh_from_db()
        assert not alice.feed_on
        feed.turn_on(alice, FeedDetail.NAMES)
        assert links.feed_url(alice) != first

    @pytest.fixture
    def alice(self) -> Therapist:
        make_practice()
        return make_therapist(user=make_account("alice@praktijk.example"))

    def test_no_link_of_before_chooses_a_password_then_or_after_it_is_open_again(self, alice: Therapist) -> None:
        assert alice.user
        path = links.password_url(alice).removeprefix("http://testserver")
        # Its token is in the session by now, and the form on the screen.
        begun = Client()
        form = begun.get(path)["Location"]
        assert begun.get(form).context["validlink"]

        accounts.set_open(alice.user, open=False)
        assert not Client().get(path, follow=True).context["validlink"]
        assert not begun.post(form, {"new_password1": STRONG}).context["validlink"]

        accounts.set_open(alice.user, open=True)
        assert not Client().get(path, follow=True).context["validlink"]
        assert not begun.post(form, {"new_password1": STRONG}).context["validlink"]
        assert not User.objects.get().check_password(STRONG)

    def test_a_link_made_while_it_is_closed_opens_nothing_then_or_later(self, alice: Therapist) -> None:
        assert alice.user
        accounts.set_open(alice.user, open=False)
        path = links.password_url(alice).removeprefix("http://testserver")
        assert not Client().get(path, follow=True).context["validlink"]

        accounts.set_open(alice.user, open=True)

        assert not Client().get(path, follow=True).context["validlink"]

    def test_a_link_that_is_not_sent_yet_never_is(self, alice: Therapist) -> None:
        assert alice.user
        accounts.send_password_link(alice, now=NOW)

        accounts.set_open(alice.user, open=False)
        accounts.set_open(alice.user, open=True)

        assert Notification.objects.get().state == NotificationState.VOID

    def test_opened_again_it_gets_a_link_and_the_old_password_is_gone(self, alice: Therapist) -> None:
        assert alice.user
        accounts.set_open(alice.user, open=False)

        assert accounts.open_again(alice.user, now=NOW)

        assert (alice.user.is_active, alice.user.has_usable_password()) == (True, False)
        assert Notification.objects.get().kind == Kind.PASSWORD_LINK
        assert Client().post(LOGIN, {"login": alice.user.email, "password": PASSWORD}).status_code == 200

    @pytest.mark.parametrize("then", ["closed", "opened again", "another password"])
    def test_a_first_step_of_before_leads_no_further(self, alice: Therapist, then: str) -> None:
        cache.clear()
        assert alice.user
        browser = Client(headers={"accept-language": "en"})
        browser.post(LOGIN, {"login": alice.user.email, "password": PASSWORD})
        if then == "another password":
            accounts.choose_password(alice.user, STRONG)
        else:
            accounts.set_open(alice.user, open=False)
        if then == "opened again":
            accounts.set_open(alice.user, open=True)

        browser.post("/en/account/2fa/authenticate/", {"code": code()})

        accounts.set_open(alice.user, open=True)
        assert browser.get("/en/agenda/")["Location"].startswith(LOGIN)

    def test_no_session_lives_again_even_one_that_nobody_listed(self, alice: Therapist) -> None:
        assert alice.user
        browser = signed_in(alice.user)
        assert browser.get("/en/agenda/").status_code == 200

        accounts.set_open(alice.user, open=False)
        accounts.set_open(alice.user, open=True)

        assert browser.get("/en/agenda/")["Location"].startswith(LOGIN)

    def test_a_password_chosen_at_the_same_moment_does_not_open_it(self, alice: Therapist) -> None:
        """Whoever was about to save it had read the account while it was open."""
        stale = User.objects.get()
        assert alice.user
        accounts.set_open(alice.user, open=False)

        assert not accounts.choose_password(stale, STRONG)

        assert (User.objects.get().is_active, User.objects.get().has_usable_password()) == (False, False)

    def test_the_private_calendar_is_read_no_more(self, alice: Therapist) -> None:
        assert alice.user
        calendars.add(alice, name="Thuis", url="https://x.example/x.ics", now=NOW)

        accounts.set_open(alice.user, open=False)
        calendars.read_due(lambda: NOW, zone=AMSTERDAM)

        assert CalendarSource.objects.get().due_at == NOW


@pytest.mark.django_db
class TestAForgottenPassword:
    def test_the_queue_is_asked_whether_the_address_is_known_or_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It takes longer than all the rest: left out for the unknown, it would tell who works here."""
        make_therapist(user=make_account("alice@praktijk.example"))
        woken: list[Any] = []
        monkeypatch.setattr(outbox, "wake", lambda: woken.append(None))

        for number, email in enumerate(("alice@praktijk.example", "nobody@praktijk.example"), start=1):
            accounts.forgot_password(email, now=NOW)
            assert len(woken) == number
        assert Notification.objects.count() == 1
