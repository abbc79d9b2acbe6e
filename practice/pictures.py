"""Pictures that the practice puts on its pages: what is taken in, and what of it is kept."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from practice.models import Picture

# What phones make: a photograph of 24 megapixels is 4 to 8 MB.
LARGEST_PICTURE = 8 * 1024 * 1024
# A JPEG is read at a half or a quarter of its size, the others whole: either way at most 250 MB of memory.
_MOST_PIXELS = {"JPEG": 26_000_000, "MPO": 26_000_000, "PNG": 12_000_000, "WEBP": 12_000_000}
# An MPO is a JPEG with more of them behind it, as phones make one; only the first is looked at.
_FORMATS = ["JPEG", "PNG", "WEBP"]
# Twice as wide as text is shown, for sharp screens.
_LONGEST_SIDE = 1280
ADDRESS = re.compile(r"/beeld/([0-9a-f]{32})\.webp")
# Whatever Pillow finds wrong with a file that was made to break it.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, ArithmeticError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class Made:
    """A picture as it is kept: WebP, its size in pixels, and a hash that names it."""

    content: bytes
    width: int
    height: int

    @property
    def digest(self) -> str:
        """The first half of the content's SHA-256."""
        return hashlib.sha256(self.content).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page needs to know of a picture: its path, its size in pixels, and its words in one language."""

    path: str
    width: int
    height: int
    words: str


def make(upload: bytes) -> Made:
    """Return the JPEG, PNG or WebP file `upload` drawn anew: upright, at most 1280 pixels long, and nothing else.

    Only the pixels come over: no place or moment, no preview, nothing that stood before or behind the picture.
    Raises ValidationError, with a sentence, for what is none of these or has too many pixels.
    """
    try:
        with Image.open(BytesIO(upload), formats=_FORMATS) as picture:
            # The size stands in front: what would unpack to gigabytes is refused before it does.
            most = _MOST_PIXELS[picture.format or ""]
            if picture.width * picture.height > most:
                raise ValidationError(_too_many_pixels(most))
            # Colours of a palette cannot be mixed.
            small = picture.convert("RGBA") if picture.mode in {"1", "P", "PA"} else picture
            small.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
            upright = ImageOps.exif_transpose(small)
            upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValidationError(_too_many_pixels(min(_MOST_PIXELS.values()))) from None
    except _BROKEN:
        sentence = _("This is not a picture that we can read. Choose a JPEG, PNG or WebP file.")
        raise ValidationError(sentence) from None
    drawn, out = Image.new(upright.mode, upright.size), BytesIO()
    # Onto an empty sheet, since what came along with the picture goes wherever Pillow copies it.
    drawn.paste(upright)
    drawn.save(out, "WEBP", quality=80)
    return Made(out.getvalue(), *drawn.size)


def shown_in(*texts: str) -> tuple[Shown, ...]:
    """Return the pictures that the Markdown `texts` name, in the language of the moment. One query, or none."""
    digests = _named(texts)
    if not digests:
        return ()
    pictures = Picture.objects.without_content().filter(digest__in=digests).order_by("digest")
    return tuple(
        Shown(one.get_absolute_url(), one.width, one.height, one.alternative.in_language(get_language() or ""))
        for one in pictures
    )


def missing_in(text: str) -> list[str]:
    """Return the paths in the Markdown `text` at which a picture ought to be and is none."""
    there = {picture.path for picture in shown_in(text)}
    return sorted({found[0] for found in ADDRESS.finditer(text)} - there)


def _named(texts: Iterable[str]) -> set[str]:
    return {found[1] for text in texts for found in ADDRESS.finditer(text)}


def _too_many_pixels(most: int) -> str:
    return _("This picture has too many pixels: at most %(most)d million.") % {"most": most // 1_000_000}
