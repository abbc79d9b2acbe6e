import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest
from django.contrib.messages.storage.session import SessionStorage
from django.core.management import call_command
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from practice.middleware import LastSeen
from practice.models import Page, Practice
from practice.translations import Translated
from tests.practice.factories import make_page, make_practice

SLUGS = ["", "hechting", "eerste-afspraak", "contact", "privacy", "toegankelijkheid"]
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture
def site(db: None) -> None:
    """The practice and its pages as they come."""
    call_command("load_practice", verbosity=0)


def path(slug: str, language: str = "nl") -> str:
    return ("/en/" if language == "en" else "/") + (f"{slug}/" if slug else "")


def links(html: str, relation: str) -> list[tuple[str | None, str]]:
    """Return language and address of each link element of `html` with the relation `relation`."""
    found = re.findall(rf'<link rel="{relation}"(?: hreflang="([^"]*)")? href="([^"]*)">', html)
    return [(language or None, address) for language, address in found]


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.usefixtures("site")
def test_page_is_shown_in_its_language(client: Client, slug: str, language: str) -> None:
    page = Page.objects.get(slug=slug, language=language)

    response = client.get(path(slug, language))

    html = response.content.decode()
    assert response.status_code == 200
    assert f'<html lang="{language}">' in html
    assert html.count("<h1>") == 1
    assert f"<h1>{page.title}</h1>" in html
    assert f"<title>{page.title} – Duim Voor Jou</title>" in html
    booking = f'href="{path("afspraak", language)}"'
    assert booking in html.partition('class="call"')[2]
    assert f'href="{path("contact", language)}"' in html.partition('class="call"')[2]


@pytest.mark.usefixtures("site")
def test_menu_leads_to_the_pages_and_marks_this_one(client: Client) -> None:
    html = client.get("/en/hechting/").content.decode()

    assert '<a href="/en/hechting/" aria-current="page">Attachment</a>' in html
    assert '<a href="/en/contact/">Contact</a>' in html
    assert '<a href="/hechting/" lang="nl" hreflang="nl">Nederlands</a>' in html


@pytest.mark.usefixtures("site")
def test_page_names_its_own_address_and_its_translations(client: Client, settings: Any) -> None:
    settings.BASE_URL = "https://praktijk.example"

    html = client.get("/en/hechting/?from=mail").content.decode()

    assert links(html, "canonical") == [(None, "https://praktijk.example/en/hechting/")]
    assert set(links(html, "alternate")) == {
        ("nl", "https://praktijk.example/hechting/"),
        ("x-default", "https://praktijk.example/hechting/"),
        ("en", "https://praktijk.example/en/hechting/"),
    }


def test_page_without_translation_names_none(db: None, client: Client) -> None:
    make_practice()
    make_page("nieuws")

    html = client.get("/nieuws/").content.decode()

    assert [language for language, _ in links(html, "alternate")] == ["nl", "x-default"]


def test_page_that_was_never_translated_is_shown_as_it_was_written(db: None, client: Client) -> None:
    make_practice()
    make_page("nieuws", title="Nieuws van de praktijk", menu_title="Nieuws")

    html = client.get("/en/nieuws/").content.decode()

    assert '<html lang="en">' in html
    assert '<h1 lang="nl">Nieuws van de praktijk</h1>' in html
    assert '<a href="/en/nieuws/" lang="nl" aria-current="page">Nieuws</a>' in html
    # What is found under its own address need not be found here as well.
    assert 'name="robots" content="noindex"' in html
    assert links(html, "canonical") == []


def test_translation_that_was_taken_off_the_site_is_not_replaced(db: None, client: Client) -> None:
    make_practice()
    make_page("nieuws")
    make_page("nieuws", language="en", published=False)

    assert client.get("/en/nieuws/").status_code == 404
    assert "/en/nieuws/" not in client.get("/en/afspraak/").content.decode()


@pytest.mark.usefixtures("site")
def test_unpublished_page_is_not_there(client: Client) -> None:
    Page.objects.filter(slug="contact", language="nl").update(published=False)

    assert client.get("/contact/").status_code == 404
    assert 'href="/contact/"' not in client.get("/hechting/").content.decode().partition('class="call"')[0]


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("address", "heading"), [("/nergens/", "Deze pagina is er niet"), ("/en/nergens/", "This page is not here")]
)
def test_unknown_page_answers_in_the_language_of_its_address(client: Client, address: str, heading: str) -> None:
    response = client.get(address)

    html = response.content.decode()
    assert response.status_code == 404
    assert f"<h1>{heading}</h1>" in html
    assert "tel:+31-6-51001943" in html
    assert '<meta name="robots" content="noindex">' in html


