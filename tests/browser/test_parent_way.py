"""A parent's whole way in a real browser on a phone, and the mails as the files they become."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.served import Served
from tests.servers import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.browser]

# What the worker does at the moment at which the first reminder is due.
REMIND = """
from booking import outbox; from booking.models import Notification
due = Notification.objects.filter(kind="reminder", state="due").earliest("due_at").due_at
print("sent", outbox.deliver_due(lambda: due))
"""


@pytest.fixture(scope="module")
def practice(served: Any) -> Iterator[Served]:
    with served("sqlite", worker=True) as practice:
        yield practice


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def phone(request: pytest.FixtureRequest, browser: Browser, browser_context_args: Any) -> Iterator[Page]:
    javascript = request.param == "with JavaScript"
    context = browser.new_context(**browser_context_args, java_script_enabled=javascript)
    yield watched(context)
    context.close()


def watched(context: BrowserContext) -> Page:
    """Return a page that fails its test where anything is asked of another host or the browser complains."""
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))

    def complain(message: Any) -> None:
        # A page that answers 409 or 422 is one the browser mentions; a broken policy it says in other words.
        if message.type == "error" and "Failed to load resource" not in message.text:
            pytest.fail(message.text)

    page.on("console", complain)
    page.on("request", lambda request: hosts.append(request.url))
    hosts: list[str] = []
    page.hosts = hosts  # type: ignore[attr-defined]
    return page


def mails(practice: Served, address: str) -> list[EmailMessage]:
    """Return the mails to `address`, the oldest first."""
    files = sorted(practice.mail_dir.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
    parsed = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    return [message for message in parsed if message["To"] == address]


def next_mail(practice: Served, address: str, number: int) -> EmailMessage:
    """Wait for the mail `number` (from 1) to `address`, and return it."""
    wait_until(lambda: len(mails(practice, address)) >= number, what=f"mail {number} to {address}")
    return mails(practice, address)[number - 1]


def invitation(message: EmailMessage) -> Any:
    """Return the calendar that `message` carries as a file."""
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "afspraak.ics"
    return Calendar.from_ical(attachment.get_content())


def event(message: EmailMessage) -> Any:
    return invitation(message).walk("VEVENT")[0]


def text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    content: str = body.get_content()
    return content


def fill_in(page: Page, email: str) -> None:
    page.get_by_label("Uw naam").fill("Noor de Vries")
    page.get_by_label("Uw e-mailadres").fill(email)
    page.get_by_label("Uw telefoonnummer").fill("06 12345678")
    page.get_by_label("Voornaam van uw kind").fill("Quirijn")
    page.get_by_label("jonger dan 12 jaar").check()
    page.get_by_label("Ik vind het goed dat de praktijk deze gegevens bewaart").check()


def choose(page: Page, practice: Served, number: int = 0, *, ahead: int = 0) -> str:
    """Open the list of times a week ahead, or that of `ahead` days from now; choose the time `number`, and return
    what it says."""
    if ahead:
        page.goto(f"{practice.url}/afspraak/?day={datetime.now(UTC).date() + timedelta(days=ahead)}")
    else:
        page.goto(f"{practice.url}/afspraak/")
        page.get_by_role("link", name="Latere dagen").click()
    # Only the list that was asked for leads back too.
    expect(page.get_by_role("link", name="Eerdere dagen")).to_be_visible()
    slot = page.locator("button.slot").nth(number)
    # This browser is far away, and so shows its own time below the practice's.
    words = str(re.findall(r"^.*?\d\d:\d\d", " ".join(slot.inner_text().split()))[0])
    slot.click()
    expect(page.get_by_role("heading", name="Uw gegevens")).to_be_visible()
    return words


def test_from_the_information_page_to_the_reminder_and_back_again(phone: Page, practice: Served) -> None:
    email = f"noor{len(list(practice.mail_dir.glob('*')))}@example.org"
    phone.goto(f"{practice.url}/hechting/")
    phone.get_by_role("main").get_by_role("link", name="Maak een eerste afspraak").click()
    expect(phone.get_by_role("heading", name="Het eerste vrije moment")).to_be_visible()
    chosen = choose(phone, practice)
    expect(phone.get_by_text("voor u vrij")).to_be_visible()

    fill_in(phone, email)
    phone.get_by_role("button", name="Afspraak maken").click()

    expect(phone.get_by_role("heading", name="Uw afspraak is gemaakt")).to_be_visible()
    day, time = chosen.rsplit(" ", 1)
    expect(phone.get_by_text(re.compile(f"{day}.*{time} tot"))).to_be_visible()
    confirmation = next_mail(practice, email, 1)
    assert day in confirmation["Subject"]
    assert time in text(confirmation)
    assert event(confirmation)["SEQUENCE"] == 0
    assert "Quirijn" not in confirmation.as_string()

    assert "sent 1" in practice.manage("shell", "-c", REMIND)
    reminder = next_mail(practice, email, 2)
    assert "erinnering" in reminder["Subject"]
    assert day in text(reminder)

    link = re.search(rf"{practice.url}/afspraak/beheer/\S+", text(confirmation))
    assert link
    phone.goto(link[0])
    phone.get_by_role("link", name="Afspraak verzetten").click()
    phone.get_by_role("link", name="Latere dagen").click()
    phone.locator("button.slot").last.click()
    expect(phone.get_by_role("heading", name="De afspraak naar dit moment verzetten?")).to_be_visible()
    phone.get_by_role("button", name="Afspraak verzetten").click()
    expect(phone.get_by_text("Uw afspraak is verzet.")).to_be_visible()
    moved = next_mail(practice, email, 3)
    assert (event(moved)["UID"], event(moved)["SEQUENCE"]) == (event(confirmation)["UID"], 1)
    assert invitation(moved)["METHOD"] == "REQUEST"

    phone.get_by_role("link", name="Afspraak afzeggen").click()
    phone.get_by_role("button", name="Afspraak afzeggen").click()
    expect(phone.get_by_role("heading", name="Deze afspraak is afgezegd")).to_be_visible()
    cancelled = next_mail(practice, email, 4)
    assert invitation(cancelled)["METHOD"] == "CANCEL"
    assert (event(cancelled)["UID"], event(cancelled)["STATUS"]) == (event(confirmation)["UID"], "CANCELLED")
    assert all(url.startswith((practice.url, "data:")) for url in phone.hosts)  # type: ignore[attr-defined]


def test_the_therapist_gets_mail_too(practice: Served, plain_page: Page) -> None:
    before = len(mails(practice, "therapeut@demo.example"))
    choose(plain_page, practice, 2)
    fill_in(plain_page, "other@example.org")
    plain_page.get_by_role("button", name="Afspraak maken").click()
    expect(plain_page.get_by_role("heading", name="Uw afspraak is gemaakt")).to_be_visible()

    message = next_mail(practice, "therapeut@demo.example", before + 1)

    assert "/agenda/" in text(message)
    assert not [word for word in ("Noor", "Quirijn", "other@example.org") if word in message.as_string()]


def test_a_mistake_keeps_all_that_was_typed(phone: Page, practice: Served) -> None:
    choose(phone, practice, 4)
    fill_in(phone, "noor@")
    phone.get_by_role("button", name="Afspraak maken").click()

    phone.get_by_role("alert").get_by_role("link", name="Dit e-mailadres is niet compleet.").click()
    expect(phone.get_by_label("Uw e-mailadres")).to_be_focused()
    expect(phone.get_by_label("Uw naam")).to_have_value("Noor de Vries")
    expect(phone.get_by_label("Uw e-mailadres")).to_have_value("noor@")
    expect(phone.get_by_label("jonger dan 12 jaar")).to_be_checked()


def test_back_after_booking_does_not_book_again(phone: Page, practice: Served) -> None:
    email = f"back{len(list(practice.mail_dir.glob('*')))}@example.org"
    choose(phone, practice, 6)
    fill_in(phone, email)
    phone.get_by_role("button", name="Afspraak maken").click()
    expect(phone.get_by_role("heading", name="Uw afspraak is gemaakt")).to_be_visible()
    done = phone.url
    phone.reload()
    expect(phone.get_by_role("heading", name="Uw afspraak is gemaakt")).to_be_visible()

    phone.go_back()

    # The form of a time that is taken, by oneself too, is not shown again: the free times are.
    expect(phone.get_by_role("heading", name="Alle vrije momenten")).to_be_visible()
    phone.goto(done)
    expect(phone.get_by_role("heading", name="Uw afspraak is gemaakt")).to_be_visible()


def test_two_tabs_book_what_each_shows(browser: Browser, browser_context_args: Any, practice: Served) -> None:
    context = browser.new_context(**browser_context_args)
    first, second = context.new_page(), context.new_page()
    # Of another week: what is left of one may lie so close together that the first takes the second's time.
    chosen = [choose(first, practice), choose(second, practice, ahead=21)]

    for page, words in zip((first, second), chosen, strict=True):
        fill_in(page, "tabs@example.org")
        page.get_by_role("button", name="Afspraak maken").click()
        day, time = words.rsplit(" ", 1)
        expect(page.get_by_text(re.compile(f"{day}.*{time} tot"))).to_be_visible()
    context.close()


def test_no_address_of_a_link_stands_in_a_log(practice: Served) -> None:
    log = practice.log("web") + practice.log("worker")

    assert "/afspraak/beheer/[token]/" in log
    assert not re.search(r"/afspraak/(beheer|gemaakt)/(?!\[token\])", log)
    assert not [word for word in ("Noor", "noor", "@example.org", "12345678", "127.0.0.1 -") if word in log]


def test_the_queue_never_held_more_than_names(practice: Served) -> None:
    kept = [
        path.read_text(errors="replace") for path in Path(practice.data_dir / "queue").rglob("*") if path.is_file()
    ]

    assert not [word for word in ("Noor", "noor", "@example.org") if word in "".join(kept)]
