"""The web server's worker: nobody at the other end of a line holds a thread, a place or the memory for long."""

import json
import os
import re
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from practice import serving
from tests.served import Factory
from tests.servers import free_port, listens, wait_until
from tests.visitor import Visitor

pytestmark = pytest.mark.servers

ROOT = Path(__file__).resolve().parents[2]
HOST = b"Host: localhost\r\n"
GET = b"GET /hello HTTP/1.1\r\n" + HOST + b"\r\n"


class Line:
    """A connection to the web server, of which a test says each byte."""

    def __init__(self, port: int, *, window: int = 0) -> None:
        self.socket = socket.socket()
        if window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)

    def try_to_say(self, data: bytes) -> None:
        """Send it, also to a server that has hung up."""
        try:
            self.socket.sendall(data)
        except OSError:
            return

    def until_closed(self) -> bytes:
        """Return all that comes until the server hangs up."""
        heard = b""
        try:
            while piece := self.socket.recv(65536):
                heard += piece
        except ConnectionResetError:
            pass
        return heard

    def until(self, end: bytes) -> bytes:
        """Return what comes up to `end`, and no byte more."""
        heard = b""
        while end not in heard:
            piece = self.socket.recv(1)
            if not piece:
                raise EOFError(heard)
            heard += piece
        return heard

    def answer(self) -> tuple[int, bytes]:
        """Return status and body of the next answer."""
        heard = self.until(b"\r\n\r\n")
        head = heard.decode("latin-1").lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0] or 0)
        body = b""
        while len(body) < length:
            body += self.socket.recv(length - len(body))
        return int(heard.split()[1]), body


class Site:
    def __init__(self, port: int, log: Path, process: "subprocess.Popen[bytes]") -> None:
        self.port, self.log, self.process = port, log, process
        self._open = ExitStack()

    def line(self, **more: Any) -> Line:
        line = Line(self.port, **more)
        self._open.callback(line.socket.close)
        return line

    def hang_up(self) -> None:
        self._open.close()

    def asks(self) -> float:
        """Return in how many seconds a visitor is answered."""
        began = time.monotonic()
        line = self.line()
        line.say(GET)
        assert line.answer()[0] == 200
        return time.monotonic() - began


