"""Whether all that a booking needs is there: the database as this code expects it, the queue, who empties it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from booking import outbox
from practice import broker

# Ten sweeps: whoever sends was then away for longer than a restart takes.
LATE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is wrong, each by the one word for it, and since when a mail has been waiting for nobody to send it."""

    wrong: tuple[str, ...]
    waiting: timedelta | None


def look(*, now: datetime) -> Readiness:
    """Return how things stand at `now` (UTC): three queries, and one question to the queue.

    `wrong` may hold `database`, `migrations`, `broker` and `mail`. Mail that is refused and tried again is not
    wrong here: somebody sees to it. `waiting` is None where the database cannot say.
    """
    wrong, waiting = _database(now)
    if not broker.answers():
        wrong.append("broker")
    return Readiness(tuple(wrong), waiting)


def _database(now: datetime) -> tuple[list[str], timedelta | None]:
    try:
        if not _latest_migrations() <= MigrationRecorder(connection).applied_migrations().keys():
            return ["migrations"], None
        since = outbox.waiting_since(now)
    except DatabaseError:
        return ["database"], None
    waiting = max(now - since, timedelta()) if since else timedelta()
    return ["mail"] if waiting > LATE else [], waiting


@lru_cache
def _latest_migrations() -> frozenset[tuple[str, str]]:
    """Return the last migration of each app that this code brings."""
    # Reads files, and those do not change while the process lives.
    return frozenset(MigrationLoader(None).graph.leaf_nodes())
