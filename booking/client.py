"""Who is calling: the address that rate limits count by, and the browser session that a hold belongs to."""

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

from booking import access_log
from booking.encryption import lookup_hash
from practice.proxies import is_trusted


class CallerMiddleware:
    """Let the access log know from which network the request comes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with access_log.calling_from(address(request)):
            return self.get_response(request)


def address(request: HttpRequest) -> str:
    """Return the caller's IP address: the last one in X-Forwarded-For that is not one of TRUSTED_PROXIES.

    The header is read only where the connection itself comes from such a proxy; anyone can write one.
    """
    caller: str = request.META.get("REMOTE_ADDR") or "unknown"
    forwarded = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    while forwarded and is_trusted(caller):
        caller = forwarded.pop()
    return caller


def caller(request: HttpRequest) -> str:
    """Return under which name the caller counts: the address, or of IPv6 the /64 that one connection has."""
    here = address(request)
    try:
        known = ip_address(here)
    except ValueError:
        return here
    if not isinstance(known, IPv6Address):
        return here
    return str(known.ipv4_mapped or ip_network((known, 64), strict=False))


def visitor(request: HttpRequest) -> str:
    """Return a keyed hash that stands for this browser session, which is begun where there is none yet."""
    if "visitor" not in request.session:
        request.session["visitor"] = uuid4().hex
    return lookup_hash("visitor", request.session["visitor"])


def known_visitor(request: HttpRequest) -> str:
    """Return the hash of this browser session, or "" where none was begun: looking around sets no cookie."""
    return visitor(request) if "visitor" in request.session else ""
