"""The pictures of README and handbook, made from the real pages of a demo that this script starts and ends.

Usage: make pictures (ONLY="agenda klaar" makes those alone)
"""

import argparse
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from scripts import demo_day
from scripts.run import ROOT

PICTURES = ROOT / "docs" / "pictures"
PHONE, DESK = (390, 844), (1240, 820)
# Pixels of a page, and those of a picture for each; more would show nothing more.
TALLEST, SHARPNESS, COLOURS = 1240, 1.4, 112
# A practice of one's own has no such line, and a picture needs no way to skip.
_HIDDEN = ".demo, .skip { display: none !important }"

Keep = Callable[..., None]


@contextmanager
def visitor(browser: Browser, size: tuple[int, int]) -> Iterator[Page]:
    """Yield a Dutch visitor's page of `size` in pixels, whose clock stands on the demo's day."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=SHARPNESS,
        locale="nl-NL",
        timezone_id="Europe/Amsterdam",
        reduced_motion="reduce",
        # Or the policy of the pages would stop what hides the demo's line.
        bypass_csp=True,
    )
    context.set_default_timeout(60_000)
    context.clock.set_system_time(demo_day.TODAY)
    yield context.new_page()
    context.close()


def parents_side(browser: Browser, url: str, keep: Keep) -> None:
    """Walk a parent's way from the first page to the confirmation."""
    with visitor(browser, PHONE) as page:
        keep(page, "hechting", f"{url}/hechting/", whole=True)
        page.goto(f"{url}/afspraak/")
        keep(page, "kiezen", whole=True)
        page.locator("button.slot").nth(1).click()
        page.get_by_label("Uw naam").fill("Noor de Vries")
        page.get_by_label("Uw e-mailadres").fill("noor@example.org")
        page.get_by_label("Uw telefoonnummer").fill("06 12345678")
        page.get_by_label("Voornaam van uw kind").fill("Sam")
        page.get_by_label("jonger dan 12 jaar").check()
        page.get_by_label("Ik vind het goed").check()
        page.get_by_role("button", name="Afspraak maken").click()
        expect(page.get_by_role("heading", name="Uw afspraak is gemaakt")).to_be_visible()
        keep(page, "klaar", whole=True)


def sign_in(page: Page, url: str, keep: Keep) -> None:
    """Sign in for the first time: by password, and with a code of an app as the second step."""
    page.goto(f"{url}/agenda/")
    keep(page, "inloggen")
    page.get_by_label("E-mailadres").fill(demo_day.EMAIL)
    page.get_by_label("Wachtwoord", exact=True).fill(demo_day.PASSWORD)
    page.get_by_role("button", name="Inloggen", exact=True).click()
    page.locator("input[name=code]").fill(demo_day.code(page.locator("main code").inner_text()))
    page.get_by_role("button", name="Aanzetten").click()
    expect(page.get_by_role("heading", name="Herstelcodes")).to_be_visible()


def therapists_side(browser: Browser, url: str, keep: Keep) -> None:
    """Sign in and go through the pages of the handbook."""
    with visitor(browser, DESK) as page:
        sign_in(page, url, keep)
        # First, while little was looked at.
        keep(page, "inzage", f"{url}/agenda/inzage/")
        keep(page, "account", f"{url}/account/2fa/")
        keep(page, "agenda", f"{url}/agenda/?view=week")
        keep(page, "agenda-dag", f"{url}/agenda/?view=day")
        keep(page, "agenda-maand", f"{url}/agenda/?view=month")
        keep(page, "agenda-lijst", f"{url}/agenda/?view=list")
        keep(page, "inplannen", f"{url}/agenda/afspraak/nieuw/")
        keep(page, "werktijden", f"{url}/agenda/werktijden/")
        keep(page, "dag-anders", f"{url}/agenda/dag/2027-03-18/")
        keep(page, "vrij", f"{url}/agenda/vrij/")
        keep(page, "schoolvakanties", f"{url}/agenda/vrij/importeren/")
        keep(page, "soort", f"{url}/agenda/soorten/eerste-afspraak/")
        keep(page, "eigen-agenda", f"{url}/agenda/kalenders/")
        keep(page, "cijfers", f"{url}/agenda/cijfers/")
        keep(page, "collegas", f"{url}/agenda/collegas/")
        page.goto(f"{url}/agenda/mails/")
        page.locator("main td a").first.click()
        expect(page.frame_locator("iframe.mail").get_by_role("heading").first).to_be_visible()
        keep(page, "mails")
        page.goto(f"{url}/beheer/practice/page/")
        page.get_by_role("link", name="Hechting van kinderen").click()
        expect(page.frame_locator("#preview iframe").get_by_role("heading", level=1)).to_be_visible()
        page.locator("#preview iframe").evaluate("frame => frame.contentDocument.querySelector('.demo').remove()")
        keep(page, "teksten", whole=True)
        page.goto(f"{url}/agenda/?view=day")
        page.locator(".item--appointment a").first.click()
        keep(page, "afspraak")


def keeper(names: list[str], into: Path) -> Keep:
    """Return what keeps a picture in the folder `into`, where there are `names` under those alone.

    It is of what a page shows (`whole`) or of the top of its `main`, after going to `address` where one is given.
    """

    def keep(page: Page, name: str, address: str = "", *, whole: bool = False) -> None:
        if names and name not in names:
            return
        if address:
            page.goto(address)
        page.add_style_tag(content=_HIDDEN)
        page.evaluate("scrollTo(0, 0)")
        clip = None if whole else page.locator("main").bounding_box()
        if clip:
            clip["height"] = min(clip["height"], TALLEST)
        shot = page.screenshot(full_page=bool(clip), clip=clip)
        # Paper and ink need few colours, and whoever clones the repository takes every picture along.
        few = (
            Image.open(BytesIO(shot))
            .convert("RGB")
            .quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        )
        few.save(into / f"{name}.png", optimize=True)

    return keep


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the pictures of README and handbook.")
    parser.add_argument("names", nargs="*", help="which ones; all of them where none is named")
    parser.add_argument("--into", type=Path, default=PICTURES, help="the folder that they go to")
    given = parser.parse_args()
    given.into.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    arguments = ["--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    keep = keeper(given.names, given.into)
    # Nobody waits for it, and machines may be busy.
    expect.set_options(timeout=60_000)
    with demo_day.served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*arguments, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        )
        parents_side(browser, url, keep)
        therapists_side(browser, url, keep)
        browser.close()


if __name__ == "__main__":
    main()
