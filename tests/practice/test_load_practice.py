from io import StringIO

import pytest
from django.core.management import call_command

from practice.models import Page, Practice

pytestmark = pytest.mark.django_db


def load() -> str:
    out = StringIO()
    call_command("load_practice", stdout=out)
    return out.getvalue()


def test_practice_and_pages_are_made() -> None:
    load()

    practice = Practice.load()
    assert (practice.name, practice.postal_code, practice.agb_therapist) == (
        "Duim Voor Jou",
        "5507 ME",
        "90103172",
    )
    assert set(Page.objects.values_list("slug", "language")) == {
        (slug, language)
        for slug in ("", "hechting", "eerste-afspraak", "contact", "privacy", "toegankelijkheid")
        for language in ("nl", "en")
    }


def test_second_time_changes_nothing() -> None:
    load()
    before = list(Page.objects.order_by("pk").values())

    assert load() == "Duim Voor Jou: 0 of 12 pages made.\n"
    assert list(Page.objects.order_by("pk").values()) == before


def test_what_the_practice_wrote_stays() -> None:
    load()
    Practice.objects.update(name="Duim", phone="+31401234567")
    Page.objects.filter(slug="hechting", language="nl").update(title="Ons verhaal", published=False)
    Page.objects.filter(slug="contact", language="en").delete()

    load()

    assert Practice.load().name == "Duim"
    kept = Page.objects.get(slug="hechting", language="nl")
    assert (kept.title, kept.published) == ("Ons verhaal", False)
    assert Page.objects.filter(slug="contact", language="en").exists()


def test_a_page_that_the_practice_deleted_does_not_come_back() -> None:
    load()
    Page.objects.filter(slug="hechting").delete()

    load()

    assert not Page.objects.filter(slug="hechting").exists()


def test_a_language_without_pages_gets_all_of_them() -> None:
    load()
    Page.objects.filter(language="en").delete()

    load()

    assert Page.objects.filter(slug="hechting", language="en").exists()
