"""Whether who is signed in has shown the second factor, asked at each request: the session may be older."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from allauth.mfa.adapter import get_adapter
from allauth.mfa.utils import is_mfa_enabled
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

GetResponse = Callable[[HttpRequest], HttpResponse]

# What somebody who still owes the second factor needs in order to show it, or to leave.
_WAYS_IN = {
    "account_login",
    "account_logout",
    "account_inactive",
    "account_reauthenticate",
    "mfa_authenticate",
    "mfa_login_webauthn",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "forgotten_password",
    "choose_password",
}


def is_missing(request: HttpRequest) -> bool:
    """Return whether the account that is signed in has no second factor, where this installation asks for one."""
    return settings.SECOND_FACTOR and not is_mfa_enabled(request.user)


def is_owed(request: HttpRequest) -> bool:
    """Return whether this installation asks for the second factor, and this very session has not shown it."""
    return settings.SECOND_FACTOR and not was_shown(request)


def was_shown(request: HttpRequest) -> bool:
    """Return whether this very session has shown a second factor of the account that is signed in."""
    return any(record["method"] == "mfa" for record in get_authentication_records(request, request.user))


def ask(path: str) -> HttpResponse:
    """Lead to where the second factor is shown, and from there on to `path`."""
    return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': path})}")


class SecondFactorMiddleware:
    """Keeps the pages of the account from who knows its password alone: they turn the second factor off."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        if not match or "account" not in match.route.split("/")[:2] or match.url_name in _WAYS_IN:
            return None
        if request.user.is_authenticated and is_owed(request) and not is_missing(request):
            return ask(request.get_full_path() if request.method == "GET" else reverse("mfa_index"))
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Say that no key reads the recovery codes, instead of a page for a broken server."""
        match = request.resolver_match
        if not isinstance(exception, InvalidToken) or not match or "recovery_codes" not in (match.url_name or ""):
            return None
        messages.error(request, get_adapter().error_messages["unreadable_code"])
        return redirect("mfa_index")