@contextmanager
def plainly_served(folder: Path, **terms: float) -> Iterator[Site]:
    """Serve the plain site by one process with one thread: what holds that one holds all."""
    port, log = free_port(), folder / "log"
    command = [
        "-m",
        "gunicorn",
        "--config",
        "tests/operation/plain_site.py",
        "tests.operation.plain_site:application",
    ]
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **{"PORT": str(port), "WEB_CONCURRENCY": "1", "WEB_THREADS": "1", "SCRIPT_NAME": "/taken"},
        **{"FORWARDED_ALLOW_IPS": "*", **{f"TEST_{name}": str(value) for name, value in terms.items()}},
    }
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=env, stdout=out, stderr=out)
    site = Site(port, log, process)
    try:
        wait_until(lambda: listens(port) or process.poll() is not None, what="the plain site to listen")
        yield site
    finally:
        site.hang_up()
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """As it is delivered."""
    with plainly_served(tmp_path_factory.mktemp("patient")) as site:
        yield site


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With terms that a test can wait for, and little room."""
    terms = {"HEAD_SECONDS": 0.3, "MOVING_SECONDS": 0.3, "SLOWEST_LINE": 1e9, "MOST_HELD": 3e6, "CONNECTIONS": 20}
    with plainly_served(tmp_path_factory.mktemp("hasty"), **terms) as site:
        yield site


@pytest.fixture(autouse=True)
def lines_end(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    for name in {"patient", "hasty"} & set(request.fixturenames):
        request.getfixturevalue(name).hang_up()


def slow_head(line: Line) -> None:
    line.say(b"GET / HTTP/1.1\r\n" + HOST + b"X-Slow: ")


def slow_body(line: Line) -> None:
    line.say(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5000\r\n\r\n")


def silent(line: Line) -> None:
    """Only connect."""


def slow_second_request(line: Line) -> None:
    line.say(GET)
    assert line.answer()[0] == 200
    slow_body(line)


def slow_behind_a_whole_one(line: Line) -> None:
    line.say(GET + b"GET /more HTTP/1.1\r\n")
    assert line.answer()[0] == 200


def slow_after_asking(line: Line) -> None:
    line.say(b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n")
    assert line.answer()[0] == 100


def reads_nothing(line: Line) -> None:
    line.say(b"GET /3000000 HTTP/1.1\r\n" + HOST + b"\r\n")


def hangs_on(line: Line) -> None:
    line.say(b"GET /hello HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n")


KINDS: list[Callable[[Line], None]] = [
    *(slow_head, slow_body, silent, slow_second_request, slow_behind_a_whole_one, slow_after_asking),
    *(reads_nothing, hangs_on),
]


@pytest.mark.parametrize("number", [10, 50, 200])
def test_slow_visitors_keep_nobody_waiting(patient: Site, number: int) -> None:
    """Of each kind that there is, by a server with a single thread."""
    kinds = [KINDS[index % len(KINDS)] for index in range(number)]
    lines = [patient.line(window=2048 if kind is reads_nothing else 0) for kind in kinds]
    for kind, line in zip(kinds, lines, strict=True):
        kind(line)

    took = []
    for _ in range(5):
        for line in lines:
            line.try_to_say(b"a")
        took.append(patient.asks())

    # Milliseconds; the rest is for a machine that does much else.
    assert max(took) < 4


def test_a_body_that_takes_its_time_comes_whole(patient: Site) -> None:
    line = patient.line()
    body = b"ab" * 40_000

    line.say(b"POST /hello HTTP/1.1\r\n" + HOST + b"Content-Length: 80000\r\n\r\n" + body[:1])
    for at in range(1, 80_000, 11_111):
        line.say(body[at : at + 11_111])

    status, answer = line.answer()
    assert (status, json.loads(answer)["body"]) == (200, 80_000)


def test_requests_on_one_line_are_answered_one_by_one(patient: Site) -> None:
    line = patient.line()
    post = b"POST /p HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc"

    line.say(GET + post + GET + post[:-1])
    answers = [line.answer() for _ in range(3)]
    line.say(b"c" + GET)
    answers += [line.answer() for _ in range(2)]

    assert [json.loads(body)["body"] for _status, body in answers] == [0, 3, 0, 3, 0]


def test_who_asks_before_sending_is_told_once_to_go_on(patient: Site) -> None:
    line = patient.line()
    line.say(b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert line.answer() == (100, b"")

    line.say(b"abc")

    assert line.answer()[0] == 200


def test_a_large_answer_comes_whole_to_a_slow_reader(patient: Site) -> None:
    line = patient.line(window=4096)
    line.say(b"GET /3000000 HTTP/1.1\r\n" + HOST + b"\r\n")

    status, body = line.answer()

    assert (status, len(body)) == (200, 3_000_000)


def test_a_file_comes_whole(patient: Site) -> None:
    line = patient.line()
    for method in (b"GET", b"HEAD"):
        line.say(method + b" /file HTTP/1.1\r\n" + HOST + b"\r\n")
    ours = (ROOT / "gunicorn.conf.py").read_bytes()

    assert line.answer() == (200, ours)
    assert line.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"Content-Length: {serving.MOST_BODY + 1}", 413),
        ("Content-Length: 99999999999999999999999", 413),
        ("Content-Length: 1\r\nContent-Length: 900000000", 413),
        ("Transfer-Encoding: chunked", 411),
        ("Transfer-Encoding : chunked\r\nContent-Length: 3", 411),
        ("X: " + "a" * 66_000, 431),
        ("Content-Length: -1", 400),
        ("Content-Length: 1,1", 400),
        ("Content-Length : 1", 400),
        ("X: a\r\n b", 400),
    ],
    ids=[
        "large",
        "huge",
        "large by one of two",
        "in pieces",
        "in pieces and not",
        "head",
        "negative",
        "list",
        "space",
        "fold",
    ],
)
def test_what_cannot_be_read_is_refused_at_once(patient: Site, head: str, status: int) -> None:
    line = patient.line()
    line.try_to_say(b"POST / HTTP/1.1\r\n" + HOST + head.encode() + b"\r\n\r\n")

    heard = line.until_closed()

    assert heard.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"connection: close" in heard.lower()
    assert b"\r\nContent-Type: text/plain; charset=utf-8\r\n" in heard
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in heard
    assert b"frame-ancestors 'none'\r\n" in heard
    assert patient.asks() < 2


@pytest.mark.parametrize(
    "sent",
    [
        *(
            b"",
            b"GET / HTTP/1.1\r\n",
            b"\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"PROXY TCP4 1.2.3.4",
        ),
        *(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", b"\x00" * 100),
    ],
)
def test_who_hangs_up_in_the_middle_leaves_nothing_behind(patient: Site, sent: bytes) -> None:
    lines = [patient.line() for _ in range(5)]
    for line in lines:
        line.say(sent)
        line.socket.close()

    assert patient.asks() < 2
    assert "Traceback" not in patient.log.read_text()


@pytest.mark.parametrize("kind", [slow_head, slow_body, slow_after_asking])
def test_who_never_ends_is_told_so_and_hung_up_on(hasty: Site, kind: Callable[[Line], None]) -> None:
    line = hasty.line()
    kind(line)
    line.try_to_say(b"a")

    assert line.until_closed().startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("kind", [silent, reads_nothing])
def test_who_says_or_reads_nothing_is_hung_up_on(hasty: Site, kind: Callable[[Line], None]) -> None:
    line = hasty.line(window=2048)
    kind(line)

    # A body of three million bytes is not there whole once the line is cut.
    wait_until(lambda: hasty.asks() >= 0 and len(connections_of(hasty, line)) == 0, what="the line to be cut")


def connections_of(site: Site, line: Line) -> list[str]:
    """Return what the kernel of this machine knows of `line` on the server's side, while it is open there."""
    here = f":{line.socket.getsockname()[1]:04X}"
    there = f":{site.port:04X}"
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    # 01 is an established connection, 08 one that the other end has closed.
    return [row[3] for row in rows if row[1].endswith(there) and row[2].endswith(here) and row[3] in {"01", "08"}]


