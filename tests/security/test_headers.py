"""What browsers are told on every page, over https: an A+ by Mozilla's HTTP Observatory, and more.

The rules and points are those of github.com/mdn/mdn-http-observatory (src/analyzer/tests, src/grader/charts.js),
written down again here since nothing leaves this machine: each check gives points, 100 and more is an A+.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from http.cookies import Morsel
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from practice import urls as site
from tests.booking.accounts import PASSWORD, code
from tests.house import NOW, browser_of, every_route, make_house

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
OVER_HTTPS = (
    "import json; from practice import settings;"
    "kept = {name: value for name, value in vars(settings).items() if name.isupper()"
    " and name.split('_')[0] in {'SECURE', 'SESSION', 'CSRF', 'HTTPS', 'X', 'TRUSTED'}};"
    "print(json.dumps(kept))"
)
# May be kept and found: they are the same for everyone, and meant to be.
PUBLIC = {
    *("favicon", "robots", "security_txt", "sitemap", "picture", "home", "page", "api:docs"),
    *("api:problem", "booking:choose"),
}
# Kept by the calendar that reads it, so that it is sent again only when it changed.
KEPT_BY_WHO_READS_IT = {"booking:read_feed"}
# A mail as it is: styled in itself, and let do nothing else. Only our own page frames it.
A_MAIL = "booking:mail_html"
ITS_POLICY = {
    "default-src 'none'", "style-src 'unsafe-inline'", "base-uri 'none'", "form-action 'none'",
    "frame-ancestors 'self'", "sandbox",
}  # fmt: skip
OUR_RULES = ("default-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'")
FRAMES = {"booking:mail_preview": ["iframe"]}
SIX_MONTHS = 15552000
PRIVATE_REFERRERS = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}


class Scripts(HTMLParser):
    """What a page runs or is styled by: addresses of scripts, and whatever stands in the page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "script" and found.get("src"):
            self.addresses.append(str(found["src"]))
        elif tag == "script" and found.get("type") not in {"application/ld+json", "application/json"}:
            self.inline.append(tag)
        if tag in {"style", "base", "iframe", "object", "embed"}:
            self.inline.append(tag)
        self.inline += [name for name in found if name == "style" or name.startswith("on")]


def csp_points(policy: str) -> int:
    """Return the points of a Content-Security-Policy."""
    if not policy:
        return -25
    rules = {name: set(values) for name, *values in (part.split() for part in policy.split(";") if part.strip())}
    default = rules.get("default-src", {"*"})
    for name in ("script-src", "object-src"):
        sources = rules.get(name, default)
        if sources & {"'unsafe-inline'", "data:", "*", "http:", "https:"}:
            return -20
    if "'unsafe-eval'" in rules.get("script-src", default):
        return -10
    if any("http:" in sources for sources in rules.values()):
        return -20
    if "'unsafe-inline'" in rules.get("style-src", default):
        return 0
    return 10 if default == {"'none'"} else 5


def cookie_points(cookies: list[Morsel[str]]) -> int:
    """Return the points of the cookies that an answer sets; each of ours is of a session or against forgery."""
    # Taking one back needs no more than its name.
    cookies = [cookie for cookie in cookies if cookie.value]
    if not cookies:
        return 0
    if not all(cookie["secure"] for cookie in cookies):
        return -40
    if not all(cookie["httponly"] for cookie in cookies):
        return -30
    return 5 if all(cookie["samesite"] in {"Lax", "Strict"} for cookie in cookies) else -20


def hsts_points(header: str) -> int:
    """Return the points of Strict-Transport-Security; a place on the preload list is the owner's to ask for."""
    age = re.match(r"max-age=(\d+)", header)
    if not age:
        return -20
    return 0 if int(age[1]) >= SIX_MONTHS else -10


def points(answer: Any) -> dict[str, int]:
    """Return the points of each of the Observatory's checks on `answer`; redirection has a test of its own."""
    policy = answer.headers.get("Content-Security-Policy", "")
    framed = "frame-ancestors 'none'" in policy or answer.headers.get("X-Frame-Options") in {"DENY", "SAMEORIGIN"}
    scripts = Scripts()
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        scripts.feed(answer.content.decode())
    return {
        "csp": csp_points(policy),
        "cookies": cookie_points(list(answer.cookies.values())),
        "cors": -50 if answer.headers.get("Access-Control-Allow-Origin") else 0,
        "referrer": 5 if answer.headers.get("Referrer-Policy") in PRIVATE_REFERRERS else 0,
        "hsts": hsts_points(answer.headers.get("Strict-Transport-Security", "")),
        # A script of our own needs no integrity; one from elsewhere does.
        "sri": 0 if all(re.match(r"/(?!/)", address) for address in scripts.addresses) else -5,
        "nosniff": 0 if answer.headers.get("X-Content-Type-Options") == "nosniff" else -5,
        "frames": 5 if framed else -20,
        "corp": 10 if answer.headers.get("Cross-Origin-Resource-Policy") == "same-origin" else 0,
    }


