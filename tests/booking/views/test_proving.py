"""The form asks a browser to work where many book at once or a program may be at it; a family loses nothing."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from booking import by_hand, family_data, links, proof
from booking.models import Actor, Appointment, AppointmentType, Parent, Unconfirmed
from booking.rate_limits import BOOKINGS, Limit
from tests.booking.accounts import make_account
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_family,
    make_hours,
    make_practice,
    make_therapist,
    make_type,
)
from tests.booking.test_proof import solved
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db

START = "2026-12-01T09:00Z"
FORM = {
    "type": "eerste-afspraak",
    "start": START,
    "parent_name": "Noor de Vries",
    "email": "noor@example.org",
    "phone": "06 12345678",
    "child_first_name": "Sam",
    "age_band": "under_12",
    "consent": "on",
    "key": "a-key",
}


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel("2026-11-20 11:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def consult() -> AppointmentType:
    make_practice()
    alice = make_therapist(name="Alice")
    make_hours(alice, start="09:00", end="12:00")
    return make_type(alice, slug="eerste-afspraak", step=timedelta(hours=1))


@pytest.fixture
def visitor() -> Client:
    return Client()


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "LOAD", Limit("load", 1, proof.LOAD.window))


def open_form(visitor: Client) -> Any:
    return visitor.get("/en/afspraak/gegevens/", {"type": "eerste-afspraak", "start": START})


def fill_in(visitor: Client, **changes: str) -> Any:
    return visitor.post("/en/afspraak/gegevens/", FORM | changes)


def question(page: Any) -> str:
    """Return what the page asks of the browser, or nothing."""
    found = re.search(r'name="proof" data-question="([^"]*)"', page.content.decode())
    return unescape(found[1]) if found else ""


def test_on_a_quiet_day_nothing_is_asked(visitor: Client) -> None:
    assert not question(open_form(visitor))
    assert "proof.js" not in open_form(visitor).content.decode()

    assert fill_in(visitor).status_code == 302


@pytest.mark.usefixtures("busy")
def test_while_many_book_a_browser_works_first(visitor: Client) -> None:
    fill_in(visitor, email="mila@example.org", start="2026-12-01T10:00Z", key="first")
    page = open_form(visitor)
    assert "proof.js" in page.content.decode()

    response = fill_in(visitor, proof=solved(question(page)))

    assert response.status_code == 302
    assert Appointment.objects.count() == 1


@pytest.mark.usefixtures("busy")
def test_without_an_answer_the_form_comes_back_with_all_that_was_typed(visitor: Client) -> None:
    refused = fill_in(visitor, remark="graag in de ochtend")

    assert refused.status_code == 422
    assert "Please press the button once more" in text(refused)
    assert 'value="Noor de Vries"' in refused.content.decode()
    assert "graag in de ochtend" in refused.content.decode()
    assert fill_in(visitor, proof=solved(question(refused))).status_code == 302


@pytest.mark.usefixtures("busy")
def test_an_answer_books_once(visitor: Client) -> None:
    answer = solved(question(fill_in(visitor)))
    fill_in(visitor, proof=answer)

    again = fill_in(Client(), start="2026-12-01T10:00Z", key="other", proof=answer)

    assert again.status_code == 422
    assert question(again)
    assert Appointment.objects.count() == 1


@pytest.mark.usefixtures("busy")
def test_a_double_click_is_one_booking_and_no_refusal(visitor: Client) -> None:
    answer = solved(question(fill_in(visitor)))

    first, second = fill_in(visitor, proof=answer), fill_in(visitor, proof=answer)

    assert (first.status_code, first["Location"]) == (302, second["Location"])


def test_who_fills_in_what_nobody_sees_is_asked_and_not_refused(visitor: Client) -> None:
    asked = fill_in(visitor, particulars="https://example.org")
    assert asked.status_code == 422
    assert 'name="particulars" tabindex="-1" autocomplete="off"' in asked.content.decode()
    assert not Appointment.objects.exists()

    booked = fill_in(visitor, particulars="https://example.org", proof=solved(question(asked)))

    assert booked.status_code == 302


def test_a_caller_halfway_to_the_limit_is_asked(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "BOOKINGS", Limit(BOOKINGS.name, 2, timedelta(hours=1)))
    fill_in(visitor)

    assert question(open_form(visitor))
    assert not question(open_form(Client(REMOTE_ADDR="192.0.2.1")))


def end_links(appointment: Appointment) -> None:
    by_hand.end_links(appointment, account=make_account("alice@praktijk.example"), now=timezone.now())


def mend_address(appointment: Appointment) -> None:
    right = make_family(email="right@example.org")
    family_data.correct(Parent.objects.get(), right, by=Actor.THERAPIST, zone=AMSTERDAM, now=timezone.now())


WAYS_TO_END = pytest.mark.parametrize("end", [end_links, mend_address])


@WAYS_TO_END
def test_once_the_links_are_ended_the_same_form_gives_no_new_one(
    visitor: Client, end: Callable[[Appointment], None]
) -> None:
    fill_in(visitor)

    end(Appointment.objects.get())

    assert fill_in(visitor).status_code == 409


@pytest.mark.usefixtures("busy")
class TestByMail:
    @pytest.fixture
    def link(self, visitor: Client) -> str:
        """The address in the mail."""
        response = fill_in(visitor, by_mail="1")
        assert response["Location"] == "/en/afspraak/mail/"
        return links.confirm_url(Unconfirmed.objects.get()).removeprefix(settings.BASE_URL)

    def test_a_look_at_the_link_books_nothing(self, link: str) -> None:
        page = Client().get(link)

        assert "10:00 to 11:00" in text(page)
        assert "Noor" not in page.content.decode()
        assert page["Cache-Control"].startswith("max-age=0")
        assert not Appointment.objects.exists()

    def test_its_button_books_and_pressed_again_shows_the_same(self, link: str) -> None:
        first, second, look = Client().post(link), Client().post(link), Client().get(link)

        assert first["Location"].startswith("/en/afspraak/gemaakt/")
        assert first["Location"] == second["Location"] == look["Location"]
        assert Appointment.objects.count() == 1

    @WAYS_TO_END
    def test_once_the_links_are_ended_this_one_gives_no_new_one(
        self, link: str, end: Callable[[Appointment], None]
    ) -> None:
        Client().post(link)

        end(Appointment.objects.get())

        assert [Client().get(link).status_code, Client().post(link).status_code] == [404, 404]

    def test_after_an_hour_it_is_a_dead_link(self, link: str, clock: Any) -> None:
        clock.shift(timedelta(hours=1))

        assert Client().post(link).status_code == 404
        assert not Appointment.objects.exists()

    def test_a_token_for_something_else_opens_nothing(self, link: str) -> None:
        token = links.manage_token(make_appointment(start="2026-12-03 10:00").parents.get())

        assert Client().get(f"/en/afspraak/bevestigen/{token}/").status_code == 404
        assert Client().get(link[:-2] + "/").status_code == 404

    def test_it_says_why_it_cannot_be(self, link: str, settings: Any) -> None:
        settings.OPEN_APPOINTMENTS = 0

        refused = Client().post(link)

        assert refused.status_code == 429
        assert "With this email address no more can be booked here now" in text(refused)
        assert Client().get(link).status_code == 200

    def test_on_a_quiet_day_it_books_at_once(self, visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(proof, "LOAD", Limit("load", 99, proof.LOAD.window))

        assert "/gemaakt/" in fill_in(visitor, by_mail="1")["Location"]
