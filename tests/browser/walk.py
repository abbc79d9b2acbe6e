"""The walk past every stop: it opens each page, brings it into its state, and hands it over."""

from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.accessibility import DESK
from tests.browser.stops import Stop


class Walk:
    """One visitor's and each account's browser at `url`, with the `parts` of the addresses from everything.py."""

    def __init__(self, browser: Browser, options: dict[str, Any], url: str, parts: dict[str, Any]) -> None:
        self.url, self.parts = url, parts
        self._browser, self._options = browser, {**options, "viewport": DESK}
        self._pages: dict[str, Page] = {}

    def close(self) -> None:
        for page in self._pages.values():
            page.context.close()

    def open(self, stop: Stop, language: str) -> Page:
        """Return the page of `stop` in its state; raises AssertionError where it answers otherwise."""
        page = self._page(stop.who)
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
        prefix = "" if language == "nl" or stop.address.startswith("/api/") else f"/{language}"
        address = f"{self.url}{prefix}{stop.address}"
        if stop.address.startswith("broken:"):
            # Nothing leads there: what the handler answers comes in place of another page of the same house.
            address = f"{self.url}{prefix}/contact/"
            body = self.parts["broken"][language][stop.address.removeprefix("broken:")]
            page.route(address, lambda route: route.fulfill(body=body, content_type="text/html", status=200))
        answer = page.goto(address.format(**self.parts | {"lost": self.parts["lost"][language]}))
        page.unroute(address)
        assert answer
        assert answer.status == stop.status, f"{page.url} answers {answer.status}"
        if stop.act:
            stop.act(page, self.url)
        return page

    def _page(self, who: str) -> Page:
        if who not in self._pages:
            self._pages[who] = self._context(who).new_page()
        return self._pages[who]

    def _context(self, who: str) -> BrowserContext:
        context = self._browser.new_context(**self._options)
        if who in self.parts["sessions"]:
            name, value = "sessionid", self.parts["sessions"][who]
            context.add_cookies([{"name": name, "value": value, "url": self.url}])
        context.set_default_timeout(15_000)
        return context
