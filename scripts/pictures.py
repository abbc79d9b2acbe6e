"""The pictures of README and handbook, made from the real pages of a running demo.

Usage, while `make run` runs: make pictures (URL=http://localhost:8000, and DATA_DIR where it is not ./data).
It books one appointment in the demo practice, so that the agenda has something to show.
"""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


def demo_account() -> tuple[str, str]:
    """Return mail address and password of the demo therapist, as `make run` wrote them down."""
    folder = Path(os.environ.get("DATA_DIR") or ROOT / "data")
    pairs = dict(line.split("=", 1) for line in (folder / "practice.env").read_text().splitlines() if "=" in line)
    return pairs["DEMO_EMAIL"], pairs["DEMO_PASSWORD"]


def new_page(browser: Browser, viewport: dict[str, int]) -> Page:
    """Return a Dutch visitor's page of the size `viewport`, sharp enough for print."""
    size = {"width": viewport["width"], "height": viewport["height"]}
    return browser.new_context(viewport=size, locale="nl-NL", device_scale_factor=1.5).new_page()  # type: ignore[arg-type]


def parents_side(browser: Browser, url: str) -> None:
    """Walk the parent's way and keep three screens of it."""
    page = new_page(browser, PHONE)
    page.goto(f"{url}/hechting/")
    page.screenshot(path=PICTURES / "hechting.png")
    page.goto(f"{url}/afspraak/")
    page.screenshot(path=PICTURES / "kiezen.png")
    page.locator("button.slot").nth(1).click()
    page.get_by_label("Uw naam").fill("Noor de Vries")
    page.get_by_label("Uw e-mailadres").fill("noor@example.org")
    page.get_by_label("Uw telefoonnummer").fill("06 12345678")
    page.get_by_label("Voornaam van uw kind").fill("Sam")
    page.get_by_label("jonger dan 12 jaar").check()
    page.get_by_label("Ik vind het goed").check()
    page.get_by_role("button", name="Afspraak maken").click()
    page.get_by_role("heading", name="Uw afspraak is gemaakt").wait_for()
    page.screenshot(path=PICTURES / "klaar.png")


def therapists_side(browser: Browser, url: str) -> None:
    """Sign in as the demo therapist and keep the agenda and the hours."""
    email, password = demo_account()
    page = new_page(browser, DESK)
    page.goto(f"{url}/agenda/")
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name="Inloggen", exact=True).click()
    page.wait_for_url("**/agenda/")
    page.screenshot(path=PICTURES / "agenda.png")
    page.goto(f"{url}/agenda/werktijden/")
    page.screenshot(path=PICTURES / "werktijden.png")


def main() -> None:
    url = (sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000").rstrip("/")
    PICTURES.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    arguments = ["--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*arguments, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        )
        parents_side(browser, url)
        therapists_side(browser, url)
        browser.close()


if __name__ == "__main__":
    main()
