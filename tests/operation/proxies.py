"""The site behind nginx and Caddy, set up as deploy/ has them; `make proxies` runs this, `make test` does not."""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from practice.serving import MOST_BODY
from scripts.proxies import found
from tests.operation.test_serving import Site, title
from tests.served import Factory, Served
from tests.servers import free_port, listens, wait_until
from tests.visitor import Visitor

pytestmark = pytest.mark.servers

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
HEADERS = [
    *("SCRIPT_NAME", "Script-Name", "X-Script-Name", "X_SCRIPT_NAME", "script_name", "PATH_INFO", "Path-Info"),
    *("X-Forwarded-Prefix", "X_Forwarded_Prefix", "X-Forwarded-Path", "X-Original-URL", "X-Rewrite-URL"),
    *("HTTP_SCRIPT_NAME", "REQUEST_URI", "X-Forwarded-Host", "Forwarded", "X-Forwarded-Uri"),
]
NGINX = """daemon off; pid {folder}/pid; error_log stderr crit; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@pytest.fixture(scope="module")
def practice(served: Factory) -> Iterator[Served]:
    with served(TRUSTED_PROXIES="127.0.0.1", RATE_LIMITS="on") as running:
        yield running


def nginx(folder: Path, port: int, behind: int) -> list[str]:
    """Return how nginx is started with our file, without https: that needs a certificate."""
    text = (DEPLOY / "nginx.conf").read_text().replace("127.0.0.1:8000", f"127.0.0.1:{behind}")
    text = re.sub(r"listen 443 .*;", f"listen 127.0.0.1:{port} default_server;", text)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
    text = re.sub(r"(?m)^ *(ssl_\w+|error_log) .*;$", "", text)
    (folder / "site.conf").write_text(text)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    return [found("nginx") or "nginx", "-e", "stderr", "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, port: int, behind: int) -> list[str]:
    """Return how Caddy is started with our file, without https: that needs a name."""
    text = (DEPLOY / "Caddyfile").read_text().replace("127.0.0.1:8000", f"127.0.0.1:{behind}")
    text = text.replace("afspraken.praktijk.example {", f"http://:{port} {{")
    (folder / "Caddyfile").write_text(text.replace("\n{\n", "\n{\n\tadmin off\n", 1))
    return [found("caddy") or "caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@contextmanager
def before(practice: Served, proxy: str) -> Iterator[Site]:
    folder, port = Path(tempfile.mkdtemp(prefix="proxy-")), free_port()
    command = {"nginx": nginx, "caddy": caddy}[proxy](folder, port, practice.port)
    env = {"PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    site = Site(port, folder / "log", process)
    try:
        wait_until(lambda: listens(port) or process.poll() is not None, what=f"{proxy} to listen")
        assert process.poll() is None, (folder / "log").read_text()
        yield site
    finally:
        site.hang_up()
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["nginx", "caddy"])
def site(request: pytest.FixtureRequest, practice: Served) -> Iterator[Site]:
    with before(practice, request.param) as running:
        yield running


def ask(site: Site, path: str, **headers: str) -> tuple[int, str]:
    line = site.line()
    said = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    line.say(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{said}Connection: close\r\n\r\n".encode())
    heard = line.until_closed().decode(errors="replace")
    return int(heard.split()[1]), heard


@pytest.mark.parametrize("number", [10, 50, 200])
def test_slow_visitors_keep_nobody_waiting(site: Site, number: int) -> None:
    starts = [
        b"POST /en/afspraak/kiezen/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n",
        b"POST /en/afspraak/kiezen/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 30,
        b"",
    ]
    lines = [site.line(window=2048) for _ in range(number)]
    for index, line in enumerate(lines):
        line.say(starts[index % len(starts)])

    took = []
    for _ in range(5):
        for line in lines:
            line.try_to_say(b"a")
        took.append(answered_in(site))

    # Milliseconds; the rest is for a machine that does much else.
    assert max(took) < 4


def answered_in(site: Site) -> float:
    """Return in how many seconds the home page is there."""
    began = time.monotonic()
    assert ask(site, "/")[0] == 200
    return time.monotonic() - began


def test_no_header_shows_one_page_in_the_place_of_another(site: Site, practice: Served) -> None:
    pages = ["/en/afspraak/", "/agenda/", "/account/login/", "/en/contact/"]
    expected = {path: Visitor(practice.url).get(path) for path in pages}

    for header in HEADERS:
        for _ in range(6):
            assert ask(site, "/en/afspraak/", **{header: "/en/afspraak"})[0] in {200, 400}
            assert ask(site, "/en/contact/", **{header: "/en/contact"})[0] in {200, 400}

    for path in pages:
        status, text = ask(site, path)
        assert (status, title(text)) == (expected[path].status, title(expected[path].text))


def test_a_visitor_chooses_neither_the_name_of_a_request_nor_an_address(site: Site) -> None:
    chosen = "0123456789abcdef0123456789abcdef"
    assert chosen not in ask(site, "/en/contact/", **{"X-Request-ID": chosen})[1]

    statuses = []
    for number in range(32):
        forged = {"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}"}
        statuses.append(ask(site, "/afspraak/beheer/x/", **forged)[0])
    assert statuses[-1] == 429


def test_what_is_too_long_is_refused_by_the_proxy(site: Site) -> None:
    line = site.line()
    head = f"POST /en/contact/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {MOST_BODY + 1}\r\n\r\n"
    line.try_to_say(head.encode() + b"a" * (MOST_BODY + 1))

    assert b" 413 " in line.until_closed()[:20]
    assert ask(site, "/")[0] == 200
