"""The page of numbers and its file."""

import csv
import io
from typing import Any

import pytest
import time_machine
from django.test import Client

from booking.models import Therapist
from tests.booking.factories import make_appointment, make_practice, make_type, wall
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(wall("2026-11-25 12:00"), tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def practice() -> None:
    make_practice()


@pytest.fixture(autouse=True)
def booked(alice: Therapist, charlie: Therapist) -> None:
    """Two of Alice's this week, one of Charlie's."""
    consult = make_type(alice)
    make_appointment(consult, start="2026-11-23 09:00")
    make_appointment(consult, start="2026-11-23 11:00")
    make_appointment(make_type(charlie), start="2026-11-23 09:00")


def booked_this_week(client: Client, query: str = "") -> int:
    rows = client.get(f"/en/agenda/cijfers/{query}").context["rows"]
    return int(rows[-1][1].booked)


def test_a_therapist_sees_the_own_numbers_and_the_manager_all(browsers: dict[str, Client]) -> None:
    assert [booked_this_week(browsers[who]) for who in ("alice", "charlie", "bob")] == [2, 1, 3]
    assert booked_this_week(browsers["bob"], "?therapist=charlie") == 1


def test_a_colleagues_are_out_of_reach(browsers: dict[str, Client]) -> None:
    for path in ("", "cijfers.csv"):
        assert browsers["alice"].get(f"/en/agenda/cijfers/{path}?therapist=charlie").status_code == 404
        assert browsers["dana"].get(f"/en/agenda/cijfers/{path}").status_code == 403
        assert Client().get(f"/en/agenda/cijfers/{path}").status_code == 302


def test_the_table_says_what_the_plot_draws(browsers: dict[str, Client]) -> None:
    response = browsers["alice"].get("/en/agenda/cijfers/")

    plot = response.context["plot"]
    assert [(segment.kind, segment.height) for segment in plot.segments] == [("open", 100)]
    assert [label.text for label in plot.labels][-1] == "23 Nov"
    assert "23 Nov 2 0 0 0 2 7 –" in text(response)


def test_in_the_plot_a_month_stands_above_its_year_so_that_none_covers_the_next(
    browsers: dict[str, Client],
) -> None:
    plot = browsers["alice"].get("/en/agenda/cijfers/?by=month").context["plot"]

    *_, month, year = plot.labels
    assert (month.text, year.text, month.x) == ("Nov", "2026", year.x)
    assert month.y < year.y < plot.height - 12


def test_months_are_asked_for_and_nothing_else(browsers: dict[str, Client]) -> None:
    assert "Nov 2026" in text(browsers["alice"].get("/en/agenda/cijfers/?by=month"))
    assert browsers["alice"].get("/en/agenda/cijfers/?by=day").status_code == 404


def test_the_file_has_the_same_numbers_and_nobody_in_it(browsers: dict[str, Client]) -> None:
    response = browsers["alice"].get("/en/agenda/cijfers/cijfers.csv?by=week")

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    content = response.content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content), delimiter=";"))
    assert len(rows) == 13
    assert rows[-1] == ["2026-11-23", "2026-11-29", "2", "0", "0", "0", "2", "7", ""]
    assert [word for word in ("Noor", "Sam", "noor@example.org", "612345678") if word in content] == []
