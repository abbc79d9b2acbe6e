"""Signing in and out, the second step, and the pages of allauth that exist. Alice has an account."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.usersessions.models import UserSession
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import NoReverseMatch, reverse

from booking.accounts import forget_second_factor
from booking.rate_limits import DEAD_LINKS, SIGN_IN
from tests.booking.accounts import PASSWORD, SECRET, code, make_account, signed_in
from tests.booking.factories import make_practice, make_therapist, wall
from tests.servers import free_port

pytestmark = pytest.mark.django_db

LOGIN = "/en/account/login/"


@pytest.fixture(autouse=True)
def fresh_limits() -> Any:
    """allauth's own counts live in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice() -> User:
    make_practice()
    user = make_account("alice@praktijk.example")
    make_therapist(name="Alice", user=user)
    return user


@pytest.fixture
def visitor() -> Client:
    return Client(headers={"accept-language": "en"})


def sign_in(visitor: Client, email: str = "alice@praktijk.example", password: str = PASSWORD) -> Any:
    return visitor.post(LOGIN, {"login": email, "password": password})


class TestSigningIn:
    def test_password_and_code_lead_to_where_one_was_going(self, visitor: Client, alice: User) -> None:
        response = visitor.post(f"{LOGIN}?next=/en/agenda/vrij/", {"login": alice.email, "password": PASSWORD})
        assert response["Location"].startswith("/en/account/2fa/authenticate/")
        assert visitor.get("/en/agenda/").status_code == 302

        response = visitor.post("/en/account/2fa/authenticate/", {"code": code()})

        assert response["Location"] == "/en/agenda/vrij/"
        assert visitor.get("/en/agenda/").status_code == 200

    def test_it_needs_no_redis(self, visitor: Client, alice: User) -> None:
        """What decides is counted in the database."""
        backend = {"BACKEND": "practice.caches.JsonRedisCache", "LOCATION": f"redis://127.0.0.1:{free_port()}/0"}

        with override_settings(CACHES={"default": backend}):
            sign_in(visitor)
            visitor.post("/en/account/2fa/authenticate/", {"code": code()})

        assert visitor.get("/en/agenda/").status_code == 200

    def test_capitals_in_the_address_do_not_matter(self, visitor: Client, alice: User) -> None:
        assert sign_in(visitor, "Alice@Praktijk.Example").status_code == 302

    def test_what_came_along_unseen_does_not_matter(self, visitor: Client, alice: User) -> None:
        assert sign_in(visitor, " \u200ealice@praktijk\u3002example. ").status_code == 302

    @pytest.mark.parametrize(
        ("email", "password"),
        [
            ("alice@praktijk.example", "wrong"),
            ("nobody@praktijk.example", PASSWORD),
            ("alice@praktijk.example", "\x00"),
        ],
        ids=["password", "address", "null"],
    )
    def test_what_does_not_fit_is_not_told_apart(
        self, visitor: Client, alice: User, email: str, password: str
    ) -> None:
        page = sign_in(visitor, email, password).content.decode()

        assert ("do not belong together" in page) or ("Null characters" in page)
        assert visitor.get("/en/agenda/").status_code == 302

    def test_a_wrong_code_opens_nothing(self, visitor: Client, alice: User) -> None:
        sign_in(visitor)

        response = visitor.post("/en/account/2fa/authenticate/", {"code": "000000"})

        assert "This code is not right." in response.content.decode()
        assert visitor.get("/en/agenda/").status_code == 302

    def test_a_code_works_once(self, visitor: Client, alice: User) -> None:
        used = code()
        sign_in(visitor)
        visitor.post("/en/account/2fa/authenticate/", {"code": used})
        other = Client(headers={"accept-language": "en"})
        sign_in(other)

        other.post("/en/account/2fa/authenticate/", {"code": used})

        assert other.get("/en/agenda/").status_code == 302

    def test_where_no_key_reads_the_secret_it_says_so(self, visitor: Client, alice: User, settings: Any) -> None:
        sign_in(visitor)
        kept, settings.FIELD_KEYS = settings.FIELD_KEYS, [Fernet.generate_key().decode()]

        refused = visitor.post("/en/account/2fa/authenticate/", {"code": code()})

        assert "No code of this account can be looked at just now." in refused.content.decode()
        settings.FIELD_KEYS = kept
        assert visitor.post("/en/account/2fa/authenticate/", {"code": code()}).status_code == 302

    @pytest.mark.parametrize("page", ["", "generate/", "download/"])
    def test_recovery_codes_that_no_key_reads_lead_back_with_a_sentence(
        self, alice: User, settings: Any, page: str
    ) -> None:
        browser = signed_in(alice)
        browser.post("/en/account/2fa/reauthenticate/", {"code": code()})
        settings.FIELD_KEYS = [Fernet.generate_key().decode()]

        answer = browser.get(f"/en/account/2fa/recovery-codes/{page}", follow=True)

        assert answer.status_code == 200
        assert answer.request["PATH_INFO"] == "/en/account/2fa/"
        assert "No code of this account can be looked at just now." in answer.content.decode()

    def test_a_recovery_code_stands_in_for_a_lost_phone(self, visitor: Client, alice: User) -> None:
        recovery = Authenticator.objects.get(user=alice, type="recovery_codes").wrap().get_unused_codes()[0]
        sign_in(visitor)

        assert visitor.post("/en/account/2fa/authenticate/", {"code": recovery})["Location"] == "/en/agenda/"

    def test_a_closed_account_stays_out(self, visitor: Client, alice: User) -> None:
        User.objects.update(is_active=False)

        response = visitor.post(LOGIN, {"login": alice.email, "password": PASSWORD}, follow=True)

        assert "This account is closed" in response.content.decode()
        assert visitor.get("/en/agenda/").status_code == 302

    def test_signing_out_needs_a_press_of_the_button(self, alice: User) -> None:
        hers = signed_in(alice)

        assert "Sign out?" in hers.get("/en/account/logout/").content.decode()
        assert hers.get("/en/agenda/").status_code == 200
        hers.post("/en/account/logout/")
        assert hers.get("/en/agenda/").status_code == 302


