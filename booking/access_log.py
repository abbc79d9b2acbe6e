"""The log of who saw or changed a family's data, which only grows (in the spirit of NEN 7513)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import QuerySet

from booking import guards
from booking.errors import Busy, NoRoom
from booking.models import AccessEntry, Action, Actor

# The network of whoever is being answered; written down of therapists and managers alone.
_network: ContextVar[str] = ContextVar("network", default="")


def network_of(address: str) -> str:
    """Return the network that an IP address is in, /24 of IPv4 and /48 of IPv6; "" for what is no address."""
    try:
        known = ip_address(address)
    except ValueError:
        return ""
    if isinstance(known, IPv6Address):
        if known.ipv4_mapped is None:
            return str(ip_network((int(known), 48), strict=False))
        known = known.ipv4_mapped
    return str(ip_network((str(known), 24), strict=False))


@contextmanager
def calling_from(address: str) -> Iterator[None]:
    """Write down the network of `address` with all that therapists and managers do inside."""
    token = _network.set(network_of(address))
    try:
        yield
    finally:
        _network.reset(token)


def record(
    action: str,
    appointments: Iterable[UUID | None],
    *,
    by: Actor,
    at: datetime,
    account: User | None = None,
) -> None:
    """Write down that `by` (with `account`, of a therapist or manager) did `action` at `at` (UTC) with each of
    `appointments` (public ids): one statement, and none where there are none.

    The network of the caller goes with what a therapist did. With all else, also with what the program does by
    itself because a parent asked for it, goes none. Raises Busy where the log cannot be written now; then nothing
    may be shown.
    """
    kept_until = at + timedelta(days=settings.ACCESS_LOG_DAYS)
    network = _network.get() if by == Actor.THERAPIST else ""
    account_id = account.pk if account else None
    entries = [
        AccessEntry(
            at=at,
            actor=by,
            account_id=account_id,
            action=action,
            appointment=appointment,
            network=network,
            kept_until=kept_until,
        )
        for appointment in appointments
    ]
    try:
        AccessEntry.objects.bulk_create(entries)
    except OperationalError as error:
        if guards.contended(error):
            raise Busy from error
        if guards.full(error):
            raise NoRoom from error
        raise


def looks_at(appointment: UUID) -> QuerySet[AccessEntry]:
    """Return who looked at the family of `appointment` (public id), the first look first."""
    return AccessEntry.objects.filter(appointment=appointment).exclude(action__in=Action.values).order_by("at")


def forget_old(*, now: datetime) -> int:
    """Delete what is past its term (ACCESS_LOG_DAYS when it was written), and return how many that were."""
    return AccessEntry.objects.filter(kept_until__lte=now).delete()[0]


def forget_networks() -> int:
    """Empty the network of each entry that no therapist made, and return how many had one.

    New entries have none; those of a restored backup do, and those of an older version that still serves while
    this one is deployed.
    """
    return AccessEntry.objects.exclude(actor=Actor.THERAPIST).exclude(network="").update(network="")
