"""Pages that are the same for everyone are rendered once, and kept in this process until the site changes."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

View = Callable[..., HttpResponse]


def is_like_any_other(request: HttpRequest) -> bool:
    """Return whether nothing sets this visitor apart: no session, and so no message that waits."""
    return settings.SESSION_COOKIE_NAME not in request.COOKIES


def for_everyone(view: View) -> View:
    """Keep what `view` shows to visitors like any other under the address, the language and the site's version."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        version: UUID | None = request.site_version  # type: ignore[attr-defined]
        if version is None or request.META.get("QUERY_STRING") or not is_like_any_other(request):
            return view(request, *args, **kwargs)
        kept = _kept(version, get_language(), request.path)
        if not kept:
            response = view(request, *args, **kwargs)
            if response.status_code != 200:
                return response
            kept.append(response.content)
        return HttpResponse(kept[0])

    return shown


@lru_cache(maxsize=128)
def _kept(version: UUID, language: str | None, path: str) -> list[bytes]:
    """Return the place where a page is kept; it is empty at first."""
    return []