class TestTooManyTries:
    @pytest.fixture(autouse=True)
    def amid_a_window(self) -> Iterator[None]:
        """At the real time, a new window of ten minutes could begin between two tries."""
        with time_machine.travel(wall("2026-12-01 10:05")):
            yield

    def test_one_address_has_only_so_many(self, visitor: Client, alice: User, settings: Any) -> None:
        settings.ACCOUNT_RATE_LIMITS = False
        for number in range(SIGN_IN.most):
            assert sign_in(visitor, f"nobody{number}@praktijk.example", "wrong").status_code == 200

        response = sign_in(visitor)

        assert response.status_code == 429
        assert 0 < int(response["Retry-After"]) <= 600
        assert "That was a lot at once" in response.content.decode()

    def test_codes_count_too(self, visitor: Client, alice: User, settings: Any) -> None:
        settings.ACCOUNT_RATE_LIMITS = False
        sign_in(visitor)
        for _ in range(SIGN_IN.most - 1):
            visitor.post("/en/account/2fa/authenticate/", {"code": "000000"})

        assert visitor.post("/en/account/2fa/authenticate/", {"code": code()}).status_code == 429

    def test_one_account_has_fewer_from_one_address(self, alice: User) -> None:
        stranger = Client(REMOTE_ADDR="192.0.2.1", headers={"accept-language": "en"})
        for _ in range(5):
            sign_in(stranger, password="wrong")

        assert "That was tried too often." in sign_in(stranger).content.decode()

    def test_a_stranger_does_not_lock_her_out(self, visitor: Client, alice: User) -> None:
        for number in range(12):
            sign_in(Client(REMOTE_ADDR=f"192.0.2.{number // 4}"), password="wrong")

        assert sign_in(visitor)["Location"].startswith("/en/account/2fa/authenticate/")

    def test_codes_of_one_account_have_fewer_whoever_tries(self, alice: User) -> None:
        """Six digits can be guessed, so that here the account counts, behind its password."""
        for number in range(6):
            stranger = Client(REMOTE_ADDR=f"192.0.2.{number}", headers={"accept-language": "en"})
            sign_in(stranger)
            response = stranger.post("/en/account/2fa/authenticate/", {"code": "000000"})

        assert "That was tried too often." in response.content.decode()

    def test_a_server_behind_a_socket_knows_no_address_and_signs_in(self, alice: User) -> None:
        assert sign_in(Client(REMOTE_ADDR="")).status_code == 302

    def test_a_forwarded_address_is_believed_from_a_proxy_only(self, visitor: Client, alice: User) -> None:
        for number in range(SIGN_IN.most + 1):
            response = visitor.post(
                LOGIN,
                {"login": f"nobody{number}@praktijk.example", "password": "wrong"},
                headers={"x-forwarded-for": f"192.0.2.{number}"},
            )

        assert response.status_code == 429


