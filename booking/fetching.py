"""Fetching what stands at an address that somebody filled in, without being led astray by it.

Only public addresses are asked, and the very address that was looked at is the one connected to: a name that
answers differently the second time (DNS rebinding) reaches nothing inside. Little is taken, and for a short while.
"""

import socket
import ssl
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPException
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from threading import Timer
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from django.conf import settings
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError
from urllib3.util import make_headers

from booking.models import FetchFailure

LARGEST = 5 * 1024 * 1024
MOST_REDIRECTS = 3
DEADLINE_SECONDS = 20.0
_PIECE = 16 * 1024
_REFUSALS = {401, 403, 404, 410}
_REDIRECTS = {301, 302, 303, 307, 308}
_USER_AGENT = "Kennismaking (calendar reader)"
# Longer than any name (RFC 1035 §2.3.4) and any address that a calendar service gives out. Before anything else:
# urlsplit normalises a name, and Python's IDNA takes a time that grows with the square of its length.
LONGEST_HOST, LONGEST_URL = 253, 2000
# IPv6 addresses that stand for an IPv4 one, which is what counts (RFC 6052 §2.1, RFC 3056 §2).
_NAT64, _SIX_TO_FOUR = IPv6Network("64:ff9b::/96"), IPv6Network("2002::/16")
# All that is public; outside it stand old ways to write an IPv4 address, places of one site (RFC 4291 §2.4), NAT64
# for local use (64:ff9b:1::/48), the discard prefix (100::/64) and segment routing (5f00::/16).
_PUBLIC_IPV6 = IPv6Network("2000::/3")
# What IANA's registries of special-purpose addresses hold besides, of November 2026, private or not: no calendar
# is there, and what a version of Python calls global follows these registries years later. NAT64 prefixes of a
# network's own cannot be told from other addresses.
_SPECIAL_IPV4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by the customers of a provider
        "127.0.0.0/8",  # this machine
        "169.254.0.0/16",  # this link, and what clouds tell their machines
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments: DS-Lite, NAT64 discovery, PCP, TURN
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and the limited broadcast
    )
]
_SPECIAL_IPV6 = [
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, AMT, AS112, ORCHID, DRIP
        "2001:db8::/32",  # documentation
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
]


class FetchFailed(Exception):
    """Nothing could be fetched; `failure` says why. The address, which is a secret, is not in it."""

    def __init__(self, failure: FetchFailure) -> None:
        super().__init__(failure)
        self.failure = failure


