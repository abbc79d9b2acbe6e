"""The therapist's handbook: what it says in bold stands on a page, word for word, or it has gone stale."""

import re
from datetime import timedelta
from pathlib import Path

from babel.messages.pofile import read_po

from booking import calendars

ROOT = Path(__file__).resolve().parents[2]


def texts_of_the_pages() -> set[str]:
    """Return every Dutch text of the site, as it is read: with one space where the catalogue has several."""
    with (ROOT / "locale" / "nl" / "LC_MESSAGES" / "django.po").open("rb") as po:
        found = [message.string or "" for message in read_po(po, locale="nl") if message.id]
    texts = {text for string in found for text in ([string] if isinstance(string, str) else string)}
    return {" ".join(text.split()) for text in texts}


def test_every_word_in_bold_stands_on_a_page() -> None:
    handbook = (ROOT / "docs" / "handleiding.md").read_text()
    # "Woorden in **vet**" says what bold is; at the head of a paragraph bold is a title of the handbook's own.
    own = re.compile(r"^\*\*[^*]+\.\*\*|\*\*vet\*\*", re.MULTILINE)

    quoted = {" ".join(words.split()) for words in re.findall(r"\*\*([^*]+)\*\*", own.sub("", handbook))}

    assert len(quoted) > 80
    assert sorted(quoted - texts_of_the_pages()) == []


def test_it_says_how_often_calendars_elsewhere_are_read() -> None:
    handbook = " ".join((ROOT / "docs" / "handleiding.md").read_text().split())

    assert f"De site kijkt elke {calendars.EVERY // timedelta(minutes=1)} minuten opnieuw" in handbook
    assert "tot eens per uur" in handbook
    assert calendars.EVERY_WHILE_FAILING / timedelta(hours=1) == 1