@pytest.mark.parametrize("before", ["nl", "en"])
@pytest.mark.parametrize(
    ("address", "language"), [("/hechting/", "nl"), ("/en/hechting/", "en"), ("/niets/", "nl")]
)
@pytest.mark.usefixtures("site")
def test_who_asks_for_another_site_is_refused_in_the_language_of_the_address(
    client: Client, before: str, address: str, language: str
) -> None:
    """Whatever language this process last spoke, and whether or not the page is kept."""
    for _kept in range(2):
        translation.activate(before)

        response = client.get(address, headers={"host": "elsewhere.example"})

        assert response.status_code == 400
        assert f'<html lang="{language}">' in response.content.decode()
        client.get(address)


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    "address",
    [
        *("/%00/", "/a/b/c/", "/hechting%0d%0aX: y/", "/" + "a" * 5000 + "/", "/nl/"),
        # What lies beside the site, and lists of files.
        *("/.git/HEAD", "/.git/", "/.env", "/practice.env", "/data/practice.env", "/secrets/secret_key"),
        *("/static/", "/static/..%2f..%2fmanage.py", "/static/../manage.py", "/manage.py", "/beeld/"),
    ],
)
def test_odd_address_is_only_not_found(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.usefixtures("site")
def test_fault_shows_the_phone_number_without_the_database(
    visitor: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    visitor.get("/")

    def broken(*args: object, **kwargs: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(Practice, "load", broken)
    with django_assert_num_queries(0):
        response = visitor.get("/hechting/")

    html = response.content.decode()
    assert response.status_code == 500
    assert "<h1>Er ging bij ons iets mis</h1>" in html
    assert "06 51001943" in html


@pytest.mark.usefixtures("site")
def test_fault_before_the_practice_was_ever_read(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LastSeen, "practice", None)
    Practice.objects.all().delete()

    response = visitor.get("/")

    assert response.status_code == 500
    assert "<h1>Er ging bij ons iets mis</h1>" in response.content.decode()


@pytest.mark.usefixtures("site")
def test_foreign_host_gets_a_plain_refusal(visitor: Client) -> None:
    response = visitor.get("/", headers={"host": "elsewhere.example"})

    assert response.status_code == 400
    assert "<h1>" in response.content.decode()


@pytest.mark.usefixtures("site")
def test_form_without_its_cookie_says_what_to_do() -> None:
    response = Client(enforce_csrf_checks=True).post("/hechting/")

    assert response.status_code == 403
    assert "Dit formulier was niet meer geldig" in response.content.decode()


def test_structured_data_cannot_end_its_script(db: None, client: Client) -> None:
    name = "</script><script>alert(1)</script>"
    make_practice(name=name)
    make_page()

    html = client.get("/").content.decode()

    assert "<script>alert" not in html
    text = re.search(r'<script type="application/ld\+json">(.*?)</script>', html)
    assert text is not None
    assert json.loads(text[1])["name"] == name


@pytest.mark.usefixtures("site")
def test_therapist_passage_is_shown_and_harmless(client: Client) -> None:
    Practice.objects.update(first_consult=Translated(nl="U komt *samen*. <script>x</script>"))

    html = client.get("/eerste-afspraak/").content.decode()

    assert "U komt <em>samen</em>. &lt;script&gt;x&lt;/script&gt;" in html


@pytest.mark.usefixtures("site")
def test_sitemap_lists_each_page_with_its_translations(client: Client, settings: Any) -> None:
    settings.BASE_URL = "https://praktijk.example"
    Page.objects.filter(slug="contact", language="en").update(published=False)

    response = client.get("/sitemap.xml")

    found = {
        url.findtext(f"{SITEMAP}loc"): {
            link.get("hreflang"): link.get("href") for link in url if link.get("hreflang")
        }
        for url in ElementTree.fromstring(response.content)
    }
    expected = {
        f"https://praktijk.example{path(slug, code)}" for slug in [*SLUGS, "afspraak"] for code in ("nl", "en")
    }
    assert set(found) == expected - {"https://praktijk.example/en/contact/"}
    assert found["https://praktijk.example/contact/"] == {"nl": "https://praktijk.example/contact/"}
    assert found["https://praktijk.example/en/afspraak/"] == {
        "nl": "https://praktijk.example/afspraak/",
        "en": "https://praktijk.example/en/afspraak/",
    }


def test_robots_are_told_where_to_look(client: Client, settings: Any) -> None:
    settings.BASE_URL = "https://praktijk.example"

    lines = client.get("/robots.txt").content.decode().splitlines()

    assert "Disallow: /beheer/" in lines
    assert "Disallow: /en/agenda/" in lines
    assert lines[-1] == "Sitemap: https://praktijk.example/sitemap.xml"


@pytest.mark.parametrize("prefix", ["", "/en"])
def test_robots_of_calendar_services_may_read_feeds_and_no_agenda(client: Client, prefix: str) -> None:
    told = RobotFileParser()
    told.parse(client.get("/robots.txt").content.decode().splitlines())

    assert told.can_fetch("Google-Calendar-Importer", f"{prefix}/agenda/abonnement/alice.0.x.ics")
    assert not told.can_fetch("Google-Calendar-Importer", f"{prefix}/agenda/")
    assert not told.can_fetch("Google-Calendar-Importer", f"{prefix}/account/login/")


def test_whoever_found_a_hole_is_told_where_to_say_so(client: Client, site: None, settings: Any) -> None:
    settings.BASE_URL = "https://praktijk.example"

    lines = client.get("/.well-known/security.txt").content.decode().splitlines()

    fields = dict(line.split(": ", 1) for line in lines)
    assert fields["Contact"] == f"mailto:{Practice.load().email}"
    assert fields["Canonical"] == "https://praktijk.example/.well-known/security.txt"
    ends = datetime.fromisoformat(fields["Expires"])
    # RFC 9116 §2.5.5: less than a year ahead.
    assert timedelta(days=170) < ends - timezone.now() < timedelta(days=365)


def test_a_browser_that_looks_for_an_icon_is_led_to_the_drawing(client: Client) -> None:
    assert client.get("/favicon.ico")["Location"] == "/static/favicon.svg"


def test_healthz_asks_nothing_of_the_database(client: Client) -> None:
    # This test may not touch the database at all, and pytest-django would say so.
    assert client.get("/healthz").content == b"ok"


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("address", ["/", "/hechting/", "/en/contact/"])
def test_page_costs_one_query_while_nothing_changes(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, address: str
) -> None:
    # The practice with the site's version, the page in its languages, the menu.
    with django_assert_num_queries(3):
        first = client.get(address)

    with django_assert_num_queries(1):
        assert client.get(address).content == first.content


@pytest.mark.usefixtures("site")
def test_a_kept_page_has_the_headers_and_the_refusals_of_a_new_one(client: Client) -> None:
    first, kept = client.get("/en/hechting/"), client.get("/en/hechting/")

    of_its_own = {"X-Request-ID": ""}
    assert {**kept.headers} | of_its_own == {**first.headers} | of_its_own
    assert kept.headers["Content-Language"] == "en"
    assert kept.resolver_match.view_name == first.resolver_match.view_name
    assert client.get("/en/hechting/", headers={"host": "elsewhere.example"}).status_code == 400
    assert client.post("/en/hechting/").status_code == 405


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    "change",
    [
        lambda: Practice.objects.update(name="Anders"),
        lambda: Page.objects.filter(slug="hechting").update(title="Anders"),
        lambda: Page.objects.filter(slug="contact").update(menu_title="Anders"),
        lambda: Page.objects.filter(slug="contact").delete(),
        lambda: Page.objects.create(
            slug="nieuw", language="nl", title="Nieuw", menu_title="Nieuw", description="x", body="x"
        ),
    ],
    ids=["practice", "page", "menu", "gone", "new"],
)
def test_page_shows_each_change_at_once(client: Client, change: Callable[[], object]) -> None:
    before = client.get("/hechting/").content

    change()

    assert client.get("/hechting/").content != before


@pytest.mark.usefixtures("site")
def test_page_for_one_visitor_is_not_shown_to_the_others(client: Client) -> None:
    def told(sentence: str) -> str:
        browser = Client()
        request = RequestFactory().get("/")
        request.session = session = browser.session
        storage = SessionStorage(request)
        storage.add(25, sentence)
        storage.update(HttpResponse())
        session.save()
        return browser.get("/hechting/").content.decode()

    assert "Only for you" in told("Only for you")
    assert "Only for you" not in client.get("/hechting/").content.decode()
    assert "And again" in told("And again")


@pytest.mark.usefixtures("site")
def test_page_sets_no_cookie_and_loads_nothing_from_elsewhere(client: Client) -> None:
    response = client.get("/contact/")

    html = response.content.decode()
    assert not response.cookies
    assert re.findall(r'(?:src|srcset)="([^"]*)"', html) == ["/static/menu.js"]
    assert all(
        address.startswith("/static/")
        for address in re.findall(r'<link rel="(?:icon|stylesheet)" href="([^"]*)"', html)
    )
    assert not re.search(r"<style|style=|\son\w+=", html)


@pytest.mark.usefixtures("site")
def test_headers_switch_off_what_no_page_uses(client: Client) -> None:
    response = client.get("/")

    assert "camera=()" in response["Permissions-Policy"]
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert (response["Referrer-Policy"], response["X-Frame-Options"]) == ("same-origin", "DENY")
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.usefixtures("site")
def test_nothing_is_loaded_run_or_sent_but_by_us(client: Client) -> None:
    policy = client.get("/")["Content-Security-Policy"]

    assert set(policy.split("; ")) == {
        "default-src 'none'",
        "base-uri 'none'",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "img-src 'self' data:",
        "manifest-src 'self'",
        "object-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
    }


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(("demo", "shown"), [(True, True), (False, False)])
def test_demo_says_that_it_is_one(client: Client, settings: Any, demo: bool, shown: bool) -> None:
    settings.DEMO = demo

    assert ("Dit is een demonstratie" in client.get("/").content.decode()) is shown


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/account/login/", "/en/account/login/", "/beheer/", "/account/password/change/"]
)
def test_pages_of_accounts_and_admin_are_kept_nowhere(client: Client, path: str) -> None:
    make_practice()

    assert "no-store" in client.get(path)["Cache-Control"]


@pytest.mark.django_db
def test_who_asks_in_a_way_that_has_no_answer_reads_so() -> None:
    make_practice()
    response = Client().put("/contact/")

    assert response.status_code == 405
    assert "GET" in response["Allow"]
    assert "Deze pagina kunt u zo niet openen" in response.content.decode()
