"""Whether all that a booking needs is there: the database as this code expects it, its keys, the queue, and who
empties it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.models import Q

from booking import guards, keys, outbox
from booking.models import Installation
from practice import broker

# Five sweeps: whoever sends was then away for longer than a restart takes.
LATE = timedelta(minutes=5)
# A long sweep says all the time that it is at work, and not oftener than this.
_WRITTEN_EVERY = timedelta(seconds=20)
SENTENCES = {
    "database": "The database cannot be asked.",
    "migrations": "The tables are not those of this version: run `manage.py migrate`.",
    "keys": "FIELD_KEYS, LOOKUP_KEY or SECRET_KEY is not the one that this database was written with: restore it;"
    " `manage.py check --database default` says which.",
    "sweep": "No worker has looked for what is due for more than five minutes, or a clock that ran ahead said so:"
    " see that the worker and the scheduler run.",
    "mail": "An email could have been sent for more than five minutes, and nobody took it: see that the worker and"
    " the scheduler run.",
    "broker": "Nothing can be put into the queue: see to Redis, or to the folder queue in DATA_DIR.",
}


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is wrong, each by the one word for it; since when a mail has been waiting for nobody to send it; and
    how long ago a worker last looked for what is due."""

    wrong: tuple[str, ...]
    waiting: timedelta | None
    swept: timedelta | None


def look(*, now: datetime) -> Readiness:
    """Return how things stand at `now` (UTC): five queries, and one question to the queue.

    `wrong` may hold the names in SENTENCES. Mail that is refused and tried again is not wrong here: somebody sees
    to it. `waiting` is None where the database cannot say, `swept` also before the first sweep ever.
    """
    wrong: list[str] = []
    waiting = since = None
    try:
        if not guards.is_current(connection):
            wrong.append("migrations")
        else:
            waiting, since = _mail(now), last_sweep(now=now)
            late = {"keys": bool(keys.foreign(rows_too=False)), "sweep": _is_late(since), "mail": waiting > LATE}
            wrong += [name for name, is_so in late.items() if is_so]
    except DatabaseError:
        wrong = ["database"]
    if not broker.answers():
        wrong.append("broker")
    return Readiness(tuple(wrong), waiting, since)


def swept(*, now: datetime) -> None:
    """Write down that a worker is looking for what is due at `now` (UTC)."""
    Installation.objects.filter(
        # One that lies ahead was written by a clock that ran ahead.
        Q(swept_at=None) | Q(swept_at__lte=now - _WRITTEN_EVERY) | Q(swept_at__gt=now)
    ).update(swept_at=now)


def last_sweep(*, now: datetime) -> timedelta | None:
    """Return how long before `now` (UTC) a worker last looked for what is due; less than nothing where a clock
    that ran ahead wrote that down, None where none ever did."""
    moment = Installation.objects.values_list("swept_at", flat=True).first()
    return now - moment if moment else None


def _mail(now: datetime) -> timedelta:
    since = outbox.waiting_since(now)
    return max(now - since, timedelta()) if since else timedelta()


def _is_late(since: timedelta | None) -> bool:
    # Before the first sweep a mail that waits says it.
    return since is not None and not -LATE <= since <= LATE
