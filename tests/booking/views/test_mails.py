"""What managers see of the practice's mails: every kind and language, about nobody, and nothing is sent."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking.mail_samples import SAMPLES
from booking.models import Notification
from tests.booking.factories import make_appointment, make_practice
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db

URL = "/en/agenda/mails/"


@pytest.fixture(autouse=True)
def practice() -> None:
    make_practice()


def test_every_kind_is_there_in_every_language(browsers: dict[str, Client]) -> None:
    # A family that is real, and must not be seen.
    appointment = make_appointment()
    page = browsers["bob"].get(URL)
    found = re.findall(rf'href="({URL}[^"]+)"', page.content.decode())

    assert len(found) == len(SAMPLES) * len(settings.LANGUAGES)
    for address in found:
        language = address.rstrip("/").rpartition("/")[2]
        shown, mail = browsers["bob"].get(address), browsers["bob"].get(f"{address}html/")
        assert shown.status_code == mail.status_code == 200
        assert f'<iframe class="mail" sandbox src="{address}html/"' in shown.content.decode()
        assert f'<html lang="{language}">' in mail.content.decode()
        for source in (shown.content.decode(), mail.content.decode()):
            assert [word for word in ("Noor", "noor@", str(appointment.public_id)) if word in source] == []
    assert not Notification.objects.exists()


def test_one_shows_what_stands_in_a_list_of_mails_and_its_text(browsers: dict[str, Client]) -> None:
    shown = text(browsers["bob"].get(f"{URL}herinnering/nl/"))

    for fact in (
        "Subject Herinnering aan uw afspraak: ",
        "10:00 tot 11:00 uur. Duim Voor Jou, Platanenlaan 21",
        "From Duim Voor Jou <info@duimvoorjou.nl>",
        "Answers go to Duim Voor Jou <info@duimvoorjou.nl>",
        "To ouder@gezin.example (made up)",
        "Krijgt u liever geen herinneringen?",
    ):
        assert fact in shown


def test_the_mail_has_a_policy_of_its_own_and_nothing_else_has(browsers: dict[str, Client]) -> None:
    bob = browsers["bob"]
    mail, around = bob.get(f"{URL}verzet/en/html/"), bob.get(f"{URL}verzet/en/")

    assert "style-src 'unsafe-inline'" in mail["Content-Security-Policy"]
    assert re.search(r"(?:^|; )sandbox ?(?:;|$)", mail["Content-Security-Policy"])
    assert mail["X-Frame-Options"] == "SAMEORIGIN"
    assert '<base target="_blank">' in mail.content.decode()
    assert "unsafe" not in around["Content-Security-Policy"]
    assert "frame-src 'self'" in around["Content-Security-Policy"]
    assert around["X-Frame-Options"] == "DENY"
    assert "frame-src" not in bob.get(URL)["Content-Security-Policy"]
    refused = browsers["alice"].get(f"{URL}verzet/en/html/")
    assert refused.status_code == 403
    assert "unsafe" not in refused["Content-Security-Policy"]


@pytest.mark.parametrize("address", ["niets/nl/", "verzet/fr/", "niets/nl/html/", "verzet/fr/html/"])
def test_what_is_no_mail_is_not_found(browsers: dict[str, Client], address: str) -> None:
    assert browsers["bob"].get(URL + address).status_code == 404


def test_looking_writes_nothing(browsers: dict[str, Client], mailoutbox: list[Any]) -> None:
    with CaptureQueriesContext(connection) as queries:
        for sample in SAMPLES:
            browsers["bob"].get(f"{URL}{sample.name}/en/")
            browsers["bob"].get(f"{URL}{sample.name}/en/html/")

    assert [
        sql for query in queries if (sql := str(query["sql"])).startswith(("INSERT", "UPDATE", "DELETE"))
    ] == []
    assert mailoutbox == []
