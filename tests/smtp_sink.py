"""A real SMTP server on this machine that keeps what it gets, and can be told to refuse."""

import asyncio
import logging
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.servers import free_port

# The server's own log quotes every address; only the log of the sender is looked at.
logging.getLogger("mail.log").setLevel(logging.ERROR)


class Sink:
    """Keeps each message it accepts; `answers` gives other answers than yes to the commands named in it."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.connections = 0
        # "MAIL", "RCPT" or "DATA" to the whole answer, as "550 no such mailbox"; "DROP" hangs up instead,
        # and "TAKE" keeps the message and then hangs up.
        self.answers: dict[str, str] = {}
        # While `hang` is set, a message is read and not answered; `hanging` counts those that wait.
        self.hang = False
        # Where there are any, only these get in: user to password.
        self.logins: dict[str, str] = {}
        self.hanging = 0
        self.port = free_port()
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        """The EMAIL_URL that leads here."""
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Listen."""
        asks = bool(self.logins)
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            authenticator=self._admit if asks else None,
            auth_require_tls=not asks,
        )
        self._controller.start()

    def close(self) -> None:
        """Refuse all connections from now on, until it is opened again."""
        if self._controller:
            self._controller.stop()
            self._controller = None

    def _admit(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        user, password = given.login.decode(), given.password.decode()
        return AuthResult(success=self.logins.get(user) == password, handled=False)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.hanging += 1
        try:
            while self.hang:
                await asyncio.sleep(0.02)
        finally:
            self.hanging -= 1
        answer = self.answers.get("DATA", "250 OK")
        if answer.startswith(("2", "TAKE")):
            content = cast(bytes, envelope.content)
            self.messages.append(message_from_bytes(content, policy=policy.default))
        if answer in {"DROP", "TAKE"}:
            cast(Any, server).transport.close()
        return answer
