"""A therapist signs in in a real browser: by password, by keyboard, and by passkey, on a made-up device."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Locator, Page, expect

from tests.browser.accessibility import assert_accessible
from tests.served import DEMO_EMAIL, DEMO_PASSWORD, Served
from tests.servers import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.browser]

NEW_PASSWORD = "drie groene fietsen"
AS_FIRST = f"""
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from booking.models import Kind, Notification
Authenticator.objects.all().delete()
# A second link within the minute would not be mailed.
Notification.objects.filter(kind=Kind.PASSWORD_LINK).delete()
user = User.objects.get(username="{DEMO_EMAIL}")
user.set_password("{DEMO_PASSWORD}")
user.save()
"""


@pytest.fixture(scope="module")
def served_practice(served: Any) -> Iterator[Served]:
    # As anywhere but in a demo: no family is shown without the second step.
    with served("sqlite", worker=True, SECOND_FACTOR="1") as practice:
        yield practice


@pytest.fixture
def practice(served_practice: Served) -> Served:
    """The practice, whose therapist has her first password and no second step yet."""
    served_practice.manage("shell", "-c", AS_FIRST)
    return served_practice


@pytest.fixture
def home(practice: Served) -> str:
    """The practice by a name: to an address of numbers no passkey belongs."""
    return practice.url.replace("127.0.0.1", "localhost") + "/en"


@pytest.fixture
def window(browser: Browser, browser_context_args: Any, practice: Served) -> Iterator[BrowserContext]:
    """A browser in English."""
    context = browser.new_context(**{**browser_context_args, "locale": "en-GB"})
    yield context
    context.close()


@pytest.fixture
def hers(window: BrowserContext) -> Page:
    """A page in which a script that fails, or that the content policy stops, fails the test."""
    page = window.new_page()

    def fail(message: Any) -> None:
        # The browser itself reports each answer that is an error, as a form that is sent back.
        if message.type == "error" and "status of 4" not in message.text:
            pytest.fail(message.text)

    page.on("console", fail)
    page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
    return page


class Device:
    """What holds the passkeys of the browser."""

    def __init__(self, page: Page) -> None:
        self.cdp: CDPSession = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.id = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def knows_its_owner(self, knows: bool) -> None:
        """Say whether the finger on it is the right one."""
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": knows})


@pytest.fixture
def phone(hers: Page) -> Device:
    return Device(hers)


def sign_in(page: Page, home: str, password: str = DEMO_PASSWORD) -> None:
    page.goto(f"{home}/account/login/")
    page.get_by_label("Mail address").fill(DEMO_EMAIL)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/account/login/" not in url)


def sign_out(page: Page, home: str) -> None:
    page.goto(f"{home}/account/2fa/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(lambda url: "/account/2fa/" not in url)


def add_passkey(page: Page, home: str, name: str) -> None:
    page.goto(f"{home}/account/2fa/webauthn/add/")
    assert_accessible(page)
    page.get_by_label("What do you call this device?").fill(name)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("The passkey is added.")).to_be_visible()


def press_to(page: Page, wanted: Locator) -> None:
    """Press Tab until `wanted` has the focus, and see that it shows."""
    for _ in range(60):
        if wanted.evaluate("element => element === document.activeElement"):
            assert wanted.evaluate("element => element.matches(':focus-visible')")
            return
        page.keyboard.press("Tab")
    pytest.fail("Tab does not lead there")


def test_a_passkey_signs_in_by_itself_until_it_is_removed(hers: Page, home: str, phone: Device) -> None:
    sign_in(hers, home)
    hers.goto(f"{home}/agenda/")
    # Without a second step no agenda; a passkey is one.
    expect(hers.get_by_role("heading", name="Set up the second step")).to_be_visible()
    assert_accessible(hers)
    hers.get_by_role("link", name="Use a passkey instead").click()
    expect(hers.get_by_text("This browser cannot keep a passkey here")).to_be_hidden()
    # Enter does what the button does.
    hers.get_by_label("What do you call this device?").fill("My phone")
    hers.keyboard.press("Enter")
    expect(hers.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert_accessible(hers)
    hers.get_by_role("link", name="To the agenda").click()
    hers.wait_for_url(f"{home}/agenda/")
    expect(hers.get_by_role("navigation", name="Agenda")).to_be_visible()

    sign_out(hers, home)
    # To where one was going.
    hers.goto(f"{home}/agenda/werktijden/")
    assert_accessible(hers)
    hers.get_by_role("button", name="Sign in with a passkey").click()
    hers.wait_for_url(f"{home}/agenda/werktijden/")

    hers.goto(f"{home}/account/2fa/webauthn/")
    assert_accessible(hers)
    hers.get_by_role("link", name="Give it another name My phone").click()
    hers.get_by_label("What do you call this device?").fill("My old phone")
    hers.get_by_role("button", name="Save").click()
    hers.get_by_role("link", name="Remove My old phone").click()
    expect(hers.get_by_role("heading", name="Remove this passkey?")).to_be_visible()
    assert_accessible(hers)
    hers.get_by_role("button", name="Remove").click()
    expect(hers.get_by_text("There is no passkey yet.")).to_be_visible()

    sign_out(hers, home)
    hers.goto(f"{home}/account/login/")
    hers.get_by_role("button", name="Sign in with a passkey").click()
    expect(hers.get_by_text("This passkey is not known here (any more).")).to_be_visible()
    hers.goto(f"{home}/agenda/")
    hers.wait_for_url("**/account/login/**")


def test_a_passkey_is_the_second_step_after_a_password(hers: Page, home: str, phone: Device) -> None:
    sign_in(hers, home)
    add_passkey(hers, home, "My phone")
    sign_out(hers, home)

    sign_in(hers, home)
    expect(hers.get_by_role("heading", name="Second step")).to_be_visible()
    expect(hers.get_by_label("A recovery code")).to_be_visible()
    assert_accessible(hers)
    hers.get_by_role("button", name="Use your passkey").click()
    hers.wait_for_url(f"{home}/agenda/")


def test_a_finger_that_is_not_hers_opens_nothing(hers: Page, home: str, phone: Device) -> None:
    sign_in(hers, home)
    add_passkey(hers, home, "My phone")
    sign_out(hers, home)
    hers.goto(f"{home}/account/login/")
    phone.knows_its_owner(False)

    hers.get_by_role("button", name="Sign in with a passkey").click()
    expect(hers.get_by_role("alert").filter(has_text="That did not work.")).to_be_focused()
    assert_accessible(hers)
    hers.goto(f"{home}/agenda/")
    hers.wait_for_url("**/account/login/**")


def test_before_a_passkey_goes_it_is_asked_for_once_more(
    hers: Page, home: str, practice: Served, phone: Device
) -> None:
    sign_in(hers, home)
    add_passkey(hers, home, "My phone")
    # As if all that had happened an hour ago.
    practice.manage(
        "shell",
        "-c",
        "from django.contrib.sessions.models import Session\n"
        "from django.contrib.sessions.backends.db import SessionStore\n"
        "for row in Session.objects.all():\n"
        "    session = SessionStore(row.session_key)\n"
        "    for record in session.get('account_authentication_methods', []): record['at'] -= 3600\n"
        "    session.modified = True; session.save()",
    )

    hers.goto(f"{home}/account/2fa/webauthn/")
    hers.get_by_role("link", name="Remove My phone").click()
    expect(hers.get_by_role("heading", name="Is it still you?")).to_be_visible()
    assert_accessible(hers)
    hers.get_by_role("button", name="Use your passkey").click()
    expect(hers.get_by_role("heading", name="Remove this passkey?")).to_be_visible()


def test_a_forgotten_password_is_chosen_anew_by_a_mail(hers: Page, home: str, practice: Served) -> None:
    def links() -> list[str]:
        mails = [
            message_from_bytes(file.read_bytes(), policy=policy.default)
            for file in practice.mail_dir.glob("*.eml")
        ]
        bodies = [body.get_content() for mail in mails if (body := mail.get_body(("plain",)))]
        return re.findall(r"http://[^/\s]+(/\S*account/wachtwoord/\S+)", "\n".join(bodies))

    for old in practice.mail_dir.glob("*.eml"):
        old.unlink()

    hers.goto(f"{home}/account/login/")
    hers.get_by_role("link", name="Forgotten your password?").click()
    expect(hers.get_by_role("heading", name="Forgotten your password?")).to_be_visible()
    assert_accessible(hers)
    hers.get_by_label("Mail address").fill(DEMO_EMAIL)
    hers.keyboard.press("Enter")
    expect(hers.get_by_text("If there is an account with this address")).to_be_visible()

    wait_until(lambda: bool(links()), what="the mail with the link")
    [path] = links()
    hers.goto(home.removesuffix("/en") + path)
    assert path.rstrip("/").rpartition("/")[2] not in hers.url
    assert_accessible(hers)
    field = hers.locator("input[name=new_password1]")
    field.fill("kort")
    hers.keyboard.press("Enter")
    expect(hers.locator(".errorlist")).to_be_visible()
    assert_accessible(hers)
    field.fill(NEW_PASSWORD)
    expect(field).to_have_attribute("type", "password")
    hers.locator(".reveal").click()
    expect(field).to_have_attribute("type", "text")
    field.press("Enter")
    hers.wait_for_url("**/account/login/")

    sign_in(hers, home, NEW_PASSWORD)
    expect(hers.get_by_role("heading", name="Set up the second step")).to_be_visible()
    assert "wachtwoord/[token]" in practice.log("web")
    assert path not in practice.log("web")


def test_it_all_goes_by_the_keyboard(hers: Page, home: str) -> None:
    hers.goto(f"{home}/agenda/")
    press_to(hers, hers.get_by_label("Mail address"))
    hers.keyboard.type(DEMO_EMAIL)
    press_to(hers, hers.get_by_label("Password", exact=True))
    hers.keyboard.type(DEMO_PASSWORD)
    press_to(hers, hers.get_by_role("button", name="Show: Password"))
    hers.keyboard.press("Space")
    expect(hers.get_by_role("button", name="Hide: Password")).to_be_focused()
    press_to(hers, hers.get_by_role("button", name="Sign in", exact=True))
    hers.keyboard.press("Enter")

    expect(hers.get_by_role("heading", name="Set up the second step")).to_be_visible()
    press_to(hers, hers.get_by_label("The code that the app shows"))


def test_axe_finds_nothing_on_the_pages_of_the_account(hers: Page, home: str, phone: Device) -> None:
    sign_in(hers, home)
    add_passkey(hers, home, "My phone")
    for path in (
        "account/2fa/",
        "account/2fa/totp/activate/",
        "account/2fa/recovery-codes/",
        "account/2fa/recovery-codes/generate/",
        "account/2fa/reauthenticate/",
        "account/2fa/webauthn/reauthenticate/",
        "account/reauthenticate/",
        "account/password/change/",
        "account/sessies/",
        "account/logout/",
        "agenda/collegas/",
        "agenda/collegas/nieuw/",
    ):
        hers.goto(f"{home}/{path}")
        assert_accessible(hers)


def test_without_scripts_a_password_and_a_link_are_enough(plain_page: Page, home: str, practice: Served) -> None:
    plain_page.goto(f"{home}/account/login/")
    expect(plain_page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    sign_in(plain_page, home)
    expect(plain_page.get_by_role("heading", name="Set up the second step")).to_be_visible()
    expect(plain_page.get_by_role("link", name="Use a passkey instead")).to_be_hidden()
    plain_page.goto(f"{home}/account/2fa/webauthn/add/")
    expect(plain_page.get_by_text("This browser cannot keep a passkey here")).to_be_visible()
