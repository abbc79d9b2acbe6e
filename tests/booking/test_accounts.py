"""Accounts, where two managers act at the same moment, for who left, and for an address that nobody has."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection

from booking import accounts, feed, links, outbox
from booking.models import FeedDetail, Notification, Therapist
from tests.booking.accounts import make_account
from tests.booking.factories import make_practice, make_therapist, wall
from tests.visitor import all_at_once

NOW = wall("2026-11-30 10:00")


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
