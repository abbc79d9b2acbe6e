"""Where pages were leads to where they are, and a text leads nowhere else than to what is there."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils.translation import override
from pytest_django import DjangoAssertNumQueries

from practice import addresses
from practice.models import OldAddress, Page, Practice
from practice.translations import Translated
from tests.booking.accounts import make_account, signed_in
from tests.practice.factories import make_page, make_picture, make_practice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def practice() -> None:
    make_practice()


def led(client: Client, path: str) -> tuple[int, str]:
    answer = client.get(path)
    return answer.status_code, answer.headers.get("Location", "")


@pytest.mark.engines
class TestMoving:
    def test_the_old_address_leads_to_the_new_one_in_each_language(self, client: Client) -> None:
        make_page("spel")
        make_page("spel", "en")

        addresses.move("spel", "spelen")

        assert led(client, "/spel/") == (301, "/spelen/")
        assert led(client, "/en/spel/?from=mail") == (301, "/en/spelen/?from=mail")
        assert client.get("/en/spelen/").status_code == 200

    def test_who_comes_by_the_oldest_is_led_straight_to_the_newest(self, client: Client) -> None:
        make_page("a")

        addresses.move("a", "b")
        addresses.move("b", "c")

        assert led(client, "/a/") == led(client, "/b/") == (301, "/c/")

    def test_there_and_back_is_no_circle(self, client: Client) -> None:
        make_page("a")

        for slug, to in (("a", "b"), ("b", "c"), ("c", "a")):
            addresses.move(slug, to)

        assert client.get("/a/").status_code == 200
        assert led(client, "/b/") == led(client, "/c/") == (301, "/a/")
        assert not OldAddress.objects.filter(slug="a").exists()

    def test_the_database_refuses_one_that_leads_to_itself(self) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            OldAddress.objects.create(slug="a", leads_to="a")

    def test_a_new_page_at_an_old_address_wins(self, client: Client) -> None:
        make_page("a")
        addresses.move("a", "b")

        # However it came there.
        make_page("a", title="Nieuw")

        assert "<h1>Nieuw</h1>" in client.get("/a/").content.decode()

    def test_to_a_page_that_nobody_may_read_nobody_is_led(self, client: Client) -> None:
        make_page("a")
        make_page("a", "en", published=False)
        addresses.move("a", "b")

        assert led(client, "/en/a/")[0] == 404
        Page.objects.all().delete()
        assert led(client, "/a/")[0] == 404


def test_browsers_forget_where_an_old_address_led(client: Client) -> None:
    make_page("a")
    addresses.move("a", "b")

    assert client.get("/a/")["Cache-Control"] == "public, max-age=3600"


def test_only_what_would_not_be_found_is_looked_for(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_page("a")
    client.get("/a/")

    with django_assert_num_queries(1):
        client.get("/a/")
    # The practice, the page that is not there, where it went, and the menu.
    with django_assert_num_queries(4):
        assert client.get("/b/").status_code == 404
    addresses.move("a", "b")
    # Once more, the version of the site: a page was kept under this address.
    with django_assert_num_queries(4):
        assert client.get("/a/").status_code == 301
    with django_assert_num_queries(3):
        assert client.get("/a/").status_code == 301


def test_a_page_that_moved_is_not_made_anew_by_the_next_start() -> None:
    call_command("load_practice", stdout=StringIO())
    addresses.move("hechting", "gehecht")

    call_command("load_practice", stdout=StringIO())

    assert set(Page.objects.filter(title="Hechting van kinderen").values_list("slug", flat=True)) == {"gehecht"}


class TestInTheAdmin:
    @pytest.fixture
    def bob(self) -> Client:
        return signed_in(make_account("bob@praktijk.example", manager=True))

    def save(self, browser: Client, page: Page, **fields: Any) -> Any:
        names = ("slug", "language", "title", "menu_title", "menu_order", "description", "body")
        typed = {name: getattr(page, name) for name in names} | {"published": "on", **fields}
        return browser.post(f"/en/beheer/practice/page/{page.pk}/change/", typed, follow=True)

    def test_whoever_changes_an_address_reads_what_that_does(self, bob: Client, client: Client) -> None:
        page = make_page("spel")
        make_page("spel", "en")

        answer = self.save(bob, page, slug="spelen", title="Spelen")

        said = "The page has moved to /en/spelen/ in every language. Whoever comes to /en/spel/ is led there."
        assert said in answer.content.decode()
        assert set(Page.objects.values_list("slug", "title")) == {
            ("spelen", "Spelen"),
            ("spelen", "Title of spel (en)"),
        }
        assert led(client, "/en/spel/") == (301, "/en/spelen/")

    def test_a_page_saved_at_an_old_address_ends_it(self, bob: Client) -> None:
        page = make_page("a")
        addresses.move("a", "b")
        typed = {"slug": "a", "language": "nl", "title": "x", "menu_title": "x", "menu_order": 0}

        bob.post("/en/beheer/practice/page/add/", {**typed, "description": "x", "body": "x", "published": "on"})

        assert Page.objects.filter(slug="a").exclude(pk=page.pk).exists()
        assert not OldAddress.objects.exists()

    @pytest.mark.parametrize(
        ("slug", "to", "sentence"),
        [
            ("contact", "bellen", "This page keeps its address: the rest of the site leads to it. Here"),
            ("", "thuis", "This page keeps its address: the rest of the site leads to it. Here that is: empty"),
            ("spel", "", "Only the home page has no address name."),
            ("spel", "ander", "There is a page with this address already."),
            ("spel", "agenda", "This address is in use already."),
            ("spel", "Héél anders", "letters"),
        ],
    )
    def test_an_address_that_cannot_be_gets_a_sentence(
        self, bob: Client, slug: str, to: str, sentence: str
    ) -> None:
        page = make_page(slug)
        make_page("ander", "en")

        answer = self.save(bob, page, slug=to, title="Getypt")

        html = answer.content.decode()
        assert sentence in html
        assert 'value="Getypt"' in html
        page.refresh_from_db()
        assert page.slug == slug
        assert not OldAddress.objects.exists()

    def test_a_page_that_is_there_already_gets_a_sentence(self, bob: Client) -> None:
        make_page("spel")
        typed = {"slug": "spel", "language": "nl", "title": "x", "menu_title": "x", "menu_order": 0}

        answer = bob.post("/en/beheer/practice/page/add/", {**typed, "description": "x", "body": "x"})

        assert "already exists" in answer.content.decode()
        assert Page.objects.filter(slug="spel").count() == 1

    @pytest.mark.parametrize("link", ["/spel/", "/spel", "/oud/", "http://testserver/spel/", "/spel/?from=menu"])
    @pytest.mark.parametrize("change", [{"published": ""}, {"language": "en"}])
    def test_a_page_that_another_leads_to_stays_where_it_is(
        self, bob: Client, link: str, change: dict[str, str]
    ) -> None:
        page = make_page("spel", body="Zie [deze pagina](/spel/).")
        leading = make_page("over", title="Over ons", body=f"Zie [spel]({link}).")
        OldAddress.objects.create(slug="oud", leads_to="spel")

        html = self.save(bob, page, **change, title="Getypt").content.decode()

        assert "Links lead to this page. Take them out first, of: Over ons (nl)." in html
        assert 'value="Getypt"' in html
        assert Page.objects.published().filter(slug="spel", language="nl").exists()

        leading.delete()
        self.save(bob, page, **change)
        assert not Page.objects.published().filter(slug="spel", language="nl").exists()

    def test_one_that_is_shown_in_the_first_language_only_stays_while_it_is_linked_in_another(
        self, bob: Client
    ) -> None:
        page = make_page("spel")
        make_page("about", "en", title="About us", body="See [play](/en/spel/).")

        html = self.save(bob, page, published="").content.decode()

        assert "Links lead to this page. Take them out first, of: About us (en)." in html
        # Once it is written in English, that is the one that such a link leads to.
        make_page("spel", "en")
        self.save(bob, page, published="")
        assert not Page.objects.published().filter(slug="spel", language="nl").exists()

    def test_what_nobody_can_read_leads_nowhere(self, bob: Client) -> None:
        page = make_page("spel")
        make_page("spel", "en")
        make_page("concept", body="[spel](/spel/)", published=False)
        make_page("over", body="[game](/en/spel/) [elders](https://elsewhere.example/spel/) [zelf](/over/)")

        self.save(bob, page, published="")

        assert not Page.objects.published().filter(slug="spel", language="nl").exists()

    def test_the_passage_of_the_practice_leads_to_pages_too(self, bob: Client) -> None:
        page = make_page("spel")
        Practice.objects.update(first_consult=Translated(nl="[a](/a/)", en="[Dutch](/spel/)"))

        assert "of: Duim Voor Jou." in self.save(bob, page, published="").content.decode()

    @pytest.mark.parametrize("change", [{"published": ""}, {"language": "en"}])
    def test_a_page_that_the_site_itself_leads_to_stays(self, bob: Client, change: dict[str, str]) -> None:
        page = make_page("privacy")

        html = self.save(bob, page, **change).content.decode()

        assert "This page stays as it is: the rest of the site leads to it." in html
        assert Page.objects.published().filter(slug="privacy", language="nl").exists()

    def test_a_page_that_is_led_to_is_not_deleted(self, bob: Client) -> None:
        page = make_page("spel")
        leading = make_page("over", title="Over ons", body="[spel](/spel/)")
        address = f"/en/beheer/practice/page/{page.pk}/delete/"

        def delete(*pages: Page) -> str:
            chosen = {"action": "delete_selected", "_selected_action": [page.pk for page in pages], "post": "yes"}
            return bob.post("/en/beheer/practice/page/", chosen).content.decode()

        for html in (bob.get(address).content.decode(), delete(page)):
            assert "This is still in use. Take it out of these texts first:" in html
            assert "Over ons (nl)" in html
        bob.post(address, {"post": "yes"})
        assert Page.objects.filter(slug="spel").exists()

        # What goes with it does not hold it.
        delete(page, leading)
        assert not Page.objects.exists()

    def test_a_page_that_the_site_itself_leads_to_is_not_deleted(self, bob: Client) -> None:
        page = make_page("privacy")
        both = {"action": "delete_selected", "_selected_action": [page.pk], "post": "yes"}

        assert bob.post(f"/en/beheer/practice/page/{page.pk}/delete/", {"post": "yes"}).status_code == 403
        bob.post("/en/beheer/practice/page/", both)

        assert Page.objects.filter(slug="privacy").exists()


LEADS_ON = [
    *("/", "/en/", "/hechting/", "/hechting", "/en/hechting/", "/afspraak/", "/oud/", "/concept/"),
    *("/en/alleen-nederlands/", "/en/concept/"),
    *("/robots.txt", "http://testserver/hechting/", "https://autoriteitpersoonsgegevens.nl/", "tel:+31612345678"),
    *("mailto:info@praktijk.example", "mailto:info@praktijk.example?subject=Vraag", "tel:06-12345678"),
]
LEADS_NOWHERE = {
    "/nergens/": "there is no such page",
    "/alleen-engels/": "there is no such page",
    "/en/half-vertaald/": "there is no such page",
    "/en/oud/": "there is no such page",
    "/onzichtbaar/": "there is no such page",
    "/agenda/bestaat/niet/": "there is no such page",
    "/beeld/00000000000000000000000000000000.webp": "there is no such page",
    "/nl/hechting/": "there is no such page",
    "hechting/": "Begin with /",
    "www.example.org": "Begin with /",
    "#kop": "Begin with /",
    "/hechting/#kop": "a place within a page",
    "http://elsewhere.example/": "beginning with https://",
    "https://": "beginning with https://",
    "//elsewhere.example/": "beginning with https://",
    "ftp://elsewhere.example/": "beginning with https://",
    "https://[": "is no address",
    "mailto:info": "no mail address",
    "tel:bel-ons": "no phone number",
}


@pytest.fixture
def site() -> Page:
    """Some pages; the draft that is written is "concept", which is not there yet."""
    for slug, language in (("", "nl"), ("", "en"), ("hechting", "nl"), ("hechting", "en"), ("nieuw", "nl")):
        make_page(slug, language)
    make_page("alleen-nederlands")
    make_page("alleen-engels", "en")
    make_page("half-vertaald")
    make_page("half-vertaald", "en", published=False)
    make_page("onzichtbaar", published=False)
    OldAddress.objects.create(slug="oud", leads_to="nieuw")
    return Page(slug="concept", language="nl")


@pytest.mark.parametrize("link", LEADS_ON)
def test_a_link_that_leads_on_is_taken(site: Page, link: str) -> None:
    # Whatever language the admin is read in.
    with override("en"):
        assert addresses.wrong_with(link, site) is None


@pytest.mark.parametrize("link", LEADS_NOWHERE)
def test_a_link_that_leads_nowhere_gets_a_sentence(site: Page, link: str) -> None:
    with override("en"):
        assert LEADS_NOWHERE[link] in str(addresses.wrong_with(link, site))


def test_links_are_judged_as_visitors_find_the_pages(site: Page, client: Client) -> None:
    links = ["/hechting/", "/en/hechting/", "/oud/", "/en/oud/", "/onzichtbaar/", "/en/onzichtbaar/"]
    links += ["/alleen-nederlands/", "/en/alleen-nederlands/", "/alleen-engels/", "/en/alleen-engels/"]
    links += ["/half-vertaald/", "/en/half-vertaald/", "/nergens/", "/en/nergens/"]

    found = {link: client.get(link).status_code < 400 for link in links}

    assert {link: addresses.wrong_with(link) is None for link in links} == found


def test_a_picture_can_be_linked_to(site: Page) -> None:
    assert addresses.wrong_with(make_picture().get_absolute_url(), site) is None
