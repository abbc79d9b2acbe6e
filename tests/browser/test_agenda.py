"""The therapist's agenda in a real browser: with a thumb, by keyboard, and without JavaScript."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.served import Served

pytestmark = [pytest.mark.servers, pytest.mark.browser]

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
# Everything that a day can hold, and a second therapist, in the week of MONDAY.
FILL = """
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from django.utils import timezone
from booking import diary
from booking.intervals import Interval, from_wall
from booking.models import AppointmentType, CalendarSource, Hold, ImportedBusy, Therapist
from practice.models import Practice
from tests.booking.factories import make_appointment, make_hours

zone, now = Practice.load().zone, timezone.now()
monday = date.fromisoformat("MONDAY")
demo, consult = Therapist.objects.get(), AppointmentType.objects.get(slug="eerste-afspraak")
other = Therapist.objects.create(slug="other", name="Tweede Therapeut", email="other@demo.example")
consult.therapists.add(other)
make_hours(other, 0, 1)
for therapist in (demo, other):
    with suppress(diary.NotInDiary):
        diary.work_on_holiday(therapist, monday, zone, works=True)

def at(hour, minute=0):
    return from_wall(datetime.combine(monday, time(hour, minute)), zone)

make_appointment(consult, therapist=demo, start=f"{monday} 10:00", child_first_name="Sam", asked_to_move_at=now)
make_appointment(consult, therapist=demo, start=f"{monday} 17:30", child_first_name="Tijn")
make_appointment(consult, therapist=other, start=f"{monday} 10:00", child_first_name="Noor")
Hold.objects.create(
    therapist=demo, appointment_type=consult, start=at(9), occupied_start=at(9), occupied_end=at(10),
    expires_at=now + timedelta(hours=1), visitor="visitor", address="address",
)
source = CalendarSource.objects.create(therapist=demo, name="Thuis", due_at=now + timedelta(days=365))
ImportedBusy.objects.create(source=source, start=at(13), end=at(14, 30))
diary.add_time_off(demo, Interval(at(15), at(16)), "Tandarts")
"""


@pytest.fixture(scope="module")
def monday() -> date:
    """The first day of next week, so that all of it lies ahead."""
    day = datetime.now(ZoneInfo("Europe/Amsterdam")).date()
    return day + timedelta(days=7 - day.weekday())


@pytest.fixture(scope="module")
def practice(served: Any, monday: date) -> Iterator[Served]:
    with served("sqlite") as practice:
        practice.manage("shell", "-c", FILL.replace("MONDAY", f"{monday}"))
        yield practice


@pytest.fixture
def open_browser(browser: Browser, browser_context_args: Any, signed_in: Any) -> Iterator[Any]:
    """Opens pages of a signed-in therapist: `open_browser(DESK, java_script_enabled=False)`."""
    contexts: list[BrowserContext] = []

    def new_page(viewport: dict[str, int], **settings: Any) -> Page:
        arguments = {**browser_context_args, "viewport": viewport, "storage_state": signed_in, **settings}
        contexts.append(browser.new_context(**arguments))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
        page.on("console", lambda said: pytest.fail(said.text) if said.type == "error" else None)
        return page

    yield new_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("view", ["day", "week"])
def test_in_a_plan_things_lie_where_their_time_is(
    practice: Served, open_browser: Any, monday: date, view: str
) -> None:
    page = open_browser(DESK)
    page.goto(f"{practice.url}/agenda/?view={view}&day={monday}&therapist=demo-therapeut")

    def box(name: str) -> Any:
        found = page.locator(".item > *").filter(has_text=name).bounding_box()
        assert found
        return found

    ten = page.locator(".plan__clock li").filter(has_text=re.compile("^10:00")).bounding_box()
    assert ten
    sam, tijn, busy = box("Sam"), box("Tijn"), box("Elders bezet")
    assert sam["y"] == pytest.approx(ten["y"], abs=2)
    hour = (tijn["y"] - sam["y"]) / 7.5
    assert hour == pytest.approx(96, abs=1)
    assert busy["y"] - sam["y"] == pytest.approx(3 * hour, abs=2)
    assert busy["height"] == pytest.approx(1.5 * hour, abs=4)
    assert sam["x"] == tijn["x"] == busy["x"]
    monday_column = page.locator(".plan__day").first.bounding_box()
    assert monday_column
    assert monday_column["x"] < sam["x"] < sam["x"] + sam["width"] <= monday_column["x"] + monday_column["width"]


def test_what_begins_at_once_lies_beside_each_other(practice: Served, open_browser: Any, monday: date) -> None:
    page = open_browser(DESK)
    page.goto(f"{practice.url}/agenda/?view=day&day={monday}&therapist=")

    boxes = [page.get_by_role("link", name=name).bounding_box() for name in ("Sam", "Noor Eerste")]

    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_therapist_walks_through_the_weeks(
    practice: Served, open_browser: Any, monday: date, javascript: bool
) -> None:
    page = open_browser(PHONE, java_script_enabled=javascript)
    page.goto(f"{practice.url}/agenda/")
    this_week = page.locator("h1").inner_text()

    page.locator("#next").click()

    expect(page.locator("h1")).not_to_have_text(this_week)
    expect(page).to_have_url(re.compile(rf"view=week&day={monday}$"))
    expect(page).to_have_title(re.compile(rf"Week {monday.isocalendar().week}"))
    expect(page.get_by_role("link", name="Sam")).to_be_visible()
    page.locator("#previous").click()
    expect(page.locator("h1")).to_have_text(this_week)
    page.go_back()
    expect(page.get_by_role("link", name="Sam")).to_be_visible()
    page.locator("#day").fill(f"{monday + timedelta(days=1)}")
    page.locator("#view-1").click()
    expect(page).to_have_url(re.compile(rf"view=day&day={monday}"))
    page.get_by_role("link", name="Sam").click()
    expect(page).to_have_url(re.compile("/agenda/afspraak/"))


def shown_up_to(page: Page, day: date) -> None:
    """Wait until the part is there that leads on to `day`: the address comes a moment before it."""
    expect(page.locator("#next")).to_have_attribute("href", re.compile(f"day={day}"))


def test_moving_loads_only_a_part_and_keeps_the_focus(practice: Served, open_browser: Any, monday: date) -> None:
    page = open_browser(DESK)
    page.goto(f"{practice.url}/agenda/")
    page.evaluate("document.body.dataset.same = 'yes'")

    page.locator("#next").press("Enter")
    expect(page).to_have_url(re.compile(f"day={monday}"))
    shown_up_to(page, monday + timedelta(days=7))
    expect(page.locator("#next")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(f"day={monday + timedelta(days=7)}"))
    assert page.evaluate("document.body.dataset.same") == "yes"
    assert page.evaluate("sessionStorage.getItem('htmx-history-cache')") is None, (
        "no names are kept in the browser"
    )


def test_who_is_signed_out_meanwhile_is_asked_to_sign_in(
    practice: Served, open_browser: Any, monday: date
) -> None:
    page = open_browser(PHONE)
    page.goto(f"{practice.url}/agenda/")
    page.context.clear_cookies(name="sessionid")

    page.locator("#next").click()

    page.wait_for_url("**/account/login/**")
    expect(page.locator("input[name=password]")).to_be_visible()
    assert f"day%3D{monday}" in page.url


def test_the_keys_lead_back_and_forth(practice: Served, open_browser: Any, monday: date) -> None:
    page = open_browser(DESK)
    page.goto(f"{practice.url}/agenda/?view=day&day={monday}")

    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(f"day={monday + timedelta(days=1)}"))
    shown_up_to(page, monday + timedelta(days=2))
    expect(page.locator("#next")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(f"day={monday}"))
    shown_up_to(page, monday + timedelta(days=1))
    expect(page.locator("#previous")).to_be_focused()
    page.keyboard.press("t")
    expect(page.locator("#today")).to_have_attribute("aria-current", "date")

    address = page.url
    page.locator("#day").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("t")
    assert page.url == address, "in a field the keys are the field's own"


def test_free_time_is_booked_by_hand(practice: Served, open_browser: Any, monday: date) -> None:
    page = open_browser(PHONE)
    page.goto(f"{practice.url}/agenda/?view=day&day={monday}&therapist=other")

    page.locator(".item--free a").first.click()

    expect(page).to_have_url(re.compile(rf"/agenda/afspraak/nieuw/\?therapist=other&day={monday}&time=09%3A00"))


@pytest.mark.parametrize("way", ["book", "move"])
def test_whoever_is_asked_once_more_hears_that_nothing_is_saved(
    practice: Served, open_browser: Any, monday: date, way: str
) -> None:
    # A page of its own: the browser's console calls the refusal an error, which it is meant to be.
    page = open_browser(DESK).context.new_page()
    if way == "book":
        page.goto(f"{practice.url}/agenda/afspraak/nieuw/?day={monday}&time=03:00")
        expect(page.get_by_role("alert")).to_have_count(0)
        page.locator("#id_parent_name").fill("Noor de Vries")
        page.locator("#id_phone").fill("06 12345678")
        page.locator("#id_child_first_name").fill("Sam")
        page.locator("[name=age_band]").first.check()
        page.locator("#id_consent").check()
        page.get_by_role("button", name="Boeken", exact=True).click()
    else:
        page.goto(f"{practice.url}/agenda/?view=day&day={monday}&therapist=other")
        page.get_by_role("link", name="Noor Eerste").click()
        page.get_by_role("link", name="Verzetten").click()
        page.locator("#id_time").fill("03:00")
        page.get_by_role("button", name="Naar dit moment verzetten").click()

    asked = page.get_by_role("alert")
    expect(asked).to_contain_text("Er is nog niets opgeslagen.")
    expect(asked).to_be_focused()
    expect(page).to_have_title(re.compile("^Fout: "))


@pytest.mark.parametrize("leaving", ["Tab", "Escape"])
def test_an_open_menu_does_not_hide_where_the_focus_is(practice: Served, open_browser: Any, leaving: str) -> None:
    page = open_browser(PHONE)
    page.goto(f"{practice.url}/agenda/")
    menu, summary = page.locator("details.menu"), page.locator("details.menu summary")
    summary.press("Enter")
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Tab")
    expect(menu.get_by_role("link").first).to_be_focused()

    if leaving == "Escape":
        page.keyboard.press("Escape")
        expect(summary).to_be_focused()
    else:
        menu.get_by_role("link").last.focus()
        page.keyboard.press("Tab")
        expect(page.locator(".tabs a").first).to_be_focused()

    expect(menu).not_to_have_attribute("open", "")
    summary.click()
    expect(menu.get_by_role("link").last).to_be_visible()


def test_on_a_phone_the_tabs_show_where_one_is(practice: Served, open_browser: Any) -> None:
    page = open_browser(PHONE)
    page.goto(f"{practice.url}/agenda/soorten/")

    expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=1)
    row = page.locator(".tabs").bounding_box()
    assert row
    assert row["height"] < 60


def test_the_tabs_stand_on_one_line_each_wide_enough_for_a_thumb(practice: Served, open_browser: Any) -> None:
    page = open_browser(DESK)
    for language in ("", "/en"):
        page.goto(f"{practice.url}{language}/agenda/cijfers/")
        for width in (390, 768, 980, 1024, 1152, 1280):
            page.set_viewport_size({"width": width, "height": 900})

            tops = page.locator(".tabs li").evaluate_all("tabs => tabs.map((tab) => tab.offsetTop)")
            widths = page.locator(".tabs a").evaluate_all("tabs => tabs.map((tab) => tab.offsetWidth)")
            assert (width, len(set(tops))) == (width, 1)
            assert min(widths) >= 44


@pytest.mark.parametrize("javascript", [True, False])
def test_on_a_phone_the_plot_of_numbers_shows_the_latest(
    practice: Served, open_browser: Any, javascript: bool
) -> None:
    page = open_browser(PHONE, java_script_enabled=javascript)
    page.goto(f"{practice.url}/agenda/cijfers/")

    labels = page.locator(".plot__label[text-anchor=middle]")
    expect(labels.last).to_be_in_viewport(ratio=1)
    expect(labels.first).not_to_be_in_viewport()


def test_at_a_desk_the_plot_begins_where_the_text_does(practice: Served, open_browser: Any) -> None:
    page = open_browser(DESK)
    page.goto(f"{practice.url}/agenda/cijfers/")

    plot, title = page.locator(".plot").bounding_box(), page.locator("h1").bounding_box()
    assert plot
    assert title
    assert plot["x"] == title["x"]
