"""How often one caller may try something, counted exactly on both engines and shared by all processes."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import F, Q

from booking import guards, slips
from booking.encryption import lookup_hash
from booking.errors import Busy, NoRoom, TooManyRequests
from booking.models import RateCounter
from practice.mail_addresses import deliverable, with_letters

security = logging.getLogger("security")
# What one line has at some providers, a phone's share of the air at others: so it is no whole wall (decision 55).
_WIDER = 4


# For what is counted and refuses nobody by itself.
UNLIMITED = 1 << 40


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` tries of `name` by one caller in each window of `window`.

    A caller with several names, the narrowest network first, may try four times as often in each wider one.
    """

    name: str
    most: int
    window: timedelta

    def each(self, caller: str | Sequence[str]) -> list[tuple[str, int]]:
        """Return each name of `caller`, and how many tries it has."""
        names = [caller] if isinstance(caller, str) else caller
        return [(name, self.most * _WIDER**step) for step, name in enumerate(names)]


HOLDS = Limit("hold", 120, timedelta(hours=1))
BOOKINGS = Limit("booking", 120, timedelta(hours=1))
# Each of these is a mail to an address that a visitor only typed.
BOOKINGS_PER_MAIL = Limit("booking-mail", 6, timedelta(days=1))
# A domain of one's own has as many mailboxes as one likes; those of the large providers are not counted.
BOOKINGS_PER_DOMAIN = Limit("booking-domain", 20, timedelta(days=1))
MOVES_PER_MAIL = Limit("move-mail", 10, timedelta(days=1))
# Whether a link from a mail was opened, while that still decides something.
LINK_OPENED = Limit("link-opened", 1, timedelta(days=1))
DEAD_LINKS = Limit("dead-link", 30, timedelta(hours=1))
ANSWERS = Limit("answer", 5, timedelta(hours=1))
# Each of these is a line in the access log, which is kept for years.
LOGGED = Limit("logged", 60, timedelta(hours=1))
# Five fields, each left some times, of all the families behind one address of a school or a provider.
FIELDS = Limit("field", 600, timedelta(minutes=10))
SIGN_IN = Limit("sign-in", 20, timedelta(minutes=10))
# Wrong ones: of one account from one address, and of one account.
PASSWORDS = Limit("password", 5, timedelta(minutes=5))
CODES = Limit("code", 5, timedelta(minutes=5))
# Of an app's code, by the half minute for which it was made; of a recovery code, by itself.
USED_CODES = Limit("used-code", 1, timedelta(hours=1))
PASSWORD_LINKS = Limit("password-link", 5, timedelta(hours=1))
API = Limit("api", 600, timedelta(minutes=10))
_WITHOUT_DOTS = {"gmail.com", "googlemail.com"}
# Below these endings it is the third name that somebody registers: example.co.uk.
_SECOND_LEVEL = {"ac", "co", "com", "edu", "gov", "net", "org"}


def count(limit: Limit, caller: str | Sequence[str], *, now: datetime) -> None:
    """Count one try of `limit` by `caller` (a mailbox, or the networks of `client.networks`; only keyed hashes are
    kept).

    Outside a transaction every try counts, the refused ones too. Inside one only what comes to be counts, and
    those who count the same wait for one another until the transaction ends.
    Raises TooManyRequests when the try is one too many, or Busy.
    """
    count_each([(limit, caller)], now=now)


def count_each(tried: Sequence[tuple[Limit, str | Sequence[str]]], *, now: datetime) -> list[int]:
    """As `count`, for several limits by one statement; return how often each name was tried in its window.

    Whoever counts several of them in a transaction has to name them in one order, or two could wait for each
    other.
    """
    if not settings.RATE_LIMITS:
        return []
    names = [(limit, name, most) for limit, caller in tried for name, most in limit.each(caller)]
    counted = _add([(limit, name) for limit, name, _ in names], now)
    for number, (limit, _, most) in zip(counted, names, strict=True):
        if number > most:
            raise refusal(limit, now=now)
    return counted


def give_back(limit: Limit, caller: str | Sequence[str], *, now: datetime) -> None:
    """Take back one try of `limit` by `caller` that was counted at the same `now`: it was no guess, but right.

    To count first and take back is one step for each try, however many come at once; to look first and count what
    was wrong would let all of them pass that look at the same moment.
    """
    if settings.RATE_LIMITS:
        keys = [lookup_hash("rate", limit.name, name) for name, _ in limit.each(caller)]
        counted = RateCounter.objects.filter(key__in=keys, window_start=_window_start(limit, now), count__gt=0)
        # Nobody is to read of an error about what was right: rather one try stays counted.
        with suppress(OperationalError):
            counted.update(count=F("count") - 1)