class TestTheSecondStep:
    @pytest.fixture
    def hers(self, visitor: Client) -> Client:
        """Alice's browser right after her first sign-in, without a second factor yet."""
        make_practice()
        make_therapist(user=make_account("alice@praktijk.example", second_factor=False))
        sign_in(visitor)
        return visitor

    def test_it_is_set_up_before_anything_else(self, hers: Client) -> None:
        page = hers.get("/en/agenda/", follow=True)
        assert page.redirect_chain[-1][0] == "/en/account/2fa/totp/activate/"
        assert "data:image/svg+xml;base64," in page.content.decode()
        secret = re.search(r"<code>([A-Z2-7]+)</code>", page.content.decode())
        assert secret

        from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time

        counter = list(yield_hotp_counters_from_time())[1]
        response = hers.post(
            "/en/account/2fa/totp/activate/",
            {"code": format_hotp_value(hotp_value(secret[1], counter))},
            follow=True,
        )

        assert "each of these codes lets you in once" in response.content.decode()
        assert hers.get("/en/agenda/").status_code == 200

    def test_the_key_stays_the_one_in_the_app_when_the_page_is_loaded_anew(self, hers: Client) -> None:
        keys = [
            re.findall(r"<code>([A-Z2-7]+)</code>", hers.get("/en/account/2fa/totp/activate/").content.decode())
            for _ in range(2)
        ]

        assert keys[0]
        assert keys[0] == keys[1]

    def test_the_code_that_sets_it_up_lets_nobody_in(self, hers: Client, visitor: Client) -> None:
        page = hers.get("/en/account/2fa/totp/activate/").content.decode()
        secret = re.findall(r"<code>([A-Z2-7]+)</code>", page)[0]
        used = code(secret)
        hers.post("/en/account/2fa/totp/activate/", {"code": used})
        assert hers.get("/en/agenda/").status_code == 200
        other = Client(headers={"accept-language": "en"})
        sign_in(other)

        other.post("/en/account/2fa/authenticate/", {"code": used})

        assert other.get("/en/agenda/").status_code == 302

    def test_a_wrong_code_sets_nothing_up(self, hers: Client) -> None:
        hers.get("/en/account/2fa/totp/activate/")

        response = hers.post("/en/account/2fa/totp/activate/", {"code": "000000"})

        assert "This code is not right." in response.content.decode()
        assert not Authenticator.objects.exists()

    def test_its_secrets_are_encrypted(self, alice: User) -> None:
        stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))

        assert SECRET not in stored
        assert Authenticator.objects.get(type="totp").wrap().validate_code(code())

    def test_turning_it_off_asks_who_one_is(self, alice: User) -> None:
        hers = signed_in(alice)

        response = hers.post("/en/account/2fa/totp/deactivate/")

        assert response["Location"].startswith("/en/account/reauthenticate/")
        assert Authenticator.objects.filter(type="totp").exists()
        page = hers.get(response["Location"]).content.decode()
        assert "Use your code instead" in page
        # What she asked for is then done at once.
        assert hers.post(response["Location"], {"password": PASSWORD}).status_code == 302
        assert not Authenticator.objects.exists()

    def test_recovery_codes_are_shown_kept_and_renewed(self, visitor: Client, alice: User) -> None:
        sign_in(visitor)
        visitor.post("/en/account/2fa/authenticate/", {"code": code()})
        first = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()

        assert first[0] in visitor.get("/en/account/2fa/recovery-codes/").content.decode()
        assert first[0] in visitor.get("/en/account/2fa/recovery-codes/download/").content.decode()
        visitor.post("/en/account/2fa/recovery-codes/generate/")

        assert Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes() != first


