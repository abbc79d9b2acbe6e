"""A browser shows that it is no program while the form is filled in, and says so to who cannot."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.test_parent_way import next_mail, watched
from tests.served import Served

pytestmark = [pytest.mark.servers, pytest.mark.browser]


@pytest.fixture(scope="module")
def practice(served: Any) -> Iterator[Served]:
    with served("sqlite", worker=True, RATE_LIMITS="on", PROOF_FROM="1") as practice:
        yield practice


def fill_in(page: Page, practice: Served, email: str = "noor@example.org") -> None:
    page.goto(f"{practice.url}/en/afspraak/")
    page.get_by_role("button", name="Choose this moment").first.click()
    page.get_by_label("Your name").fill("Noor de Vries")
    page.get_by_label("Your mail address").fill(email)
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
    unseen = page.locator("[name=particulars]").bounding_box()
    assert unseen
    assert unseen["x"] + unseen["width"] < 0
    assert page.get_by_role("textbox", name="Please leave this empty").count() == 0
    assert not violations(page)

    # By the key that presses the first button of the form, which must not be that of the mail.
    page.get_by_label("Your name").press("Enter")

    expect(page).to_have_url(re.compile("/afspraak/gemaakt/"))


def test_without_javascript_it_is_confirmed_by_mail(plain_page: Page, practice: Served) -> None:
    fill_in(plain_page, practice, email="mila@example.org")
    expect(plain_page.get_by_role("button", name="Make the appointment")).to_be_hidden()
    plain_page.get_by_role("button", name="Confirm by mail").click()
    expect(plain_page.get_by_role("heading", name="Look in your mail")).to_be_visible()

    mail = next_mail(practice, "mila@example.org", 1).get_body(("plain",))
    assert mail
    link = re.search(r"http\S+/bevestigen/\S+", mail.get_content())
    assert link
    plain_page.goto(link[0])
    plain_page.get_by_role("button", name="Make the appointment").click()

    expect(plain_page).to_have_url(re.compile("/afspraak/gemaakt/"))


def test_its_pages_are_for_everyone(page: Page, practice: Served) -> None:
    page.goto(f"{practice.url}/en/afspraak/mail/")
    assert not violations(page)
    # As where the browser knows no such arithmetic.
    page.route("**/static/**/proof*.js", lambda route: route.abort())
    fill_in(page, practice)
    expect(page.get_by_role("button", name="Confirm by mail")).to_be_visible()
    assert not violations(page)
