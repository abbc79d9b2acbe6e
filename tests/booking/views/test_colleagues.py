"""Who works here and gets in: a manager's page, and the link by which a colleague chooses a password."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from booking import emails, rate_limits
from booking.models import Kind, Notification, NotificationState, Therapist
from practice.logs import redact
from tests.booking.accounts import PASSWORD, code, make_account
from tests.booking.factories import make_appointment, make_hours, make_practice, make_therapist, make_type, wall
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db

URL = "/en/agenda/collegas/"
NEW = {"name": "Erin de Boer", "email": "Erin@praktijk.example", "language": "nl", "bookable": "on"}
STRONG = "drie groene fietsen"


@pytest.fixture(autouse=True)
def practice() -> None:
    make_practice()
    cache.clear()


def link() -> str:
    """The path in the mail that is due."""
    due = Notification.objects.get(kind=Kind.PASSWORD_LINK, state=NotificationState.DUE)
    body = str(emails.compose(due, now=due.due_at).body)
    found = re.search(r"http://testserver(/\S*account/wachtwoord/\S+)", body)
    assert found
    return found[1]


def account(therapist: Therapist) -> User:
    """The account of `therapist` as it is now."""
    return User.objects.get(therapist=therapist)


def choose(visitor: Client, path: str, password: str = STRONG) -> Any:
    form = visitor.get(path, follow=True)
    return visitor.post(form.redirect_chain[-1][0], {"new_password1": password}, follow=True)


class TestAdding:
    def test_a_colleague_gets_a_mail_and_chooses_a_password_by_it(
        self, browsers: dict[str, Client], settings: Any
    ) -> None:
        response = browsers["bob"].post(f"{URL}nieuw/", NEW, follow=True)

        erin = Therapist.objects.get(slug="erin-de-boer")
        assert erin.user is not None
        assert (erin.user.email, erin.user.is_staff, erin.active) == ("erin@praktijk.example", False, True)
        assert not erin.user.has_usable_password()
        assert "Erin de Boer" in text(response)

        visitor = Client()
        choose(visitor, link())
        login = {"login": "erin@praktijk.example", "password": STRONG}
        assert visitor.post("/en/account/login/", login).status_code == 302
        assert visitor.get("/en/agenda/")["Location"] == "/en/account/2fa/totp/activate/"

    def test_who_is_not_to_be_booked_is_not(self, browsers: dict[str, Client]) -> None:
        browsers["bob"].post(f"{URL}nieuw/", {**NEW, "bookable": "", "manager": "on"})

        erin = Therapist.objects.get(slug="erin-de-boer")
        assert erin.user is not None
        assert (erin.active, erin.user.is_staff) == (False, True)

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"name": ""}, "Please fill in the name."),
            ({"email": "erin"}, "This mail address is not complete."),
            ({"email": "alice@praktijk.example"}, "There is already an account with this mail address."),
            ({"name": "Erin\nBcc: x@example.org"}, "cannot be used here"),
            ({"language": "xx"}, "Select a valid choice"),
        ],
    )
    def test_what_cannot_be_gets_a_sentence(
        self, browsers: dict[str, Client], change: dict[str, str], sentence: str
    ) -> None:
        before = User.objects.count()
        response = browsers["bob"].post(f"{URL}nieuw/", {**NEW, **change})

        assert response.status_code == 422
        assert sentence in text(response)
        assert User.objects.count() == before
        assert not Notification.objects.exists()

    def test_two_of_one_name_are_told_apart(self, browsers: dict[str, Client]) -> None:
        for number in range(2):
            browsers["bob"].post(f"{URL}nieuw/", {**NEW, "email": f"erin{number}@praktijk.example"})

        slugs = set(Therapist.objects.filter(name="Erin de Boer").values_list("slug", flat=True))
        assert slugs == {"erin-de-boer", "erin-de-boer-2"}


class TestChanging:
    def test_a_closed_account_is_out_at_once_and_its_appointments_stay(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        make_appointment(therapist=alice, start="2099-12-01 10:00")

        response = browsers["bob"].post(f"{URL}alice/dicht/", follow=True)

        assert browsers["alice"].get("/en/agenda/")["Location"].startswith("/en/account/login/")
        assert f"Alice account closed cannot be booked {alice.email}" in text(response)
        assert "1 coming appointment." in text(response)
        assert "/en/agenda/?therapist=alice" in response.content.decode()
        assert browsers["bob"].get("/en/agenda/?therapist=alice&view=list").status_code == 200

        browsers["bob"].post(f"{URL}alice/open/")
        assert account(alice).is_active
        alice.refresh_from_db()
        assert not alice.active

    @pytest.mark.parametrize("act", [("dicht", "open"), ("tweede-stap",)], ids=["closed", "lost second step"])
    def test_its_sessions_have_ended_for_good(
        self, browsers: dict[str, Client], alice: Therapist, act: tuple[str, ...]
    ) -> None:
        hers = Client(headers={"accept-language": "en"})
        hers.post("/en/account/login/", {"login": "alice@praktijk.example", "password": PASSWORD})
        hers.post("/en/account/2fa/authenticate/", {"code": code()})
        assert hers.get("/en/agenda/").status_code == 200

        for word in act:
            browsers["bob"].post(f"{URL}alice/{word}/")

        assert hers.get("/en/agenda/")["Location"].startswith("/en/account/login/")

    def test_who_is_closed_is_not_mailed_a_link(self, browsers: dict[str, Client], alice: Therapist) -> None:
        browsers["bob"].post(f"{URL}alice/dicht/")

        assert browsers["bob"].post(f"{URL}alice/link/").status_code == 404
        assert not Notification.objects.exists()

    def test_who_cannot_be_booked_sees_the_own_agenda_and_parents_do_not(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        make_hours(alice)
        consult = make_type(alice)
        assert b'name="start"' in Client().get("/en/afspraak/").content

        browsers["bob"].post(f"{URL}alice/niet-te-boeken/")

        assert b'name="start"' not in Client().get(f"/en/afspraak/?type={consult.slug}").content
        assert browsers["alice"].get("/en/agenda/").status_code == 200
        assert browsers["alice"].get("/en/agenda/werktijden/").status_code == 200

    def test_parents_may_be_kept_from_booking_for_a_while(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        browsers["bob"].post(f"{URL}alice/niet-te-boeken/")
        alice.refresh_from_db()
        assert not alice.active

        browsers["bob"].post(f"{URL}alice/te-boeken/")
        alice.refresh_from_db()
        assert alice.active

    def test_who_left_cannot_be_booked_until_the_account_is_open(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        browsers["bob"].post(f"{URL}alice/dicht/")

        assert browsers["bob"].post(f"{URL}alice/te-boeken/").status_code == 404
        alice.refresh_from_db()
        assert not alice.active

    def test_managers_are_made_and_unmade_but_never_the_last(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        browsers["bob"].post(f"{URL}alice/beheerder/")
        assert account(alice).is_staff
        User.objects.filter(email="bob@praktijk.example").update(is_staff=False)

        response = browsers["alice"].post(f"{URL}alice/geen-beheerder/")
        assert response.status_code == 409
        assert "Somebody must manage the practice" in text(response)
        assert account(alice).is_staff

    def test_a_lost_second_step_is_forgotten_after_a_question(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        assert "Only do this when you are sure" in text(browsers["bob"].get(f"{URL}alice/tweede-stap/"))
        assert Authenticator.objects.filter(user=alice.user).exists()

        browsers["bob"].post(f"{URL}alice/tweede-stap/")

        assert not Authenticator.objects.filter(user=alice.user).exists()
        assert browsers["alice"].get("/en/agenda/")["Location"] == "/en/account/2fa/totp/activate/"

    def test_nobody_shuts_oneself_out_or_skips_the_own_second_step(self, browsers: dict[str, Client]) -> None:
        bob = make_therapist(name="Bob", slug="bob", user=User.objects.get(email="bob@praktijk.example"))

        for word in ("dicht", "tweede-stap"):
            assert browsers["bob"].post(f"{URL}bob/{word}/").status_code == 403
            assert f"/bob/{word}/" not in browsers["bob"].get(URL).content.decode()
        assert account(bob).is_active
        assert Authenticator.objects.filter(user=bob.user, type="totp").exists()

    def test_who_gives_up_managing_is_led_to_the_agenda(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        browsers["bob"].post(f"{URL}alice/beheerder/")

        assert browsers["alice"].post(f"{URL}alice/geen-beheerder/")["Location"] == "/en/agenda/"
        assert browsers["alice"].get("/en/agenda/").status_code == 200
        assert browsers["alice"].get(URL).status_code == 403

    @pytest.mark.parametrize("more", [0, 9])
    def test_many_colleagues_cost_no_further_query(
        self, browsers: dict[str, Client], more: int, django_assert_num_queries: Any
    ) -> None:
        for number in range(more):
            colleague = make_therapist(user=make_account(f"more{number}@praktijk.example"))
            make_appointment(therapist=colleague, start="2099-12-01 10:00")
        browsers["bob"].get(URL)

        with django_assert_num_queries(6):
            page = browsers["bob"].get(URL)
        assert text(page).count("can be booked") == 2 + more

    @pytest.mark.parametrize(
        "path",
        ["", "nieuw/", *(f"charlie/{word}/" for word in (
            "te-boeken", "niet-te-boeken", "open", "dicht", "beheerder", "geen-beheerder", "link", "tweede-stap"
        ))],
    )  # fmt: skip
    def test_all_of_it_is_for_managers(self, browsers: dict[str, Client], path: str) -> None:
        before = list(User.objects.values_list("email", "is_staff", "is_active"))
        for who in ("alice", "charlie", "dana"):
            for response in (browsers[who].get(URL + path), browsers[who].post(URL + path, NEW)):
                assert response.status_code in {403, 405}
        assert Client().post(URL + path)["Location"].startswith("/en/account/login/")
        assert list(User.objects.values_list("email", "is_staff", "is_active")) == before
        assert not Notification.objects.exists()

    def test_a_look_changes_nothing(self, browsers: dict[str, Client]) -> None:
        for word in ("te-boeken", "niet-te-boeken", "open", "dicht", "beheerder", "geen-beheerder", "link"):
            assert browsers["bob"].get(f"{URL}alice/{word}/").status_code == 405


class TestForgotten:
    FORGOTTEN = "/en/account/wachtwoord/vergeten/"

    def test_the_answer_is_the_same_whether_the_address_is_known(self, alice: Therapist) -> None:
        known, unknown = (
            Client().post(self.FORGOTTEN, {"email": email}, follow=True)
            for email in ("Alice@praktijk.example", "nobody@praktijk.example")
        )

        assert text(known) == text(unknown)
        assert "If there is an account with this address" in text(known)
        assert Notification.objects.get().therapist == alice

    def test_a_closed_account_gets_nothing(self, alice: Therapist) -> None:
        User.objects.update(is_active=False)
        Client().post(self.FORGOTTEN, {"email": "alice@praktijk.example"})

        assert not Notification.objects.exists()

    def test_nobody_fills_her_mailbox(self, alice: Therapist, time_machine: Any) -> None:
        for minute in range(10):
            time_machine.move_to(f"2026-11-30 10:{minute:02}:00+00:00", tick=False)
            answer = Client().post(self.FORGOTTEN, {"email": "alice@praktijk.example"})
            assert answer.status_code == 302

        assert Notification.objects.count() == rate_limits.PASSWORD_LINKS.most

    def test_impatience_is_one_mail(self, alice: Therapist, time_machine: Any) -> None:
        # A link a minute: by the real clock another one may begin in between.
        time_machine.move_to("2026-11-30 10:00:00+00:00", tick=False)
        for _ in range(3):
            Client().post(self.FORGOTTEN, {"email": "alice@praktijk.example"})

        assert Notification.objects.count() == 1

    def test_tries_are_counted(self, alice: Therapist, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rate_limits, "SIGN_IN", rate_limits.Limit("sign-in", 2, rate_limits.SIGN_IN.window))

        tries = [Client().post(self.FORGOTTEN, {"email": "x@example.org"}).status_code for _ in range(3)]
        assert tries == [302, 302, 429]

    def test_what_is_no_address_gets_a_sentence(self) -> None:
        response = Client().post(self.FORGOTTEN, {"email": "alice"})

        assert response.status_code == 422
        assert "This mail address is not complete." in text(response)


class TestTheLink:
    @pytest.fixture
    def path(self, alice: Therapist) -> str:
        Client().post(TestForgotten.FORGOTTEN, {"email": "alice@praktijk.example"})
        return link()

    def test_it_works_once_and_ends_every_session(
        self, browsers: dict[str, Client], alice: Therapist, path: str
    ) -> None:
        choose(Client(), path)

        assert browsers["alice"].get("/en/agenda/")["Location"].startswith("/en/account/login/")
        assert account(alice).check_password(STRONG)
        assert not Client().get(path, follow=True).context["validlink"]

    def test_it_lasts_three_days(self, path: str, time_machine: Any) -> None:
        began = timezone.now()
        found = []
        for minutes in (-1, 1):
            time_machine.move_to(began + timedelta(days=3, minutes=minutes), tick=False)
            found.append(Client().get(path, follow=True).context["validlink"])

        assert found == [True, False]

    def test_its_token_leaves_the_address_at_once(self, path: str) -> None:
        response = Client().get(path)

        assert response.status_code == 302
        token = path.rstrip("/").rpartition("/")[2]
        assert token not in response["Location"]
        assert token not in redact(f'"GET {path} HTTP/1.1" 302')

    @pytest.mark.parametrize("password", ["kort", "qwerty123456", "alice@praktijk.example"])
    def test_a_weak_password_is_refused(self, alice: Therapist, path: str, password: str) -> None:
        response = choose(Client(), path, password)

        assert "new_password1" in response.context["form"].errors
        assert account(alice).check_password(PASSWORD)

    @pytest.mark.parametrize("password", ["  Twee Spaties, TWEE  ", "É" * 40 + "é" * 160], ids=["spaces", "long"])
    def test_a_password_counts_as_it_was_typed_and_in_no_other_way(
        self, alice: Therapist, path: str, password: str
    ) -> None:
        choose(Client(), path, password)

        def lets_in(typed: str) -> bool:
            data = {"login": "alice@praktijk.example", "password": typed}
            return Client().post("/en/account/login/", data).headers.get("Location", "").endswith("authenticate/")

        assert lets_in(password)
        others = (password.strip(), password.lower(), password[:64], password[:128], f"{password} ")
        assert [other for other in others if other != password and lets_in(other)] == []

    @pytest.mark.parametrize("path", ["MQ/set-password/", "MQ/abc-def/", "x/y/"])
    def test_a_made_up_one_says_so(self, path: str) -> None:
        page = Client().get(f"/en/account/wachtwoord/{path}", follow=True)

        assert "This link does not work (any more)." in text(page)

    def test_the_second_step_is_still_asked_for(self, alice: Therapist, path: str) -> None:
        visitor = Client()
        choose(visitor, path)

        response = visitor.post("/en/account/login/", {"login": "alice@praktijk.example", "password": STRONG})
        assert response["Location"] == "/en/account/2fa/authenticate/"


class TestSessions:
    PHONE = (
        "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36"
    )

    def signed_in(self, agent: str) -> Client:
        client = Client(headers={"user-agent": agent, "accept-language": "en"})
        client.post("/en/account/login/", {"login": "erin@praktijk.example", "password": PASSWORD})
        return client

    def test_each_is_told_by_its_device_and_the_others_are_signed_out(self, settings: Any) -> None:
        settings.SECOND_FACTOR = False
        make_therapist(user=make_account("erin@praktijk.example", second_factor=False))
        here = self.signed_in("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0")
        phone = self.signed_in(self.PHONE)

        page = text(here.get("/en/account/sessies/"))
        assert "Firefox, Linux here" in page
        assert "Chrome, Android" in page
        assert "127.0.0.1" not in page

        here.post("/en/account/sessies/")
        assert phone.get("/en/agenda/").status_code == 302
        assert here.get("/en/agenda/").status_code == 200
        assert "You are signed in nowhere else." in text(here.get("/en/account/sessies/"))


def test_a_link_is_not_mailed_to_an_account_that_was_closed_meanwhile(alice: Therapist) -> None:
    from booking import notifications

    now = wall("2026-11-30 10:00")
    notifications.plan_password_link(alice, now=now)
    User.objects.update(is_active=False)

    owed = Notification.objects.select_related("therapist__user").get()
    assert notifications.verdict(owed, zone=make_practice().zone, now=now) == NotificationState.VOID