def fetch(url: str) -> bytes:
    """Return what stands at `url` (http, https, or webcal, which is https here). Raises FetchFailed."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    parts = _checked(url)
    for _redirect in range(MOST_REDIRECTS + 1):
        try:
            content, elsewhere = _ask(parts, deadline)
        except (OSError, HTTPError, HTTPException, zlib.error, ValueError) as error:
            late = isinstance(error, TimeoutError) or time.monotonic() >= deadline
            raise FetchFailed(FetchFailure.TOO_SLOW if late else FetchFailure.UNREACHABLE) from error
        if time.monotonic() >= deadline:
            # Cut off by us, which looks just like an answer that ended by itself.
            raise FetchFailed(FetchFailure.TOO_SLOW)
        if elsewhere is None:
            return content
        following = _checked(elsewhere, base=parts.geturl())
        if parts.scheme == "https" and following.scheme != "https":
            raise FetchFailed(FetchFailure.FORBIDDEN)
        parts = following
    raise FetchFailed(FetchFailure.UNREACHABLE)


def _checked(url: str, *, base: str = "") -> SplitResult:
    """Return the address `url`, seen from `base`, as it is asked; refuse what is none, or leads to another kind of
    service."""
    if len(url) > LONGEST_URL:
        raise FetchFailed(FetchFailure.UNREACHABLE)
    try:
        parts = urlsplit(urljoin(base, url))
        port = parts.port
    except ValueError as error:
        raise FetchFailed(FetchFailure.UNREACHABLE) from error
    if parts.scheme == "webcal":
        parts = parts._replace(scheme="https")
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(parts.hostname) > LONGEST_HOST:
        raise FetchFailed(FetchFailure.UNREACHABLE)
    # Mail servers and the like answer on low ports of their own.
    if port is not None and port < 1024 and port not in {80, 443}:
        raise FetchFailed(FetchFailure.FORBIDDEN)
    return parts


def _ask(parts: SplitResult, deadline: float) -> tuple[bytes, str | None]:
    """Return what the address answers, or where it leads to instead."""
    with _connected(parts, deadline) as connection:
        headers = {
            "Host": parts.netloc.rpartition("@")[2],
            "Accept": "text/calendar",
            "Accept-Encoding": "gzip",
            "User-Agent": _USER_AGENT,
        }
        if parts.username is not None:
            headers |= make_headers(basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
        target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        connection.request("GET", target, headers=headers, preload_content=False, decode_content=False)
        with closing(connection.getresponse()) as response:
            if response.status in _REDIRECTS:
                return b"", response.headers.get("Location", "")
            if response.status in _REFUSALS:
                raise FetchFailed(FetchFailure.REFUSED)
            if response.status != 200:
                raise FetchFailed(FetchFailure.UNREACHABLE)
            pieces: Iterator[bytes] = response.stream(_PIECE, decode_content=False)
            if response.headers.get("Content-Encoding", "").lower() == "gzip":
                pieces = _unpacked(pieces)
            return _limited(pieces), None


@contextmanager
def _connected(parts: SplitResult, deadline: float) -> Iterator[HTTPConnection]:
    """Give a connection to the address, cut off at `deadline`: a server that drips bytes keeps no one waiting."""
    assert parts.hostname is not None
    host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    found = _public_address(host, port)
    connection = HTTPConnection(found, port, timeout=max(deadline - time.monotonic(), 0.001))
    sock = socket.create_connection((found, port), timeout=connection.timeout)
    if parts.scheme == "https":
        # Hands are shaken below, where the deadline holds: a server can drip there too.
        context = ssl.create_default_context()
        sock = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    connection.sock = sock
    timer = Timer(max(deadline - time.monotonic(), 0.001), _cut_off, [sock])
    timer.daemon = True
    timer.start()
    try:
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
        yield connection
    finally:
        timer.cancel()
        connection.close()


def _cut_off(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _public_address(host: str, port: int) -> str:
    """Return the address of `host`; raises FetchFailed where any that it has is not to be asked."""
    found = {info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    addresses = [ip_address(str(text).partition("%")[0]) for text in found]
    if not addresses or not all(_may_ask(address) for address in addresses):
        raise FetchFailed(FetchFailure.FORBIDDEN)
    # IPv4 first: a machine without IPv6 cannot use the other, and every public calendar has this one.
    return str(min(addresses, key=lambda address: address.version))


def _may_ask(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return _may_ask(address.ipv4_mapped)
        if address in _NAT64:
            return _may_ask(IPv4Address(int(address) & 0xFFFFFFFF))
        if address in _SIX_TO_FOUR:
            return _may_ask(IPv4Address(int(address) >> 80 & 0xFFFFFFFF))
    if any(address in ip_network(network) for network in settings.CALENDAR_NETWORKS):
        return True
    if isinstance(address, IPv6Address):
        special = address not in _PUBLIC_IPV6 or any(address in network for network in _SPECIAL_IPV6)
    else:
        special = any(address in network for network in _SPECIAL_IPV4)
    return not special and address.is_global and not address.is_multicast


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what the gzipped `pieces` hold, never much at once: a small file can unpack to a huge one."""
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    for piece in pieces:
        while piece:
            yield unpacker.decompress(piece, _PIECE)
            piece = unpacker.unconsumed_tail
    if not unpacker.eof:
        raise zlib.error("cut short")


def _limited(pieces: Iterator[bytes]) -> bytes:
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > LARGEST:
            raise FetchFailed(FetchFailure.TOO_LARGE)
    return bytes(content)
