"""A therapist has her own calendar read, by a real worker from a real server, and parents see no time in it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import assert_accessible
from tests.calendar_server import Radicale
from tests.served import Served
from tests.servers import wait_until
from tests.visitor import Visitor

pytestmark = [pytest.mark.servers, pytest.mark.browser]

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.fixture(scope="module")
def practice(served: Any) -> Iterator[Served]:
    with served("sqlite", worker=True, CALENDAR_NETWORKS="127.0.0.0/8") as practice:
        yield practice


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    started = Radicale(tmp_path_factory.mktemp("radicale"))
    yield started
    started.stop()


@pytest.fixture
def hers(browser: Browser, browser_context_args: Any, practice: Served, signed_in: Any) -> Iterator[Page]:
    """The demo therapist's browser, signed in."""
    settings = {**browser_context_args, "storage_state": signed_in}
    context = browser.new_context(**settings)
    page = context.new_page()
    page.goto(f"{practice.url}/agenda/kalenders/")
    yield page
    context.close()


def send(page: Page, control: str) -> None:
    """Send a form by the keyboard alone."""
    page.locator(control).focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_her_calendar_is_read_fails_and_goes(hers: Page, practice: Served, radicale: Radicale) -> None:
    taken = Visitor(practice.url).get("/afspraak/").starts()[-1]
    at = datetime.fromisoformat(taken).astimezone(AMSTERDAM)
    radicale.make_calendar()
    radicale.put("a", f"DTSTART;TZID=Europe/Amsterdam:{at:%Y%m%dT%H%M%S}", "DURATION:PT1H", "SUMMARY:Tandarts")
    calendar, badge = hers.locator("section.card"), hers.locator("section.card .badge")

    def comes(state: str) -> None:
        def shown() -> bool:
            hers.reload()
            return badge.count() == 1 and state in (badge.get_attribute("class") or "")

        wait_until(shown, what=f"the calendar to be told {state}")

    send(hers, "form.card .button")
    assert_accessible(hers)
    hers.locator("input[name=name]").fill("Privé")
    hers.locator("input[name=url]").fill(radicale.url)
    send(hers, "input[name=url]")
    comes("success")
    expect(calendar).to_contain_text("127.0.0.1")
    assert radicale.url not in hers.content()
    assert "Tandarts" not in hers.content()
    assert_accessible(hers)
    assert taken not in Visitor(practice.url).get("/afspraak/").starts()

    radicale.stop()
    send(hers, "section.card form[action$='lezen/'] .button")
    comes("error")
    assert_accessible(hers)
    assert taken not in Visitor(practice.url).get("/afspraak/").starts()
    radicale.start()

    hers.locator("section.card summary").press("Enter")
    assert_accessible(hers)
    send(hers, "section.card details .button >> nth=-1")
    expect(calendar).to_have_count(0)
    assert taken in Visitor(practice.url).get("/afspraak/").starts()
