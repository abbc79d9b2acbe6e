"""How often one caller may try something, counted exactly on both engines and shared by all processes."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Q

from booking import guards
from booking.encryption import lookup_hash
from booking.errors import Busy, TooManyRequests
from booking.models import RateCounter


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` tries of `name` by one caller in each window of `window`."""

    name: str
    most: int
    window: timedelta


HOLDS = Limit("hold", 120, timedelta(hours=1))
BOOKINGS = Limit("booking", 120, timedelta(hours=1))
# Each of these is a mail to an address that a visitor only typed.
BOOKINGS_PER_MAIL = Limit("booking-mail", 6, timedelta(days=1))
MOVES_PER_MAIL = Limit("move-mail", 10, timedelta(days=1))
# Whether a link from a mail was opened, while that still decides something.
LINK_OPENED = Limit("link-opened", 1, timedelta(days=1))
DEAD_LINKS = Limit("dead-link", 30, timedelta(hours=1))
ANSWERS = Limit("answer", 5, timedelta(hours=1))
# Each of these is a line in the access log, which is kept for years.
LOGGED = Limit("logged", 60, timedelta(hours=1))
SIGN_IN = Limit("sign-in", 20, timedelta(minutes=10))
PASSWORD_LINKS = Limit("password-link", 5, timedelta(hours=1))
API = Limit("api", 600, timedelta(minutes=10))
_WITHOUT_DOTS = {"gmail.com", "googlemail.com"}
# Who counts where it is about all callers together.
EVERYONE = "everyone"


def count(limit: Limit, caller: str, *, now: datetime, towards: Limit | None = None) -> None:
    """Count one try of `limit` by `caller` (an address or a mailbox; only its keyed hash is kept), and one of
    `towards`, which all callers share and which refuses nobody.

    Outside a transaction every try counts, the refused ones too. Inside one only what comes to be counts, and
    those who count the same wait for one another until the transaction ends.
    Raises TooManyRequests when the try is one too many, or Busy.
    """
    if not settings.RATE_LIMITS:
        return
    # The one that all share comes last, or two callers could wait for each other.
    tried = [(limit, caller), *([(towards, EVERYONE)] if towards else [])]
    if _add(tried, now) > limit.most:
        raise refusal(limit, now=now)


def record(limit: Limit, caller: str, *, now: datetime) -> None:
    """Count one try of `limit` by `caller` that is over already, and so cannot be refused any more."""
    if settings.RATE_LIMITS:
        # Nobody is to read of an error about what was done: rather one try goes uncounted.
        with suppress(Busy):
            _add([(limit, caller)], now)


def refuse_exhausted(limit: Limit, caller: str, *, now: datetime) -> None:
    """Raise TooManyRequests where `caller` has used up `limit`, without counting a try."""
    if not settings.RATE_LIMITS:
        return
    window_start = _window_start(limit, now)
    counter = RateCounter.objects.filter(
        key=lookup_hash("rate", limit.name, caller), window_start=window_start, count__gte=limit.most
    )
    if counter.exists():
        raise refusal(limit, now=now)


def any_reached(levels: Iterable[tuple[Limit, str, int]], *, now: datetime) -> bool:
    """Return whether any `(limit, caller, level)` was tried `level` times in this window or the one before it."""
    if not settings.RATE_LIMITS:
        return False
    reached = Q()
    for limit, caller, level in levels:
        reached |= Q(
            key=lookup_hash("rate", limit.name, caller),
            window_start__gte=_window_start(limit, now) - limit.window,
            count__gte=level,
        )
    return RateCounter.objects.filter(reached).exists()


def refusal(limit: Limit, *, now: datetime) -> TooManyRequests:
    """Return what whoever has used up `limit` is told: to come back when its window ends."""
    seconds = int((_window_start(limit, now) + limit.window - now).total_seconds()) + 1
    return TooManyRequests(seconds, of_mailbox=limit == BOOKINGS_PER_MAIL)


def mailbox(email: str) -> str:
    """Return under which name a mail address counts: capitals and a "+tag" (RFC 5233) reach the same mailbox, and
    at Google's so do dots."""
    local, _, domain = email.casefold().rpartition("@")
    name = local.partition("+")[0]
    return f"{name.replace('.', '')}@gmail.com" if domain in _WITHOUT_DOTS else f"{name}@{domain}"


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


def _add(tried: Sequence[tuple[Limit, str]], now: datetime) -> int:
    """Count one try of each, and return how often the first was tried in its window."""
    try:
        return _upsert(tried, now)
    except OperationalError as error:
        if guards.contended(error):
            raise Busy from error
        raise


def _upsert(tried: Sequence[tuple[Limit, str]], now: datetime) -> int:
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
        return int(dict(cursor.fetchall())[keys[0]])
