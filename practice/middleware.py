"""What every request gets: the practice and its clock, headers that switch off what no page uses, compression."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseNotFound
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.functional import SimpleLazyObject

from practice import request_ids
from practice.models import Practice
from practice.proxies import ALONE

GetResponse = Callable[[HttpRequest], HttpResponse]
View = Callable[..., HttpResponse]

_UNUSED = (
    "accelerometer", "autoplay", "browsing-topics", "camera",
    "display-capture", "encrypted-media", "fullscreen", "geolocation", "gyroscope", "hid",
    "identity-credentials-get", "idle-detection", "local-fonts", "magnetometer", "microphone", "midi",
    "otp-credentials", "payment", "picture-in-picture", "screen-wake-lock", "serial", "storage-access",
    "usb", "xr-spatial-tracking",
)  # fmt: skip

_BEHIND_SIGNING_IN = {"account", "agenda", "beheer"}


class LastSeen:
    """The practice as this process last read it: the pages for a broken server still show its phone number."""

    practice: Practice | None = None


def _load(request: HttpRequest) -> Practice:
    """Return the practice, and set `request.site_version`: in one query, so that they belong together."""
    practice = LastSeen.practice = Practice.load()
    request.site_version = practice.site_version  # type: ignore[attr-defined]
    return practice


def without_practice(view: View) -> View:
    """Mark `view` as one that needs neither the practice nor its clock, and so no database."""
    view.needs_no_practice = True  # type: ignore[attr-defined]
    return view


class RequestIdMiddleware:
    """Gives the request the name by which all its lines in the logs are found, and tells it in X-Request-ID.

    One of our own proxies may have given it one already, in the header of the same name (`ProxiesMiddleware`).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request_ids.begin(request.META.get("HTTP_X_REQUEST_ID", ""))
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


class ProbesMiddleware:
    """Answers probes itself, before the middleware below asks for a name, for https or for a language.

    They come by the number of a machine over plain http, and each of these would be one more thing to go wrong.
    What comes in by METRICS_PORT gets no further than this.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # The port of the socket that it came in by; no header changes that.
        inside = request.META["SERVER_PORT"] == str(settings.METRICS_PORT)
        try:
            match = resolve(request.path_info, "booking.metrics_urls" if inside else "booking.probe_urls")
        except Resolver404:
            return HttpResponseNotFound() if inside else self.get_response(request)
        response: HttpResponse = match.func(request)
        # What the middleware below would have added: without a length the answer goes out in chunks.
        response["Content-Length"] = str(len(response.content))
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = ALONE
        return response


class NotAllowedMiddleware:
    """Gives a page to who asks for an address in a way that it has no answer to: Django's own answer is blank.

    To TRACE nothing has one; views of libraries would answer it as GET.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def process_view(self, request: HttpRequest, view: View, args: Any, kwargs: Any) -> HttpResponse | None:
        # The API refuses it in its own form.
        if request.method == "TRACE" and _place(request)[0] != "api":
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        return None

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.content:
            return response
        page = render(request, "405.html", status=405)
        page["Allow"] = response["Allow"]
        return page


def _place(request: HttpRequest) -> tuple[str, str]:
    """Return the first part of the route that answered, the language left out, and what comes behind it."""
    route = request.resolver_match.route if request.resolver_match else ""
    language, _, rest = route.partition("/")
    part, _, behind = (rest if language in dict(settings.LANGUAGES) else route).partition("/")
    return part, behind


class CompressionMiddleware(GZipMiddleware):
    """Compresses what goes to visitors and families, and nothing behind signing in (decision 38)."""

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        return (
            response if _place(request)[0] in _BEHIND_SIGNING_IN else super().process_response(request, response)
        )


class PrivatePagesMiddleware:
    """Keeps pages of accounts, of the admin, of the agenda and of who books out of caches and search engines.

    Refusals and redirects too: some show secrets and names, and some have addresses that do.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        part, behind = _place(request)
        # The list of times is for everyone; what comes behind it is for one family.
        if part in _BEHIND_SIGNING_IN or (part == "afspraak" and behind):
            # A feed may be kept by the calendar that reads it, and says so itself.
            if not response.has_header("Cache-Control"):
                add_never_cache_headers(response)
            response["X-Robots-Tag"] = "noindex"
        return response


class PracticeMiddleware:
    """Sets `request.practice`, and shows every time of the answer in the practice's own zone."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.practice = SimpleLazyObject(lambda: _load(request))  # type: ignore[attr-defined]
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(self, request: HttpRequest, view: View, args: Any, kwargs: Any) -> None:
        if not getattr(view, "needs_no_practice", False):
            timezone.activate(request.practice.zone)  # type: ignore[attr-defined]


class PermissionsPolicyMiddleware:
    """Tells browsers that no page here uses a camera, a place or a payment, and that no other site embeds us."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Permissions-Policy"] = ", ".join(f"{feature}=()" for feature in _UNUSED)
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        return response
