"""What stands on the page that shows the design system: the tokens as they are, and every part in its states."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings

_TOKEN = re.compile(r"--([\w-]+):\s*([^;]+);")
_DARK = "prefers-color-scheme: dark"
# Which tokens belong together, by how their names begin; what else there is, is a colour.
_KINDS = {
    "Type": ("font", "text", "title", "leading", "measure"),
    "Space": ("s1", "s2", "s3", "s4", "s5", "s6", "s7", "gutter", "wide", "target"),
    "Radius and stroke": ("round", "stroke"),
    "Motion": ("quick",),
}


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour token: its value in each scheme, and its contrast with the paper there."""

    name: str
    light: str
    dark: str
    on_light: str
    on_dark: str


class SampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label="Your name", max_length=100)
    email = forms.EmailField(label="Mail address", help_text="The confirmation goes to this address.")
    language = forms.ChoiceField(label="Language", choices=[("nl", "Dutch"), ("en", "English")])
    age = forms.ChoiceField(
        label="Age of the child",
        widget=forms.RadioSelect,
        choices=[("a", "younger than 12"), ("b", "12 to 15 years"), ("c", "16 years or older")],
    )
    remark = forms.CharField(
        label="Remark", widget=forms.Textarea(attrs={"rows": 3}), required=False, min_length=2
    )
    consent = forms.BooleanField(label="I agree that the practice keeps this for the appointment.")


def context() -> dict[str, Any]:
    """Return all tokens, a form empty and filled in wrongly, and the template of every drawing."""
    templates = settings.BASE_DIR / "templates"
    light, dark = schemes((Path(settings.BASE_DIR) / "static" / "tokens.css").read_text())
    drawings = sorted(str(path.relative_to(templates)) for path in templates.glob("parts/drawings/*.html"))
    return {
        "form": SampleForm(),
        "wrong": SampleForm({"wrong-email": "noor@", "wrong-remark": "x"}, prefix="wrong"),
        "colours": [
            Colour(name, light[name], dark[name], _on(name, light), _on(name, dark))
            for name in light
            if light[name].startswith("#")
        ],
        "kinds": {kind: _named(light, names) for kind, names in _KINDS.items()},
        "drawings": [path for path in drawings if "icon_" not in path],
        "icons": [path for path in drawings if "icon_" in path],
    }


def schemes(css: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the tokens in the style sheet `css` by name: those of the light scheme, and those of the dark one."""
    light, _, rest = css.partition(_DARK)
    first = {name: " ".join(value.split()) for name, value in _TOKEN.findall(light)}
    return first, first | dict(_TOKEN.findall(rest.partition("@media")[0]))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours "#rrggbb", from 1 to 21 (WCAG 2.2, contrast ratio)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance of "#rrggbb", from 0 to 1 (WCAG 2.2)."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _on(name: str, scheme: dict[str, str]) -> str:
    return f"{contrast(scheme[name], scheme['paper']):.1f}"


def _named(tokens: dict[str, str], beginnings: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in tokens.items() if name.startswith(beginnings)]