class TestShowingAnewWhoOneIs:
    """The session goes on under another key, and the one that it had is dead (OWASP ASVS 5.0, 7.2.4)."""

    @pytest.fixture
    def hers(self, visitor: Client, alice: User) -> Client:
        """Alice's browser, an hour after she signed in."""
        with time_machine.travel(wall("2026-12-01 09:00")):
            sign_in(visitor)
            visitor.post("/en/account/2fa/authenticate/", {"code": code()})
        return visitor

    @pytest.fixture(autouse=True)
    def an_hour_later(self, hers: Client) -> Iterator[None]:
        with time_machine.travel(wall("2026-12-01 10:05")):
            yield

    def ways(self) -> list[tuple[str, dict[str, str]]]:
        return [
            ("/en/account/reauthenticate/?next=/en/account/2fa/", {"password": PASSWORD}),
            ("/en/account/2fa/reauthenticate/?next=/en/account/2fa/", {"code": code()}),
        ]

    @pytest.mark.parametrize("way", [0, 1], ids=["password", "code"])
    def test_the_key_of_before_is_dead(self, hers: Client, way: int) -> None:
        address, shown = self.ways()[way]
        before = deepcopy(hers.cookies)

        assert hers.post(address, shown)["Location"] == "/en/account/2fa/"

        stolen = Client()
        stolen.cookies = before
        assert stolen.get("/en/agenda/")["Location"].startswith("/en/account/login/")
        assert hers.get("/en/agenda/").status_code == 200

    @pytest.mark.parametrize("way", [0, 1], ids=["password", "code"])
    def test_the_session_stays_on_the_list_and_can_be_ended(self, hers: Client, alice: User, way: int) -> None:
        address, shown = self.ways()[way]

        hers.post(address, shown)

        assert UserSession.objects.get().session_key == hers.session.session_key
        forget_second_factor(alice)
        assert hers.get("/en/agenda/")["Location"].startswith("/en/account/login/")

    @pytest.mark.parametrize("way", [0, 1], ids=["password", "code"])
    def test_what_is_wrong_changes_nothing(self, hers: Client, way: int) -> None:
        address, shown = self.ways()[way]
        before = hers.session.session_key

        hers.post(address, dict.fromkeys(shown, "000000"))

        assert hers.session.session_key == before

    def test_it_is_asked_before_others_are_signed_out(self, hers: Client, alice: User) -> None:
        phone = signed_in(alice)
        UserSession.objects.create(
            user=alice,
            session_key=phone.session.session_key,
            ip="0.0.0.0",
            user_agent="x",
            data={},
        )
        assert hers.get("/en/account/sessies/").status_code == 200

        asked = hers.post("/en/account/sessies/")

        assert asked["Location"].startswith("/en/account/reauthenticate/")
        assert phone.get("/en/agenda/").status_code == 200
        # What she asked for is then done at once.
        assert hers.post(asked["Location"], {"password": PASSWORD})["Location"] == "/en/account/sessies/"
        assert phone.get("/en/agenda/").status_code == 302
        assert hers.get("/en/agenda/").status_code == 200


