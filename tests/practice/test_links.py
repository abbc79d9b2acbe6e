"""Every link leads somewhere: on the pages that visitors see, in mails, and in the documents beside the code."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
import time_machine
from django.contrib.staticfiles import finders
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.test import Client

from booking import emails
from booking.models import Appointment, Kind, Therapist, Unconfirmed
from practice.models import OldAddress, Page
from tests.booking.factories import make_notification
from tests.house import NOW, make_house

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
SITE = "http://testserver"
SLOT = "type=eerste-afspraak&start=2026-12-01T13:00Z"
# The ways through the site begin here; all else is found from them.
BEGINNINGS = ["/", "/en/", "/nergens/", "/en/nergens/", "/robots.txt", "/sitemap.xml", "/api/v1/docs"]
WAYS = ["afspraak/", f"afspraak/gegevens/?{SLOT}", "afspraak/beheer/{token}/", "afspraak/beheer/{token}/afzeggen/"]
TO_PARENT = [Kind.CONFIRMATION, Kind.REMINDER, Kind.MOVED, Kind.ASK_TO_MOVE, Kind.ASK_WITHDRAWN, Kind.CANCELLED]
TO_THERAPIST = [Kind.NEW_BOOKING, Kind.MOVED, Kind.CANCELLED]


class Links(HTMLParser):
    """Where a page leads and what it loads, and what in it can be led to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.add(str(given["id"]))
        # A form that writes is no link: following it would do what it is for.
        names = [] if tag == "form" and given.get("method") == "post" else ["href", "src", "action", "hx-get"]
        self.found += [str(given[name]) for name in names if given.get(name)]


class Walk:
    """A visitor who follows links, each once, and where it goes `deep` those of what is found there too."""

    def __init__(self, *, deep: bool) -> None:
        self.deep = deep
        self.browser = Client(raise_request_exception=False)
        self.seen: dict[str, Links | None] = {}
        self.wrong: list[str] = []

    def page(self, path: str) -> Links | None:
        """Return what the page at `path` holds, empty where it is no page; None where nothing is found."""
        if path not in self.seen:
            answer: Any = self.browser.get(path, follow=True)
            self.seen[path] = None if answer.status_code != 200 else Links("")
            if answer.headers.get("Content-Type", "").startswith("text/html") and answer.status_code in {200, 404}:
                found = Links(answer.content.decode())
                self.seen[path] = found if answer.status_code == 200 else None
                if self.deep:
                    self.beyond(path, found)
        return self.seen[path]

    def beyond(self, path: str, found: Links) -> None:
        links = dict.fromkeys(found.found)
        # Of a page that is not there each language says so.
        for link in links if self.seen[path] else [link for link in links if not link.endswith("/nergens/")]:
            sentence = self.follow(link, urljoin(SITE, path), found)
            self.wrong += [f"{path}: {link}: {sentence}"] if sentence else []

    def follow(self, link: str, base: str, here: Links) -> str | None:
        """Return what is wrong with `link` on the page at the address `base`; None where it leads on."""
        if re.match(r"(mailto|tel|https?|data):", link) and not link.startswith(f"{SITE}/"):
            return outward(link)
        address, fragment = urldefrag(urljoin(base, link))
        if address == urldefrag(base)[0]:
            return None if fragment in here.ids | {""} else "there is no such place on this page"
        path = address.removeprefix(SITE)
        if path.startswith("/static/"):
            return None if finders.find(unquote(urlsplit(path).path).removeprefix("/static/")) else "no such file"
        # Times by week and month go on for ever; one step is enough.
        if "?" in path and "?" in base and path.partition("?")[0] == urlsplit(base).path:
            return None
        there = self.page(path)
        if there is None:
            return "leads nowhere"
        return None if fragment in there.ids | {""} else "there is no such place on that page"


def outward(link: str) -> str | None:
    """Return what is wrong with `link`, which leads off the site or to a mail program; None where nothing is."""
    parts = urlsplit(link)
    try:
        if parts.scheme == "mailto":
            validate_email(unquote(parts.path))
        elif parts.scheme == "tel":
            return None if re.fullmatch(r"\+\d[\d-]{6,18}", parts.path) else "no phone number"
        elif parts.scheme != "data":
            URLValidator(schemes=["https"])(link)
    except ValidationError as error:
        return str(error.message)
    return None


