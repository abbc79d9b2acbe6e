"""A third language is a translation file and a setting: German, with a few texts, for as long as a test lasts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import clear_url_caches
from django.utils import translation
from django.utils.translation import gettext_lazy

from booking import emails
from booking.models import Kind, Notification, Parent
from practice.checks import check_languages
from practice.management.commands import translations
from practice.models import Page
from tests.booking.factories import make_hours, make_therapist, make_type, wall

pytestmark = pytest.mark.django_db

NOW = wall("2026-11-20 12:00")
LANGUAGES = [("nl", gettext_lazy("Dutch")), ("en", gettext_lazy("English")), ("de", gettext_lazy("German"))]
GERMAN = {
    "Book a first appointment": "Ersten Termin vereinbaren",
    "Choose a time": "Zeit wählen",
    "Your appointment": "Ihr Termin",
    "l j F Y": "l, j. F Y",
    "l j F": "l, j. F",
}


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The catalogue of German: every text of the site by `translations update`, a few of them translated."""
    po = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    po.parent.mkdir(parents=True)
    po.touch()
    monkeypatch.setattr(translations, "LOCALE", tmp_path)
    translations.update(po)
    text = po.read_text()
    for english, words in GERMAN.items():
        assert f'msgid "{english}"\nmsgstr ""\n' in text
        text = text.replace(f'msgid "{english}"\nmsgstr ""\n', f'msgid "{english}"\nmsgstr "{words}"\n')
    po.write_text(text)
    translations.compile_catalogs()
    paths = [*django_settings.LOCALE_PATHS, str(tmp_path)]
    with override_settings(LANGUAGES=LANGUAGES, LOCALE_PATHS=paths), time_machine.travel(NOW, tick=False):
        call_command("load_practice", verbosity=0)
        yield po
    translation.deactivate()
    clear_url_caches()


@pytest.fixture
def visitor(german: Path) -> Client:
    alice = make_therapist(name="Alice", slug="alice")
    make_hours(alice, start="09:00", end="12:00")
    make_type(alice, slug="eerste-afspraak")
    return Client()


def test_a_page_without_text_in_it_is_there_in_the_first_one(visitor: Client) -> None:
    html = visitor.get("/de/").content.decode()

    assert '<html lang="de">' in html
    assert "Ersten Termin vereinbaren" in html
    assert '<h1 lang="nl">Maakt u zich zorgen om uw kind?</h1>' in html
    assert '<a href="/de/hechting/" lang="nl">Hechting</a>' in html
    # A text that is not translated yet.
    assert "Naar de tekst" in html
    assert 'content="noindex"' in html
    assert 'hreflang="de">Deutsch</a>' in visitor.get("/").content.decode()


def test_a_page_that_is_written_in_it_is_that_page(visitor: Client) -> None:
    Page.objects.create(slug="hechting", language="de", title="Bindung", menu_title="Bindung", description="x")

    html = visitor.get("/de/hechting/").content.decode()

    assert "<h1>Bindung</h1>" in html
    assert '<link rel="canonical" href="http://testserver/de/hechting/">' in html
    assert 'hreflang="de"' in visitor.get("/hechting/").content.decode().partition("</head>")[0]


def test_a_family_books_in_it_and_has_its_mails_in_it(visitor: Client) -> None:
    page = visitor.get("/de/afspraak/").content.decode()
    assert "<title>Zeit wählen" in page
    assert "Dienstag, 24. November" in page
    form = {
        **{"type": "eerste-afspraak", "start": "2026-12-01T09:00Z", "key": "eins", "parent_name": "Noor"},
        **{"email": "noor@example.org", "phone": "06 12345678", "child_first_name": "Sam"},
        **{"age_band": "under_12", "consent": "on"},
    }

    answer = visitor.post("/de/afspraak/gegevens/", form)

    assert answer.status_code == 302, answer.content.decode()
    assert Parent.objects.get().language == "de"
    confirmation = Notification.objects.get(kind=Kind.CONFIRMATION)
    mail = emails.compose(confirmation, now=NOW)
    assert "Dienstag, 1. Dezember 2026" in str(mail.body)
    assert "/de/afspraak/beheer/" in str(mail.body)


def test_a_language_without_a_file_is_told_of(german: Path, settings: Any) -> None:
    assert check_languages(None) == []
    settings.LANGUAGES = [*LANGUAGES, ("fr", "French")]

    assert [message.id for message in check_languages(None)] == ["practice.W002"]
