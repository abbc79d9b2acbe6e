"""System checks for what an operator can get wrong about booking."""

from collections.abc import Sequence
from contextlib import suppress
from email.utils import parseaddr
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import DatabaseError

from booking import keys
from booking.models import Parent
from practice.mail_addresses import NotAMailAddress, canonical

# This machine, and the link that it hangs on (RFC 6890), by version.
_INSIDE = {
    4: [ip_network("127.0.0.0/8"), ip_network("169.254.0.0/16"), ip_network("0.0.0.0/8")],
    6: [ip_network("::1/128"), ip_network("fe80::/10")],
}


def check_keys(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """System check, which every start asks for: the keys are keys, and those of this database."""
    if malformed := keys.malformed():
        return [Error(sentence, id="booking.E006") for sentence in malformed.values()]
    messages: list[CheckMessage] = []
    for alias in databases or []:
        # What cannot be asked now tells /readyz; families are shown the practice's phone number meanwhile.
        with suppress(DatabaseError):
            if keys.has_table(alias, Parent):
                messages += [Error(sentence, id="booking.E007") for sentence in keys.foreign(alias).values()]
    return messages


def check_keys_drawn(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Deploy check: nobody can guess the keys."""
    return [
        Error(sentence, hint="docs/operation.md says how to change it.", id="booking.E008")
        for sentence in keys.guessable().values()
    ]


def check_api_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """System check: whoever asks for integration keys has given some out."""
    if settings.API_BOOKING == "key" and not settings.API_KEYS:
        return [
            Warning(
                "Nobody can book through the API: API_BOOKING is `key` and API_KEYS is empty.",
                hint="Set API_KEYS, or API_BOOKING=off where no other software books.",
                id="booking.W001",
            )
        ]
    return []


def check_second_factor(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """System check: a password alone opens no real family's data."""
    if not settings.SECOND_FACTOR and not settings.DEMO:
        return [
            Error(
                "SECOND_FACTOR is off outside the demo.",
                hint="Take SECOND_FACTOR out of the environment; health data needs more than a password.",
                id="booking.E002",
            )
        ]
    return []


def check_rate_limits(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Deploy check: the switch for load tests is not left off."""
    if not settings.RATE_LIMITS:
        return [
            Error(
                "RATE_LIMITS is off: anyone may guess links and fill the diary as fast as they like.",
                hint="Take RATE_LIMITS out of the environment.",
                id="booking.E003",
            )
        ]
    return []


def check_api_open(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Deploy check: what other software may do here is what somebody decided."""
    if settings.API_BOOKING == "open":
        return [
            Warning(
                "API_BOOKING is open: any program may book, without a page in between.",
                hint="Set API_BOOKING=off, or =key and API_KEYS.",
                id="booking.W010",
            )
        ]
    short = settings.API_BOOKING == "key" and any(len(key) < 20 or len(set(key)) < 8 for key in settings.API_KEYS)
    return (
        [Error("API_KEYS holds a key that can be guessed: draw at least 20 characters.", id="booking.E010")]
        if short
        else []
    )


def check_sender(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """System check: mails can be written from the address that is given."""
    try:
        if settings.DEFAULT_FROM_EMAIL:
            canonical(parseaddr(settings.DEFAULT_FROM_EMAIL)[1])
    except NotAMailAddress:
        return [
            Error(
                f"FROM_EMAIL is {settings.DEFAULT_FROM_EMAIL!r}, which is no mail address: every mail would fail.",
                hint="Write afspraken@praktijk.example, or Afspraken <afspraken@praktijk.example>.",
                id="booking.E005",
            )
        ]
    return []


def check_calendar_networks(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """System check: the networks of one's own from which calendars are read are networks."""
    return [
        Error(
            f"CALENDAR_NETWORKS names {network!r}, which is no network.",
            hint="Write networks as 192.168.1.0/24 or fd12:3456::/32, separated by commas.",
            id="booking.E004",
        )
        for network in settings.CALENDAR_NETWORKS
        if not _is_network(network)
    ]


def check_calendars_elsewhere(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Deploy check: an address that a therapist fills in does not lead to this machine itself."""
    inside = [
        network
        for network in settings.CALENDAR_NETWORKS
        if _is_network(network)
        and any(ip_network(network).overlaps(here) for here in _INSIDE[ip_network(network).version])
    ]
    if inside:
        return [
            Warning(
                f"CALENDAR_NETWORKS holds {', '.join(inside)}: whoever fills in the address of a calendar can "
                "reach what listens on this very machine, and what a cloud tells its machines.",
                hint="Name the network of the calendar server alone.",
                id="booking.W005",
            )
        ]
    return []


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
