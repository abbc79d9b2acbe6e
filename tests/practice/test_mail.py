"""A mail server is spoken to once its certificate was looked at, however the connection is encrypted."""

import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from practice.mail import SmtpBackend
from tests.certificates import own_certificate


class Server:
    """A mail server for mail.example on this machine, for one connection; `heard` is what came encrypted."""

    def __init__(self, certificate: Path, *, starttls: bool) -> None:
        self.heard: list[bytes] = []
        self.starttls = starttls
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._answer, daemon=True)
        self.thread.start()

    def _answer(self) -> None:
        line, _ = self.listener.accept()
        # The other side hangs up where it does not believe the certificate.
        with line, suppress(OSError):
            if self.starttls:
                for said in (b"220 mail.example\r\n", b"250-mail.example\r\n250 STARTTLS\r\n", b"220 go\r\n"):
                    line.sendall(said)
                    if not said.endswith(b"go\r\n"):
                        line.recv(1000)
            with self.context.wrap_socket(line, server_side=True) as safe:
                if not self.starttls:
                    safe.sendall(b"220 mail.example\r\n")
                if said := safe.recv(1000):
                    self.heard.append(said)

    def greeted_by(self, host: str) -> None:
        """Connect to it by the name `host`, and say hello. Raises ssl.SSLError."""
        port = self.listener.getsockname()[1]
        backend = SmtpBackend(
            host=host, port=port, timeout=5, use_tls=self.starttls, use_ssl=not self.starttls, fail_silently=False
        )
        try:
            backend.open()
            assert backend.connection is not None
            with suppress(smtplib.SMTPException):
                backend.connection.ehlo()
        finally:
            if backend.connection is not None:
                backend.connection.close()
            self.thread.join(5)
            self.listener.close()


@pytest.fixture(params=[True, False], ids=["smtp+tls", "smtp+ssl"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: Any) -> Server:
    certificate = own_certificate(tmp_path, "mail.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        "socket.getaddrinfo",
        lambda host, *args, **more: resolve(
            "127.0.0.1" if str(host).endswith(".example") else host, *args, **more
        ),
    )
    return Server(certificate, starttls=request.param)


def test_the_server_of_that_name_is_believed(server: Server) -> None:
    server.greeted_by("mail.example")

    assert server.heard[0].startswith(b"ehlo")


def test_a_certificate_of_another_name_is_not_believed(server: Server) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        server.greeted_by("other.example")

    assert server.heard == []


def test_a_certificate_of_its_own_making_is_not_believed(server: Server, monkeypatch: Any) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(ssl.SSLCertVerificationError):
        server.greeted_by("mail.example")

    assert server.heard == []
