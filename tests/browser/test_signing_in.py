"""A therapist signs in by passkey in a real browser, whose authenticator is Chromium's own virtual one."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.served import DEMO_EMAIL, DEMO_PASSWORD, Served

pytestmark = [pytest.mark.servers, pytest.mark.browser]


@pytest.fixture(scope="module")
def practice(served: Any) -> Iterator[Served]:
    # As anywhere but in a demo: no family is shown without the second step.
    with served("sqlite", SECOND_FACTOR="1") as practice:
        yield practice


@pytest.fixture
def hers(browser: Browser, browser_context_args: Any, practice: Served) -> Iterator[Page]:
    """A browser on a device that can hold passkeys, in English."""
    context = browser.new_context(**{**browser_context_args, "locale": "en-GB"})
    page = context.new_page()

    def complain(message: ConsoleMessage) -> None:
        if message.type == "error":
            pytest.fail(message.text)

    page.on("console", complain)
    page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
    cdp = context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield page
    context.close()


def assert_accessible(page: Page) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"


def test_a_passkey_is_added_signs_in_by_itself_and_is_removed(hers: Page, practice: Served) -> None:
    page, home = hers, practice.url.replace("127.0.0.1", "localhost")
    page.goto(f"{home}/en/agenda/")
    assert_accessible(page)
    page.get_by_label("Mail address").fill(DEMO_EMAIL)
    page.get_by_label("Password", exact=True).fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    # Without a second step no agenda; a passkey is one.
    expect(page.get_by_role("heading", name="Set up the second step")).to_be_visible()
    page.goto(f"{home}/en/account/2fa/webauthn/add/")
    assert_accessible(page)
    page.get_by_label("What do you call this device?").fill("My phone")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("The passkey is added.")).to_be_visible()
    page.goto(f"{home}/en/agenda/")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Set up the second step")
    page.goto(f"{home}/en/account/2fa/")
    assert_accessible(page)
    page.get_by_role("link", name="Passkeys").click()
    expect(page.get_by_role("heading", name="My phone")).to_be_visible()
    assert_accessible(page)
    page.goto(f"{home}/en/account/sessies/")
    expect(page.get_by_text("Linux")).to_be_visible()
    assert_accessible(page)

    page.goto(f"{home}/en/account/2fa/")
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{home}/en/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/en/agenda/**")

    page.goto(f"{home}/en/account/2fa/webauthn/")
    page.get_by_role("link", name="Remove My phone").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("There is no passkey yet.")).to_be_visible()
    page.goto(f"{home}/en/agenda/")
    expect(page.get_by_role("heading", name="Set up the second step")).to_be_visible()


def test_a_passkey_is_the_second_step_after_a_password(hers: Page, practice: Served) -> None:
    page, home = hers, practice.url.replace("127.0.0.1", "localhost")
    page.goto(f"{home}/en/account/login/")
    page.get_by_label("Mail address").fill(DEMO_EMAIL)
    page.get_by_label("Password", exact=True).fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.goto(f"{home}/en/account/2fa/webauthn/add/")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("The passkey is added.")).to_be_visible()
    page.goto(f"{home}/en/account/2fa/")
    page.get_by_role("button", name="Sign out").click()

    page.goto(f"{home}/en/account/login/")
    page.get_by_label("Mail address").fill(DEMO_EMAIL)
    page.get_by_label("Password", exact=True).fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Use your passkey instead").click()

    page.wait_for_url("**/en/agenda/**")
