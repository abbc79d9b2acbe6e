"""Another process, as far as the database can tell: a thread with a connection of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import TypeVar

from django.db import connection, transaction

Answer = TypeVar("Answer")
# How long a test waits for the other one, in seconds, before it calls that stuck.
PATIENCE = 10


@contextmanager
def elsewhere(work: Callable[[], Answer]) -> Iterator[Future[Answer]]:
    """Do `work` at the same time as the block; what it returns or raises is the future's."""

    def done() -> Answer:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(done)


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Keep the locks that `work` takes for as long as the block lasts."""
    taken, over = Event(), Event()

    def keep() -> None:
        with transaction.atomic():
            work()
            taken.set()
            assert over.wait(PATIENCE)

    with elsewhere(keep) as keeping:
        try:
            assert taken.wait(PATIENCE)
            yield
        finally:
            over.set()
        keeping.result(PATIENCE)


@contextmanager
def impatient() -> Iterator[None]:
    """Wait for a lock for milliseconds, where production waits for three seconds."""
    setting = "PRAGMA busy_timeout" if connection.vendor == "sqlite" else "SET lock_timeout"
    with connection.cursor() as cursor:
        cursor.execute(f"{setting} = 20")
        try:
            yield
        finally:
            cursor.execute(f"{setting} = 3000")
