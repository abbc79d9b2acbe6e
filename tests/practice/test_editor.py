"""The editor of pages in the admin: what it takes, and what it shows before anything is kept."""

import re
from typing import Any

import pytest
from django.test import Client

from practice.models import LONGEST_BODY, Page
from tests.booking.accounts import make_account, signed_in
from tests.practice.factories import make_page, make_picture, make_practice

pytestmark = pytest.mark.django_db

PREVIEW = "/en/beheer/practice/page/voorbeeld/"
TYPED = {
    "slug": "over",
    "language": "nl",
    "title": "Over ons",
    "menu_title": "Over",
    "menu_order": "5",
    "description": "Wie we zijn.",
    "body": "## Wie\n\nWij *allebei*.",
    "published": "on",
}


@pytest.fixture
def bob() -> Client:
    make_practice()
    return signed_in(make_account("bob@praktijk.example", manager=True))


def add(browser: Client, **fields: Any) -> Any:
    return browser.post("/en/beheer/practice/page/add/", {**TYPED, **fields})


def main_of(html: str) -> str:
    """Return the main part of a page; a form's token is another one each time."""
    return re.sub(r'value="\w{64}"', "", html.partition("<main")[2].partition("</main>")[0])


class TestThePreview:
    @pytest.mark.parametrize("language", ["nl", "en"])
    @pytest.mark.parametrize("slug", ["", "over", "contact", "eerste-afspraak"])
    def test_it_is_the_page_itself(self, bob: Client, slug: str, language: str) -> None:
        typed = {**TYPED, "slug": slug, "language": language, "body": f"Kijk: {make_picture().markdown}"}

        draft = bob.post(PREVIEW, typed)
        add(bob, **typed)

        prefix = "/en/" if language == "en" else "/"
        page = Client().get(prefix + (f"{slug}/" if slug else ""))
        assert page.status_code == draft.status_code == 200
        assert main_of(draft.content.decode()) == main_of(page.content.decode())
        assert "width=" in main_of(draft.content.decode())
        assert f'<html lang="{language}">' in draft.content.decode()

    def test_it_keeps_nothing_and_is_kept_nowhere(self, bob: Client) -> None:
        answer = bob.post(PREVIEW, TYPED)

        assert not Page.objects.exists()
        assert "no-store" in answer["Cache-Control"]
        assert answer["X-Robots-Tag"] == "noindex"
        assert answer["X-Frame-Options"] == "DENY"

    def test_in_a_tab_of_its_own_it_says_what_it_is(self, bob: Client) -> None:
        assert "This is a preview." in bob.post(PREVIEW, {**TYPED, "_preview": "1"}).content.decode()

    def test_it_takes_no_message_away(self, bob: Client) -> None:
        add(bob)
        bob.post(PREVIEW, TYPED)

        assert "was added successfully" in bob.get("/en/beheer/practice/page/").content.decode()

    @pytest.mark.parametrize(
        "wrong",
        [
            {},
            {"title": "", "body": "[x](/nergens/)"},
            {"slug": "../../admin/base", "language": "xx"},
            {"slug": "style"},
            {"slug": "Héél anders"},
            {"body": "x" * (LONGEST_BODY + 1)},
            {"body": "<script>alert(1)</script>", "title": "<script>alert(1)</script>"},
        ],
    )
    def test_what_is_wrong_is_shown_as_far_as_it_goes(self, bob: Client, wrong: dict[str, str]) -> None:
        answer = bob.post(PREVIEW, {**TYPED, **wrong} if wrong else {})

        assert answer.status_code == 200
        assert 'class="call"' in answer.content.decode()
        assert "<script>alert" not in answer.content.decode()

    def test_it_is_asked_for_by_a_form_of_this_site_alone(self) -> None:
        make_practice()
        account = make_account("bob@praktijk.example", manager=True)
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = signed_in(account).cookies

        assert strict.post(PREVIEW, TYPED).status_code == 403
        assert strict.get(PREVIEW).status_code == 405


class TestTheForm:
    def test_a_page_with_links_and_a_picture_is_taken(self, bob: Client) -> None:
        make_page("contact")
        body = f"[bel](/contact/) [hier](/over/) {make_picture().markdown}"

        assert add(bob, body=body).status_code == 302
        assert Page.objects.get(slug="over").body == body

    @pytest.mark.parametrize(
        ("field", "typed", "sentence"),
        [
            ("title", "", "Please give the page a title"),
            ("menu_title", "", "Please fill in what the page is called"),
            ("description", "", "Please say in a sentence"),
            ("body", "", "Please write the text"),
            ("body", "[a](/nergens/) [b](www.example.org)", "“/nergens/” leads to nothing"),
            ("body", "[a](/nergens/) [b](www.example.org)", "“www.example.org” leads nowhere"),
            ("body", "<https://[>", "is no address"),
            ("body", f"![x](/beeld/{'0' * 32}.webp)", "is no picture of this site"),
            ("body", "x" * (LONGEST_BODY + 1), f"This text has {LONGEST_BODY + 1} signs"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_is_lost(
        self, bob: Client, field: str, typed: str, sentence: str
    ) -> None:
        answer = add(bob, **{field: typed})

        html = answer.content.decode()
        assert answer.status_code == 200
        assert sentence in html
        kept = answer.context["adminform"].form.data
        assert {name: kept[name] for name in TYPED} == {**TYPED, field: typed}
        assert not Page.objects.exists()

    def test_it_offers_the_pictures_there_are(self, bob: Client) -> None:
        html = bob.get("/en/beheer/practice/page/add/").content.decode()
        assert "There are no pictures yet." in html

        picture = make_picture()

        assert f"<code>{picture.markdown}</code>" in bob.get("/en/beheer/practice/page/add/").content.decode()

    def test_it_explains_how_to_write_in_the_managers_language(self, bob: Client) -> None:
        assert "How to write a text" in bob.get("/en/beheer/practice/page/add/").content.decode()
        assert "Zo schrijft u een tekst" in bob.get("/beheer/practice/page/add/").content.decode()
