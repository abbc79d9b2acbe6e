"""Who is calling: the address that rate limits count by, and the browser session that a hold belongs to."""

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

from booking import access_log
from booking.encryption import lookup_hash
from practice.proxies import UNKNOWN, is_trusted, plain


class CallerMiddleware:
    """Let the access log know from which network the request comes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with access_log.calling_from(address(request)):
            return self.get_response(request)


def address(request: HttpRequest) -> str:
    """Return the caller's IP address: the last one in X-Forwarded-For that is not one of TRUSTED_PROXIES.

    The header is read only where the connection itself comes from such a proxy; anyone can write one. Whatever is
    no address is `UNKNOWN`, so that all of it is one caller.
    """
    caller = plain(request.META.get("REMOTE_ADDR") or "")
    forwarded = [hop for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    while forwarded and is_trusted(caller):
        caller = plain(forwarded.pop())
    return caller


def caller(request: HttpRequest) -> str:
    """Return under which name the caller counts: the address, or of IPv6 the /64 that one connection has."""
    return networks(request)[0]


def networks(request: HttpRequest) -> tuple[str, ...]:
    """Return the names under which the caller counts, the narrowest first.

    Of IPv4 that is the address alone: its neighbours are other people's lines. Of IPv6 it is the /64, the /56 and
    the /48 around the address, since a provider gives one line any of these (RFC 6177).
    """
    here = address(request)
    if here == UNKNOWN or not isinstance(ip_address(here), IPv6Address):
        return (here,)
    return tuple(str(ip_network(f"{here}/{length}", strict=False)) for length in (64, 56, 48))


def line(request: HttpRequest) -> str:
    """Return a keyed hash that stands for the caller's line in rows: of the address, or of IPv6 the /56."""
    return lookup_hash("address", networks(request)[:2][-1])


def visitor(request: HttpRequest) -> str:
    """Return a keyed hash that stands for this browser session, which is begun where there is none yet."""
    if "visitor" not in request.session:
        request.session["visitor"] = uuid4().hex
    return lookup_hash("visitor", request.session["visitor"])


def known_visitor(request: HttpRequest) -> str:
    """Return the hash of this browser session, or "" where none was begun: looking around sets no cookie."""
    return visitor(request) if "visitor" in request.session else ""
