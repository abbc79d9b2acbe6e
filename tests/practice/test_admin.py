from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from practice.models import Page, Practice
from practice.translations import Translated
from tests.practice.factories import make_page, make_practice

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client: Client, settings: Any) -> Client:
    """Someone who may change everything, on an installation that asks for no second factor."""
    settings.SECOND_FACTOR = False
    user = User.objects.create_superuser("manager", "manager@praktijk.example", "x")
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    make_practice()
    return client


def test_stranger_is_sent_to_the_sign_in(client: Client) -> None:
    make_practice()

    response = client.get("/beheer/", follow=True)

    assert response.redirect_chain[-1][0].startswith("/account/login/?next=")


def test_parent_texts_are_filled_in_by_language(manager: Client) -> None:
    page = manager.get("/beheer/practice/practice/1/change/")
    data = page.context["adminform"].form.initial
    posted = {name: value for name, value in data.items() if isinstance(value, str)}

    response = manager.post(
        "/beheer/practice/practice/1/change/",
        {
            **posted,
            "phone": "06 51001943",
            "description_nl": "Kindertherapie",
            "description_en": "",
            "first_consult_nl": "Welkom.",
            "first_consult_en": "Welcome.",
        },
    )

    assert response.status_code == 302, response.context["adminform"].form.errors
    practice = Practice.load()
    assert practice.description == Translated(nl="Kindertherapie")
    assert practice.first_consult == Translated(nl="Welkom.", en="Welcome.")
    assert practice.phone.as_e164 == "+31651001943"


def test_a_passage_that_leads_nowhere_is_not_taken(manager: Client) -> None:
    page = manager.get("/beheer/practice/practice/1/change/")
    posted = {
        name: value for name, value in page.context["adminform"].form.initial.items() if isinstance(value, str)
    }
    passages = {
        "first_consult_nl": "Zie [dit](/nergens/).",
        "first_consult_en": "![x](/beeld/" + "0" * 32 + ".webp)",
    }

    html = manager.post("/beheer/practice/practice/1/change/", {**posted, **passages}).content.decode()

    assert "“/nergens/” leidt nergens heen" in html
    assert "is geen afbeelding van deze site" in html
    assert "Zie [dit](/nergens/)." in html
    assert Practice.load().first_consult == Translated()


def test_there_is_no_second_practice_and_no_end_to_the_first(manager: Client) -> None:
    assert manager.get("/beheer/practice/practice/add/").status_code == 403
    assert manager.get("/beheer/practice/practice/1/delete/").status_code == 403


def test_page_is_changed_and_shown(manager: Client) -> None:
    page = make_page("hechting")

    response = manager.post(
        f"/beheer/practice/page/{page.pk}/change/",
        {
            "slug": "hechting",
            "language": "nl",
            "title": "Nieuw",
            "menu_title": "Nieuw",
            "menu_order": "3",
            "description": "Iets.",
            "body": "Tekst.",
            "published": "on",
        },
    )

    assert response.status_code == 302
    page = Page.objects.get(pk=page.pk)
    assert (page.title, page.in_menu, page.published) == ("Nieuw", False, True)
    assert "<h1>Nieuw</h1>" in manager.get("/hechting/").content.decode()


def test_pages_are_searched(manager: Client) -> None:
    make_page("hechting", body="executieve functies")
    make_page("contact", body="bellen")

    response = manager.get("/beheer/practice/page/?q=executieve")

    assert [page.slug for page in response.context["cl"].queryset] == ["hechting"]


@pytest.mark.parametrize("address", ["/beheer/", "/beheer/practice/page/", "/beheer/practice/practice/1/change/"])
def test_manager_without_a_second_factor_is_sent_to_set_one_up(
    manager: Client, settings: Any, address: str
) -> None:
    settings.SECOND_FACTOR = True

    response = manager.get(address, follow=True)

    assert [path.partition("?")[0] for path, _ in response.redirect_chain[:2]] == [
        "/beheer/login/",
        "/account/2fa/totp/activate/",
    ]


def test_signed_in_visitor_who_is_no_staff_is_refused(client: Client) -> None:
    make_practice()
    user = User.objects.create_user("parent", "parent@praktijk.example", "x")
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")

    assert client.get("/beheer/", follow=True).status_code == 403
