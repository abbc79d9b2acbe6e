"""Whose word is taken for something about a request that cannot be seen: our own proxies'."""

from ipaddress import ip_address, ip_network

from django.conf import settings


def is_trusted(caller: str) -> bool:
    """Return whether `caller`, the address that a connection comes from, is one of TRUSTED_PROXIES."""
    try:
        here = ip_address(caller)
    except ValueError:
        # A socket path of a proxy on this machine, or nonsense that somebody put into the header.
        return caller in settings.TRUSTED_PROXIES
    return any(here in ip_network(proxy) for proxy in settings.TRUSTED_PROXIES if _is_network(proxy))


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
