"""Fetching an address that somebody filled in, from servers that mean well and servers that do not."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from booking import fetching
from booking.fetching import FetchFailed, fetch
from booking.models import FetchFailure
from tests.certificates import own_certificate

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A web server on this machine, whose answers the test gives."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[BaseHTTPRequestHandler] = []
        self.names: list[str | None] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self)
                server.answers[self.path](self)

            def log_message(self, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,))
        self.thread.start()

    def url(self, path: str = "/a.ics") -> str:
        return f"http://127.0.0.1:{self.http.server_port}{path}"

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    settings.CALENDAR_NETWORKS = ["127.0.0.0/8"]
    started = Server()
    yield started
    started.close()


def ok(body: bytes, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def status(code: int, location: str = "") -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        if location:
            request.send_header("Location", location)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def failure_of(url: str) -> FetchFailure:
    with pytest.raises(FetchFailed) as failed:
        fetch(url)
    assert not url or url not in str(failed.value)
    return failed.value.failure


def test_what_stands_there_is_given(server: Server) -> None:
    server.answers["/a.ics?key=1"] = ok(b"BEGIN:VCALENDAR")

    assert fetch(server.url("/a.ics?key=1#part")) == b"BEGIN:VCALENDAR"
    (asked,) = server.asked
    assert asked.headers["Host"] == f"127.0.0.1:{server.http.server_port}"
    assert "Cookie" not in asked.headers


def test_what_is_packed_is_unpacked(server: Server) -> None:
    server.answers["/a.ics"] = ok(gzip.compress(b"x" * 100_000), Content_Encoding="gzip")

    assert fetch(server.url()) == b"x" * 100_000


def test_name_and_password_in_the_address_are_used(server: Server) -> None:
    server.answers["/a.ics"] = ok(b"x")
    fetch(server.url().replace("http://", "http://alice:s%40fe@"))

    assert server.asked[0].headers["Authorization"] == "Basic YWxpY2U6c0BmZQ=="


def test_it_is_led_on_a_few_times_and_no_more(server: Server) -> None:
    server.answers |= {"/1": status(302, "/2"), "/2": status(301, "/3"), "/3": status(307, "/4"), "/4": ok(b"x")}
    server.answers |= {"/0": status(302, "/1"), "/round": status(302, "/round")}

    assert fetch(server.url("/1")) == b"x"
    assert failure_of(server.url("/0")) == FetchFailure.UNREACHABLE
    assert failure_of(server.url("/round")) == FetchFailure.UNREACHABLE


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (401, FetchFailure.REFUSED),
        (403, FetchFailure.REFUSED),
        (404, FetchFailure.REFUSED),
        (410, FetchFailure.REFUSED),
        (500, FetchFailure.UNREACHABLE),
        (204, FetchFailure.UNREACHABLE),
    ],
)
def test_another_answer_is_told_apart(server: Server, code: int, failure: FetchFailure) -> None:
    server.answers["/a.ics"] = status(code)

    assert failure_of(server.url()) == failure


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        *("0.1.2.3", "172.31.255.255", "100.127.255.255", "192.0.0.8", "192.0.0.9", "192.0.0.170", "192.0.2.1"),
        *("192.31.196.1", "192.52.193.1", "192.88.99.1", "192.88.99.2", "192.175.48.1", "198.18.0.1"),
        *("198.19.255.255", "198.51.100.1", "203.0.113.1", "233.252.0.1", "240.0.0.1", "255.255.255.255"),
        *("3221225480", "0300.0.0.010", "[::ffff:192.0.0.8]", "[::ffff:0:192.0.0.8]", "[64:ff9b::c058:6301]"),
        *("[2002:c058:6301::]", "[2002:c000:8::1]", "[100::1]", "[100:0:0:1::1]", "[2001:0:1::1]", "[2001:1::1]"),
        *("[2001:1::2]", "[2001:2::1]", "[2001:3::1]", "[2001:4:112::1]", "[2001:10::1]", "[2001:20::1]"),
        *("[2001:30::1]", "[2001:1ff:ffff::1]", "[2001:db8::1]", "[2620:4f:8000::1]", "[3fff::1]"),
        *("[3fff:fff:ffff::1]", "[5f00::1]", "[64:ff9b:1:ffff::1]", "[fc00::1]", "[4000::1]", "[::1.2.3.4]"),
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[64:ff9b:1::7f00:1]",
        "[::127.0.0.1]",
        "[::]",
        "[2001::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[fd00::1]",
        "[ff02::1]",
    ],
)
def test_nothing_inside_is_asked(host: str) -> None:
    assert failure_of(f"http://{host}:8080/a.ics") == FetchFailure.FORBIDDEN


def test_a_name_that_leads_inside_as_well_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def both(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        return resolve("93.184.216.34", *args, **kwargs) + resolve("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr("socket.getaddrinfo", both)

    assert failure_of("http://calendar.example:8080/a.ics") == FetchFailure.FORBIDDEN


@pytest.mark.parametrize(
    "host",
    [
        *("93.184.216.34", "192.0.1.1", "192.88.98.1", "198.17.255.255", "198.20.0.1", "223.255.255.254"),
        *("2606:2800:220:1::", "2001:200::1", "2001:db7::1", "2001:db9::1", "3ffe:ffff::1"),
        *("::ffff:93.184.216.34", "64:ff9b::5db8:d822", "2002:5db8:d822::"),
    ],
)
def test_what_is_public_may_be_asked_however_it_is_written(host: str) -> None:
    assert ip_address(fetching._public_address(host, 80)) == ip_address(host)


@pytest.mark.parametrize(
    ("inside", "failure"),
    [
        ("http://127.0.0.2:1024/", FetchFailure.FORBIDDEN),
        ("http://2130706434:1024/", FetchFailure.FORBIDDEN),
        ("http://169.254.169.254/latest/", FetchFailure.FORBIDDEN),
        ("//[::1]:1024/", FetchFailure.FORBIDDEN),
        ("http://127.0.0.1:25/", FetchFailure.FORBIDDEN),
        ("http://[::1/", FetchFailure.UNREACHABLE),
        ("http://127.0.0.1:port/", FetchFailure.UNREACHABLE),
        ("ftp://127.0.0.1/", FetchFailure.UNREACHABLE),
        ("file:///etc/passwd", FetchFailure.UNREACHABLE),
    ],
)
def test_nobody_is_led_inside_either(server: Server, settings: Any, inside: str, failure: FetchFailure) -> None:
    settings.CALENDAR_NETWORKS = ["127.0.0.1/32"]
    server.answers["/a.ics"] = status(302, inside)

    assert failure_of(server.url()) == failure
    assert len(server.asked) == 1


def test_nobody_is_led_to_another_kind_of_service(server: Server) -> None:
    server.answers["/a.ics"] = status(302, f"ftp://127.0.0.1:{server.http.server_port}/b.ics")

    assert failure_of(server.url()) == FetchFailure.UNREACHABLE
    assert len(server.asked) == 1


def test_the_address_that_was_looked_at_is_the_one_connected_to(
    server: Server, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that answers differently the second time reaches nothing: it is asked for once."""
    server.answers["/a.ics"] = ok(b"x")
    asked = []
    resolve = socket.getaddrinfo

    def rebinding(host: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        return resolve("127.0.0.1" if host == "calendar.example" else host, *args, **kwargs)

    monkeypatch.setattr("socket.getaddrinfo", rebinding)
    fetch(f"http://calendar.example:{server.http.server_port}/a.ics")

    assert asked.count("calendar.example") == 1
    assert server.asked[0].headers["Host"] == f"calendar.example:{server.http.server_port}"


@pytest.mark.parametrize("port", [0, 22, 25, 110, 1023])
def test_other_services_are_not_spoken_to(server: Server, port: int) -> None:
    assert failure_of(f"http://127.0.0.1:{port}/") == FetchFailure.FORBIDDEN


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://example.org/a.ics", "file:///etc/passwd", "http://", "http://[::1/", "http://x:99999/"]
)
def test_what_is_no_web_address_is_not_asked(url: str) -> None:
    assert failure_of(url) == FetchFailure.UNREACHABLE


