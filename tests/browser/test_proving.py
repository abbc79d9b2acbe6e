"""A browser shows that it is no program while the form is filled in, and says so to who cannot."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.test_parent_way import watched
from tests.served import Served

pytestmark = [pytest.mark.servers, pytest.mark.browser]


@pytest.fixture(scope="module")
def practice(served: Any) -> Iterator[Served]:
    with served("sqlite", RATE_LIMITS="on", PROOF_FROM="1") as practice:
        yield practice


def fill_in(page: Page, practice: Served) -> None:
    page.goto(f"{practice.url}/en/afspraak/")
    page.get_by_role("button", name="Choose this moment").first.click()
    page.get_by_label("Your name").fill("Noor de Vries")
    page.get_by_label("Your mail address").fill("noor@example.org")
    page.get_by_label("Your phone number").fill("06 12345678")
    page.get_by_label("First name of your child").fill("Sam")
    page.get_by_label("younger than 12").check()
    page.get_by_label("I agree that").check()


def violations(page: Page) -> list[str]:
    # On a phone and on a wide screen: nobody's way out of sight may be a part of the page.
    found = []
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        found += [violation["id"] for violation in Axe().run(page).response["violations"]]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    return found


def test_the_browser_works_by_itself_and_the_form_waits_for_it(page: Page, practice: Served) -> None:
    page = watched(page.context)
    fill_in(page, practice)
    expect(page.get_by_text("It is very busy just now")).to_be_hidden()
    assert not violations(page)

    page.get_by_role("button", name="Make the appointment").click()

    expect(page).to_have_url(re.compile("/afspraak/gemaakt/"))


def test_no_key_and_no_reader_comes_to_the_field_that_nobody_sees(page: Page, practice: Served) -> None:
    fill_in(page, practice)
    field = page.locator("[name=particulars]")

    box = field.bounding_box()

    assert box
    assert box["x"] + box["width"] < 0
    assert page.get_by_role("textbox", name="Please leave this empty").count() == 0


def test_without_javascript_the_page_says_what_to_do(plain_page: Page, practice: Served) -> None:
    fill_in(plain_page, practice)

    expect(plain_page.get_by_text("It is very busy just now")).to_be_visible()
