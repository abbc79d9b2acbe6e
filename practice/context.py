"""What every template can show without its view saying so."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from practice.links import languages
from practice.models import Page


def practice(request: HttpRequest) -> dict[str, Any]:
    """Return the practice, its menu, and the address of this page in each language.

    Nothing here asks the database before a template shows it.
    """
    language = get_language() or settings.LANGUAGE_CODE
    linked = SimpleLazyObject(lambda: list(Page.objects.linked(language)))
    return {
        "practice": getattr(request, "practice", None),
        "menu": SimpleLazyObject(lambda: [page for page in linked if page.in_menu]),
        # What is outside the menu stands at the foot, so that no page is out of reach.
        "about_site": SimpleLazyObject(lambda: [page for page in linked if not page.in_menu]),
        "languages": languages(request),
        "demo": settings.DEMO,
    }
