"""One browser over every page: it asks nobody but us, complains of nothing, and keeps two cookies at most."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response

from tests.served import Served
from tests.visitor import Visitor

pytestmark = [pytest.mark.servers, pytest.mark.browser]

SITE = ["/", "/hechting/", "/eerste-afspraak/", "/contact/", "/privacy/", "/afspraak/", "/account/login/"]
SITE += ["/account/wachtwoord/vergeten/", "/afspraak/gewist/"]
INSIDE = [
    "",
    "eerder/",
    "werktijden/",
    "werktijden/nieuw/",
    "vrij/",
    "vrij/nieuw/",
    "vrij/importeren/",
    "abonnement/",
]
INSIDE += ["collegas/", "collegas/nieuw/", "kalenders/", "cijfers/", "soorten/", "soorten/nieuw/"]
INSIDE += ["mails/", "mails/bevestiging/nl/"]
ACCOUNT = ["/account/2fa/", "/account/sessies/", "/account/password/change/"]
ADMIN = ["", "practice/page/", "practice/page/add/", "auth/user/", "booking/appointment/", "booking/notification/"]
# htmx notes the address last shown, for as long as the tab is open, and the admin which colours and filters its
# user likes; neither can be told not to.
STORED = """Object.keys(localStorage).concat(document.cookie || [],
    Object.keys(sessionStorage)).filter(key =>
    !["htmx-current-path-for-history", "theme", "django.admin.filtersState"].includes(key))"""


@pytest.fixture(scope="module")
def practice(served: Any) -> Iterator[Served]:
    with served("sqlite") as practice:
        yield practice


class Watch:
    """Writes down whatever a page should not have done."""

    def __init__(self, page: Page, home: str) -> None:
        self.page, self.home, self.wrong, self.asked = page, home, list[str](), 0
        page.on("request", self._request)
        page.on("requestfailed", self._failed)
        page.on("response", self._response)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))

    def open(self, path: str) -> None:
        self.page.goto(self.home + path)
        storage = self.page.evaluate(STORED)
        if storage:
            self.wrong.append(f"{path} stored {storage}")

    def _request(self, request: Request) -> None:
        self.asked += 1
        if urlsplit(request.url).scheme != "data" and not request.url.startswith(f"{self.home}/"):
            self.wrong.append(f"{self.page.url} asked {request.url}")
        # An address with a token is told to no other site; to our own it may be.
        if urlsplit(request.headers.get("referer", self.home)).netloc != urlsplit(self.home).netloc:
            self.wrong.append(f"{request.url} came from {request.headers['referer']}")

    def _failed(self, request: Request) -> None:
        # What was still under way when the next page was asked for, the browser itself gives up.
        if request.failure != "net::ERR_ABORTED":
            self.wrong.append(f"failed: {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.wrong.append(f"{response.status}: {response.url}")

    def _console(self, message: ConsoleMessage) -> None:
        # A browser says there what a policy refused, too; advice it gives as "debug".
        if message.type in {"error", "warning"}:
            self.wrong.append(f"{self.page.url}: {message.text}")


def test_every_page_asks_us_alone(
    practice: Served, browser: Browser, browser_context_args: Any, signed_in: Any
) -> None:
    visitor = Visitor(practice.url)
    manage = visitor.book(visitor.get("/afspraak/").starts()[-1]).location.replace("gemaakt", "beheer")
    public = [*SITE, manage, f"{manage}verzetten/", f"{manage}afzeggen/", f"{manage}wissen/"]
    public.append(manage.replace("beheer", "gemaakt"))
    private = [f"/agenda/{path}" for path in INSIDE] + [f"/beheer/{path}" for path in ADMIN] + ACCOUNT

    for paths, state in ((public, None), (private, signed_in)):
        context = browser.new_context(**browser_context_args, storage_state=state)
        watch = Watch(context.new_page(), practice.url)
        for language in ("", "/en"):
            for path in paths:
                watch.open(language + path)
        if state is None:
            watch.open("/api/v1/docs")
            watch.open("/afspraak/")
            watch.page.locator("button.slot").first.click()
            watch.page.locator("input[name=email]").wait_for()
        else:
            watch.open("/agenda/")
            watch.page.locator("a[href*='/agenda/afspraak/']").first.click()
            watch.page.wait_for_url("**/agenda/afspraak/**")
        cookies = context.cookies()
        kept = [entry["name"] for origin in context.storage_state()["origins"] for entry in origin["localStorage"]]
        context.close()

        assert not watch.wrong, "\n".join(watch.wrong)
        assert watch.asked > 2 * len(paths)
        # Of the admin, which of its colours; of ours nothing.
        assert set(kept) <= ({"theme"} if state else set())
        assert {cookie["name"] for cookie in cookies} <= {"sessionid", "csrftoken"}
        assert {cookie["domain"] for cookie in cookies} == {"127.0.0.1"}
        assert {(cookie["sameSite"], cookie["httpOnly"]) for cookie in cookies} == {("Lax", True)}
