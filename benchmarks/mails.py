"""A mail server that says yes to everything, and the limit: a bare loop that sends one mail over and over.

Usage of the loop: python -m benchmarks.mails PORT NUMBER < mail.eml, which prints the mails a second.
"""

import smtplib
import sys
import time
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers import free_port


class CountingSink:
    """Accepts every mail and keeps only the last one. A context manager: leaving it ends the server."""

    def __init__(self) -> None:
        self.mails = 0
        self.last = b""
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    def has_more_than(self, number: int) -> bool:
        """Return whether more than `number` mails came."""
        return self.mails > number

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails += 1
        assert isinstance(envelope.content, bytes)
        self.last = envelope.content
        return "250 OK"


def main() -> None:
    port, number, mail = int(sys.argv[1]), int(sys.argv[2]), sys.stdin.buffer.read()
    began = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as connection:
        for _ in range(number):
            connection.sendmail("practice@example.org", ["parent@example.org"], mail)
    sys.stdout.write(str(number / (time.perf_counter() - began)))


if __name__ == "__main__":
    main()