def test_a_full_house_makes_room_for_who_comes(hasty: Site) -> None:
    lines = [hasty.line() for _ in range(100)]
    for line in lines:
        line.try_to_say(b"GET / HTTP/1.1\r\n")

    assert hasty.asks() < 2


def test_large_bodies_give_way_to_others(hasty: Site) -> None:
    lines = [hasty.line() for _ in range(8)]
    for line in lines:
        line.try_to_say(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n" + b"a" * 900_000)

    small = hasty.line()
    small.say(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\n12")
    small.say(b"345")

    assert small.answer()[0] == 200
    # Three of them fit into three million bytes.
    wait_until(lambda: sum(bool(connections_of(hasty, line)) for line in lines) <= 3, what="the others to be cut")


def test_one_that_sends_while_it_gives_way_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MOST_HELD", 100_000)
    config = Config()
    worker = serving.Worker(1, os.getpid(), [], None, 30, config, Logger(config))
    worker.poller = selectors.DefaultSelector()
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as lines:
        large, other = (lines.enter_context(socket.create_connection(listener.getsockname())) for _ in range(2))
        lines.callback(worker.tmp.close)
        lines.enter_context(worker.poller)
        worker.accept(listener)
        worker.accept(listener)
        hear(worker, large, head + b"a" * 50_000)
        hear(worker, large, b"a" * 40_000)
        other.sendall(head + b"a" * 50_000)
        large.sendall(b"a")
        wait_until(lambda: len(worker.poller.select(0)) == 2, what="both to have sent")

        told = worker.poller.select(0)
        for key, _event in sorted(told, key=lambda one: one[0].fileobj.came != b""):
            key.data(key.fileobj)

        kept = [key.fileobj for key in worker.poller.get_map().values()]
        assert worker.nr_conns == len(kept) == 1
        kept[0].close()


def hear(worker: serving.Worker, line: socket.socket, data: bytes) -> None:
    """Say `data`, and let `worker` read all of it."""
    line.sendall(data)
    while told := worker.poller.select(0.2):
        for key, _event in told:
            key.data(key.fileobj)


def test_no_header_of_a_visitor_becomes_a_variable_of_the_server(patient: Site) -> None:
    said = [
        *("SCRIPT_NAME: /hello", "PATH_INFO: /other", "REMOTE_ADDR: 1.2.3.4", "REMOTE_USER: admin", "HTTPS: on"),
        *(
            "WSGI.URL_SCHEME: https",
            "X-Forwarded-Proto: https",
            "X-Forwarded-Ssl: on",
            "X-Forwarded-Protocol: ssl",
        ),
        *("X_Forwarded_For: 1.2.3.4", "X_Request_ID: 0123456789", "SERVER_PORT: 9100", "Script-Name: /hello"),
        *("X-Script-Name: /hello", "X-Forwarded-Prefix: /hello", "SCRIPT-NAME: /hello", "script_name: /hello"),
    ]
    line = patient.line()
    line.say(b"GET /hello HTTP/1.1\r\n" + HOST + "\r\n".join(said).encode() + b"\r\n\r\n")

    status, body = line.answer()

    asked = json.loads(body)
    assert (status, asked["path"], asked["scheme"], asked["caller"]) == (200, "|/hello", "http", "127.0.0.1")
    assert set(asked["variables"]) == {
        *("HTTP_HOST", "HTTP_HTTPS", "HTTP_SCRIPT_NAME", "HTTP_X_SCRIPT_NAME"),
        *(f"HTTP_X_FORWARDED_{name}" for name in ("PROTO", "SSL", "PROTOCOL", "PREFIX")),
    }


def test_no_header_shows_one_page_in_the_place_of_another(served: Factory) -> None:
    """Through the server as it is started, which once took a name for the script and kept what that gave."""
    headers = [
        *(
            "SCRIPT_NAME",
            "Script-Name",
            "X-Script-Name",
            "X_SCRIPT_NAME",
            "SCRIPT-NAME",
            "script_name",
            "PATH_INFO",
        ),
        *("Path-Info", "X-Forwarded-Prefix", "X_Forwarded_Prefix", "X-Forwarded-Path", "X-Original-URL"),
        *("X-Rewrite-URL", "HTTP_SCRIPT_NAME", "WSGI.SCRIPT_NAME", "SCRIPT_URL", "REDIRECT_URL", "REQUEST_URI"),
    ]
    pages = ["/en/afspraak/", "/agenda/", "/account/login/", "/en/contact/"]
    with served(TRUSTED_PROXIES="127.0.0.1") as practice:
        site, visitor = Site(practice.port, practice.data_dir, practice.processes["web"]), Visitor(practice.url)
        before = {path: visitor.get(path) for path in pages}
        for path in ("/en/afspraak/", "/en/contact/"):
            for header in headers:
                line = site.line()
                request = (
                    f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}: {path.rstrip('/')}\r\n\r\n".encode()
                )
                line.say(request * 2)
                assert {line.answer()[0], line.answer()[0]} <= {200, 400}
        after = {path: Visitor(practice.url).get(path) for path in pages}
        # And a page's style comes along.
        style = re.findall(r'"(/static/site[^"]+)"', after["/en/contact/"].text)
        assert len(visitor.get(style[0]).text) > 10_000
        site.hang_up()

    for path in pages:
        assert (after[path].status, after[path].location) == (before[path].status, before[path].location)
        assert title(after[path].text) == title(before[path].text)
    assert len({title(page.text) for page in after.values()}) == len(pages)


def title(page: str) -> str:
    return page.partition("<title>")[2].partition("</title>")[0]


def test_the_server_ends_while_slow_visitors_are_there(tmp_path: Path) -> None:
    with plainly_served(tmp_path, LAST_SECONDS=0.3, LINGER_SECONDS=0.3) as site:
        for kind in KINDS:
            kind(site.line(window=2048))
        site.asks()

        site.process.terminate()

        # Well before it would be killed.
        assert site.process.wait(serving.LAST_SECONDS) == 0
