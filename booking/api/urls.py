"""Where the API lives, and the guard around each of its addresses."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language, get_language_from_request, override
from django.views.decorators.csrf import csrf_exempt

from booking import client, rate_limits
from booking.api import calls, pages, problems, token_calls
from booking.api.documented import api
from booking.api.problems import Problem
from practice.middleware import without_practice

View = Callable[..., HttpResponse]
app_name = "api"
api.add_router("", calls.router)
api.add_router("", token_calls.router)


def _unknown(request: HttpRequest) -> HttpResponse:
    raise Http404


def _guarded(view: View) -> View:
    """Count the call, answer in the caller's language, and turn every error into a problem.

    Each address here passes through it, known or not, so that no call ever gets a page meant for people.
    """

    # No cookie opens anything here, so there is nothing to forge. And the practice is read within the call: a
    # database that is away is a problem like any other.
    @csrf_exempt
    @without_practice
    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with override(get_language_from_request(request)):
            try:
                response = _answer(request, view, *args, **kwargs)
            except Exception as error:  # noqa: BLE001 - the outermost there is; problems.of logs what is ours
                response = problems.of(request, error).response()
            response["Content-Language"] = get_language() or ""
        patch_vary_headers(response, ["Accept-Language"])
        response["Cache-Control"] = "no-store"
        response["X-Robots-Tag"] = "noindex"
        return response

    return answered


def _answer(request: HttpRequest, view: View, *args: Any, **kwargs: Any) -> HttpResponse:
    if settings.HTTPS and not request.is_secure():
        raise Problem("https-required")
    rate_limits.count(rate_limits.API, client.networks(request), now=timezone.now())
    asked = request.method
    try:
        if asked == "HEAD":
            # As a GET (RFC 9110 §9.3.2), which Ninja does not know; the server leaves the content out.
            request.method = "GET"
        response = view(request, *args, **kwargs)
    finally:
        request.method = asked
    if response.status_code == 405:
        allowed = ("GET", "HEAD") if "GET" in response["Allow"] else ("POST",)
        raise Problem("method-not-allowed", headers={"Allow": ", ".join(allowed)})
    return response


def _patterns() -> list[URLPattern]:
    patterns = [
        path("docs", pages.docs, name="docs"),
        path("problems/<slug:name>", pages.problem, name="problem"),
        *(pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern)),
        re_path("", _unknown),
    ]
    for pattern in patterns:
        pattern.callback = _guarded(pattern.callback)
    return patterns


urlpatterns = _patterns()