class TestASessionOlderThanTheSecondStep:
    """Somebody knew Alice's password, and was signed in with it before she set the second step up."""

    @pytest.fixture
    def older(self, visitor: Client) -> Client:
        make_practice()
        user = make_account("alice@praktijk.example", manager=True, second_factor=False)
        make_therapist(name="Alice", user=user)
        sign_in(visitor)
        TOTP.activate(user, SECRET)
        RecoveryCodes.activate(user)
        return visitor

    @pytest.mark.parametrize("path", ["/en/agenda/", "/en/agenda/collegas/", "/en/beheer/", "/en/beheer/booking/"])
    def test_it_opens_no_page_with_data_of_families(self, older: Client, path: str) -> None:
        page = older.get(path, follow=True)

        assert page.redirect_chain[-1][0].startswith("/en/account/2fa/reauthenticate/?")
        assert "Is it still you?" in page.content.decode()

    @pytest.mark.parametrize(
        "path",
        [
            "2fa/",
            "2fa/totp/deactivate/",
            "2fa/webauthn/",
            "2fa/webauthn/add/",
            "2fa/recovery-codes/",
            "2fa/recovery-codes/download/",
            "2fa/recovery-codes/generate/",
            "password/change/",
            "sessies/",
        ],
    )
    def test_it_changes_nothing_about_the_account(self, older: Client, path: str) -> None:
        before = list(Authenticator.objects.values_list("type", "data"))
        for response in (older.get(f"/en/account/{path}"), older.post(f"/en/account/{path}")):
            assert response["Location"].startswith("/en/account/reauthenticate/?next=")
        assert list(Authenticator.objects.values_list("type", "data")) == before

    def test_the_password_once_more_does_not_do(self, older: Client) -> None:
        response = older.post("/en/account/reauthenticate/?next=/en/agenda/", {"password": PASSWORD})

        assert response["Location"].startswith("/en/account/2fa/reauthenticate/")
        assert older.get("/en/agenda/").status_code == 302
        assert "Use your password" not in older.get(response["Location"]).content.decode()

    def test_the_code_makes_it_whole_and_leads_on(self, older: Client) -> None:
        asked = older.get("/en/agenda/vrij/", follow=True).redirect_chain[-1][0]

        response = older.post(asked, {"code": code()})

        assert response["Location"] == "/en/agenda/vrij/"
        assert older.get("/en/agenda/vrij/").status_code == 200
        assert older.get("/en/beheer/").status_code == 200
        assert older.get("/en/account/2fa/").status_code == 200

    def test_it_can_be_left(self, older: Client) -> None:
        assert older.get("/en/account/logout/").status_code == 200
        assert older.post("/en/account/logout/").status_code == 302
        assert "_auth_user_id" not in older.session

    def test_a_page_that_came_as_a_post_is_asked_for_anew(self, older: Client) -> None:
        assert older.post("/en/agenda/collegas/nieuw/")["Location"].endswith("?next=%2Fen%2Fagenda%2F")


