"""A therapist takes time off on her phone, without a mouse too, and the families in the way get a mail."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from email import message_from_bytes
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.accessibility import assert_accessible
from tests.served import Served
from tests.servers import wait_until
from tests.visitor import Visitor

pytestmark = [pytest.mark.servers, pytest.mark.browser]

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.fixture(scope="module")
def practice(served: Any) -> Iterator[Served]:
    with served("sqlite", worker=True) as practice:
        yield practice


@pytest.fixture
def hers(browser: Browser, browser_context_args: Any, practice: Served, signed_in: Any) -> Iterator[Page]:
    """The demo therapist's browser, signed in."""
    settings = {**browser_context_args, "storage_state": signed_in}
    context = browser.new_context(**settings)
    page = context.new_page()
    page.goto(f"{practice.url}/agenda/vrij/")
    yield page
    context.close()


@pytest.fixture
def booked(practice: Served) -> tuple[str, date]:
    """A family's mail address, and the day of its appointment: the last day that has free times."""
    visitor = Visitor(practice.url, f"Noor {datetime.now(AMSTERDAM).microsecond}")
    start = visitor.get("/afspraak/").starts()[-1]
    assert visitor.book(start).status == 302
    moment = datetime.fromisoformat(start).astimezone(AMSTERDAM)
    return f"{visitor.name.casefold().replace(' ', '.')}@example.org", moment.date()


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until `wanted` has the focus, and see that it shows."""
    for _ in range(120):
        if wanted.evaluate("element => element === document.activeElement"):
            assert wanted.evaluate("element => element.matches(':focus-visible')")
            return
        page.keyboard.press("Tab")
    pytest.fail("Tab does not lead there")


def mails_to(practice: Served, address: str) -> int:
    files = [message_from_bytes(file.read_bytes()) for file in practice.mail_dir.glob("*.eml")]
    return sum(address in str(mail["To"]) for mail in files)


def test_a_day_off_is_two_taps_and_comes_back(hers: Page) -> None:
    tomorrow = datetime.now(AMSTERDAM).date() + timedelta(days=1)
    table = hers.locator("section:has(#off) table")

    hers.locator(f"button[name=first_day][value='{tomorrow}']").click()

    expect(table.locator("tbody tr")).to_have_count(1)
    assert_accessible(hers)
    table.get_by_role("button").click()
    expect(table).to_have_count(0)


def test_today_is_taken_off_with_the_keyboard_alone(hers: Page) -> None:
    today = datetime.now(AMSTERDAM).date()
    tab_to(hers, hers.locator(f"button[name=first_day][value='{today}']"))
    hers.keyboard.press("Enter")
    table = hers.locator("section:has(#off) table")
    expect(table.locator("tbody tr")).to_have_count(1)

    tab_to(hers, table.get_by_role("button"))
    hers.keyboard.press("Enter")

    expect(table).to_have_count(0)


def test_a_family_in_the_way_is_shown_first_and_then_asked_by_mail(
    hers: Page, practice: Served, booked: tuple[str, date]
) -> None:
    address, day = booked
    wait_until(lambda: mails_to(practice, address) == 1, what="the confirmation")
    hers.locator("#off-day").fill(str(day))
    hers.locator("form:has(#off-day) button").click()

    mine = hers.locator("section.card", has_text=address)
    expect(mine.get_by_role("checkbox")).to_be_checked()
    assert_accessible(hers)
    expect(mine.locator("a[href^='tel:']")).to_be_visible()
    hers.locator("main form button").first.click()

    hers.wait_for_url("**/agenda/vrij/")
    wait_until(lambda: mails_to(practice, address) == 2, what="the request to choose another time")
    # The day is off, and nothing was cancelled.
    script = "from booking.models import Appointment as A; print('states', {a.state for a in A.objects.all()})"
    assert "states {'confirmed'}" in practice.manage("shell", "-c", script)
    table = hers.locator("section:has(#off) table")
    table.get_by_role("button").first.click()
    expect(table).to_have_count(0)


def test_the_hours_of_one_day_change_and_go_back(hers: Page) -> None:
    day = datetime.now(AMSTERDAM).date() + timedelta(days=30)
    hers.locator("#own-day").fill(str(day))
    hers.locator("form:has(#own-day) button").click()
    hers.wait_for_url(f"**/agenda/dag/{day}/")
    lines = hers.locator(".line").count()
    hers.locator("button[name=more]").click()
    expect(hers.locator(".line")).to_have_count(lines + 1)
    assert_accessible(hers)

    hers.locator("#id_start_0").fill("07:30")
    hers.locator("#id_end_0").fill("07:00")
    hers.locator("main form button").first.click()
    expect(hers.locator("#errors")).to_be_visible()
    assert_accessible(hers)
    expect(hers.locator("#id_start_0")).to_have_value("07:30")
    hers.locator("#id_end_0").fill("08:15")
    hers.locator("#id_end_0").press("Enter")

    hers.wait_for_url("**/agenda/vrij/")
    hers.locator("section:has(#own-days) li a").click()
    expect(hers.locator("#id_end_0")).to_have_value("08:15")
    hers.locator("form[action$='/gewoon/'] button").click()
    hers.wait_for_url("**/agenda/vrij/")
    expect(hers.locator("section:has(#own-days) li")).to_have_count(0)


def test_a_public_holiday_opens_and_closes(hers: Page) -> None:
    first = hers.locator("section:has(#holidays) li").first
    expect(first.locator(".badge--confirmed")).to_have_count(0)

    first.get_by_role("button").click()
    expect(first.locator(".badge--confirmed")).to_have_count(1)
    assert_accessible(hers)
    first.get_by_role("button").click()

    expect(first.locator(".badge--confirmed")).to_have_count(0)


def test_closures_come_from_a_file_once_they_were_seen(hers: Page) -> None:
    """A file as Dutch schools offer one: whole days, in the coming year."""
    first = datetime.now(AMSTERDAM).date() + timedelta(days=200)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//school//nl"]
    for number, name in enumerate(["Zomervakantie", "Studiedag"]):
        day = first + timedelta(days=10 * number)
        lines += ["BEGIN:VEVENT", f"UID:{number}@school.example", "DTSTAMP:20260101T000000Z", f"SUMMARY:{name}"]
        lines += [f"DTSTART;VALUE=DATE:{day:%Y%m%d}", f"DTEND;VALUE=DATE:{day + timedelta(days=5):%Y%m%d}"]
        lines += ["END:VEVENT"]
    content = "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()
    hers.locator("a[href$='/importeren/']").click()
    hers.wait_for_url("**/importeren/")
    assert_accessible(hers)
    hers.locator("main form button").click()
    expect(hers.locator("#errors")).to_be_visible()
    assert_accessible(hers)

    hers.locator("#id_file").set_input_files({"name": "a.ics", "mimeType": "text/calendar", "buffer": content})
    hers.locator("main form button").click()

    expect(hers.get_by_role("checkbox", checked=True)).to_have_count(2)
    assert_accessible(hers)
    hers.get_by_label("Studiedag").uncheck()
    hers.locator("main form button").first.click()
    hers.wait_for_url("**/agenda/vrij/")
    saved = hers.locator("section:has(#off) tbody tr")
    expect(saved).to_have_count(1)
    expect(saved).to_contain_text("Zomervakantie")
    saved.get_by_role("button").click()
    expect(saved).to_have_count(0)


def test_the_forms_are_accessible(hers: Page, practice: Served) -> None:
    for path in ("/agenda/vrij/nieuw/", "/agenda/vrij/extra/", "/en/agenda/vrij/"):
        hers.goto(practice.url + path)
        assert_accessible(hers)
