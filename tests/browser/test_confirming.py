"""While very much is booked, a family confirms by the link in its mail."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.test_parent_way import next_mail
from tests.served import Served
from tests.visitor import Visitor

pytestmark = [pytest.mark.servers, pytest.mark.browser]


@pytest.fixture(scope="module")
def practice(served: Any) -> Iterator[Served]:
    with served("sqlite", worker=True, RATE_LIMITS="on") as practice:
        # As many as stand at once from one network.
        for number, start in enumerate(Visitor(practice.url).get("/afspraak/").starts()[::4][:3]):
            assert "/gemaakt/" in Visitor(practice.url, f"Gezin {number}").book(start).location
        yield practice


def test_a_mistyped_address_is_put_right_and_confirmed(page: Page, practice: Served) -> None:
    page.goto(f"{practice.url}/en/afspraak/")
    page.get_by_role("button", name="Choose this moment").first.click()
    page.get_by_label("Your name").fill("Mila de Vries")
    page.get_by_label("Your mail address").fill("mila@exmaple.org")
    page.get_by_label("Your phone number").fill("06 12345678")
    page.get_by_label("First name of your child").fill("Sam")
    page.get_by_label("younger than 12").check()
    page.get_by_label("I agree that").check()
    page.get_by_role("button", name="Make the appointment").click()
    expect(page.get_by_role("heading", name="Look in your mail")).to_be_visible()

    page.get_by_text("Did you make a mistake in your mail address?").click()
    page.get_by_label("The right email address").fill("mila@example.org")
    page.get_by_role("button", name="Send the mail here").click()
    expect(page.get_by_text("A new mail is on its way.")).to_be_visible()
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not [found["id"] for found in Axe().run(page).response["violations"]]

    mail = next_mail(practice, "mila@example.org", 1).get_body(("plain",))
    assert mail
    link = re.search(r"http\S+/bevestigen/\S+", mail.get_content())
    assert link
    page.goto(link[0])
    page.get_by_role("button", name="Make the appointment").click()

    expect(page).to_have_url(re.compile("/afspraak/gemaakt/"))
