"""No form and no call tells whether a mail address is known: equal answers, for equal work."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import global_settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking.accounts import create_account
from booking.models import AppointmentType, Kind, Notification, Therapist
from tests.booking.api.caller import ELEVEN, Caller, booking
from tests.booking.factories import make_appointment, make_hours, make_practice, make_therapist, make_type

pytestmark = pytest.mark.django_db

KNOWN, UNKNOWN = "noor@example.org", "mila@example.org"
ALICE, NOBODY = "alice@praktijk.example", "nobody@praktijk.example"


@pytest.fixture(autouse=True)
def clock() -> Any:
    # allauth's own counts live in the cache, which outlives a test.
    cache.clear()
    with time_machine.travel("2026-11-20 11:00Z", tick=False) as traveller:
        yield traveller
    cache.clear()


@pytest.fixture(autouse=True)
def consult() -> AppointmentType:
    make_practice()
    alice = make_therapist(name="Alice", email=ALICE)
    make_hours(alice)
    consult = make_type(alice, slug="eerste-afspraak", step=timedelta(hours=1))
    make_appointment(consult, start="2026-12-03 10:00")
    return consult


def said(response: Any) -> tuple[int, str, str]:
    """Return what a visitor is told; every page has a token and an address of its own."""
    body = re.sub(r'(?<=name="csrfmiddlewaretoken" value=")[^"]+', "", response.content.decode())
    return response.status_code, response.headers.get("Location", "")[:20], re.sub(r"[\w.+-]+@[\w.]+", "", body)


def test_signing_in_costs_as_many_rounds_for_nobody(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
    create_account(email=ALICE, password="een lang wachtwoord", manager=False)
    rounds: list[int] = []
    encode = PBKDF2PasswordHasher.encode

    def counted(self: Any, password: str, salt: str, iterations: int | None = None) -> str:
        rounds.append(iterations or self.iterations)
        return encode(self, password, salt, iterations)

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", counted)
    answers, work = [], []
    for email in (ALICE, NOBODY):
        rounds.clear()
        answers.append(
            said(Client().post("/en/account/login/", {"login": email, "password": "een ander wachtwoord"}))
        )
        work.append(sum(rounds))

    assert answers[0] == answers[1]
    assert work[0] == work[1] >= PBKDF2PasswordHasher.iterations


def test_a_link_for_a_password_is_promised_to_everyone() -> None:
    Therapist.objects.update(user=create_account(email=ALICE, password="een lang wachtwoord", manager=False))

    known, unknown = (
        said(Client().post("/en/account/wachtwoord/vergeten/", {"email": email})) for email in (ALICE, NOBODY)
    )

    assert known == unknown
    assert known[0] == 302
    assert Notification.objects.filter(kind=Kind.PASSWORD_LINK).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_link_for_a_password_waits_for_the_disk_as_often_for_nobody() -> None:
    Therapist.objects.update(user=create_account(email=ALICE, password="een lang wachtwoord", manager=False))
    Client().post("/en/account/wachtwoord/vergeten/", {"email": "another@praktijk.example"})

    waits = []
    for email in (ALICE, NOBODY):
        with CaptureQueriesContext(connection) as asked:
            Client().post("/en/account/wachtwoord/vergeten/", {"email": email})
        commits = "\n".join(query["sql"] for query in asked).split("COMMIT")
        waits.append(len([one for one in commits if re.search(r"^(INSERT|UPDATE|DELETE)", one, re.MULTILINE)]))

    assert waits[0] == waits[1] > 1


def test_the_form_books_for_a_known_address_as_for_any(consult: AppointmentType) -> None:
    answers, queries = [], []
    for hour, email in ((10, UNKNOWN), (11, KNOWN), (12, "daan@example.org")):
        form = {
            "type": "eerste-afspraak",
            "start": f"2026-12-01T{hour}:00Z",
            "parent_name": "Noor de Vries",
            "email": email,
            "phone": "06 12345678",
            "child_first_name": "Sam",
            "age_band": "under_12",
            "consent": "on",
            "key": email,
        }
        visitor = Client()
        visitor.get("/en/afspraak/gegevens/", {"type": form["type"], "start": form["start"]})
        with CaptureQueriesContext(
            connection,
        ) as asked:
            answers.append(said(visitor.post("/en/afspraak/gegevens/", form)))
        queries.append(len(asked))

    # Of the first the diary is read anew; the other two find it read.
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 302
    assert queries[1] == queries[2]
    assert Notification.objects.filter(kind=Kind.CONFIRMATION).count() == 3


def test_the_api_books_for_a_known_address_as_for_any(client: Client, settings: Any) -> None:
    settings.API_BOOKING = "open"
    call = Caller(client)

    known = call.book(booking(parent__email=KNOWN))
    unknown = call.book(booking(start=ELEVEN, parent__email=UNKNOWN), key="other")

    assert (known.status_code, known.data.keys()) == (unknown.status_code, unknown.data.keys())
    assert known.status_code == 201
