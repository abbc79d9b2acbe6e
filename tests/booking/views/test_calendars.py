"""The page of a therapist's calendars elsewhere."""

import json
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking import calendars
from booking.models import CalendarSource, FetchFailure, Therapist
from tests.booking.factories import make_practice, wall
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db

URL = "/en/agenda/kalenders/"
NOW = wall("2026-11-30 10:30")
SECRET = "https://calendar.example/private-0123456789abcdef/basic.ics"


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def practice() -> None:
    make_practice()


@pytest.fixture
def source(alice: Therapist) -> CalendarSource:
    return calendars.add(alice, name="Privé", url=SECRET, now=NOW)


def test_one_is_added_by_its_address_which_is_not_shown_again(
    browsers: dict[str, Client], alice: Therapist
) -> None:
    response = browsers["alice"].post(URL, {"name": "Privé", "url": f" {SECRET} "}, follow=True)

    added = CalendarSource.objects.get()
    assert (added.therapist, added.name, added.url, added.due_at) == (alice, "Privé", SECRET, NOW)
    assert "Privé being read calendar.example" in text(response)
    assert "private-0123456789abcdef" not in response.content.decode()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "ftp://calendar.example/a.ics",
        "javascript:alert(1)",
        "https://",
        "https://[::1/",
        "https://a\x00b.nl",
    ],
)
def test_what_is_no_address_gets_a_sentence_and_keeps_what_was_typed(
    browsers: dict[str, Client], url: str
) -> None:
    response = browsers["alice"].post(URL, {"name": "Privé", "url": url})

    assert response.status_code == 422
    assert 'value="Privé"' in response.content.decode()
    assert not CalendarSource.objects.exists()


def test_a_failing_one_says_why_and_since_when(browsers: dict[str, Client], source: CalendarSource) -> None:
    CalendarSource.objects.update(
        failure=FetchFailure.REFUSED, failing_since=wall("2026-11-29 09:00"), read_at=wall("2026-11-28 09:00")
    )

    page = text(browsers["alice"].get(URL))
    assert "Privé cannot be read calendar.example, last read on 28 November, 09:00" in page
    assert (
        "The other side refuses it: the address may have been renewed. That is so since 29 November, 09:00."
        in page
    )
    assert "the times that were read last stay taken" in page


def test_it_is_read_at_once_when_asked(browsers: dict[str, Client], source: CalendarSource) -> None:
    CalendarSource.objects.update(due_at=wall("2026-12-01 10:00"))

    browsers["alice"].post(f"{URL}{source.pk}/lezen/")

    source.refresh_from_db()
    assert source.due_at == NOW


def test_what_could_not_be_read_is_named(browsers: dict[str, Client], source: CalendarSource) -> None:
    named = [("rule", "Koor", "2026-11-24"), ("day", "", "")]
    CalendarSource.objects.filter(pk=source.pk).update(
        read_at=NOW, events=7, doubts=json.dumps({"listed": named, "more": 3})
    )

    page = browsers["alice"].get(URL)
    assert "last read on 30 November, 10:30, 7 events" in text(page)
    assert "5 events could not be read well." in text(page)
    assert "Koor, 24 November 2026: It cannot be read on which days this comes again." in text(page)
    assert "An event without a name: It cannot be read when this is." in text(page)
    assert "And 3 more." in text(page)
    assert "Koor" not in text(browsers["charlie"].get(URL))


def test_one_that_stops_halfway_says_what_is_closed(browsers: dict[str, Client], source: CalendarSource) -> None:
    CalendarSource.objects.update(failure=FetchFailure.CUT_SHORT, failing_since=NOW)

    page = text(browsers["alice"].get(URL))
    assert "This calendar stops halfway. That is so since 30 November, 10:30. What it holds is closed" in page
    assert "No times are taken from it yet." not in page


