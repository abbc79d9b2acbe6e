"""The two ways that mail goes: to a mail server, or into files, which is what `make run` uses instead."""

import os
import smtplib
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path
from secrets import token_hex
from socket import gaierror
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.utils.text import slugify


class EmlBackend(BaseEmailBackend):
    """Writes each message to a file of its own in MAIL_DIR, as a mail program opens it."""

    # Where the last message went.
    said = ""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write `email_messages` and return how many; raises OSError where the folder cannot take them."""
        folder = Path(settings.MAIL_DIR)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            mime = message.message()
            sent = parsedate_to_datetime(mime["Date"]) if mime["Date"] else datetime.now(UTC)
            name = f"{sent.astimezone(UTC):%Y%m%dT%H%M%S}-{slugify(message.subject)[:60]}-{token_hex(3)}.eml"
            # Under another name first: a half-written mail must never look like a sent one.
            part = folder / f".{name}.part"
            try:
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(mime.as_bytes(linesep="\r\n"))  # type: ignore[call-arg] # Django's own
                    file.flush()
                    os.fsync(file.fileno())
                part.rename(folder / name)
                self.said = str(folder / name)
            finally:
                # A full disk is not filled further by each try.
                part.unlink(missing_ok=True)
        return len(email_messages)


class _Listening(smtplib.SMTP):
    """Remembers what the server said to the last message; by that name its own log finds it again."""

    said = ""

    def data(self, msg: Any) -> tuple[int, bytes]:
        code, said = super().data(msg)
        self.said = f"{code} {said.decode(errors='replace')}"
        return code, said


class _ListeningSsl(_Listening, smtplib.SMTP_SSL):
    """The same, where the connection is encrypted from its first byte."""


class SmtpBackend(EmailBackend):
    """Django's own, which also knows what the server said."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """The kind of connection."""
        return _ListeningSsl if self.use_ssl else _Listening

    @property
    def said(self) -> str:
        """What the server said to the last message, while the connection is open."""
        return str(getattr(self.connection, "said", ""))


def in_words(error: Exception) -> str:
    """Return what went wrong with the mail server and what to look at, for who runs this installation."""
    server = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    match error:
        case smtplib.SMTPAuthenticationError():
            return (
                f"{server} refuses the login: {_answer(error)}. Look at user and password in EMAIL_URL, where "
                "special characters are percent-encoded (docs/configuration.md)."
            )
        case smtplib.SMTPNotSupportedError():
            return (
                f"{server} does not do what EMAIL_URL asks for: {error} Another port or scheme may: smtp+tls:// "
                "(587), smtp+ssl:// (465), or smtp:// (25), where neither encryption nor a login is asked for."
            )
        case smtplib.SMTPRecipientsRefused():
            code, said = next(iter(error.recipients.values()))
            return f"{server} refuses the recipient: {code} {said.decode(errors='replace')}."
        case smtplib.SMTPSenderRefused():
            return (
                f"{server} refuses the sender {parseaddr(error.sender)[1]}: {_answer(error)}. Look at FROM_EMAIL."
            )
        case smtplib.SMTPDataError():
            return f"{server} refuses the mail itself: {_answer(error)}."
        case smtplib.SMTPServerDisconnected():
            return f"{server} hung up. With port 465 EMAIL_URL begins with smtp+ssl://."
        case smtplib.SMTPResponseException():
            return f"{server} says no: {_answer(error)}."
        case ssl.SSLError():
            return f"The connection to {server} is not safe: {error}. Look at scheme and port in EMAIL_URL."
        case gaierror():
            return f"No machine is called {settings.EMAIL_HOST}. Look at EMAIL_URL, and at the network."
        case TimeoutError():
            return (
                f"{server} does not answer within {settings.EMAIL_TIMEOUT} seconds. A firewall may be in between."
            )
        case ConnectionRefusedError():
            return f"Nothing listens at {server}. Look at host and port in EMAIL_URL."
        case _:
            return f"{server}: {type(error).__name__}: {error}"


def _answer(error: smtplib.SMTPResponseException) -> str:
    said = error.smtp_error
    return f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
