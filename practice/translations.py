"""Texts that the practice writes itself, in each language of the site."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import get_language, override


def speaking(code: str) -> override:
    """Speak the language `code` within a `with`, or the site's first where it no longer speaks that one."""
    return override(code if code in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE)


class Translated(dict[str, str]):
    """A text by language code. `str()` gives it in the language of the moment, else in the site's first."""

    def __str__(self) -> str:
        return self.in_language(get_language() or settings.LANGUAGE_CODE)

    def in_language(self, code: str) -> str:
        """Return the text in the language `code`, or in the site's first language where that one is empty."""
        return self.get(self.spoken_for(code), "")

    def spoken_for(self, code: str) -> str:
        """Return the language of the text that is shown to who reads `code`: that, or the site's first, or any."""
        return next((one for one in (code, settings.LANGUAGE_CODE, *self) if self.get(one)), code)


class TranslatedField(models.JSONField):
    """A column that holds one `Translated` text, so that a further language needs no migration."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", Translated)
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Translated:
        return Translated(super().from_db_value(value, expression, connection) or {})

    def to_python(self, value: Any) -> Translated:
        return Translated(super().to_python(value) or {})
