"""What every template can show without its view saying so."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from practice.links import languages
from practice.models import Page


def practice(request: HttpRequest) -> dict[str, Any]:
    """Return the practice, its menu, and the address of this page in each language.

    Nothing here asks the database before a template shows it.
    """
    return {
        "practice": getattr(request, "practice", None),
        "menu": Page.objects.menu(get_language() or settings.LANGUAGE_CODE),
        "languages": languages(request),
        "demo": settings.DEMO,
    }
