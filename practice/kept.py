"""Pages that are the same for everyone are rendered once, and kept in this process until the site changes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from threading import Lock
from typing import Any, ClassVar
from urllib.parse import unquote
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, ResolverMatch, reverse

from practice.models import SITE, Version

View = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as everyone gets it, and the version of the site that it was made of."""

    version: UUID
    content: bytes
    headers: dict[str, str]
    match: ResolverMatch


class KeptPagesMiddleware:
    """Answers with a kept page before sessions, languages and accounts are looked at; costs one query.

    The path says the language of a page, so the path alone names it: the one that its route has, and no other
    that leads there as well.
    """

    # A page of the site in each language; were there more, the oldest would make way.
    most = 200
    kept: ClassVar[dict[str, Kept]] = {}
    _changing = Lock()

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        safe = request.method in {"GET", "HEAD"}
        if not safe or request.META.get("QUERY_STRING") or not is_like_any_other(request):
            return self.get_response(request)
        kept = self.kept.get(request.path_info)
        if kept and Version.read(SITE) == (kept.version,):
            # A name that this site does not have is refused here too.
            request.get_host()
            # For what stands above: it counts and marks pages by their route.
            request.resolver_match = kept.match
            return HttpResponse(kept.content, headers=kept.headers)
        if kept:
            with self._changing:
                self.kept.pop(request.path_info, None)
        response = self.get_response(request)
        version: UUID | None = getattr(response, "made_of", None)
        match = request.resolver_match
        if version and match and response.status_code == 200 and not response.cookies and _is_at(match, request):
            self._keep(request.path_info, Kept(version, response.content, dict(response.headers), match))
        return response

    def _keep(self, path: str, page: Kept) -> None:
        with self._changing:
            self.kept.pop(path, None)
            while len(self.kept) >= self.most:
                del self.kept[next(iter(self.kept))]
            self.kept[path] = page


def _is_at(match: ResolverMatch, request: HttpRequest) -> bool:
    """Return whether the page `match` has the address that was asked for, character by character."""
    try:
        # In the language of the answer, which is still the one of this thread.
        return unquote(reverse(match.view_name, args=match.args, kwargs=match.kwargs)) == request.path_info
    except NoReverseMatch:
        return False


def is_like_any_other(request: HttpRequest) -> bool:
    """Return whether nothing sets this visitor apart: no session, and so no message that waits."""
    return settings.SESSION_COOKIE_NAME not in request.COOKIES


def for_everyone(view: View) -> View:
    """Let KeptPagesMiddleware keep what `view` shows to visitors like any other."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Read before the rows of the page: what is kept may be newer than its version says, never older.
        version: UUID | None = request.site_version  # type: ignore[attr-defined]
        response = view(request, *args, **kwargs)
        response.made_of = version  # type: ignore[attr-defined]
        return response

    return shown
