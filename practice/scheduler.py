"""The scheduler of `celery beat`, by a clock that nobody sets.

Celery's own remembers in a file when a task last ran, by the machine's clock: a clock that was once ahead, or a
file that a power cut emptied, then stops every task, for days or for good.
"""

import time
from typing import Any

from celery import beat


class Scheduler(beat.Scheduler):  # type: ignore[misc]
    """Asks for each task at once when it starts, and then every so many seconds of a clock that only runs on.

    What it asks for twice is done once: what is owed stands in the database (booking/outbox.py).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # When each task is to be asked for next, in seconds of time.monotonic; now, where nothing is written down.
        self._next: dict[str, float] = {}
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Take the tasks from CELERY_BEAT_SCHEDULE, and no other."""
        self.merge_inplace(self.app.conf.beat_schedule)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Ask for what is due, and return in how many seconds to come back."""
        for name, entry in self.schedule.items():
            now = time.monotonic()
            if self._next.get(name, now) <= now:
                # Written down first: a queue that cannot be reached is tried again in its turn, not without end.
                self._next[name] = now + entry.schedule.run_every.total_seconds()
                self.apply_entry(entry, producer=self.producer)
        longest = float(self.max_interval)
        wait = min(self._next.values(), default=time.monotonic() + longest) - time.monotonic()
        return max(0.0, min(wait, longest))
