"""GET and HEAD change nothing, whoever asks: mail scanners and browsers that look ahead follow every link."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection

from booking.models import Appointment
from tests.house import LEFT_BEHIND, NOW, browser_of, every_address, make_house

pytestmark = pytest.mark.django_db

SPAN = "appointment_type=eerste-afspraak&from=2026-12-01&until=2026-12-02"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def house() -> dict[str, Any]:
    return make_house()


def dump() -> dict[str, list[Any]]:
    """Return all that the database holds, but for what a visit may leave behind."""
    found = {}
    with connection.cursor() as cursor:
        for table in sorted(set(connection.introspection.table_names()) - LEFT_BEHIND):
            cursor.execute(f'SELECT * FROM "{table}"')
            found[table] = sorted(map(repr, cursor.fetchall()))
    return found


@pytest.mark.parametrize(("name", "pages"), [("visitor", 20), ("alice", 50), ("carol", 70)])
def test_looking_changes_nothing(house: dict[str, Any], settings: Any, name: str, pages: int) -> None:
    # More than a person asks for in ten minutes.
    settings.RATE_LIMITS = False
    browser, before = browser_of(name), dump()
    slot = "type=eerste-afspraak&start=2026-12-01T13:00Z"
    chosen = [f"/afspraak/gegevens/?{slot}", f"/afspraak/kiezen/?{slot}", f"/agenda/afspraak/nieuw/?{slot}"]
    chosen += [f"/afspraak/beheer/{house['token']}/verzetten/?{slot}", f"/api/v1/slots?{SPAN}"]

    seen = [browser.get(address).status_code for address in every_address(house) + chosen]
    for address in every_address(house) + chosen:
        browser.head(address)

    assert dump() == before
    assert seen.count(200) >= pages
    assert seen[-2:] == [200, 200]


def test_the_walk_comes_to_every_view(house: dict[str, Any]) -> None:
    addresses = " ".join(every_address(house))

    assert "<" not in addresses
    for part in (
        "/wissen/",
        "/agenda/collegas/carol/link/",
        f"/beheer/booking/appointment/{Appointment.objects.get().pk}/",
        "/healthz",
        "/login/",
    ):
        assert part in addresses
