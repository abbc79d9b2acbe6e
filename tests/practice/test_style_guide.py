"""The design system holds what docs/design.md promises: contrast, weight, and a page that shows all of it."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.http import HttpRequest
from django.template.loader import render_to_string

from practice import style_guide

STATIC = Path("static")
LIGHT, DARK = style_guide.schemes((STATIC / "tokens.css").read_text())
# What is read, on each ground that it stands on somewhere.
READ = [
    ("ink", "paper", "surface", "sand", "accent-soft", "action-soft", "error-soft", "success-soft"),
    ("ink-soft", "paper", "surface", "sand"),
    ("action", "paper", "surface", "action-soft"),
    ("error", "paper", "surface", "error-soft"),
    ("success", "paper", "surface", "success-soft"),
    ("on-action", "action", "action-strong"),
    ("on-band", "band"),
    ("band-link", "band"),
    ("on-band-button", "band-button"),
]


def compressed(pattern: str) -> int:
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in STATIC.glob(pattern))


def test_all_style_sheets_together_stay_light() -> None:
    assert 0 < compressed("*.css") <= 20 * 1024


def test_all_scripts_of_ours_together_stay_light() -> None:
    assert 0 < compressed("*.js") <= 25 * 1024


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_what_is_read_has_a_contrast_of_seven(scheme: dict[str, str]) -> None:
    low = {
        f"{text} on {ground}": round(style_guide.contrast(scheme[text], scheme[ground]), 2)
        for text, *grounds in READ
        for ground in grounds
        if style_guide.contrast(scheme[text], scheme[ground]) < 7
    }

    assert low == {}


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_outline_of_a_field_has_a_contrast_of_three(scheme: dict[str, str]) -> None:
    assert style_guide.contrast(scheme["edge"], scheme["surface"]) >= 3


@pytest.mark.parametrize(("one", "other", "expected"), [("#000000", "#ffffff", 21), ("#777777", "#777777", 1)])
def test_contrast_is_that_of_the_guidelines(one: str, other: str, expected: float) -> None:
    assert style_guide.contrast(one, other) == pytest.approx(expected)


def test_rules_use_tokens_that_there_are() -> None:
    known, used = set(LIGHT), set()
    for path in STATIC.glob("*.css"):
        css = path.read_text()
        used |= set(re.findall(r"var\(--([\w-]+)", css))
        known |= set(re.findall(r"^\s*--([\w-]+):", css, re.MULTILINE))

    assert used - known == set()


def test_the_page_shows_every_token_drawing_and_part(rf: Callable[[str], HttpRequest]) -> None:
    page = render_to_string("pages/style.html", style_guide.context())

    missing = [name for name in LIGHT if f"--{name}<" not in page and f"--{name} " not in page]
    drawings = {path.name for path in Path("templates/parts/drawings").glob("*.html")}
    parts = ("button", "card", "slot", "days__list", "sheet", "field", "notice", "steps", "item--appointment")
    assert missing == []
    assert [name for name in drawings if not name.startswith("icon_") and name not in page] == []
    assert [part for part in parts if not re.search(rf'class="[^"]*\b{part}\b', page)] == []
    assert not re.search(r"<style|\sstyle=", page)
