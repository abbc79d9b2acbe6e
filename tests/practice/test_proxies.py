"""What a request may say of itself: of what a proxy adds, nothing counts that our own proxies did not write."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from practice.kept import KeptPagesMiddleware
from practice.models import Page
from practice.proxies import is_trusted

ROOT = Path(__file__).resolve().parents[2]
ADDRESSES = ["/", "/en/", "/en/contact/", "/contact/", "/en/afspraak/", "/agenda/", "/account/login/", "/healthz"]


@pytest.fixture
def site(db: None) -> None:
    call_command("load_practice", verbosity=0)
    KeptPagesMiddleware.kept.clear()


@pytest.fixture
def over_https(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("variable", ["SCRIPT_NAME", "SCRIPT_URL", "REDIRECT_URL"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_script_name_is_refused_and_changes_no_page(variable: str, address: str) -> None:
    # As servers have it that take the name: it is cut off in front of the path.
    known: dict[str, Any] = (
        {"SCRIPT_NAME": address.rstrip("/") or "/x"} if variable == "SCRIPT_NAME" else {variable: f"/x{address}"}
    )
    path: dict[str, Any] = {"PATH_INFO": "/"} if variable == "SCRIPT_NAME" else {}
    before = Client().get(address)

    answers = [Client().get(address, **known, **path) for _ in range(6)]

    assert {(answer.status_code, answer.content) for answer in answers} == {
        (400, b"This site has no script name.\n")
    }
    after = Client().get(address)
    assert (after.status_code, after.headers.get("Location")) == (
        before.status_code,
        before.headers.get("Location"),
    )
    assert ("<h1" in after.content.decode()) == ("<h1" in before.content.decode())


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    "header",
    [
        *("script-name", "x-script-name", "x-forwarded-prefix", "x-forwarded-host", "x-original-url", "path-info"),
        *("x-rewrite-url", "x-forwarded-path", "x-forwarded-uri", "x-forwarded-server", "x-http-method-override"),
    ],
)
@pytest.mark.parametrize("trusted", [[], ["127.0.0.1"]], ids=["bare", "behind a proxy"])
def test_no_header_leads_to_another_page(settings: Any, header: str, trusted: list[str]) -> None:
    settings.TRUSTED_PROXIES = trusted
    plain = Client().get("/en/contact/")
    KeptPagesMiddleware.kept.clear()

    for said in ("/en/contact", "/en", "POST", "elsewhere.example"):
        assert Client().get("/en/contact/", headers={header: said}).content == plain.content
    assert Client().get("/en/contact/").content == plain.content


@pytest.mark.usefixtures("site")
def test_invented_addresses_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = ["//en/contact/", "/en//contact/", "/EN/contact/", "/en/contact/x/", "/en/contact", "/%65n/contact/?"]
    odd += ["/./en/contact/", "/en/contact/;x", "/en/contact/%00", "/en/Contact/", "/en/cont%C3%A1ct/"]

    for number in range(50):
        Client().get(f"/invented-{number}/")
        Client().get("/", {"invented": number})
        Client().post(f"/en/contact/?{number}")
    for address in odd:
        Client().get(address)

    assert set(KeptPagesMiddleware.kept) <= {"/contact/", "/en/contact/"}

    # And where the site itself had ever so many pages.
    monkeypatch.setattr(KeptPagesMiddleware, "most", 3)
    Page.objects.bulk_create(
        [
            Page(slug=f"p{number}", language="nl", title="x", menu_title="x", description="x", body="x")
            for number in range(8)
        ]
    )
    for number in range(8):
        assert Client().get(f"/p{number}/").status_code == 200
    assert list(KeptPagesMiddleware.kept) == ["/p5/", "/p6/", "/p7/"]


@pytest.mark.usefixtures("site", "over_https")
@pytest.mark.parametrize(
    ("remote", "said", "secure"),
    [
        ("10.0.0.1", "https", True),
        ("10.0.0.1", "http", False),
        ("10.0.0.1", "https, http", False),
        ("10.0.0.1", "http,https", True),
        ("203.0.113.9", "https", False),
        ("203.0.113.9", "https,https", False),
    ],
)
def test_https_is_believed_of_our_own_proxies_alone(remote: str, said: str, secure: bool) -> None:
    answer = Client().get("/contact/", REMOTE_ADDR=remote, headers={"x-forwarded-proto": said})

    assert answer.status_code == (200 if secure else 301)


@pytest.mark.usefixtures("site", "over_https")
@pytest.mark.parametrize(
    "header", ["x-forwarded-ssl", "x-forwarded-protocol", "x-forwarded-scheme", "x-url-scheme"]
)
def test_https_is_believed_of_one_header_alone(header: str) -> None:
    for said in ("on", "https", "ssl"):
        answer = Client().get("/contact/", REMOTE_ADDR="10.0.0.1", headers={header: said})
        assert answer.status_code == 301


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(("remote", "believed"), [("10.0.0.1", True), ("203.0.113.9", False)])
def test_a_request_is_named_by_our_own_proxies_alone(settings: Any, remote: str, believed: bool) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]

    answer = Client().get("/contact/", REMOTE_ADDR=remote, headers={"x-request-id": "0123456789abcdef"})

    assert (answer.headers["X-Request-ID"] == "0123456789abcdef") is believed


@pytest.mark.parametrize(
    ("caller", "trusted"),
    [
        *(("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.0.0.1", False), ("2001:db8::1", True)),
        *(("2001:db9::1", False), ("", False), ("unknown", False), ("10.1.2.3, 10.0.0.1", False)),
    ],
)
def test_a_proxy_is_known_by_its_address(settings: Any, caller: str, trusted: bool) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "2001:db8::/32"]

    assert is_trusted(caller) is trusted


@pytest.mark.parametrize("said", ["10.0.0.1/8", "*", "proxy.example", "10.0.0.0/8;10.1.0.0/16"])
def test_proxies_that_cannot_be_read_start_nothing(tmp_path: Path, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import practice.settings"],
        cwd=ROOT,
        env={**os.environ, "TRUSTED_PROXIES": said, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "TRUSTED_PROXIES must be addresses or networks" in done.stderr
