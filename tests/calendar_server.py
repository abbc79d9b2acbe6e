"""A calendar elsewhere: a real server of calendars on this machine."""

import subprocess
import sys
import urllib.request
from pathlib import Path
from uuid import uuid4

from tests.servers import free_port, listens, wait_until


class Radicale:
    """A real calendar server, on which each test has a calendar of its own."""

    def __init__(self, folder: Path) -> None:
        self.port, self.folder, self.url = free_port(), folder, ""
        self.start()
        self._ask("MKCOL", self._home, b"")

    @property
    def _home(self) -> str:
        return f"http://127.0.0.1:{self.port}/alice/"

    def start(self) -> None:
        arguments = [
            f"--server-hosts=127.0.0.1:{self.port}",
            f"--storage-filesystem-folder={self.folder}",
            "--auth-type=none",
            "--logging-level=critical",
        ]
        self.process = subprocess.Popen([sys.executable, "-m", "radicale", *arguments])
        wait_until(lambda: listens(self.port), what="the calendar server")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def make_calendar(self) -> None:
        self.url = f"{self._home}{uuid4()}/"
        self._ask("MKCALENDAR", self.url, b"")

    def put(self, uid: str, *lines: str) -> None:
        """Write an event, or write it anew."""
        written = [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:test",
            "BEGIN:VEVENT",
            f"UID:{uid}",
            "DTSTAMP:20261101T080000Z",
            *lines,
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
        self._ask("PUT", f"{self.url}{uid}.ics", "\r\n".join(written).encode())

    def delete(self, uid: str) -> None:
        self._ask("DELETE", f"{self.url}{uid}.ics", b"")

    def _ask(self, method: str, url: str, body: bytes) -> None:
        asked = urllib.request.Request(url, data=body, method=method)
        asked.add_header("Content-Type", "text/calendar")
        urllib.request.urlopen(asked).close()
