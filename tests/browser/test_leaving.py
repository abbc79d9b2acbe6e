"""Whoever typed in a form is asked before it is left; who typed nothing, sends it or calls, is not."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from tests.served import Served

pytestmark = [pytest.mark.servers, pytest.mark.browser]


@pytest.fixture(scope="module")
def practice(served: Any) -> Iterator[Served]:
    with served("sqlite") as practice:
        yield practice


@pytest.fixture
def hers(browser: Browser, browser_context_args: Any, practice: Served, signed_in: Any) -> Iterator[Page]:
    """A page of the demo therapist, who is the manager too."""
    context = browser.new_context(**{**browser_context_args, "storage_state": signed_in})
    yield context.new_page()
    context.close()


@pytest.fixture
def asked(hers: Page) -> list[str]:
    """The kinds of questions that her browser asked; she stays where she is each time."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    hers.on("dialog", stay)
    return asked


def open_form(page: Page, practice: Served) -> None:
    page.goto(f"{practice.url}/en/afspraak/")
    page.get_by_role("button", name="Choose this moment").first.click()
    expect(page.get_by_role("heading", name="Your details")).to_be_visible()


def take(way: Locator) -> None:
    """Take the `way` out of the form, and wait for the browser's question."""
    with way.page.expect_event("dialog"):
        way.click()


@pytest.mark.parametrize("way", ["Contact", "Nederlands"])
def test_a_parent_who_typed_is_asked_before_another_page_or_language(
    hers: Page, asked: list[str], practice: Served, way: str
) -> None:
    open_form(hers, practice)
    hers.get_by_label("Your name").press_sequentially("Noor")

    # One way each: right after one question Chromium may swallow the next.
    take(hers.get_by_role("contentinfo").get_by_role("link", name=way))

    expect(hers.get_by_label("Your name")).to_have_value("Noor")
    assert asked == ["beforeunload"]


def test_what_came_back_with_a_question_is_asked_about_too(hers: Page, asked: list[str], practice: Served) -> None:
    open_form(hers, practice)
    hers.get_by_label("Your name").press_sequentially("Noor")
    hers.get_by_role("button", name="Make the appointment").click()
    expect(hers.locator("#errors")).to_be_visible()
    assert asked == []

    take(hers.get_by_role("contentinfo").get_by_role("link", name="Nederlands"))
    assert asked == ["beforeunload"]
    expect(hers.get_by_label("Your name")).to_have_value("Noor")


def test_who_typed_nothing_looks_further_without_a_question(
    hers: Page, asked: list[str], practice: Served
) -> None:
    open_form(hers, practice)
    hers.get_by_label("Your name").click()

    hers.get_by_role("contentinfo").get_by_role("link", name="Nederlands").click()

    expect(hers.get_by_role("heading", name="Uw gegevens", exact=True)).to_be_visible()
    assert asked == []


def test_another_moment_is_chosen_without_a_question_and_all_comes_back(page: Page, practice: Served) -> None:
    asked: list[Dialog] = []
    page.on("dialog", lambda dialog: asked.append(dialog))
    open_form(page, practice)
    page.get_by_label("Your name").press_sequentially("Noor")
    page.get_by_label("younger than 12").check()

    page.get_by_role("button", name="Choose another moment").click()
    page.locator("#times button.slot").nth(5).click()

    expect(page.get_by_label("Your name")).to_have_value("Noor")
    expect(page.get_by_label("younger than 12")).to_be_checked()
    assert asked == []


def test_enter_in_a_field_books_and_does_not_choose_again(hers: Page, practice: Served) -> None:
    open_form(hers, practice)

    hers.get_by_label("Your name").press("Enter")

    expect(hers.locator("#errors")).to_be_visible()


def test_to_call_the_practice_is_not_to_leave(hers: Page, asked: list[str], practice: Served) -> None:
    open_form(hers, practice)
    hers.get_by_label("Your name").press_sequentially("Noor")
    hers.locator("a[href^='tel:']").first.click()
    assert asked == []

    with hers.expect_event("dialog"):
        # By a script: where no program takes the call, this browser hears no mouse any more.
        nederlands = hers.get_by_role("contentinfo").get_by_role("link", name="Nederlands")
        nederlands.evaluate("link => link.click()")
    assert asked == ["beforeunload"]


def test_the_privacy_page_comes_beside_the_form(hers: Page, asked: list[str], practice: Served) -> None:
    open_form(hers, practice)
    hers.get_by_label("Your name").press_sequentially("Noor")

    with hers.context.expect_page() as opened:
        hers.get_by_role("link", name="More about your privacy (in a new tab)").click()

    expect(opened.value.get_by_role("heading", level=1, name="Privacy")).to_be_visible()
    expect(hers.get_by_label("Your name")).to_have_value("Noor")
    assert asked == []


def test_a_therapist_is_asked_too_but_not_when_nothing_is_to_change(
    hers: Page, asked: list[str], practice: Served
) -> None:
    hers.goto(f"{practice.url}/en/agenda/afspraak/nieuw/")
    hers.locator(".slot").first.click()
    hers.get_by_label("Name of the parent").press_sequentially("Noor")
    take(hers.get_by_role("navigation", name="Agenda").get_by_role("link", name="Numbers"))
    expect(hers.get_by_label("Name of the parent")).to_have_value("Noor")

    hers.get_by_role("link", name="Back, change nothing").click()

    hers.wait_for_url("**/agenda/")
    assert asked == ["beforeunload"]


def test_a_manager_is_asked_about_the_text_of_a_page(hers: Page, asked: list[str], practice: Served) -> None:
    hers.goto(f"{practice.url}/en/beheer/practice/page/add/")
    hers.locator("#id_body").press_sequentially("A new text")

    with hers.context.expect_page():
        hers.get_by_role("button", name="Preview in a tab of its own").click()

    take(hers.get_by_role("link", name="Home").first)
    assert asked == ["beforeunload"]
    expect(hers.locator("#id_body")).to_have_value("A new text")
