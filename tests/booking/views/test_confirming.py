"""While very much is booked, the form is confirmed by the link in a mail, by everyone alike."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.conf import settings
from django.test import Client
from django.utils import timezone

from booking import by_hand, by_mail, family_data, links
from booking.models import (
    Actor,
    Appointment,
    AppointmentType,
    Draft,
    Kind,
    Notification,
    NotificationState,
    Parent,
    Unconfirmed,
)
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
from tests.booking.steps import many_book
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
def busy() -> Iterator[None]:
    with many_book():
        yield


def open_form(visitor: Client) -> Any:
    return visitor.get("/en/afspraak/gegevens/", {"type": "eerste-afspraak", "start": START})


def fill_in(visitor: Client, **changes: str) -> Any:
    return visitor.post("/en/afspraak/gegevens/", FORM | changes)


def test_on_a_quiet_day_nothing_is_asked(visitor: Client) -> None:
    assert "/gemaakt/" in fill_in(visitor)["Location"]


def test_past_a_share_of_the_horizon_everyone_is_asked(visitor: Client) -> None:
    for day in range(2, 5):
        fill_in(visitor, start=f"2026-12-{day:02}T09:00Z", email=f"n{day}@example.org", key=f"{day}")

    assert fill_in(visitor)["Location"] == "/en/afspraak/mail/"
    assert fill_in(Client(REMOTE_ADDR="192.0.2.1"), start="2026-12-01T10:00Z", key="other").status_code == 302


def end_links(appointment: Appointment) -> None:
    by_hand.end_links(appointment, account=make_account("alice@praktijk.example"), now=timezone.now())


def correct_address(appointment: Appointment) -> None:
    right = make_family(email="right@example.org")
    family_data.correct(Parent.objects.get(), right, by=Actor.THERAPIST, zone=AMSTERDAM, now=timezone.now())


WAYS_TO_END = pytest.mark.parametrize("end", [end_links, correct_address])


@WAYS_TO_END
def test_once_the_links_are_ended_the_same_form_gives_no_new_one(
    visitor: Client, end: Callable[[Appointment], None]
) -> None:
    fill_in(visitor)

    end(Appointment.objects.get())

    assert fill_in(visitor).status_code == 409


@pytest.mark.usefixtures("busy")
class TestConfirming:
    @pytest.fixture
    def link(self, visitor: Client) -> str:
        """The address in the mail."""
        response = fill_in(visitor)
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

    def test_after_its_term_it_is_a_dead_link(self, link: str, clock: Any) -> None:
        Notification.objects.update(state=NotificationState.SENT, sent_at=timezone.now())
        by_mail.start_terms()
        clock.shift(Unconfirmed.SOON + Unconfirmed.TERM)

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

    def test_what_no_key_reads_waits_for_the_key_and_says_so(
        self, visitor: Client, link: str, settings: Any
    ) -> None:
        kept, settings.FIELD_KEYS = settings.FIELD_KEYS, [Fernet.generate_key().decode()]

        button, correction = Client().post(link), visitor.post("/en/afspraak/mail/", {"email": "iris@example.org"})

        assert (button.status_code, correction.status_code) == (503, 503)
        assert "cannot be read just now" in text(button)
        settings.FIELD_KEYS = kept
        assert Client().post(link).status_code == 302
        assert Appointment.objects.get().parents.get().name == "Noor de Vries"

    def test_a_double_click_is_one_mail(self, visitor: Client) -> None:
        first, second = fill_in(visitor), fill_in(visitor)

        assert first["Location"] == second["Location"] == "/en/afspraak/mail/"
        assert Notification.objects.filter(kind=Kind.CONFIRM).count() == 1

    def test_its_page_says_when_it_is_and_until_when_it_can_be_confirmed(self, visitor: Client) -> None:
        fill_in(visitor)

        page = visitor.get("/en/afspraak/mail/")

        assert "10:00 to 11:00" in text(page)
        assert "We keep this moment free for you: you have until 13:05" in text(page)
        assert "Noor" not in page.content.decode()
        assert "noor@" not in page.content.decode()

    def test_where_it_cannot_be_kept_the_page_says_who_gets_it(self, visitor: Client) -> None:
        fill_in(Client(REMOTE_ADDR="192.0.2.1"), start="2026-12-01T08:00Z", email="a@example.org", key="a")
        fill_in(visitor)

        assert "the first to confirm gets it" in text(visitor.get("/en/afspraak/mail/"))
        link = links.confirm_url(Unconfirmed.objects.last()).removeprefix(settings.BASE_URL)  # type: ignore[arg-type]
        assert "the first to confirm gets it" in text(Client().get(link))

    def test_another_browser_is_told_nothing_of_it(self, visitor: Client) -> None:
        fill_in(visitor)

        page = Client().get("/en/afspraak/mail/")

        assert "10:00" not in text(page)
        assert "Look in your mail" in text(page)
        assert "mistake in your mail address" not in text(page)

    def test_a_mistyped_address_is_put_right_and_its_link_dies(self, visitor: Client, link: str) -> None:
        corrected = visitor.post("/en/afspraak/mail/", {"email": "right@example.org"})

        assert corrected["Location"] == "/en/afspraak/mail/"
        assert Client().get(link).status_code == 404
        waits = Unconfirmed.objects.get()
        assert waits.email == "right@example.org"
        assert "A new mail is on its way" in text(visitor.get("/en/afspraak/mail/"))
        Client().post(links.confirm_url(waits).removeprefix(settings.BASE_URL))
        assert Parent.objects.get().email == "right@example.org"

    def test_what_is_no_address_is_said(self, visitor: Client, link: str) -> None:
        refused = visitor.post("/en/afspraak/mail/", {"email": "right@"})

        assert refused.status_code == 422
        assert 'value="right@"' in refused.content.decode()
        assert Client().get(link).status_code == 200

    def test_whoever_goes_back_is_led_to_the_page_that_says_so(self, visitor: Client) -> None:
        fill_in(visitor)
        chosen = {"type": "eerste-afspraak", "start": START}
        again = (
            open_form(visitor),
            visitor.post("/en/afspraak/kiezen/", chosen),
            fill_in(visitor, key="another key"),
        )

        assert {page["Location"] for page in again} == {"/en/afspraak/mail/"}
        assert open_form(Client()).status_code == 409
        assert Unconfirmed.objects.count() == 1

    def test_whoever_goes_back_once_it_is_confirmed_is_led_to_the_appointment(
        self, visitor: Client, link: str
    ) -> None:
        Client().post(link)

        page = open_form(visitor).content.decode()

        assert links.manage_token(Parent.objects.get()) in page
        assert "notice--error" not in page
        assert "notice--error" in open_form(Client()).content.decode()

    def test_what_was_typed_for_another_moment_is_forgotten_once_it_is_asked(self, visitor: Client) -> None:
        fill_in(visitor, another="1")
        fill_in(visitor)

        assert Unconfirmed.objects.exists()
        assert not Draft.objects.exists()

    def test_another_browser_puts_nothing_right(self, link: str) -> None:
        refused = Client().post("/en/afspraak/mail/", {"email": "thief@example.org"})

        assert refused.status_code == 422
        assert Unconfirmed.objects.get().email == "noor@example.org"
        assert Client().get(link).status_code == 200

    def test_sent_again_with_another_address_it_takes_the_place_of_the_first(self, visitor: Client) -> None:
        fill_in(visitor, email="noor@exmaple.org")

        fill_in(visitor)

        assert Unconfirmed.objects.get().email == "noor@example.org"
