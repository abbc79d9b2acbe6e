"""How long a session opens the agenda: some hours without a request, and a day at most (OWASP ASVS 5.0, 7.3)."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

GetResponse = Callable[[HttpRequest], HttpResponse]

_KEY = "age"
# Written down no oftener than this many seconds, since each time is a write to the database.
_WRITTEN_EVERY = 300
# Seconds by which the clocks of several machines may differ.
_CLOCKS_DIFFER = 300
_BEHIND_SIGN_IN = {"account", "agenda", "beheer"}


def begin(request: HttpRequest) -> None:
    """Let the session's time begin: somebody signs in."""
    now = int(time.time())
    request.session[_KEY] = {"began": now, "seen": now}


class SessionAgeMiddleware:
    """Signs out whoever was away for SESSION_IDLE_HOURS, or signed in SESSION_MOST_HOURS ago.

    A browser that restores its windows brings back a session that should have gone with them, and the tablet in
    the consulting room may never be closed.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        # Pages for everyone are the same for everyone: they look at no session.
        route = request.resolver_match.route if request.resolver_match else ""
        if _BEHIND_SIGN_IN & set(route.split("/")[:2]) and settings.SESSION_COOKIE_NAME in request.COOKIES:
            _look_at(request)


def _look_at(request: HttpRequest) -> None:
    age, now = request.session.get(_KEY), int(time.time())
    if not age:
        return
    idle, most = settings.SESSION_IDLE_HOURS * 3600, settings.SESSION_MOST_HOURS * 3600
    # What lies ahead was written by a clock that ran ahead, and would stay open until that day.
    ahead = max(age["seen"], age["began"]) > now + _CLOCKS_DIFFER
    if ahead or now - age["seen"] >= idle or now - age["began"] >= most:
        logout(request)
        messages.info(request, _("You were signed out, to keep the families' data safe. Please sign in again."))
    elif now - age["seen"] >= _WRITTEN_EVERY:
        request.session[_KEY] = {**age, "seen": now}
