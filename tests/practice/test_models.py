from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils.translation import override

from practice.checks import check_practice
from practice.models import Page, Practice
from practice.zones import named_zone
from tests.practice.factories import make_page, make_practice

pytestmark = pytest.mark.django_db


def test_there_is_exactly_one_practice() -> None:
    make_practice()

    with pytest.raises(IntegrityError), transaction.atomic():
        make_practice(id=2)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_practice()


def test_no_practice_says_what_to_do() -> None:
    with pytest.raises(Practice.DoesNotExist, match="load_practice"):
        Practice.load()


def test_phone_is_shown_as_the_reader_dials_it() -> None:
    make_practice()
    practice = Practice.load()

    with override("nl"):
        assert practice.phone_shown == "06 51001943"
    with override("en"):
        assert practice.phone_shown == "+31 6 51001943"
    assert practice.phone.as_e164 == "+31651001943"


def test_registrations_leave_out_what_is_empty() -> None:
    with override("en"):
        assert make_practice(nfg="8543", skj="").registrations == [("NFG membership number", "8543")]


@pytest.mark.parametrize("name", ["Europe/Amsterdam", "America/Curacao", "America/Argentina/Ushuaia"])
def test_named_zone_is_taken(name: str) -> None:
    assert named_zone(name) == ZoneInfo(name)


@pytest.mark.parametrize(
    "name", ["", "UTC", "GMT", "EST", "CET", "Etc/GMT-1", "Etc/UTC", "+01:00", "Europe/Veldhoven", "../etc/passwd"]
)
def test_zone_without_a_place_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        named_zone(name)


def test_check_says_what_is_wrong_with_the_practice() -> None:
    aliases = [connection.alias]
    assert [message.id for message in check_practice(None, databases=aliases)] == ["practice.W001"]

    make_practice(time_zone="Etc/GMT-1")
    assert [message.id for message in check_practice(None, databases=aliases)] == ["practice.E001"]

    Practice.objects.update(time_zone="Europe/Amsterdam")
    assert check_practice(None, databases=aliases) == []


def test_page_exists_once_in_a_language() -> None:
    make_page("hechting")

    make_page("hechting", "en")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_page("hechting")


def test_menu_lists_what_is_published_in_its_order() -> None:
    make_page("b", menu_order=2)
    make_page("a", menu_order=1)
    make_page("hidden", in_menu=False)
    make_page("draft", published=False)
    make_page("a", "en")

    assert [page.slug for page in Page.objects.linked("nl") if page.in_menu] == ["a", "b"]


@pytest.mark.parametrize("slug", ["afspraak", "agenda", "beheer", "en", "nl", "static"])
def test_a_page_cannot_take_an_address_that_leads_elsewhere(slug: str) -> None:
    page = make_page(slug=slug)

    with pytest.raises(ValidationError, match="in gebruik"):
        page.full_clean()
