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
        ("10.0.0.1", "nonsense", "nonsense"),
    ],
    ids=["no proxy", "a proxy", "a header of one's own", "two proxies", "no header", "nonsense"],
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
        ("unknown", "unknown"),
    ],
    ids=["IPv4", "IPv6", "IPv6 next door", "IPv4 in IPv6", "no address"],
)
def test_one_connection_counts_as_one_caller(address: str, name: str) -> None:
    assert client.caller(RequestFactory().get("/", REMOTE_ADDR=address)) == name
