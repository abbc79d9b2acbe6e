"""The log of who saw what, as managers read it. Alice is a therapist, Bob the manager."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking import access_log
from booking.models import AccessEntry, Actor, Appointment, Therapist
from tests.booking.factories import make_appointment, make_practice, make_type, wall
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db

LOG = "/en/agenda/inzage/"
NOW = wall("2026-11-30 10:30")


@pytest.fixture(autouse=True)
def monday_morning() -> Iterator[None]:
    make_practice()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def appointment(alice: Therapist) -> Appointment:
    return make_appointment(make_type(alice), start="2026-12-01 10:00")


def account(name: str) -> User:
    return User.objects.get(username__startswith=name)


@pytest.fixture(autouse=True)
def written(appointment: Appointment, browsers: dict[str, Client]) -> None:
    access_log.record("seen", [appointment.public_id], by=Actor.THERAPIST, at=NOW, account=account("alice"))
    access_log.record("feed_read", [None], by=Actor.THERAPIST, at=NOW, account=account("bob"))


def table(page: Any) -> str:
    return str(page.content.decode().partition("<tbody>")[2].partition("</tbody>")[0])


def test_a_manager_reads_who_saw_what_and_goes_there(
    browsers: dict[str, Client], appointment: Appointment
) -> None:
    page = browsers["bob"].get(LOG)

    assert "Alice saw the data" in text(page)
    assert f'href="/en/agenda/afspraak/{appointment.public_id}/"' in page.content.decode()
    assert "Noor" not in text(page)
    # Reading it is an act as well.
    assert AccessEntry.objects.filter(action="log_seen", account=account("bob")).count() == 1


def test_what_was_erased_leads_nowhere(browsers: dict[str, Client], appointment: Appointment) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(erased_at=NOW)

    page = table(browsers["bob"].get(LOG))

    assert f"{appointment.public_id}" in page
    assert "href" not in page


@pytest.mark.parametrize("path", [LOG, f"{LOG}inzage.csv"])
def test_nobody_else_does(browsers: dict[str, Client], path: str) -> None:
    assert browsers["alice"].get(path).status_code == 403
    assert browsers["anonymous"].get(path).status_code == 302


def test_by_appointment_colleague_and_day(browsers: dict[str, Client], appointment: Appointment) -> None:
    bob = browsers["bob"]

    about = table(bob.get(f"{LOG}?about={appointment.public_id}"))
    assert "Alice" in about
    assert "calendar program" not in about
    assert "Alice" not in table(bob.get(f"{LOG}?who={account('bob').pk}"))
    assert "Alice" in table(bob.get(f"{LOG}?until=2026-11-30"))
    assert "Nothing was written down" in text(bob.get(f"{LOG}?until=2026-11-29"))


@pytest.mark.parametrize("query", ["about=nothing", "who=999999", "until=31-31", "page=0", "page=x"])
def test_what_cannot_be_gets_a_sentence(browsers: dict[str, Client], query: str) -> None:
    for path in (LOG, f"{LOG}inzage.csv"):
        assert browsers["bob"].get(f"{path}?{query}").status_code == 422


def test_much_is_read_in_pages_that_cost_the_same(browsers: dict[str, Client], appointment: Appointment) -> None:
    browsers["bob"].get(LOG)
    with CaptureQueriesContext(connection) as little:
        browsers["bob"].get(LOG)
    access_log.record("seen", [appointment.public_id] * 120, by=Actor.THERAPIST, at=NOW, account=account("bob"))

    with CaptureQueriesContext(connection) as much:
        first = browsers["bob"].get(LOG)
    last = browsers["bob"].get(f"{LOG}?page=3")

    assert len(little) == len(much) <= 10
    assert first.content.decode().count("<time ") == 50
    assert "Next" in text(first)
    assert "Next" not in text(last)
    assert "Previous" in text(last)


def test_the_file_has_all_of_it_and_runs_nothing(browsers: dict[str, Client], appointment: Appointment) -> None:
    User.objects.filter(pk=account("alice").pk).update(email="=cmd|x@praktijk.example")

    answer = browsers["bob"].get(f"{LOG}inzage.csv?about={appointment.public_id}")
    rows = list(csv.reader(StringIO(answer.getvalue().decode("utf-8-sig")), delimiter=";"))

    assert answer["Content-Disposition"] == 'attachment; filename="access-log.csv"'
    assert rows[1:] == [
        [
            NOW.isoformat(timespec="seconds"),
            "seen",
            "therapist",
            "'=cmd|x@praktijk.example",
            str(appointment.public_id),
            "",
        ]
    ]