class TestTheAccount:
    @pytest.mark.parametrize("manager", [False, True])
    @pytest.mark.parametrize("path", ["2fa/", "2fa/webauthn/", "sessies/"])
    def test_the_agendas_tabs_stay_where_they_are(self, alice: User, path: str, manager: bool) -> None:
        User.objects.update(is_staff=manager)
        hers = signed_in(alice)

        def tabs(page: Any) -> list[str]:
            markup = page.content.decode().partition('<ul class="tabs">')[2].partition("</ul>")[0]
            return re.findall(r">([^<]+)</a>", markup)

        page = hers.get(f"/en/account/{path}")
        assert tabs(page) == tabs(hers.get("/en/agenda/"))
        assert ("Colleagues" in tabs(page)) == manager
        assert page.content.decode().count('aria-current="page">Account') == 1

    def test_a_new_password_signs_out_everywhere_else(self, alice: User) -> None:
        hers, elsewhere = signed_in(alice), signed_in(alice)
        new = "een ander lang wachtwoord"

        hers.post("/en/account/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})

        assert hers.get("/en/agenda/").status_code == 200
        assert elsewhere.get("/en/agenda/")["Location"].startswith("/en/account/login/")

    def test_of_a_browser_a_few_words_are_kept_and_no_address(self, alice: User) -> None:
        agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"
        hers = Client(REMOTE_ADDR="192.0.2.7", headers={"user-agent": agent})
        sign_in(hers)
        hers.post("/en/account/2fa/authenticate/", {"code": code()})
        new = "een ander lang wachtwoord"
        kept = [UserSession.objects.values_list("ip", "user_agent").get()]
        hers.post("/en/account/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
        kept += UserSession.objects.filter(session_key=hers.session.session_key).values_list("ip", "user_agent")

        assert kept == [("0.0.0.0", "Safari, iPhone")] * 2

    def test_a_new_password_takes_the_place_of_the_old(self, alice: User) -> None:
        hers = signed_in(alice)
        new = "een ander lang wachtwoord"

        response = hers.post(
            "/en/account/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new}
        )

        assert response["Location"] == "/en/agenda/"
        alice.refresh_from_db()
        assert alice.check_password(new)

    def test_a_common_password_will_not_do(self, alice: User) -> None:
        data = {"oldpassword": PASSWORD, "password1": "qwerty123456", "password2": "qwerty123456"}

        assert signed_in(alice).post("/en/account/password/change/", data).context["form"].errors.keys() == {
            "password1"
        }
        alice.refresh_from_db()
        assert alice.check_password(PASSWORD)

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"oldpassword": "wrong"}, "This is not your current password."),
            ({"password2": "something else entirely"}, "These two are not the same."),
            ({"password1": "kort", "password2": "kort"}, "at least 12 characters"),
            ({"password1": "alice@praktijk.example", "password2": "alice@praktijk.example"}, "too similar"),
        ],
    )
    def test_a_password_that_will_not_do(self, alice: User, change: dict[str, str], sentence: str) -> None:
        new = "een ander lang wachtwoord"
        data = {"oldpassword": PASSWORD, "password1": new, "password2": new, **change}

        response = signed_in(alice).post("/en/account/password/change/", data)

        assert sentence in response.content.decode()
        alice.refresh_from_db()
        assert alice.check_password(PASSWORD)

    def test_fields_of_passwords_hide_them_and_can_be_filled_in_by_a_program(self, alice: User) -> None:
        hers = signed_in(alice)
        pages = {
            LOGIN: ["current-password"],
            "/en/account/password/change/": ["current-password", "new-password", "new-password"],
            "/en/account/reauthenticate/": ["current-password"],
        }

        for address, wanted in pages.items():
            page = (Client() if address == LOGIN else hers).get(address).content.decode()
            fields = [field for field in re.findall(r"<input[^>]*>", page) if "password" in field]
            assert [re.findall(r'autocomplete="([\w-]+)"', field) for field in fields] == [[one] for one in wanted]
            assert all('type="password"' in field and "maxlength" not in field for field in fields)
            assert not re.search(r"onpaste|readonly|oncopy", page)

    def test_pages_that_nobody_needs_do_not_exist(self, visitor: Client, alice: User) -> None:
        for name in ("signup", "email", "reset_password", "set_password", "confirm_login_code"):
            with pytest.raises(NoReverseMatch):
                reverse(f"account_{name}")
        for path in ("signup/", "email/", "password/reset/", "confirm-email/"):
            assert visitor.get(f"/en/account/{path}").status_code == 404

    def test_every_page_is_the_houses_own_with_nothing_inline(self, visitor: Client, alice: User) -> None:
        sign_in(visitor)
        second_step = visitor.get("/en/account/2fa/authenticate/")
        visitor.post("/en/account/2fa/authenticate/", {"code": code()})
        pages = [Client().get(LOGIN), Client().get("/en/account/inactive/"), second_step] + [
            visitor.get(f"/en/account/{path}")
            for path in (
                "logout/",
                "reauthenticate/",
                "password/change/",
                "2fa/",
                "2fa/reauthenticate/",
                "2fa/totp/deactivate/",
                "2fa/recovery-codes/",
                "2fa/recovery-codes/generate/",
            )
        ]

        for page in pages:
            markup = page.content.decode()
            assert page.status_code == 200, page.request["PATH_INFO"]
            assert 'id="main"' in markup
            assert '<meta name="robots" content="noindex">' in markup
            # Data for a script is no script.
            markup = markup.replace('type="application/json"', "src=")
            assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", markup)