def wrongs(name: str, answer: Any) -> list[str]:
    """Return what is wrong with the headers of `answer`: no A+, or less than this house asks besides."""
    given = points(answer)
    score = 100 + sum(given.values())
    found = [] if score >= 100 and min(given.values()) >= 0 else [f"{score}: {given}"]
    policy = answer.headers.get("Content-Security-Policy", "")
    mail = name == A_MAIL and answer.status_code == 200
    rules = ITS_POLICY if mail else OUR_RULES
    found += [rule for rule in rules if rule not in policy]
    found += [policy] if mail and {rule.strip() for rule in policy.split(";")} != ITS_POLICY else []
    found += ["permissions"] if "camera=()" not in answer.headers.get("Permissions-Policy", "") else []
    found += ["opener"] if answer.headers.get("Cross-Origin-Opener-Policy") != "same-origin" else []
    found += ["referrer"] if answer.headers.get("Referrer-Policy") != "same-origin" else []
    found += [cookie for cookie in answer.cookies if cookie not in {"__Host-session", "__Host-csrf"}]
    found += [f"{cookie.key} has a domain" for cookie in answer.cookies.values() if cookie["domain"]]
    kind = answer.headers.get("Content-Type", "")
    found += [f"type {kind}"] if not kind or (kind.startswith("text/") and "charset" not in kind) else []
    if kind.startswith("text/html"):
        page = Scripts()
        page.feed(answer.content.decode())
        inline = page.inline if page.inline != FRAMES.get(name) else []
        # What a mail may have besides is where its links would open.
        inline = [what for what in inline if what not in {"style", "base"}] if mail else inline
        found += [f"inline: {what}" for what in inline]
    if name not in PUBLIC:
        kept = answer.headers.get("Cache-Control", "")
        wanted = "private, no-cache" if name in KEPT_BY_WHO_READS_IT else "no-store"
        found += ["no-store"] if wanted not in kept else []
        noindex = "noindex" in answer.headers.get("X-Robots-Tag", "") or b'content="noindex' in answer.content
        found += ["noindex"] if not noindex else []
    return [f"{name} {answer.status_code}: {what}" for what in found]


