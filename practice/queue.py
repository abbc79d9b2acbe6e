"""The embedded queue: Celery's filesystem transport, made safe for a web server and a worker side by side.

Kombu's own writes a message under its final name, where a worker may read it half-written and crash; and it
takes one by moving it to the machine's temporary folder, which is a copy wherever that is another disk.
"""

import os
import time
import uuid
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns():020}_{uuid.uuid4()}"
        part = folder / f"{name}.part"
        part.write_text(dumps(payload))  # type: ignore[no-untyped-call]
        part.rename(folder / f"{name}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        folder = Path(self.data_folder_in)
        for name in sorted(os.listdir(folder)):  # noqa: PTH208
            if name.partition(".")[2] == f"{queue}.msg":
                taken = folder / f"{name}.{os.getpid()}.taken"
                # Only one of those who rename the same file succeeds.
                with suppress(FileNotFoundError):
                    (folder / name).rename(taken)
                    content = taken.read_text()
                    taken.unlink()
                    return loads(content)  # type: ignore[no-untyped-call]
        raise Empty


class Transport(filesystem.Transport):
    Channel = Channel
    # There is no host, and without this one is asked for with a warning.
    default_connection_params: dict[str, Any] = {}
