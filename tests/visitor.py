"""A visitor of a running installation: cookies, forms and links, over plain HTTP."""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from http.cookiejar import CookieJar
from threading import Barrier
from typing import TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener

Result = TypeVar("Result")


class _Stay(HTTPRedirectHandler):
    """Follows no redirect: where an answer leads is part of what a test looks at."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


class Answer:
    """What the server said."""

    def __init__(self, status: int, location: str, text: str) -> None:
        self.status, self.location, self.text = status, location, text

    def hidden(self, name: str) -> str:
        """Return the value of the hidden field `name`."""
        found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', self.text)
        assert found, f"no field {name} in {self.text[:2000]}"
        return unescape(found[1])

    def starts(self) -> list[str]:
        """Return the starts that the page offers, as buttons or as radio buttons, each once."""
        found = re.findall(r'name="start" value="([^"]+)"', self.text)
        return list(dict.fromkeys(unescape(start) for start in found))


class Visitor:
    """One browser without JavaScript at `url`."""

    def __init__(self, url: str, name: str = "Noor") -> None:
        self.url, self.name = url, name
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()), _Stay())

    def get(self, path: str) -> Answer:
        """Return the page at `path`."""
        return self._send(Request(urljoin(self.url, path)))

    def post(self, path: str, **fields: str) -> Answer:
        """Send the form `fields` to `path`."""
        headers = {"Origin": self.url, "Referer": urljoin(self.url, path)}
        return self._send(Request(urljoin(self.url, path), urlencode(fields).encode(), headers))

    def open_form(self, start: str) -> dict[str, str]:
        """Open the form for `start` and return it filled in, ready to be posted to /afspraak/gegevens/."""
        page = self.get(f"/afspraak/gegevens/?{urlencode({'type': 'eerste-afspraak', 'start': start})}")
        assert page.status == 200, page.text
        return {
            "csrfmiddlewaretoken": page.hidden("csrfmiddlewaretoken"),
            "key": page.hidden("key"),
            "type": "eerste-afspraak",
            "start": start,
            "parent_name": self.name,
            "email": f"{self.name.casefold().replace(' ', '.')}@example.org",
            "phone": "06 12345678",
            "child_first_name": f"Kind van {self.name}",
            "age_band": "under_12",
            "remark": f"Getypt door {self.name}",
            "consent": "on",
        }

    def book(self, start: str) -> Answer:
        """Open the form for `start`, fill it in and send it."""
        return self.post("/afspraak/gegevens/", **self.open_form(start))

    def _send(self, request: Request) -> Answer:
        try:
            with self._opener.open(request, timeout=60) as response:
                return Answer(response.status, "", response.read().decode())
        except HTTPError as error:
            with error:
                return Answer(error.code, error.headers.get("Location", ""), error.read().decode())


def all_at_once(acts: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run every one of `acts` in a thread of its own, let go at the same moment; return their results."""
    barrier = Barrier(len(acts))

    def act(one: Callable[[], Result]) -> Result:
        barrier.wait(60)
        return one()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(act, acts))
