"""What the sitemap lists."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import override

from practice.links import absolute
from practice.models import Page, page_path


@dataclass(frozen=True, slots=True)
class Address:
    """One page in one language: where it is, when it changed (UTC, if known), and its other languages."""

    url: str
    changed_at: datetime | None
    alternates: list[tuple[str, str]]


def listed() -> list[Address]:
    """Return every published page and the way to book, in each language that it has."""
    found = []
    pages: dict[str, dict[str, datetime | None]] = {}
    for slug, language, changed_at in Page.objects.published().values_list("slug", "language", "changed_at"):
        pages.setdefault(slug, {})[language] = changed_at
    for slug, changes in pages.items():
        alternates = [(language, _in_language(language, slug)) for language in changes]
        found += [Address(url, changes[language], alternates) for language, url in alternates]
    booking = [(code, _in_language(code, None)) for code, _ in settings.LANGUAGES]
    return found + [Address(url, None, booking) for _, url in booking]


def _in_language(language: str, slug: str | None) -> str:
    with override(language):
        return absolute(reverse("booking:choose") if slug is None else page_path(slug))
