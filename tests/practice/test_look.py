"""The information pages in a real browser: at a phone's and a desk's width, by day and by night."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.management import call_command
from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PATHS = ["/", "/hechting/", "/eerste-afspraak/", "/contact/", "/privacy/", "/en/", "/nergens/"]


@pytest.fixture
def site(live_server: Any) -> str:
    """The address of the practice's site."""
    call_command("load_practice", verbosity=0)
    return str(live_server.url)


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1280, "light")])
def test_pages_are_accessible_and_fit(site: str, browser: Browser, width: int, scheme: Any) -> None:
    # The policy of the pages would keep out the checker itself.
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    problems: list[str] = []

    for path in PATHS:
        page.goto(site + path)
        violations = Axe().run(page).response["violations"]
        problems += [f"{path}: {violation['id']}: {violation['nodes'][0]['html']}" for violation in violations]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            problems.append(f"{path} is wider than the screen")
    context.close()

    assert problems == []


def test_pages_keep_to_their_own_policy(site: str, browser: Browser) -> None:
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: None if request.url.startswith(site) else said.append(request.url))

    for path in PATHS[:-1]:
        page.goto(site + path)
    page.close()

    assert said == []


def test_menu_opens_without_javascript(site: str, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto(site)

    page.get_by_text("Menu", exact=True).click()
    page.get_by_role("navigation", name="Menu").get_by_role("link", name="Hechting").click()

    assert page.url == f"{site}/hechting/"
    context.close()
