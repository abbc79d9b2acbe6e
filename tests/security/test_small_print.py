"""What docs/asvs.md says in passing, each shown here where no other test does."""

import math
import re
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest
import time_machine
from cryptography.fernet import InvalidToken
from django.conf import global_settings
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.test import Client
from gunicorn.config import Config
from gunicorn.http.errors import ParseException
from gunicorn.http.parser import RequestParser

from booking import encryption
from booking.models import Appointment
from practice import settings as as_written
from tests.forms import forms
from tests.house import NOW, browser_of, make_house

ROOT = Path(__file__).resolve().parents[2]
# By which a script makes markup or code of a text, lets others in, or leaves something behind in the browser.
RISKY = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setTimeout\(['\"]|postMessage"
    r"|localStorage|sessionStorage|indexedDB|document\.cookie|Object\.assign|__proto__"
)
# Where a message ends must be one and the same to whoever stands before this server and to itself (RFC 9112 §6.3).
AMBIGUOUS = {
    "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    "a length with a sign": b"Content-Length: +5\r\n\r\nabcde",
    "chunks by another name": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded header": b"X: a\r\n Transfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("script", sorted((ROOT / "static").glob("*.js")), ids=lambda script: script.name)
def test_scripts_make_no_markup_of_texts_and_keep_nothing(script: Path) -> None:
    assert not RISKY.findall(script.read_text(encoding="utf-8"))


@pytest.mark.parametrize("head", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_ends_in_two_places_is_refused(head: bytes) -> None:
    sent = b"POST /afspraak/kiezen/ HTTP/1.1\r\nHost: testserver\r\n" + head

    with pytest.raises(ParseException):
        next(RequestParser(Config(), [sent], ("127.0.0.1", 1)))


def test_passwords_are_hashed_as_slowly_as_the_page_says(settings: Any) -> None:
    """The other tests hash quickly; the settings as they are written leave it to Django."""
    assert not hasattr(as_written, "PASSWORD_HASHERS")
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS

    algorithm, rounds, *_ = make_password("drie groene fietsen").split("$")

    assert (algorithm, int(rounds)) == ("pbkdf2_sha256", 1_000_000)


def test_what_was_changed_in_the_database_is_not_read() -> None:
    token = encryption.EncryptedTextField().get_prep_value("Slaapt slecht")
    at = len(token) // 2

    changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]

    with pytest.raises(InvalidToken):
        encryption.decrypted(changed)


def test_the_same_text_is_encrypted_differently_each_time() -> None:
    """Fernet's first version: AES in CBC mode with an IV drawn by chance, and HMAC-SHA-256 over all of it."""
    tokens = [urlsafe_b64decode(encryption.encrypted("Slaapt slecht")) for _ in range(2)]

    version, moment, iv, mac = 1, 8, 16, 32
    assert {token[0] for token in tokens} == {0x80}
    assert {len(token) for token in tokens} == {version + moment + iv + 16 + mac}
    ivs = {token[version + moment :][:iv] for token in tokens}
    assert len(ivs) == len({token[version + moment + iv : -mac] for token in tokens}) == 2


def test_hashes_by_which_families_are_found_have_256_bits() -> None:
    assert len(bytes.fromhex(encryption.lookup_hash("mailbox", "noor@example.org"))) * 8 == 256


@pytest.mark.django_db
class TestOfAHouse:
    @pytest.fixture(autouse=True)
    def house(self) -> Any:
        with time_machine.travel(NOW, tick=False):
            yield make_house()

    def test_session_has_128_bits_and_more(self) -> None:
        keys = {str(browser_of("alice").session.session_key) for _ in range(3)}

        assert len(keys) == 3
        assert all(len(key) * math.log2(len(VALID_KEY_CHARS)) >= 128 for key in keys)
        assert all(set(key) <= set(VALID_KEY_CHARS) for key in keys)

    def test_what_stands_in_the_address_fills_in_no_form(self) -> None:
        address = "/afspraak/gegevens/?type=eerste-afspraak&start=2026-12-02T13:00Z"
        browser, before = Client(), Appointment.objects.count()
        page = browser.get(address).content.decode()
        form = next(form for form in forms(address, page) if form.method == "POST")
        filled = {**form.values, "email": "noor@example.org", "phone": "0612345678", "particulars": ""}
        without = {name: value for name, value in filled.items() if name != "email"}

        refused = browser.post("/afspraak/gegevens/?email=noor@example.org", without)

        assert refused.status_code == 422
        assert Appointment.objects.count() == before
        # Of a name that comes twice the last value counts, for whoever looks at it.
        booked = browser.post("/afspraak/gegevens/", {**filled, "email": ["mila@example.org", "noor@example.org"]})
        assert booked.status_code == 302
        assert Appointment.objects.latest("pk").parents.get().email == "noor@example.org"

    def test_a_form_takes_no_field_that_it_does_not_ask_for(self) -> None:
        address = "/afspraak/gegevens/?type=eerste-afspraak&start=2026-12-02T13:00Z"
        browser = Client()
        form = next(
            form for form in forms(address, browser.get(address).content.decode()) if form.method == "POST"
        )
        filled = {**form.values, "email": "noor@example.org", "phone": "0612345678", "particulars": ""}
        asked = {"state": "attended", "place": "video", "sequence": "7", "cancel_reason": "x", "id": "1"}
        asked |= {"public_id": "8f14e45f-ceea-467f-a8f8-0123456789ab", "link_version": "7", "booked": ""}

        assert browser.post("/afspraak/gegevens/", {**filled, **asked}).status_code == 302

        made = Appointment.objects.latest("pk")
        assert (made.state, made.place, made.sequence, made.cancel_reason) == ("confirmed", "practice", 0, "")
        assert made.pk != 1
        assert str(made.public_id) != asked["public_id"]
        assert (made.parents.get().link_version, made.parents.get().booked) == (0, True)

    def test_signing_out_is_one_press_away_on_every_page_behind_it(self) -> None:
        browser = browser_of("alice")

        for address in ("/agenda/", "/agenda/cijfers/", "/account/sessies/", "/account/2fa/"):
            assert 'href="/account/logout/"' in browser.get(address).content.decode(), address
