"""What is asked of a page so that everyone can use it: axe, and what axe does not ask (looking.js).

A page is loaded once and looked at in many ways: width, colours and the like change without loading it again, and
in the further ways axe runs only the rules whose answer can be another one.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
TABLET = {"width": 768, "height": 1024}
# 1280 by 1024 at 400 % (WCAG 1.4.10).
ZOOMED = {"width": 320, "height": 256}
# The smallest phone, for letters that are set twice as large in the browser.
SMALL_PHONE = {"width": 320, "height": 568}
# Of the rules that are off by default this one is of WCAG 2.2 AA.
ALL_RULES = {"rules": {"target-size": {"enabled": True}}}
CONTRAST = {"runOnly": ["color-contrast"]}
WIDTH = {"runOnly": ["target-size", "scrollable-region-focusable"]}
CONTRAST_AND_WIDTH = {"runOnly": [*CONTRAST["runOnly"], *WIDTH["runOnly"]]}
_AXE = Axe().axe_script
_LOOKING = Path(__file__).with_name("looking.js").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to look at a page: the size of the window and what the visitor prefers, which rules of axe are run
    (none where None), and which functions of looking.js."""

    name: str
    size: dict[str, int]
    rules: dict[str, Any] | None
    questions: Sequence[str] = ()
    dark: bool = False
    forced: bool = False
    spaced: bool = False
    letters: int = 16

    def prepare(self, page: Page) -> None:
        """Let `page` be as somebody sees it who looks this way."""
        page.set_viewport_size(self.size)  # type: ignore[arg-type]
        page.emulate_media(
            color_scheme="dark" if self.dark else "light",
            forced_colors="active" if self.forced else "none",
            # Colours that fade from one scheme into the other are those of neither.
            reduced_motion="reduce",
        )
        page.evaluate("spaced => window.looking.spaceText(spaced)", self.spaced)
        set_letters(page, self.letters)


def set_letters(page: Page, size: int) -> None:
    """Let letters be `size` px high, as somebody sets it in their browser (WCAG 1.4.4)."""
    browser = page.context.new_cdp_session(page)
    browser.send("Page.setFontSizes", {"fontSizes": {"standard": size, "fixed": size * 13 // 16}})
    browser.detach()


_SIZES = ("overflow", "targets", "clipped", "broken")
BETWEEN = Way("768 px", TABLET, None, _SIZES)
LARGE = Way("letters of 200 %, 320 px", SMALL_PHONE, None, ("overflow", "clipped"), letters=32)
LEAN = [
    Way("light, 1280 px", DESK, ALL_RULES, ("title", "leads", *_SIZES)),
    Way("dark, 390 px", PHONE, CONTRAST_AND_WIDTH, _SIZES, dark=True),
    LARGE,
    BETWEEN,
]
COMPLETE = [
    Way("light, 1280 px", DESK, ALL_RULES, ("title", "leads", "motion", "focus", *_SIZES)),
    Way("dark, 1280 px", DESK, CONTRAST, dark=True),
    Way("dark, 390 px", PHONE, ALL_RULES, ("focus", *_SIZES), dark=True),
    Way("light, 390 px", PHONE, CONTRAST),
    BETWEEN,
    Way("zoom of 400 %", ZOOMED, WIDTH, ("focus", "overflow", "clipped")),
    Way("text spacing, 390 px", PHONE, None, ("overflow", "clipped"), spaced=True),
    Way("text spacing, 1280 px", DESK, None, ("overflow", "clipped"), spaced=True),
    Way("text spacing, zoom of 400 %", ZOOMED, None, ("overflow", "clipped"), spaced=True),
    Way("letters of 200 %, 390 px", PHONE, None, ("overflow", "clipped"), letters=32),
    LARGE,
    # Without axe, which reads the colours that are not shown then.
    Way("forced colours", PHONE, None, ("focus", "overflow", "clipped"), forced=True),
]


def findings(page: Page, ways: Sequence[Way], seen: Callable[[Way], None] = lambda way: None) -> list[str]:
    """Return a sentence for each thing that stands in somebody's way on `page`; `seen` is called in each way."""
    page.evaluate(_AXE)
    page.evaluate(_LOOKING)
    found = []
    for way in ways:
        way.prepare(page)
        found += [f"{way.name}: {said}" for said in _asked(page, way)]
        seen(way)
    return found


def assert_accessible(page: Page) -> None:
    """Fail where axe finds something on `page` as it stands, or `page` is wider than its screen.

    Wait first for what tells that the page has come: axe breaks off in one that is being left.
    """
    results = Axe().run(page)
    assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{page.url} is wider than its screen by {overflow} px"


def _asked(page: Page, way: Way) -> list[str]:
    said: list[str] = []
    if way.rules:
        options = json.dumps({"resultTypes": ["violations"], **way.rules})
        violations = page.evaluate(f"axe.run(document, {options}).then((results) => results.violations)")
        said += [f"{one['id']}: {node['html'][:120]}" for one in violations for node in one["nodes"]]
    for question in way.questions:
        said += page.evaluate(f"window.looking.{question}()")
    return said