@pytest.fixture
def house(settings: Any) -> Iterator[dict[str, Any]]:
    settings.RATE_LIMITS = False
    with time_machine.travel(NOW, tick=False):
        yield make_house()


def test_every_link_that_a_visitor_meets_leads_somewhere(house: dict[str, Any]) -> None:
    OldAddress.objects.create(slug="vroeger", leads_to="hechting")
    Page.objects.filter(slug="contact").update(body="[oud](/vroeger/)")
    walk = Walk(deep=True)

    for beginning in [*BEGINNINGS, *(f"{way}{rest}" for way in ("/", "/en/") for rest in WAYS)]:
        walk.page(beginning.format(token=house["token"]))

    assert walk.wrong == []
    found = {path for path, page in walk.seen.items() if page}
    assert {f"{way}{slug}/" for way in ("/", "/en/") for slug in ("hechting", "privacy", "contact")} <= found
    assert {"/vroeger/", "/afspraak/", "/en/agenda/", f"/en/afspraak/beheer/{house['token']}/"} <= found
    assert len(found) > 30


def test_the_walk_can_say_no(house: dict[str, Any]) -> None:
    """What leads nowhere is found, in words of the practice and in templates alike."""
    links = ["/nergens/", "/contact/#nergens", "#nergens", "tel:bel", "mailto:info", "http://elsewhere.example/"]
    links += ["/static/nergens.css", "https://elsewhere"]
    Page.objects.filter(slug="", language="nl").update(body=" ".join(f"[x]({link})" for link in links))
    walk = Walk(deep=False)
    home = walk.page("/")
    assert home

    walk.beyond("/", home)

    assert [line.split(": ")[1] for line in walk.wrong] == links


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_link_in_a_mail_leads_somewhere(house: dict[str, Any], language: str) -> None:
    appointment = Appointment.objects.get()
    appointment.parents.update(language=language)
    Therapist.objects.update(language=language)
    Unconfirmed.objects.update(language=language, email="noor@example.org")
    alice = Therapist.objects.get(slug="alice")
    owed = [make_notification(kind, appointment=appointment) for kind in TO_PARENT]
    owed += [make_notification(kind, appointment=appointment, therapist=alice) for kind in TO_THERAPIST]
    owed += [
        make_notification(Kind.OVERVIEW, therapist=alice, local_day=appointment.start.date()),
        make_notification(Kind.PASSWORD_LINK, therapist=alice),
        make_notification(Kind.MANY_BOOKINGS, therapist=alice),
        make_notification(Kind.CONFIRM, unconfirmed=Unconfirmed.objects.get()),
    ]
    assert {mail.kind for mail in owed} == set(Kind)
    walk, followed = Walk(deep=False), 0

    for mail in owed:
        message = emails.compose(mail, now=NOW)
        html = Links(str(message.alternatives[0][0]))
        text = re.findall(r"https?://[^\s)]+", str(message.body))
        assert set(text) <= set(html.found)
        for link in [*html.found, *text]:
            sentence = walk.follow(link, f"{SITE}/", html)
            followed += 1
            assert sentence is None, f"{mail.kind}: {link}: {sentence}"

    assert followed > 20


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def place_of(heading: str) -> str:
    """Return the name by which GitHub leads to `heading`."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def without_code(markdown: str) -> str:
    return re.sub(r"(?s)```.*?```|`[^`\n]*`", "", markdown)


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_in_a_document_leads_somewhere(document: Path) -> None:
    text = without_code(document.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)

    for link in links:
        if re.match(r"\w+:", link):
            assert outward(link) is None, link
            continue
        target, _, fragment = link.partition("#")
        there = (document.parent / target).resolve() if target else document
        assert there.exists(), link
        assert there.is_relative_to(ROOT), link
        if fragment:
            headings = re.findall(r"^#+ (.+)$", without_code(there.read_text(encoding="utf-8")), re.MULTILINE)
            assert fragment in {place_of(heading) for heading in headings}, link
