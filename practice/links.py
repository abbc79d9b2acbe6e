"""Whole addresses, for mails, feeds and search engines, which have no page to be relative to."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse, translate_url
from django.utils.translation import get_language, override


@dataclass(frozen=True, slots=True)
class InLanguage:
    """The address of the same page in one of the site's languages."""

    code: str
    name: str
    path: str
    current: bool

    @property
    def url(self) -> str:
        """The whole address, without what stood behind a question mark."""
        return absolute(self.path.partition("?")[0])


def absolute(path: str) -> str:
    """Return the whole address of `path` (which starts with a slash) on this installation."""
    return f"{settings.BASE_URL}{path}"


def languages(request: HttpRequest) -> list[InLanguage]:
    """Return where the page of `request` is found in each language: home, where it has no address of its own."""
    query = f"?{request.META['QUERY_STRING']}" if request.META.get("QUERY_STRING") else ""
    found = []
    for code, name in settings.LANGUAGES:
        path = translate_url(request.path, code) + query
        if code != get_language() and path == request.path + query:
            with override(code):
                path = reverse("home")
        found.append(InLanguage(code=code, name=_own_name(code, name), path=path, current=code == get_language()))
    return found


def _own_name(code: str, name: Any) -> str:
    # A reader looks for the language in that language itself.
    with override(code):
        return str(name).capitalize()
