"""The whole way of a booking in a real browser: by week and month, inline questions, focus, keys, zones, paper."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, Route, expect

from tests.browser.accessibility import DESK, PHONE, ZOOMED
from tests.served import Served

pytestmark = [pytest.mark.servers, pytest.mark.browser]

# What has the focus, whether it shows that and lies in the window, and whether it is what was wanted.
SEEN = """(wanted) => {
    const one = document.activeElement;
    const style = getComputedStyle(one);
    const box = one.getBoundingClientRect();
    const inside = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return [one.outerHTML.slice(0, 160), one !== document.body && inside && ring, one === wanted];
}"""


@pytest.fixture(scope="module")
def practice(served: Any) -> Iterator[Served]:
    with served("sqlite") as practice:
        yield practice


@pytest.fixture
def open_page(browser: Browser, browser_context_args: Any, practice: Served) -> Iterator[Any]:
    contexts = []

    def opened(path: str = "/afspraak/", **options: Any) -> Page:
        context = browser.new_context(**{**browser_context_args, "viewport": PHONE, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
        page.goto(f"{practice.url}{path}")
        return page

    yield opened
    for context in contexts:
        context.close()


def press_to(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """Press `key` until `wanted` has the focus, which is seen at every step."""
    wanted.wait_for()
    aim, passed = wanted.element_handle(), []
    for _ in range(90):
        page.keyboard.press(key)
        said, seen, reached = page.evaluate(SEEN, aim)
        assert seen, f"the focus is not seen on {said}"
        if reached:
            return
        passed.append(said)
    pytest.fail("the keys do not lead there, but past " + "\n".join(passed))


def go_on(page: Page, key: str = "Enter") -> None:
    """Press `key`, which leads to another page, and wait for that."""
    with page.expect_navigation():
        page.keyboard.press(key)


def type_into(page: Page, label: str, text: str) -> None:
    press_to(page, page.get_by_label(label))
    page.keyboard.type(text)


def documents(page: Page) -> list[str]:
    """Return a list that grows with each whole page that `page` loads."""
    loaded: list[str] = []

    def note(request: Request) -> None:
        if request.resource_type == "document":
            loaded.append(request.url)

    page.on("request", note)
    return loaded


def test_what_stands_around_the_days_follows_them(open_page: Any, practice: Served) -> None:
    """What parents read about time off, and the way to the other language, where only the days are swapped."""
    page = open_page()
    loaded = documents(page)
    later = str(page.get_by_role("link", name="Latere dagen").get_attribute("href"))
    day = later.partition("day=")[2][:10]
    practice.manage(
        "shell",
        "-c",
        "from datetime import date, timedelta; from booking import diary\n"
        "from booking.intervals import Interval, local_days\n"
        "from booking.models import Therapist; from practice.models import Practice\n"
        "from practice.translations import Translated\n"
        f"day, zone = date.fromisoformat('{day}'), Practice.load().zone\n"
        # In the night, so that the day still has free times and the next page begins with it.
        "start = local_days(day, day, zone).start; off = Interval(start, start + timedelta(hours=1))\n"
        "diary.add_time_off(Therapist.objects.get(), off, notice=Translated(nl='Een dag weg.', en='Away a day.'))",
    )
    page.reload()
    loaded.clear()
    expect(page.get_by_text("Een dag weg.")).to_have_count(0)

    page.get_by_role("link", name="Latere dagen").click()

    expect(page.get_by_text("Een dag weg.")).to_be_visible()
    assert loaded == []
    shown = page.locator(".slot").first.get_attribute("value")
    page.get_by_role("contentinfo").get_by_role("link", name="English").click()
    expect(page.get_by_text("Away a day.")).to_be_visible()
    assert page.locator(".slot").first.get_attribute("value") == shown


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
def test_weeks_and_months_lead_to_a_day_and_the_focus_goes_along(open_page: Any, javascript: bool) -> None:
    page = open_page(java_script_enabled=javascript)
    loaded = documents(page)

    page.get_by_role("link", name="Latere dagen").click()
    expect(page.get_by_role("link", name="Eerdere dagen")).to_be_visible()
    page.get_by_role("link", name="Maand", exact=True).click()
    expect(page.get_by_role("table")).to_be_visible()
    if javascript:
        expect(page.locator("#times-title")).to_be_focused()
    day = page.get_by_role("table").get_by_role("link").last
    aim = str(day.get_attribute("href")).partition("#")[2]
    day.click()

    expect(page.get_by_role("table").locator("[aria-current=date]")).to_be_visible()
    page.wait_for_url(f"**#{aim}")
    expect(page.locator(f"#{aim}")).to_be_in_viewport()
    if javascript:
        expect(page.locator(f"#{aim}")).to_be_focused()
    assert bool(loaded) is not javascript
    page.go_back()
    expect(page.get_by_role("heading", name="Alle vrije momenten")).to_be_visible()


@pytest.mark.parametrize(
    "link",
    [".views a >> nth=1", ".days__way[rel=next]", ".sheet__way[rel=next]", ".sheet td a >> nth=-1"],
)
def test_what_was_pressed_shows_that_the_answer_is_awaited(open_page: Any, link: str) -> None:
    page = open_page("/afspraak/?view=month" if "sheet" in link else "/afspraak/")
    kept: list[Route] = []
    page.route("**/afspraak/?*", lambda route: kept.append(route))
    pressed = page.locator(link)

    pressed.click()

    expect(pressed).to_have_css("opacity", "0.65")
    # The look changes before the request has come as far as here.
    for _turn in range(1000):
        if kept:
            break
        page.evaluate("new Promise(requestAnimationFrame)")
    kept[0].continue_()
    expect(page.locator(".htmx-request")).to_have_count(0)
    expect(page.locator("#times-title")).to_be_visible()


def test_a_date_that_is_none_is_said_by_the_page_itself(open_page: Any) -> None:
    page = open_page()
    page.get_by_label("Ga naar een datum").evaluate("field => { field.type = 'text'; field.value = '2026-02-30' }")

    page.get_by_role("button", name="Toon", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("Deze datum bestaat niet.")


def test_what_is_wrong_is_said_on_leaving_a_field_and_all_that_was_typed_stays(open_page: Any) -> None:
    page = open_page()
    page.locator("button.slot").nth(3).click()
    mail, phone = page.get_by_label("Uw e-mailadres"), page.get_by_label("Uw telefoonnummer")
    mail.fill("noor@")
    phone.focus()
    expect(page.get_by_text("Dit e-mailadres is niet compleet.")).to_be_visible()
    expect(mail).to_have_attribute("aria-invalid", "true")
    expect(mail).to_have_accessible_description(re.compile("Dit e-mailadres is niet compleet."))
    expect(mail).to_have_value("noor@")
    expect(phone).to_be_focused()

    mail.fill("noor@gmial.com")
    phone.focus()
    expect(page.get_by_text("Bedoelde u noor@gmail.com?")).to_be_visible()
    expect(page.get_by_text("Dit e-mailadres is niet compleet.")).to_have_count(0)
    expect(mail).not_to_have_attribute("aria-invalid", "true")

    page.get_by_role("button", name="Afspraak maken").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_text("Bedoelde u noor@gmail.com?")).to_be_visible()
    mail.press("End")
    mail.press_sequentially("x")
    phone.focus()
    expect(page.get_by_text("Bedoelde u")).to_have_count(0)
    mail.fill("noor@gmial.com")
    phone.focus()

    page.get_by_role("button", name="Ja, pas het aan").click()
    expect(mail).to_have_value("noor@gmail.com")
    expect(mail).to_be_focused()
    expect(page.get_by_text("Bedoelde u")).to_have_count(0)


def test_what_is_said_of_one_field_does_not_push_the_next_out_of_sight(open_page: Any) -> None:
    page = open_page(viewport=ZOOMED)
    page.locator("button.slot").nth(5).click()
    mail, phone = page.get_by_label("Uw e-mailadres"), page.get_by_label("Uw telefoonnummer")

    def answer_late(route: Route) -> None:
        # At the very foot of the window, whatever comes above the next field pushes it out.
        expect(phone).to_be_focused()
        phone.evaluate("field => window.scrollBy(0, field.getBoundingClientRect().bottom - innerHeight)")
        route.continue_()

    page.route("**/afspraak/gegevens/veld/", answer_late)
    mail.fill("noor@gmial.com")
    mail.press("Tab")

    expect(page.get_by_text("Bedoelde u noor@gmail.com?")).to_be_visible()
    expect(phone).to_be_focused()
    expect(phone).to_be_in_viewport(ratio=0.9)


def test_what_is_put_right_is_red_no_more(open_page: Any) -> None:
    page = open_page("/en/afspraak/")
    page.get_by_role("button", name="Choose this moment").click()
    page.get_by_role("button", name="Make the appointment").click()
    summary = page.locator("#errors")
    expect(summary.get_by_role("listitem")).to_have_count(6)

    page.get_by_label("younger than 12").check()
    page.get_by_label("I agree that the practice").check()
    expect(summary.get_by_role("listitem")).to_have_count(4)
    expect(
        page.locator(".field:has([name=age_band]) .errorlist, .field:has([name=consent]) .errorlist")
    ).to_have_count(0)
    page.get_by_label("I agree that the practice").uncheck()
    for label, text in (
        ("Your name", "Noor de Vries"),
        ("Your mail address", "noor@"),
        ("Your phone number", "06 12345678"),
        ("First name of your child", "Sam"),
    ):
        page.get_by_label(label).fill(text)
    page.get_by_label("Is there something").focus()

    # What is still wrong stays red, and what is put right last takes the box along.
    expect(summary.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_label("Your mail address")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Your mail address").fill("noor@voorbeeld.example")
    page.get_by_label("Is there something").focus()
    expect(summary).to_have_count(0)
    expect(page.locator("[aria-invalid], .errorlist")).to_have_count(0)


def test_a_question_does_not_stand_in_the_way(open_page: Any) -> None:
    page = open_page()
    page.locator("button.slot").nth(5).click()
    page.get_by_label("Uw naam").fill("Noor de Vries")
    page.get_by_label("Uw e-mailadres").fill("noor@gmial.com")
    page.get_by_label("Uw telefoonnummer").fill("06 12345678")
    page.get_by_label("Voornaam van uw kind").fill("Sam")
    page.get_by_label("jonger dan 12 jaar").check()
    page.get_by_label("Ik vind het goed dat de praktijk deze gegevens bewaart").check()

    page.get_by_role("button", name="Afspraak maken").click()

    expect(page.get_by_role("heading", name="Uw afspraak is gemaakt")).to_be_visible()
    expect(page.get_by_text("Bedoelde u gmail.com?")).to_be_visible()

    page.emulate_media(media="print")
    for gone in (
        "Zet in mijn agenda",
        "Deze pagina afdrukken",
        "Afspraak bekijken, verzetten of afzeggen",
        "Bedoelde u gmail.com?",
    ):
        expect(page.get_by_text(gone)).to_be_hidden()
    expect(page.get_by_text("Platanenlaan 21").first).to_be_visible()
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) == 1


def test_the_end_of_the_hold_is_said_twice_and_quietly(open_page: Any) -> None:
    page = open_page()
    page.clock.install()
    page.locator("button.slot").nth(7).click()
    said = page.locator("[data-seconds]")
    expect(page.get_by_text("We houden dit moment tot")).to_be_visible()
    expect(said).to_have_text("")
    expect(said).to_have_role("status")

    page.clock.fast_forward("08:05")
    expect(said).to_contain_text("nog twee minuten")
    page.clock.fast_forward("02:05")
    expect(said).to_contain_text("niet langer voor u vrij")
    expect(page.get_by_text("We houden dit moment tot")).to_be_hidden()


def test_another_time_zone_is_named_beside_the_times(open_page: Any) -> None:
    page = open_page(timezone_id="Asia/Tokyo")
    expect(page.get_by_text("Uw toestel staat op de tijd van een andere plaats: Tokyo.")).to_be_visible()
    slot = page.locator("button.slot").nth(9)
    own, there = re.findall(r"\d\d:\d\d", slot.inner_text())
    assert (int(there[:2]) - int(own[:2])) % 24 in {7, 8}

    page.get_by_role("link", name="Latere dagen").click()
    expect(page.get_by_role("link", name="Eerdere dagen")).to_be_visible()
    expect(page.locator("button.slot small").first).to_contain_text("Tokyo")

    page.locator("button.slot").nth(9).click()
    expect(page.get_by_text(re.compile(r"Bij u is het dan: \d\d:\d\d \(Tokyo\)"))).to_be_visible()


def test_the_same_clock_elsewhere_is_not_spoken_of(open_page: Any) -> None:
    page = open_page(timezone_id="Europe/Paris")
    # An old phone needs a tenth of a second for its first clock, which is another place's business alone.
    page.add_init_script(
        "window.clocks = 0; const own = Intl.DateTimeFormat;"
        "Intl.DateTimeFormat = function (...a) { window.clocks += 1; return new own(...a); };"
    )
    page.reload()

    expect(page.locator("button.slot").first).to_be_visible()
    expect(page.locator("[data-zone]:visible, button.slot small")).to_have_count(0)
    assert page.evaluate("window.clocks") == 0


def test_nothing_moves_while_a_page_loads(open_page: Any) -> None:
    page = open_page("/")
    measured = """() => new Promise((resolve) => {
        let sum = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => { sum += entry.value; }))
            .observe({ type: "layout-shift", buffered: true });
        setTimeout(() => resolve(sum), 200);
    })"""
    shifts = {}
    for path in ("/", "/hechting/", "/afspraak/", "/afspraak/?view=month"):
        page.goto(re.sub(r"(https?://[^/]+).*", r"\1", page.url) + path)
        shifts[path] = page.evaluate(measured)

    assert shifts == dict.fromkeys(shifts, 0)


@pytest.mark.parametrize("size", [DESK, ZOOMED], ids=["desk", "zoom of 400 %"])
def test_from_the_first_page_to_cancelling_by_the_keys_alone(open_page: Any, size: dict[str, int]) -> None:
    page = open_page("/", viewport=size)
    # The skip link comes first, and leads past the menu.
    press_to(page, page.get_by_role("link", name="Naar de tekst"))
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    press_to(page, page.get_by_role("main").get_by_role("link", name="Maak een eerste afspraak").first)
    go_on(page)

    # A swap: the focus goes where the new days are.
    press_to(page, page.get_by_role("link", name="Maand", exact=True))
    page.keyboard.press("Enter")
    expect(page.locator("#times-title")).to_be_focused()
    day = page.get_by_role("table").get_by_role("link").first
    aim = str(day.get_attribute("href")).partition("#")[2]
    press_to(page, day)
    page.keyboard.press("Enter")
    expect(page.locator(f"#{aim}")).to_be_focused()
    press_to(page, page.locator("button.slot").first)
    go_on(page, "Space")

    # Sent too soon: the focus goes to what is wrong, and from there to the field.
    expect(page.get_by_role("heading", name="Uw gegevens")).to_be_visible()
    type_into(page, "Uw naam", "Noor de Vries")
    go_on(page)
    expect(page.locator("#errors")).to_be_focused()
    expect(page).to_have_title(re.compile("^Fout: Uw gegevens"))
    press_to(page, page.get_by_role("alert").get_by_role("link").first)
    page.keyboard.press("Enter")
    mail = page.get_by_label("Uw e-mailadres")
    expect(mail).to_be_focused()
    page.keyboard.type("noor@gmial.com")
    type_into(page, "Uw telefoonnummer", "06 12345678")
    # The question about the slip came in between, and can be answered by going back.
    take = page.get_by_role("button", name="Ja, pas het aan")
    press_to(page, take, "Shift+Tab")
    page.keyboard.press("Enter")
    expect(mail).to_be_focused()
    expect(mail).to_have_value("noor@gmail.com")
    type_into(page, "Voornaam van uw kind", "Sam")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("jonger dan 12 jaar")).to_be_checked()
    consent = page.get_by_label("Ik vind het goed dat de praktijk deze gegevens bewaart")
    press_to(page, consent)
    page.keyboard.press("Space")
    expect(consent).to_be_checked()
    press_to(page, page.get_by_role("button", name="Afspraak maken"))
    go_on(page)

    expect(page.get_by_role("heading", name="Uw afspraak is gemaakt")).to_be_visible()
    press_to(page, page.get_by_role("link", name="Afspraak bekijken, verzetten of afzeggen"))
    go_on(page)
    press_to(page, page.get_by_role("link", name="Afspraak afzeggen"))
    go_on(page)
    press_to(page, page.get_by_role("button", name="Afspraak afzeggen"))
    go_on(page, "Space")
    expect(page.get_by_role("heading", name="Deze afspraak is afgezegd")).to_be_visible()
