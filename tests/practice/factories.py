"""Small makers of what a test of the site needs."""

from typing import Any

from practice.models import Page, Practice
from practice.translations import Translated


def make_practice(**fields: Any) -> Practice:
    """Make the one practice."""
    defaults = {
        "name": "Duim Voor Jou",
        "description": Translated(nl="Praktijk voor kindertherapie", en="Practice for child therapy"),
        "street": "Platanenlaan 21",
        "postal_code": "5507 ME",
        "city": "Veldhoven",
        "phone": "+31651001943",
        "email": "info@duimvoorjou.nl",
        "nfg": "8543",
    }
    return Practice.objects.create(**{**defaults, **fields})


def make_page(slug: str = "", language: str = "nl", **fields: Any) -> Page:
    """Make a published page that stands in the menu."""
    defaults = {
        "title": f"Title of {slug or 'home'} ({language})",
        "menu_title": f"{slug or 'home'} ({language})",
        "description": "What it is about.",
        "body": "## A heading\n\nSome words.\n",
    }
    return Page.objects.create(slug=slug, language=language, **{**defaults, **fields})