@pytest.mark.parametrize("host", ["a" * 254, "é̖́" * 60_000, ".".join(["x" * 60] * 5)])
def test_a_name_longer_than_any_is_not_looked_up(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("socket.getaddrinfo")

    assert failure_of(f"http://{host}/a.ics") == FetchFailure.UNREACHABLE


def test_nobody_is_led_to_an_endless_address(server: Server) -> None:
    server.answers["/a.ics"] = status(302, "/" + "b" * fetching.LONGEST_URL)

    assert failure_of(server.url()) == FetchFailure.UNREACHABLE
    assert len(server.asked) == 1


def test_a_huge_answer_is_cut_off(server: Server) -> None:
    server.answers["/a.ics"] = ok(b"x" * (fetching.LARGEST + 1))

    assert failure_of(server.url()) == FetchFailure.TOO_LARGE


def test_a_small_answer_that_unpacks_to_a_huge_one_is_cut_off(server: Server) -> None:
    bomb = gzip.compress(b"\0" * 200 * 1024 * 1024)
    assert len(bomb) < fetching.LARGEST
    server.answers["/a.ics"] = ok(bomb, Content_Encoding="gzip")

    assert failure_of(server.url()) == FetchFailure.TOO_LARGE


def test_what_unpacks_is_never_much_at_once() -> None:
    pieces = list(fetching._unpacked(iter([gzip.compress(bytes(1_000_000))])))

    assert sum(map(len, pieces)) == 1_000_000
    assert max(map(len, pieces)) <= 16 * 1024


def test_what_is_cut_short_is_not_taken_for_all(server: Server) -> None:
    packed = gzip.compress(b"BEGIN:VCALENDAR" * 1000)
    server.answers["/packed"] = ok(packed[:-20], Content_Encoding="gzip")
    server.answers["/plain"] = ok(b"BEGIN", Content_Length="1000")

    assert failure_of(server.url("/packed")) == FetchFailure.UNREACHABLE
    assert failure_of(server.url("/plain")) == FetchFailure.UNREACHABLE


@pytest.mark.parametrize("silent", ["headers", "body"])
def test_a_server_that_drips_keeps_nobody_waiting(
    server: Server, monkeypatch: pytest.MonkeyPatch, silent: str
) -> None:
    monkeypatch.setattr(fetching, "DEADLINE_SECONDS", 0.3)
    over = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n")
        if silent == "body":
            request.wfile.write(b"Content-Length: 100000\r\n\r\n")
        while not over.wait(0.02):
            try:
                request.wfile.write(b"X: y\r\n")
            except OSError:
                return

    server.answers["/a.ics"] = drip
    try:
        assert failure_of(server.url()) == FetchFailure.TOO_SLOW
    finally:
        over.set()


def test_a_server_that_drips_before_it_is_known_keeps_nobody_waiting_either(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte of its first message comes in time; all of it never would."""
    settings.CALENDAR_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(fetching, "DEADLINE_SECONDS", 0.5)
    over = threading.Event()

    def drip() -> None:
        with closing(listening.accept()[0]) as asked:
            # A handshake record (RFC 8446 §5.1) of 16,000 bytes.
            for byte in b"\x16\x03\x03\x3e\x80" + bytes(16_000):
                if over.wait(0.05):
                    return
                try:
                    asked.send(bytes([byte]))
                except OSError:
                    return

    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = threading.Thread(target=drip)
        thread.start()
        begun = time.monotonic()
        try:
            assert failure_of(f"https://127.0.0.1:{listening.getsockname()[1]}/") == FetchFailure.TOO_SLOW
            assert time.monotonic() - begun < 5
        finally:
            over.set()
            thread.join()


def test_nobody_there_is_said(server: Server) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        assert failure_of(f"http://127.0.0.1:{port}/") == FetchFailure.UNREACHABLE


class TestCertificates:
    """Over TLS, by names that lead to this machine."""

    @pytest.fixture
    def secure(self, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
        """The server, known as calendar.example by a certificate that is believed."""
        certificate = own_certificate(tmp_path, "calendar.example")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.sni_callback = lambda _sock, name, _context: server.names.append(name)
        server.http.socket = context.wrap_socket(
            server.http.socket, server_side=True, do_handshake_on_connect=False
        )
        server.answers["/a.ics"] = ok(b"x")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        resolve = socket.getaddrinfo
        monkeypatch.setattr(
            "socket.getaddrinfo",
            lambda host, *args, **kwargs: resolve(
                "127.0.0.1" if host.endswith(".example") else host, *args, **kwargs
            ),
        )
        return server

    @pytest.mark.parametrize("scheme", ["https", "webcal"])
    def test_the_one_that_was_asked_for_is_believed(self, secure: Server, scheme: str) -> None:
        assert fetch(f"{scheme}://calendar.example:{secure.http.server_port}/a.ics") == b"x"
        assert secure.names == ["calendar.example"]

    def test_another_name_is_not(self, secure: Server) -> None:
        for name in ("other.example", "127.0.0.1"):
            assert failure_of(f"https://{name}:{secure.http.server_port}/a.ics") == FetchFailure.UNREACHABLE
        assert secure.asked == []

    def test_one_of_its_own_making_is_not(self, secure: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")

        assert failure_of(f"https://calendar.example:{secure.http.server_port}/a.ics") == FetchFailure.UNREACHABLE
        assert secure.asked == []

    def test_nobody_is_led_from_safe_to_open(self, secure: Server) -> None:
        secure.answers["/a.ics"] = status(302, f"http://calendar.example:{secure.http.server_port}/b.ics")

        assert failure_of(f"https://calendar.example:{secure.http.server_port}/a.ics") == FetchFailure.FORBIDDEN

    def test_a_password_stays_with_the_one_it_is_for(self, secure: Server) -> None:
        port = secure.http.server_port
        secure.answers |= {"/a.ics": status(302, f"https://calendar.example:{port}/b.ics"), "/b.ics": ok(b"y")}

        assert fetch(f"https://alice:safe@calendar.example:{port}/a.ics") == b"y"
        assert ["Authorization" in asked.headers for asked in secure.asked] == [True, False]
