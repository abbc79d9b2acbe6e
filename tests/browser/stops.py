"""Every page of the house, in each of its states: what the walk of test_accessible.py stops at.

Addresses name their parts as everything.py does: {coming} is the token of a family whose appointment lies ahead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.visitor import Visitor

# What brings the page at the address into the state: it presses and types, in no language.
Act = Callable[[Page, str], None]

MANAGER, COLLEAGUE, SECURED, KEYED = "manager", "colleague", "secured", "keyed"
SEND = "main form[method=post] .button:not(.button--quiet, [hidden])"


@dataclass(frozen=True, slots=True)
class Stop:
    """One page in one state. `status` is the answer at the address, before `act`; `who` is signed in, if any."""

    page: str
    state: str
    address: str
    who: str = ""
    status: int = 200
    act: Act | None = None

    def __str__(self) -> str:
        return f"{self.page}: {self.state}" if self.state else self.page


def press(selector: str, shown: str = "") -> Act:
    """Return what presses the first `selector`, and waits for `shown`."""

    def act(page: Page, url: str) -> None:
        page.locator(selector).first.click()
        if shown:
            page.locator(shown).first.wait_for()

    return act


def one_by_one(*acts: Act) -> Act:
    """Return what does all of `acts`."""

    def act(page: Page, url: str) -> None:
        for each in acts:
            each(page, url)

    return act


def refused(selector: str = SEND, **typed: str) -> Act:
    """Return what types `typed` into the fields of these names, sends the form and is told what is wrong."""

    def act(page: Page, url: str) -> None:
        for name, value in typed.items():
            page.locator(f"main [name={name}]").fill(value)
        page.locator(selector).last.click()
        page.locator("main [aria-invalid=true], main [role=alert]").first.wait_for()

    return act


def choose(page: Page, url: str) -> None:
    """Choose a time, which is then held."""
    page.locator("button.slot").nth(4).click()
    page.locator("form[data-look]").wait_for()


def leave_with_slips(page: Page, url: str) -> None:
    """Type what looks like a slip, and a mail address that looks like another one, and leave both fields."""
    choose(page, url)
    page.locator("[name=phone]").fill("06")
    page.locator("[name=email]").fill("noor@gmial.com")
    page.locator("[name=parent_name]").focus()
    page.locator(".field__question button").wait_for()
    page.locator("#id_phone[aria-invalid=true]").wait_for()


def outlast_the_hold(page: Page, url: str) -> None:
    page.clock.install()
    choose(page, url)
    page.clock.fast_forward("11:00")
    expect(page.locator("[data-seconds]")).not_to_be_empty()


def lose_the_race(page: Page, url: str) -> None:
    """Fill in the form at an address, which holds nothing, while somebody else is quicker."""
    start = page.locator("input[name=start]").first.input_value()
    assert Visitor(url, "Mila").book(start).status == 302
    page.locator("form[data-look] .button--block").click()
    page.locator("input[type=radio][name=start]").first.wait_for()


def choose_what_is_gone(name: str, value: str) -> Act:
    """Return what sends the form with a type or therapist that is no longer on offer."""

    def act(page: Page, url: str) -> None:
        field = f"<input type=hidden name={name} value={value}>"
        page.evaluate(
            "([name, field]) => { const form = document.querySelector('form[data-look]');"
            "form.querySelectorAll(`[name=${name}]`).forEach((old) => old.remove());"
            "form.insertAdjacentHTML('beforeend', field) }",
            [name, field],
        )
        page.locator("form[data-look] .button--block").click()
        page.locator("[role=alert]").first.wait_for()

    return act


def choose_again(page: Page, url: str) -> None:
    """Fill in part of the form, and choose another moment."""
    choose(page, url)
    page.locator("[name=parent_name]").fill("Noor")
    page.locator("button[name=another]").click()
    page.locator(".messages").wait_for()


def choose_twice(page: Page, url: str) -> None:
    choose_again(page, url)
    choose(page, url)


def book(page: Page, url: str) -> None:
    """Book a moment in this browser, and open what it can still put right."""
    choose(page, url)
    for name, value in (("parent_name", "Noor"), ("phone", "06 12345678"), ("child_first_name", "Sam")):
        page.locator(f"main [name={name}]").fill(value)
    page.locator("main [name=email]").fill(f"noor{uuid4().hex}@voorbeeld.example")
    page.locator("main [name=age_band]").first.check()
    page.locator("main [name=consent]").check()
    page.locator("form[data-look] .button--block").click()
    page.locator("#address").wait_for()
    open_all(page, url)


def book_and_go_back(page: Page, url: str) -> None:
    book(page, url)
    page.go_back()
    page.locator("a[href*='/gemaakt/']").wait_for()


def show_data(page: Page, url: str) -> None:
    """Say the phone number, where it is still asked for."""
    if page.locator("main [name=phone]").count():
        page.locator("main [name=phone]").fill("06 12345678")
        page.locator(SEND).click()
        page.locator("a[href$='gegevens.json']").wait_for()


def correct_data(page: Page, url: str) -> None:
    show_data(page, url)
    page.locator("a[href$='verbeteren/']").click()
    page.locator("main [name=parent_name]").wait_for()


def correct_wrongly(page: Page, url: str) -> None:
    correct_data(page, url)
    refused(parent_name="", phone="12")(page, url)


def switch_reminders(page: Page, url: str) -> None:
    page.locator("button[name=wanted]").click()
    page.locator(".messages").wait_for()
    page.locator("button[name=wanted]").click()
    page.locator(".messages").wait_for()


def bring_a_file(page: Page, url: str) -> None:
    year = date.today().year + 1  # noqa: DTZ011
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//"]
    for number, (first, after) in enumerate([(f"{year}0701", f"{year}0704"), (f"{year}0801", f"{year}0901")]):
        lines += ["BEGIN:VEVENT", f"UID:{number}", f"SUMMARY:Vakantie {number}"]
        lines += [f"DTSTART;VALUE=DATE:{first}", f"DTEND;VALUE=DATE:{after}", "END:VEVENT"]
    # One that cannot be read is named above the list.
    lines += ["BEGIN:VEVENT", "UID:x", "SUMMARY:Toets", f"DTSTART;VALUE=DATE:{year}0901", "RRULE:?", "END:VEVENT"]
    file = "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()
    page.locator("input[type=file]").set_input_files(
        {"name": "school.ics", "mimeType": "text/calendar", "buffer": file}
    )
    page.locator(SEND).click()
    page.locator("[name=closures]").first.wait_for()


def sign_in_halfway(page: Page, url: str) -> None:
    """Show the password of one who has a second step, where that was not done before."""
    if page.locator("[name=login]").count():
        page.locator("[name=login]").fill("stap@demo.example")
        page.locator("[name=password]").fill("een lang wachtwoord")
        page.locator("main form[novalidate] .button").click()
    page.locator("main [name=code]").wait_for()


def move_to_night(page: Page, url: str) -> None:
    """Move to a time outside the hours, which is asked about once more."""
    page.locator("main [name=time]").fill("03:00")
    page.locator("section.card .button").click()
    page.locator("[name=all_the_same]").first.wait_for()


def book_at_night(page: Page, url: str) -> None:
    """Book by hand outside the hours, which is asked about once more."""
    for name, value in (("parent_name", "Noor"), ("phone", "06 12345678"), ("child_first_name", "Sam")):
        page.locator(f"main [name={name}]").fill(value)
    page.locator("main [name=age_band]").first.check()
    page.locator("main [name=consent]").check()
    page.locator("main form[method=post] > .actions .button").first.click()
    page.locator("[name=all_the_same]").first.wait_for()


def close_before_opening(page: Page, url: str) -> None:
    page.locator("main input[type=time]").nth(1).fill("00:30")
    page.locator(SEND).first.click()
    page.locator("#errors").wait_for()


def open_all(page: Page, url: str) -> None:
    """Open what can be opened, so that it is looked at too."""
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true })")


def open_menu(page: Page, url: str) -> None:
    page.evaluate("document.querySelectorAll('details.menu').forEach((one) => { one.open = true })")


STOPS = [
    Stop("Home", "", "/"),
    Stop("Home", "menu open", "/", act=open_menu),
    Stop("Hechting", "", "/hechting/"),
    Stop("De eerste afspraak", "", "/eerste-afspraak/"),
    Stop("Contact", "", "/contact/"),
    Stop("Privacy", "", "/privacy/"),
    Stop("Toegankelijkheid", "", "/toegankelijkheid/"),
    Stop("Choose a time", "week", "/afspraak/"),
    Stop("Choose a time", "month", "/afspraak/?view=month"),
    Stop("Choose a time", "a day with nothing free", "/afspraak/?day={sunday}"),
    Stop("Choose a time", "a day past the last one", "/afspraak/?day=2099-01-01"),
    Stop("Choose a time", "a date that is none", "/afspraak/?day=2026-02-30", status=422),
    Stop("Choose a time", "one therapist", "/afspraak/?type=eerste-afspraak&therapist=tweede"),
    Stop("Choose a time", "opens later", "/afspraak/?type=later"),
    Stop("Choose a time", "no slots at all", "/afspraak/?type=nooit"),
    Stop("Choose a time", "type withdrawn", "/afspraak/?type=weg", status=422),
    Stop(
        "Choose a time",
        "not to be had, with the nearest",
        "/afspraak/gegevens/?type=eerste-afspraak&start={evening}",
        status=422,
    ),
    Stop("Your details", "held", "/afspraak/", act=choose),
    Stop("Your details", "hold over", "/afspraak/", act=outlast_the_hold),
    Stop(
        "Your details",
        "nothing held",
        "/afspraak/gegevens/?type=eerste-afspraak&therapist=tweede&start={free_start}",
    ),
    Stop("Your details", "slip asked about", "/afspraak/", act=leave_with_slips),
    Stop(
        "Your details",
        "errors",
        "/afspraak/",
        act=one_by_one(choose, refused("form[data-look] .button--block", email="noor@")),
    ),
    Stop(
        "Your details",
        "time lost to another",
        "/afspraak/gegevens/?type=eerste-afspraak&start={lost}",
        act=lose_the_race,
    ),
    Stop(
        "Your details",
        "type withdrawn",
        "/afspraak/",
        act=one_by_one(choose, choose_what_is_gone("type", "weg")),
    ),
    Stop(
        "Your details",
        "therapist withdrawn",
        "/afspraak/",
        act=one_by_one(choose, choose_what_is_gone("therapist", "derde")),
    ),
    Stop("Look in your mail", "", "/afspraak/mail/"),
    Stop("Confirm by mail", "", "/afspraak/bevestigen/{confirm}/"),
    Stop("Appointment made", "", "/afspraak/gemaakt/{coming}/"),
    Stop("Appointment made", "slip in the address", "/afspraak/gemaakt/{slipped}/"),
    Stop("Your appointment", "ahead", "/afspraak/beheer/{coming}/"),
    Stop("Your appointment", "asked for another time", "/afspraak/beheer/{asked}/"),
    Stop("Your appointment", "no reminders", "/afspraak/beheer/{quiet}/"),
    Stop("Your appointment", "just changed", "/afspraak/beheer/{slipped}/", act=switch_reminders),
    Stop("Your appointment", "too late to change", "/afspraak/beheer/{soon}/"),
    Stop("Your appointment", "past", "/afspraak/beheer/{past}/"),
    Stop("Your appointment", "cancelled", "/afspraak/beheer/{cancelled}/"),
    Stop("Your appointment", "being erased", "/afspraak/beheer/{erasing}/"),
    Stop("Choose another moment", "week", "/afspraak/beheer/{coming}/verzetten/"),
    Stop("Choose another moment", "month", "/afspraak/beheer/{coming}/verzetten/?view=month"),
    Stop(
        "Choose another moment",
        "confirm",
        "/afspraak/beheer/{coming}/verzetten/",
        act=press("button.slot", "dl.summary"),
    ),
    Stop("Choose another moment", "asked for it", "/afspraak/beheer/{asked}/verzetten/"),
    Stop("Choose another moment", "nothing free", "/afspraak/beheer/{stuck}/verzetten/"),
    Stop(
        "Choose another moment",
        "not to be had, with the nearest",
        "/afspraak/beheer/{quiet}/verzetten/?start={evening}",
        status=422,
    ),
    Stop(
        "Choose another moment", "not to be had", "/afspraak/beheer/{coming}/verzetten/?start=nothing", status=422
    ),
    Stop("Cancel", "", "/afspraak/beheer/{coming}/afzeggen/"),
    Stop("Cancel", "errors", "/afspraak/beheer/{coming}/afzeggen/", act=refused(reason="\u202e")),
    Stop("Erase", "", "/afspraak/beheer/{coming}/wissen/"),
    Stop("Erase", "done", "/afspraak/gewist/"),
    Stop("Your data", "phone asked for", "/afspraak/beheer/{quiet}/gegevens/"),
    Stop("Your data", "wrong phone", "/afspraak/beheer/{quiet}/gegevens/", act=refused(phone="0612345679")),
    Stop("Your data", "shown", "/afspraak/beheer/{coming}/gegevens/", act=show_data),
    Stop("Your data", "correct", "/afspraak/beheer/{coming}/gegevens/", act=correct_data),
    Stop("Your data", "errors", "/afspraak/beheer/{coming}/gegevens/", act=correct_wrongly),
    # These book, so that a day has less to choose from.
    Stop("Choose a time", "from the form", "/afspraak/", act=choose_again),
    Stop("Choose a time", "booked already", "/afspraak/", act=book_and_go_back),
    Stop("Your details", "brought back", "/afspraak/", act=choose_twice),
    Stop("Appointment made", "address to correct", "/afspraak/", act=book),
    Stop(
        "Appointment made",
        "address to correct, errors",
        "/afspraak/",
        act=one_by_one(book, refused("#address .button", email="noor@")),
    ),
    Stop("Dead link", "", "/afspraak/beheer/nothing/", status=404),
    Stop("Trouble", "404", "/bestaat-niet/", status=404),
    Stop("Trouble", "403", "/agenda/collegas/", who=COLLEAGUE, status=403),
    Stop("Trouble", "405", "/agenda/abonnement/uit/", who=MANAGER, status=405),
    *(Stop("Trouble", name, f"broken:{name}") for name in ("400", "400 of a file", "403 of a form", "413")),
    *(Stop("Trouble", name, f"broken:{name}") for name in ("429", "500", "503")),
    Stop("API", "", "/api/v1/docs", act=open_all),
    Stop("API", "a problem", "/api/v1/problems/slot-taken"),
    Stop("Sign in", "", "/account/login/"),
    Stop(
        "Sign in",
        "errors",
        "/account/login/",
        act=refused("main form[novalidate] .button", login="x@demo.example", password="x"),
    ),
    Stop("Sign in", "second step", "/account/login/", who="halfway", act=sign_in_halfway),
    Stop("Sign in", "closed", "/account/inactive/"),
    Stop("Forgotten password", "", "/account/wachtwoord/vergeten/"),
    Stop("Forgotten password", "errors", "/account/wachtwoord/vergeten/", act=refused()),
    Stop("Choose a password", "", "/{choose_password}"),
    Stop(
        "Choose a password",
        "errors",
        "/{choose_password}",
        act=refused(new_password1="kort"),
    ),
    Stop("Choose a password", "dead link", "/account/wachtwoord/MQ/nothing/"),
    Stop("Agenda", "week", "/agenda/?view=week&day={monday}", who=MANAGER),
    Stop("Agenda", "week of one", "/agenda/?view=week&day={monday}&therapist=demo-therapeut", who=MANAGER),
    Stop("Agenda", "day", "/agenda/?view=day&day={monday}&therapist=demo-therapeut", who=MANAGER),
    Stop("Agenda", "day of everyone", "/agenda/?view=day&day={monday}&therapist=", who=MANAGER),
    Stop("Agenda", "month", "/agenda/?view=month&day={monday}", who=MANAGER),
    Stop("Agenda", "list", "/agenda/?view=list", who=MANAGER),
    Stop("Agenda", "a day that is none", "/agenda/?day=nothing", who=MANAGER),
    Stop("Agenda", "the last 30 days", "/agenda/eerder/", who=MANAGER),
    Stop("Appointment", "ahead", "/agenda/afspraak/{coming_id}/", who=MANAGER, act=open_all),
    Stop(
        "Appointment",
        "errors",
        "/agenda/afspraak/{coming_id}/",
        who=MANAGER,
        act=one_by_one(open_all, refused("form[action$='afzeggen/'] .button", reason="\u202e")),
    ),
    Stop("Appointment", "asked for another time", "/agenda/afspraak/{asked_id}/", who=MANAGER),
    Stop("Appointment", "past", "/agenda/afspraak/{past_id}/", who=MANAGER),
    Stop("Appointment", "they came", "/agenda/afspraak/{came_id}/", who=MANAGER),
    Stop("Appointment", "cancelled", "/agenda/afspraak/{cancelled_id}/", who=MANAGER),
    Stop("Appointment", "erased", "/agenda/afspraak/{erased_id}/", who=MANAGER),
    Stop("Appointment", "mail not delivered", "/agenda/afspraak/{unsent_id}/", who=MANAGER),
    Stop("Appointment", "move", "/agenda/afspraak/{coming_id}/verzetten/", who=MANAGER),
    Stop(
        "Appointment",
        "move, asked once more",
        "/agenda/afspraak/{coming_id}/verzetten/",
        who=MANAGER,
        act=move_to_night,
    ),
    Stop("Appointment", "correct", "/agenda/afspraak/{coming_id}/gegevens/", who=MANAGER),
    Stop(
        "Appointment",
        "correct, errors",
        "/agenda/afspraak/{coming_id}/gegevens/",
        who=MANAGER,
        act=refused(parent_name=""),
    ),
    Stop("Appointment", "erase", "/agenda/afspraak/{coming_id}/wissen/", who=MANAGER),
    Stop("Book by hand", "choose", "/agenda/afspraak/nieuw/", who=MANAGER),
    Stop("Book by hand", "details", "/agenda/afspraak/nieuw/?day={sunday}&time=10:00", who=MANAGER),
    Stop("Book by hand", "errors", "/agenda/afspraak/nieuw/?day={sunday}&time=10:00", who=MANAGER, act=refused()),
    Stop(
        "Book by hand",
        "wrong day",
        "/agenda/afspraak/nieuw/?day={sunday}&time=10:00",
        who=MANAGER,
        act=refused(day=""),
    ),
    Stop(
        "Book by hand",
        "asked once more",
        "/agenda/afspraak/nieuw/?day={sunday}&time=03:00",
        who=MANAGER,
        act=book_at_night,
    ),
    Stop("Book by hand", "taken", "/agenda/afspraak/nieuw/?day={monday}&time=09:15", who=MANAGER),
    Stop("Working hours", "", "/agenda/werktijden/", who=MANAGER),
    Stop("Working hours", "add", "/agenda/werktijden/nieuw/", who=MANAGER),
    Stop("Working hours", "errors", "/agenda/werktijden/nieuw/", who=MANAGER, act=refused()),
    Stop("Working hours", "change", "/agenda/werktijden/{hours}/", who=MANAGER),
    Stop("Time off", "", "/agenda/vrij/", who=MANAGER, act=open_all),
    Stop("Time off", "add", "/agenda/vrij/nieuw/", who=MANAGER),
    Stop("Time off", "errors", "/agenda/vrij/nieuw/", who=MANAGER, act=refused()),
    Stop("Time off", "change", "/agenda/vrij/{off}/", who=MANAGER),
    Stop("Time off", "extra opening", "/agenda/vrij/extra/{extra}/", who=MANAGER),
    Stop("Time off", "a day's hours", "/agenda/dag/{day_off}/", who=MANAGER),
    Stop("Time off", "a day's hours, errors", "/agenda/dag/{open_day}/", who=MANAGER, act=close_before_opening),
    Stop("Time off", "from a file", "/agenda/vrij/importeren/", who=MANAGER),
    Stop("Time off", "from a file, errors", "/agenda/vrij/importeren/", who=MANAGER, act=refused()),
    Stop("Time off", "from a file, to tick", "/agenda/vrij/importeren/", who=MANAGER, act=bring_a_file),
    Stop("Appointment types", "", "/agenda/soorten/", who=MANAGER),
    Stop("Appointment types", "a colleague offers it too", "/agenda/soorten/", who=COLLEAGUE),
    Stop("Appointment types", "change", "/agenda/soorten/eerste-afspraak/", who=MANAGER),
    Stop("Appointment types", "errors", "/agenda/soorten/nieuw/", who=MANAGER, act=refused()),
    Stop("Own calendar", "off", "/agenda/abonnement/", who=COLLEAGUE),
    Stop(
        "Own calendar",
        "on",
        "/agenda/abonnement/",
        who=MANAGER,
        act=press("form[action$='aan/'] .button", "input.secret"),
    ),
    Stop("Busy elsewhere", "", "/agenda/kalenders/", who=MANAGER, act=open_all),
    Stop("Busy elsewhere", "errors", "/agenda/kalenders/", who=MANAGER, act=refused("form.card .button")),
    Stop("Numbers", "week", "/agenda/cijfers/?by=week", who=MANAGER),
    Stop("Numbers", "month", "/agenda/cijfers/?by=month", who=MANAGER),
    Stop("Colleagues", "", "/agenda/collegas/", who=MANAGER),
    Stop("Colleagues", "add", "/agenda/collegas/nieuw/", who=MANAGER),
    Stop("Colleagues", "errors", "/agenda/collegas/nieuw/", who=MANAGER, act=refused()),
    Stop("Colleagues", "lost second step", "/agenda/collegas/derde/tweede-stap/", who=MANAGER),
    Stop("Who saw what", "", "/agenda/inzage/", who=MANAGER),
    Stop("Who saw what", "nothing found", "/agenda/inzage/?until=2020-01-01", who=MANAGER),
    Stop("Account", "without second step", "/account/2fa/", who=MANAGER),
    Stop("Account", "with second step", "/account/2fa/", who=SECURED),
    Stop("Account", "set up codes", "/account/2fa/totp/activate/", who=MANAGER),
    Stop("Account", "set up codes, errors", "/account/2fa/totp/activate/", who=MANAGER, act=refused()),
    Stop("Account", "turn off codes", "/account/2fa/totp/deactivate/", who=SECURED),
    Stop("Account", "recovery codes", "/account/2fa/recovery-codes/", who=SECURED),
    Stop("Account", "new recovery codes", "/account/2fa/recovery-codes/generate/", who=SECURED),
    Stop("Account", "passkeys", "/account/2fa/webauthn/", who=KEYED),
    Stop("Account", "rename a passkey", "/account/2fa/webauthn/keys/{passkey}/edit/", who=KEYED),
    Stop("Account", "remove a passkey", "/account/2fa/webauthn/keys/{passkey}/remove/", who=KEYED),
    Stop("Account", "is it still you", "/account/reauthenticate/", who=MANAGER),
    Stop("Account", "is it still you, by code", "/account/2fa/reauthenticate/", who=SECURED),
    Stop("Account", "change password", "/account/password/change/", who=MANAGER),
    Stop("Account", "change password, errors", "/account/password/change/", who=MANAGER, act=refused()),
    Stop("Account", "where signed in", "/account/sessies/", who=MANAGER),
    Stop("Account", "sign out", "/account/logout/", who=MANAGER),
]
