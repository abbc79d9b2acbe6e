"""Small makers of what a test of the site needs."""

import io
import random
from typing import Any

from PIL import Image, PngImagePlugin

from practice import pictures
from practice.models import Page, Picture, Practice
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


def picture_file(
    kind: str,
    *,
    size: tuple[int, int] = (300, 200),
    mode: str = "RGB",
    colour: Any = (200, 100, 50),
    noise: bool = False,
    text: str = "",
    **saved: Any,
) -> bytes:
    """Return a picture file of `kind`, such as "JPEG": of one colour, or of noise that does not compress."""
    picture = Image.new(mode, size, colour)
    if noise:
        picture = Image.frombytes(mode, size, random.Random(1).randbytes(size[0] * size[1] * len(mode)))
    if text:
        saved["pnginfo"] = PngImagePlugin.PngInfo()
        saved["pnginfo"].add_text("Comment", text)
    out = io.BytesIO()
    picture.save(out, kind, **saved)
    return out.getvalue()


def make_picture(**fields: Any) -> Picture:
    """Make a picture of 300 by 200 pixels, with its words in both languages."""
    made = pictures.make(picture_file("PNG"))
    defaults = {
        "digest": made.digest,
        "content": made.content,
        "width": made.width,
        "height": made.height,
        "alternative": Translated(nl="Een kamer", en="A room"),
    }
    return Picture.objects.create(**{**defaults, **fields})
