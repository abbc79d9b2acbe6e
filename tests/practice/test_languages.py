"""Every page in the language of its address, and in nothing else: the house is walked through in each language.

The catalogue's own test sees what is marked for translation and not translated. This one sees the rest: a sentence
that nobody marked, and one of a library that its own catalogue lacks.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.contrib.admin.utils import flatten
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import trans_real

from booking import mail_samples
from booking.mail_samples import SAMPLES
from practice.models import Page, Practice
from tests.house import NOW, Route, browser_of, every_route, make_house

pytestmark = pytest.mark.django_db

# Words that no sentence goes without, and that the other language does not have.
WORDS = {
    "en": {"the", "and", "your", "you", "with", "please", "this", "that", "are", "not", "from", "for", "to", "be"},
    "nl": {"de", "het", "een", "van", "niet", "voor", "uw", "bij", "naar", "wordt", "zijn", "deze", "geen", "ook"},
}
# What stands in a page and is no text of it: what the house wrote itself, and names.
OWN_WORDS = ("Duim Voor Jou", "Noor de Vries", "eerste-afspraak")
# As Americans write a day and an hour, and as no page here does.
AMERICAN = re.compile(
    r"\b[ap]\.m\.|\b(?:noon|midnight)\b|\b[A-Z][a-z]{2,8}\.? \d{1,2}, \d{4}\b|\b\d\d?/\d\d?/\d{4}\b"
)
# The same word in both languages, or a code; and the picture on the admin's button to search, whose words Django's
# own template leaves in English beside a button that says the same in Dutch.
ALLOWED = {"Kind", "nl", "en", "Search"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
READ_ALOUD = {"alt", "title", "aria-label", "placeholder", "content", "data-over", "data-soon", "data-take"}
# Whose eyes see a route: the visitor's, unless it begins with one of these.
SEEN_BY = {
    "/agenda/": "alice",
    "/account/": "alice",
    "/agenda/collegas/": "carol",
    "/agenda/inzage/": "carol",
    "/beheer/": "carol",
}


class Texts(HTMLParser):
    """What is read on a page, text by text, but for what says itself that it is in another language."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.language = ""
        self.texts: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = found.get("lang", "")
        other = "lang" in found and found["lang"] != self.language
        if tag not in VOID:
            self._open.append((tag, other or tag in {"script", "style", "textarea", "svg"}))
        if not other and not self._silent():
            self.texts += [found[name] for name in READ_ALOUD & found.keys()]
            self.texts += [found["value"]] if found.get("type") == "submit" and "value" in found else []

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._silent():
            self.texts.append(data)

    def _silent(self) -> bool:
        return any(silent for _tag, silent in self._open)


def reader_of(route: Route) -> str:
    return next(
        (SEEN_BY[start] for start in sorted(SEEN_BY, reverse=True) if route.address.startswith(start)), "visitor"
    )


def answers(house: dict[str, Any], prefix: str, language: str) -> Iterator[tuple[str, Any]]:
    """Yield what each route answers to a look, and to a form that was sent empty; nothing of it stays."""
    browsers = {name: browser_of(name) for name in {"visitor", *SEEN_BY.values()}}
    for route in every_route(house, "practice.urls"):
        outside = not route.address.startswith(("/agenda/", "/afspraak/", "/account/", "/beheer/", "/api/"))
        if route.name in {"account_logout", "admin:logout"} or (outside and route.name not in {"home", "page"}):
            continue
        api = route.address.startswith("/api/")
        address = route.address if api else prefix + route.address
        # An empty form is what a manager's back room has most of, and Django's own tests go over it.
        for method in ("GET",) if route.address.startswith("/beheer/") else ("GET", "POST"):
            kept = transaction.savepoint()
            answer = browsers[reader_of(route)].generic(method, address, headers={"accept-language": language})
            transaction.savepoint_rollback(kept)
            yield f"{method} {route.name} {answer.status_code}", answer


