"""A calendar elsewhere: a real server of calendars on this machine, and one that gives any file."""

import subprocess
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
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


class AnyFile:
    """A web server that answers `content`, whatever it is asked for."""

    def __init__(self) -> None:
        self.content = b""
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(server.content)))
                self.end_headers()
                self.wfile.write(server.content)

            def log_message(self, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/a.ics"

    def stop(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()
