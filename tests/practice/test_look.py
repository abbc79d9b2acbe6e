"""The information pages and their editor in a real browser: a phone's and a desk's width, by day and by night."""

from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, expect

from practice.models import Page
from tests.booking.accounts import make_account, signed_in
from tests.practice.factories import make_picture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PATHS = ["/", "/hechting/", "/eerste-afspraak/", "/contact/", "/privacy/", "/toegankelijkheid/", "/en/"]


@pytest.fixture
def site(live_server: Any) -> str:
    """The address of the practice's site."""
    call_command("load_practice", verbosity=0)
    return str(live_server.url)


def test_pages_keep_to_their_own_policy(site: str, browser: Browser) -> None:
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: None if request.url.startswith(site) else said.append(request.url))

    for path in PATHS:
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


@pytest.mark.parametrize("path", ["/", "/en/", "/hechting/", "/en/hechting/", "/en/eerste-afspraak/"])
def test_the_header_is_one_line_as_soon_as_it_shows_the_menu(site: str, browser: Browser, path: str) -> None:
    page = browser.new_page(viewport={"width": 1201, "height": 800})
    page.goto(site + path)

    menu = page.locator(".header .nav").bounding_box()
    link = page.locator(".header .nav li").first.bounding_box()
    page.close()

    assert menu
    assert link
    assert menu["height"] == link["height"]


def editor(site: str, browser: Browser, width: int, **options: Any) -> Any:
    """Return the editor of the Dutch page about attachment, opened by a manager."""
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-GB", **options)
    cookies = signed_in(make_account("bob@praktijk.example", manager=True)).cookies.values()
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": site} for cookie in cookies])
    page = context.new_page()
    hechting = Page.objects.get(slug="hechting", language="nl")
    page.goto(f"{site}/en/beheer/practice/page/{hechting.pk}/change/")
    return page


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_page_is_seen_while_it_is_written(site: str, browser: Browser, width: int, scheme: Any) -> None:
    page = editor(site, browser, width, color_scheme=scheme)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    preview = page.frame_locator("#preview iframe")
    expect(preview.get_by_role("heading", level=1)).to_have_text("Hechting van kinderen")

    page.get_by_label("Title:", exact=True).fill("Samen groeien")
    page.locator("#id_body").fill("## Een kop\n\nTekst en <script>x</script>.\n\n")
    # Added in another tab meanwhile.
    make_picture()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.locator("summary", has_text="Pictures").click()
    page.get_by_role("button", name="Put it into the text").click()

    expect(preview.get_by_role("heading", level=1)).to_have_text("Samen groeien")
    expect(preview.get_by_text("Tekst en <script>x</script>.")).to_be_visible()
    expect(preview.get_by_role("img", name="Een kamer")).to_have_js_property("naturalWidth", 300)
    # What stands in the preview leads nowhere.
    preview.get_by_role("link", name="Maak een eerste afspraak").last.click()
    expect(preview.get_by_role("heading", level=1)).to_have_text("Samen groeien")
    beside = page.locator("#preview").bounding_box()["x"] > page.locator("#id_body").bounding_box()["x"] + 200
    assert beside is (width == 1280)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # The browser tells of each look that this test takes into the frame, where no script may run.
    assert [text for text in said if not text.startswith("Blocked script execution in 'about:srcdoc'")] == []
    assert Page.objects.get(slug="hechting", language="nl").title == "Hechting van kinderen"
    page.context.close()


def test_a_page_is_seen_before_it_is_kept_without_javascript_too(site: str, browser: Browser) -> None:
    page = editor(site, browser, 1280, java_script_enabled=False)
    page.get_by_label("Title:", exact=True).fill("Samen groeien")

    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Preview in a tab of its own").click()

    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Samen groeien")
    expect(opened.value.get_by_text("This is a preview.")).to_be_visible()
    expect(page.get_by_label("Title:", exact=True)).to_have_value("Samen groeien")
    page.context.close()