def test_she_chooses_whether_what_is_marked_as_free_is_closed(
    browsers: dict[str, Client], source: CalendarSource
) -> None:
    CalendarSource.objects.update(due_at=wall("2026-12-01 10:00"))
    assert "such as many whole days, can be booked here. Close it too" in text(browsers["alice"].get(URL))

    page = browsers["alice"].post(f"{URL}{source.pk}/vrij/", {"free_is_busy": "on"}, follow=True)
    source.refresh_from_db()
    assert (source.free_is_busy, source.due_at) == (True, NOW)
    assert "such as many whole days, is closed too. Leave it open" in text(page)

    browsers["alice"].post(f"{URL}{source.pk}/vrij/")
    source.refresh_from_db()
    assert not source.free_is_busy


def test_she_may_choose_so_when_she_adds_it(browsers: dict[str, Client], alice: Therapist) -> None:
    browsers["alice"].post(URL, {"name": "Privé", "url": SECRET, "free_is_busy": "on"})

    assert CalendarSource.objects.get().free_is_busy


def test_it_is_removed(browsers: dict[str, Client], source: CalendarSource) -> None:
    browsers["alice"].post(f"{URL}{source.pk}/weg/")

    assert not CalendarSource.objects.exists()


def test_ten_are_enough(browsers: dict[str, Client], alice: Therapist) -> None:
    for number in range(calendars.MOST_SOURCES):
        calendars.add(alice, name=f"{number}", url=SECRET, now=NOW)

    assert "There are enough calendars here. Remove one first." in text(browsers["alice"].get(URL))
    refused = browsers["alice"].post(URL, {"name": "Privé", "url": SECRET})
    assert refused.status_code == 422
    assert "There are enough calendars here. Remove one first." in text(refused)
    assert 'value="Privé"' in refused.content.decode()
    assert CalendarSource.objects.count() == calendars.MOST_SOURCES


def test_many_take_no_more_queries_than_one(
    browsers: dict[str, Client], alice: Therapist, source: CalendarSource
) -> None:
    browsers["alice"].get(URL)
    with CaptureQueriesContext(connection) as one:
        browsers["alice"].get(URL)
    for number in range(calendars.MOST_SOURCES - 1):
        calendars.add(alice, name=f"{number}", url=SECRET, now=NOW)
    with CaptureQueriesContext(connection) as many:
        browsers["alice"].get(URL)

    assert len(many) == len(one) <= 7


@pytest.mark.parametrize(("who", "status"), [("charlie", 404), ("bob", 404), ("dana", 403), ("anonymous", 302)])
def test_it_is_nobody_elses(browsers: dict[str, Client], source: CalendarSource, who: str, status: int) -> None:
    for action in ("lezen", "vrij", "weg"):
        assert browsers[who].post(f"{URL}{source.pk}/{action}/").status_code == status
        assert browsers["alice"].get(f"{URL}{source.pk}/{action}/").status_code == 405

    page = browsers[who].get(URL)
    assert page.status_code == (200 if who == "charlie" else status)
    assert "Privé" not in page.content.decode()
    source.refresh_from_db()
    assert (source.due_at, source.free_is_busy) == (NOW, False)


def test_who_is_no_therapist_is_not_led_there(browsers: dict[str, Client], alice: Therapist) -> None:
    assert "Own calendar" in text(browsers["alice"].get("/en/agenda/"))
    assert "Own calendar" not in text(browsers["bob"].get("/en/agenda/"))


@pytest.mark.parametrize("view", ["week", "day", "month", "list"])
def test_the_agenda_says_that_one_cannot_be_read(
    browsers: dict[str, Client], source: CalendarSource, view: str
) -> None:
    calendars.add(source.therapist, name="Works", url=SECRET, now=NOW)
    agenda = f"/en/agenda/?view={view}"
    assert "cannot be read" not in text(browsers["alice"].get(agenda))
    CalendarSource.objects.filter(pk=source.pk).update(
        failure=FetchFailure.REFUSED, failing_since=wall("2026-11-29 09:00")
    )

    told = text(browsers["alice"].get(agenda))
    assert "A calendar of yours cannot be read Privé: The other side refuses it" in told
    assert "Works" not in told
    assert "cannot be read" not in text(browsers["charlie"].get(agenda))
