"""Fixtures for tests that drive a real browser at the `practice` of their own file."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.served import DEMO_EMAIL, DEMO_PASSWORD, Served

# As long as Playwright waits for anything else: a busy machine is no fault of a page.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def signed_in(practice: Served, browser: Browser, browser_context_args: Any) -> Any:
    """The cookies of the demo therapist, who is the manager too: passwords are slow to check, so one time does."""
    context = browser.new_context(**browser_context_args)
    page = context.new_page()
    page.goto(f"{practice.url}/agenda/")
    page.locator("input[name=login]").fill(DEMO_EMAIL)
    page.locator("input[name=password]").fill(DEMO_PASSWORD)
    page.locator("main button[type=submit], main button:not([type])").first.click()
    page.wait_for_url("**/agenda/")
    state = context.storage_state()
    context.close()
    return state
