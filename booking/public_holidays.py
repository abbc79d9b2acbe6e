"""The public holidays of the Netherlands, by the package `holidays`."""

from datetime import date
from functools import lru_cache

import holidays

# The package's own names for the languages that the pages speak.
_LANGUAGES = {"nl": "nl", "en": "en_US"}


def between(first: date, last: date, language: str = "nl") -> dict[date, str]:
    """Return the public holidays from `first` to `last`, both included, with their names in `language`."""
    return {
        day: name
        for year in range(first.year, last.year + 1)
        for day, name in _of(year, _LANGUAGES.get(language, "en_US")).items()
        if first <= day <= last
    }


@lru_cache(maxsize=32)
def _of(year: int, language: str) -> dict[date, str]:
    return dict(sorted(holidays.country_holidays("NL", years=year, language=language).items()))