class TestWhatIsWrittenDown:
    """Who comes in and who is refused stands in the log "security", by the account's number alone."""

    @pytest.fixture
    def lines(self, caplog: pytest.LogCaptureFixture) -> Any:
        caplog.set_level("INFO", logger="security")
        return lambda: [record.getMessage() for record in caplog.records if record.name == "security"]

    def test_signing_in_and_out(self, visitor: Client, alice: User, lines: Any) -> None:
        sign_in(visitor)
        visitor.post("/en/account/2fa/authenticate/", {"code": code()})
        visitor.post("/en/account/logout/")

        assert lines() == [f"account {alice.pk} signed in by password+mfa", f"account {alice.pk} signed out"]

    def test_refusals(self, visitor: Client, alice: User, lines: Any) -> None:
        sign_in(visitor, password="wrong")
        sign_in(visitor, "nobody@praktijk.example")
        sign_in(visitor)
        visitor.post("/en/account/2fa/authenticate/", {"code": "000000"})

        assert lines() == [
            "sign-in refused: email_password_mismatch",
            "sign-in refused: email_password_mismatch",
            "second step refused: incorrect_code",
        ]

    def test_a_page_that_is_not_for_this_account(self, alice: User, lines: Any) -> None:
        assert signed_in(alice).get("/en/agenda/collegas/").status_code == 403

        assert lines() == [f"account {alice.pk} refused: booking:colleagues"]

    def test_what_is_somebody_elses_or_nobodys(self, alice: User, lines: Any) -> None:
        browser = signed_in(alice)

        assert browser.get("/en/agenda/afspraak/8f14e45f-ceea-467f-a8f8-0123456789ab/").status_code == 404

        assert lines() == [f"account {alice.pk} found nothing: booking:agenda_appointment"]

    def test_a_limit_that_was_reached(self, visitor: Client, alice: User, lines: Any, settings: Any) -> None:
        settings.RATE_LIMITS = True

        answers = [visitor.get("/en/afspraak/beheer/nothing/").status_code for _ in range(DEAD_LINKS.most + 1)]

        assert answers[-1] == 429
        assert lines() == ["limit reached: dead-link"]

    def test_a_call_without_a_key(self, visitor: Client, lines: Any, settings: Any) -> None:
        settings.API_BOOKING, settings.API_KEYS = "key", ["a key of ours"]

        headers = {"authorization": "Bearer a guess", "idempotency-key": "k"}
        refused = visitor.post("/api/v1/appointments", "{}", "application/json", headers=headers)

        assert refused.status_code == 401
        assert lines() == ["call without a key of ours refused"]

    def test_a_form_from_elsewhere(self, alice: User, lines: Any) -> None:
        strict = Client(enforce_csrf_checks=True)

        refused = strict.post("/en/account/login/", headers={"origin": "https://elsewhere.example/secret"})

        assert refused.status_code == 403
        assert lines() == ["form refused: Origin checking failed"]
