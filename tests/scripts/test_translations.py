"""The catalogue: every text of the site is there in Dutch, and the tool that keeps it so."""

import gettext
from pathlib import Path

import pytest

from practice.management.commands import translations


def test_every_text_is_translated_into_dutch() -> None:
    assert [line for po in translations.catalog_files() for line in translations.check(po)] == []


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site with three texts, and an empty Dutch catalogue."""
    (tmp_path / "booking").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "booking" / "views.py").write_text(
        'greeting = _("Hello %(name)s")\nkept = ngettext("%(count)d day", "%(count)d days", count)\n'
    )
    (tmp_path / "templates" / "page.html").write_text(
        '{% load i18n %}{% translate "Close" context "a window" %}'
        "{% blocktranslate %}Dear {{ who }}{% endblocktranslate %}"
    )
    (tmp_path / "locale" / "nl" / "LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "locale" / "nl" / "parts").mkdir()
    (tmp_path / "locale" / "nl" / "LC_MESSAGES" / "django.po").touch()
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    monkeypatch.setattr(translations, "LOCALE", tmp_path / "locale")
    return tmp_path


DUTCH = """
msgid "Hello %(name)s"
msgstr "Dag %(name)s"

msgid "%(count)d day"
msgid_plural "%(count)d days"
msgstr[0] "één dag"
msgstr[1] "%(count)d dagen"

msgctxt "a window"
msgid "Close"
msgstr "Sluiten"

msgid "Dear %(who)s"
msgstr "Beste %(who)s"
"""


def test_update_takes_what_is_given_and_compile_makes_it_work(site: Path) -> None:
    (po,) = translations.catalog_files()
    (site / "locale" / "nl" / "parts" / "one.po").write_text(DUTCH + '\nmsgid "Gone"\nmsgstr "Weg"\n')

    told = translations.update(po)
    written = translations.compile_catalogs()

    assert told == ["No longer used: 'Gone'"]
    assert translations.check(po) == []
    with written[0].open("rb") as file:
        dutch = gettext.GNUTranslations(file)
    assert dutch.gettext("Hello %(name)s") == "Dag %(name)s"
    assert dutch.ngettext("%(count)d day", "%(count)d days", 1) == "één dag"
    assert dutch.ngettext("%(count)d day", "%(count)d days", 2) == "%(count)d dagen"
    assert dutch.pgettext("a window", "Close") == "Sluiten"


def test_update_repeated_changes_nothing_and_compile_writes_nothing(site: Path) -> None:
    (po,) = translations.catalog_files()
    (site / "locale" / "nl" / "parts" / "one.po").write_text(DUTCH)
    translations.update(po)
    translations.compile_catalogs()
    (site / "locale" / "nl" / "parts" / "one.po").unlink()
    before = po.read_bytes()

    assert translations.update(po) == []
    assert po.read_bytes() == before
    assert translations.compile_catalogs() == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"Beste %(who)s"', '"Beste %(wie)s"', "other placeholders"),
        ('"%(count)d dagen"', '"dagen"', "other placeholders"),
        ('msgstr "Sluiten"', 'msgstr ""', "not translated: 'Close' (a window)"),
        ('msgid "Hello %(name)s"', '#, fuzzy\nmsgid "Hello %(name)s"', "marked as unsure"),
        ('msgid "Dear %(who)s"', 'msgid "Dear %(one)s"', "not in the catalogue: 'Dear %(who)s'"),
        (
            'msgid "Dear %(who)s"',
            'msgid "Other"\nmsgstr "Anders"\n\nmsgid "Dear %(who)s"',
            "no longer used: 'Other'",
        ),
    ],
    ids=["name", "plural", "empty", "fuzzy", "missing", "stale"],
)
def test_check_tells_what_is_wrong(site: Path, old: str, new: str, problem: str) -> None:
    (po,) = translations.catalog_files()
    assert old in DUTCH

    po.write_text(DUTCH.replace(old, new))

    assert any(problem in line for line in translations.check(po))