def fault(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


class Urls:
    """The site's addresses, and one that breaks."""

    urlpatterns = [path("kapot/", fault), *site.urlpatterns]
    handler400, handler403, handler404, handler500 = (
        site.handler400, site.handler403, site.handler404, site.handler500,
    )  # fmt: skip


@pytest.fixture(scope="module")
def over_https() -> dict[str, Any]:
    """What HTTPS=1 makes of the settings, read by a process of its own."""
    env = {**os.environ, "HTTPS": "1", "TRUSTED_PROXIES": "10.0.0.0/8"}
    done = subprocess.run([sys.executable, "-c", OVER_HTTPS], cwd=ROOT, env=env, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def house(over_https: dict[str, Any]) -> Iterator[dict[str, Any]]:
    more = {"RATE_LIMITS": False, "ACCOUNT_RATE_LIMITS": False}
    with override_settings(**over_https, **more), time_machine.travel(NOW, tick=False):
        yield make_house()


def at(browser: Client, address: str, method: str = "GET", **more: Any) -> Any:
    return browser.generic(method, address, secure=True, **more)


ERRORS = [
    (400, "GET", "/contact/", {"headers": {"host": "elsewhere.example"}}),
    (403, "POST", "/afspraak/kiezen/", {}),
    (404, "GET", "/bestaat-niet/", {}),
    (404, "GET", "/afspraak/beheer/nothing/", {}),
    (405, "POST", "/contact/", {}),
    (500, "GET", "/kapot/", {}),
    (404, "GET", "/api/v1/nothing", {}),
    (405, "PUT", "/api/v1/slots", {}),
    (422, "GET", "/api/v1/slots", {}),
    (200, "GET", "/static/site.css", {}),
    (200, "GET", "/static/favicon.svg", {}),
    (404, "GET", "/static/nothing.js", {}),
    # What a load balancer or a scanner may send; none of them answers with what was asked (cross-site tracing).
    (405, "TRACE", "/contact/", {"headers": {"cookie": "__Host-session=told-back"}}),
    (405, "TRACE", "/beheer/login/", {"headers": {"cookie": "__Host-session=told-back"}}),
    (405, "TRACE", "/account/wachtwoord/MQ/set-password/", {"headers": {"cookie": "__Host-session=told-back"}}),
    (405, "TRACE", "/api/v1/slots", {"headers": {"cookie": "__Host-session=told-back"}}),
    (405, "OPTIONS", "/contact/", {"headers": {"origin": "https://elsewhere.example"}}),
    (405, "OPTIONS", "/api/v1/appointments", {"headers": {"origin": "https://elsewhere.example"}}),
]


def test_every_refusal_and_file_earns_one_too(house: dict[str, Any], tmp_path: Path) -> None:
    found = []
    with override_settings(ROOT_URLCONF=Urls, STATIC_ROOT=str(tmp_path)):
        call_command("collectstatic", verbosity=0, interactive=False)
        for status, method, address, more in ERRORS:
            browser = Client(enforce_csrf_checks=status == 403, raise_request_exception=False)
            answer = at(browser, address, method, **more)
            if answer.streaming:
                answer = HttpResponse(b"".join(answer.streaming_content), headers=dict(answer.headers))
            # A page that is the same for everyone may be kept.
            found += [f"{method} {address}: {what}" for what in wrongs("page", answer)]
            found += [f"{method} {address}: {answer.status_code}"] if answer.status_code != status else []
            found += [f"{method} tells back"] if b"told-back" in answer.content else []

    assert not found, "\n".join(found)


def test_too_many_tries_earn_one_too(house: dict[str, Any]) -> None:
    with override_settings(RATE_LIMITS=True):
        browser = browser_of("visitor")
        answers = [at(browser, "/afspraak/beheer/nothing/") for _ in range(31)]

    assert answers[-1].status_code == 429
    assert wrongs("booking:manage", answers[-1]) == []


def test_plain_http_leads_to_the_same_address_over_https(house: dict[str, Any]) -> None:
    browser = browser_of("visitor")

    for address in ("/", "/en/contact/?from=mail", "/agenda/", "/account/login/"):
        answer = browser.get(address)
        assert (answer.status_code, answer["Location"]) == (301, f"https://testserver{address}")
    # Software that calls in the open is told so, rather than led on with its key.
    assert browser.get("/api/v1/slots").status_code == 403


@pytest.mark.parametrize(
    ("address", "said", "status"),
    [
        ("/healthz", {}, 200),
        ("/readyz", {}, 503),
        ("/", {"SCRIPT_NAME": "/en/agenda", "PATH_INFO": "/"}, 400),
    ],
    ids=["alive", "ready", "script name"],
)
def test_the_few_words_outside_the_pages_load_nothing_and_stand_in_no_frame(
    house: dict[str, Any], address: str, said: dict[str, Any], status: int
) -> None:
    answer = Client().get(address, **said)

    assert answer.status_code == status
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    kind = answer.headers["Content-Type"]
    assert kind.endswith("charset=utf-8") or kind == "application/json"


def test_the_cookies_of_whoever_signs_in_stay_with_this_site(house: dict[str, Any]) -> None:
    browser = Client()
    form = {"login": "alice@praktijk.example", "password": PASSWORD}

    assert at(browser, "/en/account/login/").status_code == 200
    browser.post("/en/account/login/", form, secure=True)
    browser.post("/en/account/2fa/authenticate/", {"code": code()}, secure=True)

    assert at(browser, "/agenda/").status_code == 200
    assert browser.cookies.keys() == {"__Host-session", "__Host-csrf"}
    for cookie in browser.cookies.values():
        assert cookie["secure"]
        assert cookie["httponly"]
        assert (cookie["samesite"], cookie["path"], cookie["domain"], cookie["max-age"]) == ("Lax", "/", "", "")


def test_the_scorer_can_say_no() -> None:
    """Points go where the Observatory's go: headers that are missing or loose cost what its table says."""
    bare = HttpResponse("<script src='https://elsewhere.example/x.js'></script>")
    loose = HttpResponse(headers={"Content-Security-Policy": "default-src 'self'; script-src 'unsafe-inline'"})
    loose.set_cookie("session", "x")

    assert points(bare) == {
        "csp": -25, "cookies": 0, "cors": 0, "referrer": 0, "hsts": -20, "sri": -5, "nosniff": -5, "frames": -20,
        "corp": 0,
    }  # fmt: skip
    assert (points(loose)["csp"], points(loose)["cookies"]) == (-20, -40)
    assert csp_points("default-src 'none'; script-src 'self' 'unsafe-eval'") == -10
    assert csp_points("default-src 'self'; style-src 'unsafe-inline'") == 0
    assert hsts_points("max-age=3600") == -10


@pytest.mark.parametrize("name", ["visitor", "carol"])
def test_every_page_earns_an_a_plus(house: dict[str, Any], name: str) -> None:
    browser, found = browser_of(name), []
    routes = every_route(house, "practice.urls")
    for route in routes:
        if route.name in {"account_logout", "admin:logout"}:
            continue
        answer = at(browser, route.address)
        found += wrongs(route.name, answer)

    assert not found, "\n".join(sorted(set(found)))