def sentences(answer: Any) -> tuple[str, list[str]]:
    """Return the language that `answer` says it is in, and its texts."""
    kind = answer.headers.get("Content-Type", "")
    if kind.startswith("text/html"):
        page = Texts(answer.content.decode())
        return page.language, page.texts
    if kind.startswith("application/problem+json"):
        problem = answer.json()
        told = [error["message"] for error in problem.get("errors", [])]
        return answer.headers["Content-Language"], [problem["title"], problem["detail"], *told]
    return "", []


def in_another_language(text: str, language: str, own: list[str], known: dict[str, str]) -> bool:
    """Return whether `text` is in another language than `language`: by its words, or by what `known` says."""
    text = " ".join(text.split())
    for words in own:
        text = text.replace(words, "")
    other = WORDS["en" if language == "nl" else "nl"]
    found = re.findall(r"(?<![\w-])[a-z]+(?![\w-])", text.casefold())
    said = text.strip(" :")
    return (said in known and said not in ALLOWED) or bool(other & set(found)) or bool(AMERICAN.search(text))


def other_texts(language: str) -> dict[str, str]:
    """Return each text of the site and its libraries as another language has it, and what it is in `language`."""
    dutch = trans_real.translation("nl")
    pairs = [
        (source, dutch.gettext(source))
        for catalog in dutch._catalog._catalogs  # type: ignore[attr-defined]
        for source in catalog
        if isinstance(source, str) and "\x04" not in source
    ]
    said = {english if language == "nl" else to: to if language == "nl" else english for english, to in pairs}
    both = {text for pair in pairs for text in pair[language == "nl" :][:1]}
    return {text: right for text, right in said.items() if text and text != right and text not in both}


def test_every_label_of_the_admin_can_be_translated(rf: Any) -> None:
    request = rf.get("/beheer/")
    request.user = User(is_staff=True, is_superuser=True)
    found = []
    for model, shown in admin.site._registry.items():
        groups = [group["fields"] for _title, group in shown.get_fieldsets(request)]
        listed = shown.get_list_display(request)
        names = {str(name) for group in groups for name in flatten(group)} | {str(name) for name in listed}
        labels = {field.name: field.verbose_name for field in model._meta.fields}
        for name in names - {"__str__"}:
            source = getattr(shown, name, None) or getattr(model, name, None)
            # What is neither is a field of a form alone, and the walk below reads its label.
            label = labels.get(name) or getattr(source, "short_description", None)
            if (name in labels or callable(source)) and not isinstance(label, Promise):
                found.append(f"{model.__name__}.{name}")

    assert found == []


@pytest.mark.parametrize(("language", "prefix"), [("nl", ""), ("en", "/en")])
def test_every_page_is_in_one_language(settings: Any, language: str, prefix: str) -> None:
    settings.RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS = False
    found, pages = set(), 0
    with time_machine.travel(NOW, tick=False):
        house = make_house()
        own = [*OWN_WORDS, *Page.objects.values_list("title", flat=True)]
        own += Page.objects.values_list("menu_title", flat=True)
        known = other_texts(language)
        for name, answer in answers(house, prefix, language):
            written_in, texts = sentences(answer)
            # The page for programmers is in English, and says so.
            if not texts or name.startswith("GET api:docs"):
                continue
            pages += 1
            assert written_in == language, name
            found |= {f"{name}: {text}" for text in texts if in_another_language(text, language, own, known)}
    translation.deactivate()

    assert not found, "\n".join(sorted(found))
    assert pages > 150


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_mail_is_in_one_language(language: str) -> None:
    call_command("load_practice", verbosity=0)
    practice, found = Practice.load(), []
    own, known = [practice.name, *OWN_WORDS], other_texts(language)

    for sample in SAMPLES:
        mail = mail_samples.compose(sample, language, practice, now=NOW)
        texts = [str(mail.subject), *str(mail.body).splitlines()]
        texts += Texts(str(mail.alternatives[0][0])).texts
        found += [f"{sample.name}: {text}" for text in texts if in_another_language(text, language, own, known)]

    assert found == []
