"""What axe finds on every page of the parent's way: nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.served import DEMO_EMAIL, DEMO_PASSWORD, Served
from tests.visitor import Visitor

pytestmark = [pytest.mark.servers, pytest.mark.browser]

WIDTHS = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 900}}
SITE = ["/", "/hechting/", "/eerste-afspraak/", "/contact/", "/privacy/", "/afspraak/", "/bestaat-niet/"]
AGENDA = ["/agenda/", "/agenda/werktijden/", "/agenda/vrij/", "/agenda/soorten/"]


@pytest.fixture(scope="module")
def practice(served: Any) -> Iterator[Served]:
    with served("sqlite") as practice:
        yield practice


@pytest.fixture(scope="module")
def manage_path(practice: Served) -> str:
    visitor = Visitor(practice.url)
    later = visitor.get("/afspraak/").starts()[-1]
    return visitor.book(later).location.replace("gemaakt", "beheer")


@pytest.fixture(params=list(WIDTHS))
def page(request: pytest.FixtureRequest, browser: Browser, browser_context_args: Any) -> Iterator[Page]:
    context = browser.new_context(**{**browser_context_args, "viewport": WIDTHS[request.param]})
    yield context.new_page()
    context.close()


def assert_accessible(page: Page) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{page.url} is wider than its screen by {overflow} px"


@pytest.mark.parametrize("language", ["", "/en"])
def test_the_site_and_the_list_of_times(page: Page, practice: Served, language: str) -> None:
    for path in SITE:
        page.goto(f"{practice.url}{language}{path}")
        assert_accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_in_each_of_its_states(page: Page, practice: Served, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{practice.url}/afspraak/")
    assert_accessible(page)
    page.locator("button.slot").nth(1).click()
    assert_accessible(page)
    page.get_by_role("button", name="Afspraak maken").click()
    assert_accessible(page)


def test_a_form_that_lost_its_race(page: Page, practice: Served) -> None:
    page.goto(f"{practice.url}/afspraak/?day=2099-01-01")
    assert_accessible(page)
    page.goto(f"{practice.url}/afspraak/")
    page.locator("button.slot").nth(5).click()
    start = page.locator("input[name=start]").input_value()
    # The session of this browser lets go of its hold, and somebody else is quicker.
    page.context.clear_cookies(name="sessionid")
    practice.manage("shell", "-c", "from booking.models import Hold; Hold.objects.all().delete()")
    assert Visitor(practice.url).book(start).status == 302
    page.get_by_role("button", name="Afspraak maken").click()
    page.get_by_text("De vrije momenten die er het dichtst bij liggen").wait_for()
    assert_accessible(page)


def test_the_pages_behind_the_link(page: Page, practice: Served, manage_path: str) -> None:
    for path in ("", "verzetten/", "afzeggen/", "wissen/"):
        page.goto(f"{practice.url}{manage_path}{path}")
        assert_accessible(page)
    page.goto(practice.url + manage_path.replace("beheer", "gemaakt"))
    assert_accessible(page)
    page.goto(f"{practice.url}/afspraak/beheer/nothing/")
    assert_accessible(page)


def test_the_therapists_pages(page: Page, practice: Served) -> None:
    page.goto(f"{practice.url}/agenda/")
    assert_accessible(page)
    page.locator("input[name=login]").fill(DEMO_EMAIL)
    page.locator("input[name=password]").fill(DEMO_PASSWORD)
    page.locator("main button[type=submit], main button:not([type])").first.click()
    page.wait_for_url("**/agenda/")
    for path in AGENDA:
        page.goto(practice.url + path)
        assert_accessible(page)