def take_turn(name: str, whose: str) -> None:
    """Let nobody else who takes the turn of `whose` for `name` go on, until the caller's transaction ends: what is
    counted meanwhile in any table stays true. Raises OperationalError where that takes too long."""
    # SQLite lets one transaction write at a time by itself.
    if connection.vendor == "postgresql":
        number = int(lookup_hash("turn", name, whose)[:16], 16) - 2**63
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def refuse_exhausted(limit: Limit, caller: str | Sequence[str], *, now: datetime) -> None:
    """Raise TooManyRequests where `caller` has used up `limit`, without counting a try.

    This spares the work and decides nothing: what is looked for is to be counted all the same, in one step.
    """
    if not settings.RATE_LIMITS:
        return
    used_up = Q()
    for name, most in limit.each(caller):
        used_up |= Q(key=lookup_hash("rate", limit.name, name), count__gte=most)
    if RateCounter.objects.filter(used_up, window_start=_window_start(limit, now)).exists():
        raise refusal(limit, now=now)


def refusal(limit: Limit, *, now: datetime) -> TooManyRequests:
    """Return what whoever has used up `limit` is told: to come back when its window ends. Written down: nobody's
    name, and which limit."""
    security.warning("limit reached: %s", limit.name)
    seconds = int((_window_start(limit, now) + limit.window - now).total_seconds()) + 1
    return TooManyRequests(seconds, of_mailbox=limit in {BOOKINGS_PER_MAIL, BOOKINGS_PER_DOMAIN})


def mailbox(email: str) -> str:
    """Return under which name a mail address counts, however it is spelled: capitals and a "+tag" (RFC 5233) reach
    the same mailbox, and at Google's so do dots."""
    return _named(deliverable(email))


def mailboxes(email: str) -> list[str]:
    """Return `mailbox(email)`, and under which name it counted before domains had one spelling, where that was
    another one and nobody else's."""
    before = _named(with_letters(deliverable(email)))
    return [mailbox(email), *([] if before.isascii() else [before])]


def _named(address: str) -> str:
    local, _, domain = address.casefold().rpartition("@")
    name = local.partition("+")[0]
    return f"{name.replace('.', '')}@gmail.com" if domain in _WITHOUT_DOTS else f"{name}@{domain}"


def shares(email: str) -> list[tuple[Limit, str]]:
    """Return what a booking for the mail address `email` counts as: one of its mailbox, and of its domain."""
    return [
        (BOOKINGS_PER_MAIL, mailbox(email)),
        *((BOOKINGS_PER_DOMAIN, domain) for domain in domains(email)),
    ]


def domains(email: str) -> list[str]:
    """Return the registered domain of the mail address `email`, for all that stands below it; none where it is
    nobody's own."""
    domain = email.casefold().rpartition("@")[2]
    if not slips.can_be_ones_own(domain):
        return []
    labels = domain.split(".")
    deep = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return [".".join(labels[-3 if deep else -2 :])]


def mark(limit: Limit, caller: str, *, now: datetime) -> None:
    """Note that `caller` did what `limit` names, with limits switched off too. Raises Busy."""
    _add([(limit, caller)], now)


def is_marked(limit: Limit, caller: str, *, now: datetime) -> bool:
    """Return whether that was noted in this window or the one before it."""
    since = _window_start(limit, now) - limit.window
    key = lookup_hash("rate", limit.name, caller)
    return RateCounter.objects.filter(key=key, window_start__gte=since).exists()


def forget_old(*, now: datetime) -> None:
    """Delete the counters of windows that ended long ago."""
    RateCounter.objects.filter(window_start__lt=now - timedelta(days=2)).delete()


def _window_start(limit: Limit, now: datetime) -> datetime:
    seconds = int(limit.window.total_seconds())
    return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)


def _add(tried: Sequence[tuple[Limit, str]], now: datetime) -> list[int]:
    """Count one try of each, and return how often each was tried in its window."""
    try:
        return _upsert(tried, now)
    except OperationalError as error:
        if guards.contended(error):
            raise Busy from error
        if guards.full(error):
            raise NoRoom from error
        raise


def _upsert(tried: Sequence[tuple[Limit, str]], now: datetime) -> list[int]:
    table = RateCounter._meta.db_table
    keys = [lookup_hash("rate", limit.name, caller) for limit, caller in tried]
    values: list[Any] = []
    for key, (limit, _) in zip(keys, tried, strict=True):
        values += [key, connection.ops.adapt_datetimefield_value(_window_start(limit, now))]
    with transaction.atomic(), connection.cursor() as cursor:
        # One statement, so that two callers at once are both counted: cache.incr loses some of them here.
        cursor.execute(
            f"INSERT INTO {table} (key, window_start, count) "  # noqa: S608
            f"VALUES {', '.join(['(%s, %s, 1)'] * len(keys))} "
            f"ON CONFLICT (key, window_start) DO UPDATE SET count = {table}.count + 1 "
            "RETURNING key, count",
            values,
        )
        # SQLite gives them in any order.
        found = dict(cursor.fetchall())
        return [int(found[key]) for key in keys]
