"""Another process, as far as the database can tell: a thread with a connection of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection

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
