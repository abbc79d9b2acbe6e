"""The embedded queue: Celery's filesystem transport, made safe for a web server and a worker side by side.

Kombu's own writes a message under its final name, where a worker may read it half-written and crash; it takes one
by moving it to the machine's temporary folder, which is a copy wherever that is another disk; and it keeps in a
file which queue belongs to which exchange, without which, or with a damaged one, nothing starts.
"""

import logging
import os
import time
import uuid
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem, virtual
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)

# What a write or a power cut in the middle leaves behind, and what is put aside. A nudge is of use for a minute.
_LEFT_BEHIND = (".part", ".taken", ".damaged")
_LEFT_SECONDS = 24 * 3600


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns():020}_{uuid.uuid4()}"
        part = folder / f"{name}.part"
        try:
            part.write_text(dumps(payload))  # type: ignore[no-untyped-call]
            part.rename(folder / f"{name}.{queue}.msg")
        finally:
            # A full disk is not filled further by each try.
            part.unlink(missing_ok=True)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        folder = Path(self.data_folder_in)
        for name in sorted(os.listdir(folder)):  # noqa: PTH208
            if name.partition(".")[2] == f"{queue}.msg":
                taken = folder / f"{name}.{os.getpid()}.taken"
                # Only one of those who rename the same file succeeds.
                with suppress(FileNotFoundError):
                    (folder / name).rename(taken)
                    if message := self._read(taken):
                        taken.unlink()
                        return message
                    # The next sweep finds what it asked for, in the database.
                    taken.rename(folder / f"{name}.damaged")
                    logger.warning("Message %s cannot be read and is put aside.", name)
        raise Empty

    def _read(self, file: Path) -> Any:
        """Return the message in `file`, or None where it is none."""
        try:
            message = loads(file.read_bytes())  # type: ignore[no-untyped-call]
            # Everything that is done with one before anybody looks whether it can be done.
            virtual.Message(message, channel=self).serializable()  # type: ignore[no-untyped-call]
            info, headers = message["properties"]["delivery_info"], message["headers"]
            texts = (info["exchange"], info["routing_key"], headers["id"], headers["task"])
            return message if all(isinstance(text, str) for text in texts) else None
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None

    def get_table(self, exchange: str) -> Any:
        """Return which queues `exchange` leads to: each process says so itself before it sends or reads."""
        return virtual.Channel.get_table(self, exchange)  # type: ignore[no-untyped-call]

    def _queue_bind(self, *args: Any) -> None:
        """Leave it at what the process itself remembers."""


class Transport(filesystem.Transport):
    Channel = Channel
    # There is no host, and without this one is asked for with a warning.
    default_connection_params: dict[str, Any] = {}


def tidy(folder: Path) -> None:
    """Delete from the queue's `folder` what was left behind a day ago or, by a clock that ran ahead, tomorrow."""
    now = time.time()
    for file in folder.iterdir():
        with suppress(OSError):
            if file.name.endswith(_LEFT_BEHIND) and not now - _LEFT_SECONDS < file.stat().st_mtime <= now + 60:
                file.unlink()
