"""Whose try it is that counts: the last address that no proxy of ours vouches for."""

from typing import Any

import pytest
from django.test import RequestFactory

from booking import client


@pytest.mark.parametrize(
    ("remote", "forwarded", "caller"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "unknown"),
        ("10.0.0.1", "198.51.100.1, nonsense", "unknown"),
        ("10.0.0.1", " , 198.51.100.1 ,, ", "198.51.100.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("", "198.51.100.1", "unknown"),
    ],
    ids=[
        *("no proxy", "a proxy", "a header of one's own", "two proxies", "no header", "nonsense"),
        *("nonsense from the proxy", "empty hops", "a proxy by IPv4 in IPv6", "a proxy's address", "a socket"),
    ],
)
def test_a_caller_cannot_choose_an_address(settings: Any, remote: str, forwarded: str, caller: str) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]

    assert client.address(RequestFactory().get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)) == caller


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:cb00:7109", "203.0.113.9"),
        ("64:ff9b::203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
    ids=[
        *("IPv4", "IPv6", "IPv6 next door", "IPv4 in IPv6", "IPv4 in IPv6 by digits", "IPv4 by a translator"),
        *("a link's own", "no address"),
    ],
)
def test_one_connection_counts_as_one_caller(address: str, name: str) -> None:
    assert client.caller(RequestFactory().get("/", REMOTE_ADDR=address)) == name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        *((text, "203.0.113.5") for text in ("203.0.113.5:1234", "203.0.113.5:80", ' "203.0.113.5:1" ')),
        *((text, "203.0.113.5") for text in ("::ffff:203.0.113.5", "[::ffff:203.0.113.5]:443")),
        *((text, "2001:db8::/64") for text in ("2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443")),
        *(
            (text, "2001:db8::/64")
            for text in ('"[2001:db8::1]:443"', "2001:DB8:0:0:0::1", "[2001:db8::1%eth0]:1")
        ),
        *((text, "unknown") for text in ("203.0.113.5:junk", "203.0.113.5:1:2", "_hidden", "203.0.113.005")),
        *((text, "unknown") for text in ("[203.0.113.5", "203.0.113.5 x", "[]:1", "9" * 8000, "203.0.113.256")),
    ],
)
def test_a_caller_behind_a_proxy_is_one_however_it_is_written(settings: Any, written: str, name: str) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=written)

    assert client.caller(request) == name


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("203.0.113.9", ("203.0.113.9",)),
        ("::ffff:203.0.113.9", ("203.0.113.9",)),
        ("2001:db8:1:2ff::1", ("2001:db8:1:2ff::/64", "2001:db8:1:200::/56", "2001:db8:1::/48")),
        ("unknown", ("unknown",)),
    ],
    ids=["IPv4", "IPv4 in IPv6", "IPv6", "no address"],
)
def test_a_caller_counts_in_each_network_that_one_line_may_have(address: str, names: tuple[str, ...]) -> None:
    assert client.networks(RequestFactory().get("/", REMOTE_ADDR=address)) == names
