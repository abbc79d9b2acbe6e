"""Whose word is taken for something about a request that cannot be seen: our own proxies'."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest

# What stands for an address that cannot be read, whatever was written in its place.
UNKNOWN = "unknown"
# The policy of an answer of a few words, which loads nothing and stands in no frame.
ALONE = "default-src 'none'; frame-ancestors 'none'"
# An address with its zone, in brackets, with a port.
_LONGEST = 80
# Where a network speaks IPv6 alone, callers by IPv4 arrive under these addresses (RFC 6052).
_TRANSLATED = ip_network("64:ff9b::/96")

# By these a proxy tells what it saw, and nothing here reads them from anyone else.
_BELIEVED = {"HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_REQUEST_ID"}
# By these other software is told who asks, for what and how. Here they decide nothing, whoever sends them.
_NEVER_BELIEVED = {
    *("HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_X_CLIENT_IP", "HTTP_TRUE_CLIENT_IP", "HTTP_CF_CONNECTING_IP"),
    *("HTTP_SCRIPT_NAME", "HTTP_PATH_INFO", "HTTP_X_SCRIPT_NAME", "HTTP_X_ORIGINAL_URL", "HTTP_X_REWRITE_URL"),
    *("HTTP_FRONT_END_HTTPS", "HTTP_X_URL_SCHEME", "HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_METHOD_OVERRIDE"),
}

_OTHERS = _BELIEVED | _NEVER_BELIEVED


class ProxiesMiddleware:
    """Takes out of a request what its sender may not say, before anything reads it.

    And refuses one with a name of its own for the script: this site lives at the root of its host, so whoever
    gives one moves our addresses.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        said = request.META
        if said.get("SCRIPT_NAME"):
            # Nothing below adds its headers to this: so it has the strictest itself.
            refused = HttpResponseBadRequest(
                "This site has no script name.\n", content_type="text/plain; charset=utf-8"
            )
            refused["Content-Security-Policy"] = ALONE
            refused["X-Content-Type-Options"] = "nosniff"
            return refused
        believed = _BELIEVED if is_trusted(said.get("REMOTE_ADDR", "")) else set()
        for name in [name for name in said if name.startswith("HTTP_X_FORWARDED_") or name in _OTHERS]:
            if name not in believed:
                del said[name]
        if "HTTP_X_FORWARDED_PROTO" in said:
            # Of several the last is our own proxy's: what stands before it the visitor wrote.
            said["HTTP_X_FORWARDED_PROTO"] = said["HTTP_X_FORWARDED_PROTO"].rpartition(",")[2].strip()
        return self.get_response(request)


def is_trusted(caller: str) -> bool:
    """Return whether `caller`, the address that a connection comes from, is one of TRUSTED_PROXIES."""
    here = _read(caller)
    return here is not None and any(
        here in ip_network(proxy) for proxy in settings.TRUSTED_PROXIES if _is_network(proxy)
    )


def plain(text: str) -> str:
    """Return the IP address that a proxy or a socket wrote as `text`, in its one shortest form; UNKNOWN for what
    is none.

    A port, brackets, quotes and the zone of a link are left out (RFC 7239 §6); IPv4 within IPv6 is IPv4.
    """
    return str(_read(text) or UNKNOWN)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    bare = text[: _LONGEST + 1].strip(' \t"')
    if len(bare) > _LONGEST:
        return None
    if bare.startswith("["):
        bare, closed, port = bare[1:].partition("]")
        if not closed or (port and not (port[0] == ":" and _is_port(port[1:]))):
            return None
    elif bare.count(":") == 1:
        bare, _, port = bare.partition(":")
        if not _is_port(port):
            return None
    try:
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv4Address):
        return found
    return found.ipv4_mapped or (IPv4Address(int(found) & 0xFFFFFFFF) if found in _TRANSLATED else found)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
