"""Whose word is taken for something about a request that cannot be seen: our own proxies'."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings

# What stands for an address that cannot be read, whatever was written in its place.
UNKNOWN = "unknown"
# An address with its zone, in brackets, with a port.
_LONGEST = 80
# Where a network speaks IPv6 alone, callers by IPv4 arrive under these addresses (RFC 6052).
_TRANSLATED = ip_network("64:ff9b::/96")


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
