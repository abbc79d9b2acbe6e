"""Every kind of mail in every language, by the rules that mail programs and their filters go by.

The samples are those that a manager looks at; making them asks nothing of the database.
"""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from booking import emails, links, mail_samples
from booking.mail_samples import SAMPLES, Sample
from booking.models import Kind, Parent
from practice.models import Practice
from practice.translations import Translated
from tests.booking.factories import wall

NOW = wall("2026-11-26 10:00")
VOID = {"meta", "br"}
# Which tags mail programs of every age understand; none of them loads anything or runs.
KNOWN = {
    *("html", "head", "title", "style", "body", "table", "tr", "td", "div"),
    *("h1", "h2", "p", "span", "strong", "a"),
}
DAY = r"\d{1,2} (?:december|December) 2026"
every_mail = pytest.mark.parametrize(
    ("sample", "language"),
    [(sample, language) for sample in SAMPLES for language, _name in settings.LANGUAGES],
    ids=lambda value: value.name if isinstance(value, Sample) else value,
)


class Outline(HTMLParser):
    """The tags of a mail: those it knows, each closed where it was opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)
        self.close()
        self.wrong += [f"{tag} stays open" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _value in attrs]
        self.wrong += [f"{tag} is not for mails"] if tag not in KNOWN | VOID else []
        self.wrong += [f"{tag} says one thing twice"] if len(names) != len(set(names)) else []
        self.wrong += [f"{tag} runs something" for name in names if name.startswith("on")]
        self.wrong += ["p in p"] if tag == "p" and "p" in self.open else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"{tag} is closed out of turn")


def practice() -> Practice:
    return Practice(
        name="Duim Voor Jou",
        description=Translated(nl="praktijk voor kinder- en jeugdtherapie", en="child therapy"),
        street="Platanenlaan 21",
        postal_code="5507 ME",
        city="Veldhoven",
        phone="+31651001943",
        email="info@duimvoorjou.nl",
        kvk="66542189",
    )


def composed(sample: Sample, language: str) -> EmailMultiAlternatives:
    return mail_samples.compose(sample, language, practice(), now=NOW)


def wire(message: EmailMultiAlternatives) -> bytes:
    content: bytes = message.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]
    return content


def bodies(read: EmailMessage) -> tuple[str, str]:
    """Return the text and the HTML of a mail."""
    text, html = read.get_body(("plain",)), read.get_body(("html",))
    assert text
    assert html
    return tuple(str(part.get_content()).replace("\r\n", "\n") for part in (text, html))  # type: ignore[return-value]


def seen(html: str) -> str:
    """Return what a reader of `html` sees, without what stands beside the subject only."""
    shown = re.sub(r'(?s)<head>.*</head>|<div class="preheader".*?</div>|<[^>]+>', " ", html)
    return unescape(shown)


@every_mail
def test_a_filter_finds_nothing_wrong(sample: Sample, language: str) -> None:
    message = composed(sample, language)
    content = wire(message)
    read = message_from_bytes(content, policy=policy.default)
    assert isinstance(read, EmailMessage)
    text, html = bodies(read)

    # One sender, who is the practice; one recipient; an answer goes to the practice.
    assert [address.domain for address in read["From"].addresses] == ["duimvoorjou.nl"]
    assert [address.addr_spec for address in read["Reply-To"].addresses] == ["info@duimvoorjou.nl"]
    assert [address.domain for address in read["To"].addresses] in (["gezin.example"], ["praktijk.example"])
    assert read["Cc"] is read["Bcc"] is None
    # RFC 5322 §3.6: once each, in our own name, and no machine owes an answer (RFC 3834).
    for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted"):
        assert len(read.get_all(name, [])) == 1
    assert re.fullmatch(r"<[0-9a-f]{32}@testserver>", read["Message-ID"])
    assert read["Date"].datetime == NOW
    assert read["Auto-Submitted"] == "auto-generated"
    # What a mail program may press by itself must not switch anything off (decision 35).
    assert [name for name in read if name.lower().startswith(("list-", "precedence", "x-"))] == []
    # RFC 5322 §2.1.1, RFC 2047 §2; Gmail cuts off what is longer than 102 KB.
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert content.partition(b"\r\n\r\n")[0].isascii()
    assert len(content) < 50_000
    parts = [part.get_content_type() for part in read.walk() if not part.is_multipart()]
    assert parts[:2] == ["text/plain", "text/html"]
    assert {str(part.get_content_charset()) for part in read.walk() if part.get_content_maintype() == "text"} == {
        "utf-8"
    }
    assert Outline(html).wrong == []
    assert html.startswith("<!doctype html>\n")
    assert f'<html lang="{language}">' in html
    # No sentence is broken in its middle where a template was.
    assert re.findall(r"(?m)^ .*|^[^\n]* $", text) == []
    # Nobody shouts, and nothing blinks.
    for words in (str(message.subject), text, seen(html)):
        assert re.findall(r"\b[A-ZÀ-Ý]{5,}\b|[!?]{2,}|!", re.sub(r"https?://\S+", "", words)) == []
    assert 20 <= len(str(message.subject)) <= 90
    # A link leads to us, by name, and says where in words of its own.
    for address, words in re.findall(r'(?s)<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', html):
        assert address.startswith(("http://testserver/", "tel:+31", "mailto:info@duimvoorjou.nl"))
        assert "://" not in words


@every_mail
def test_both_forms_say_the_same(sample: Sample, language: str) -> None:
    text, html = bodies(message_from_bytes(wire(composed(sample, language)), policy=policy.default))

    addresses = set(re.findall(r"https?://\S+", text))
    assert addresses == {address for address in re.findall(r'href="([^"]+)"', html) if address.startswith("http")}
    words = re.findall(r"\w+", re.sub(r"https?://\S+", "", text))
    assert sorted(set(words)) == sorted(set(re.findall(r"\w+", seen(html))))
    # Whoever reads it, and why it came, stands at its foot.
    foot = text.partition("\n--\n")[2]
    for fact in ("Duim Voor Jou", "Platanenlaan 21, 5507 ME Veldhoven", "info@duimvoorjou.nl", "66542189"):
        assert fact in foot
    assert foot.startswith({"nl": "U krijgt deze mail", "en": "You get this mail"}[language])


@every_mail
def test_subject_and_preheader_say_when(sample: Sample, language: str) -> None:
    message = composed(sample, language)
    shown = emails.preheader(message)

    assert re.search(rf"{DAY}|2[69] (?:november|November) 2026", shown)
    assert re.search(r"\d\d:\d\d", shown)
    assert "  " not in shown.strip()
    assert shown.strip() not in seen(message.alternatives[0][0])  # type: ignore[arg-type]
    if sample.kind == Kind.MANY_BOOKINGS:
        assert re.search(r"26 (?:november|November) 2026, \d\d:\d\d", str(message.subject))
    elif sample.kind != Kind.PASSWORD_LINK:
        assert re.search(rf"{DAY}.*\d\d:\d\d", str(message.subject))


@every_mail
def test_nothing_in_it_opens_anything(sample: Sample, language: str, db: Any) -> None:
    message = composed(sample, language)

    tokens = re.findall(r"/afspraak/(?:beheer|bevestigen)/([^/\s]+)/", str(message.body))
    assert bool(tokens) == (not sample.to_therapist and sample.kind != Kind.CANCELLED)
    for token in tokens:
        opens = links.unconfirmed_id if sample.kind == Kind.CONFIRM else links.parent_of
        if sample.kind == Kind.CONFIRM:
            assert opens(token) == mail_samples._NOBODY
        else:
            with pytest.raises(links.DeadLink):
                opens(token)
    assert not Parent.objects.exists()


def test_every_kind_has_a_sample() -> None:
    assert {sample.kind for sample in SAMPLES} == set(Kind)
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
def test_reminders_alone_say_where_to_switch_them_off(language: str) -> None:
    words = {"nl": "Krijgt u liever geen herinneringen?", "en": "Would you rather get no reminders?"}[language]

    telling = [sample.name for sample in SAMPLES if words in str(composed(sample, language).body)]

    assert telling == ["herinnering"]
    message = composed(mail_samples.BY_NAME["herinnering"], language)
    (address,) = re.findall(r"http\S+#reminders", str(message.body))
    assert f'href="{address}"' in str(message.alternatives[0][0])
    assert "/afspraak/beheer/" in address


def test_mails_have_the_colours_of_the_site() -> None:
    tokens = (settings.BASE_DIR / "static" / "tokens.css").read_text(encoding="utf-8")
    light, _, dark = tokens.partition("@media (prefers-color-scheme: dark)")
    used: dict[str, set[str]] = {"light": set(), "dark": set()}
    for sample in SAMPLES:
        head, _, body = str(composed(sample, "nl").alternatives[0][0]).partition("</head>")
        used["light"] |= set(re.findall(r"#[0-9a-f]{6}\b", body))
        used["dark"] |= set(re.findall(r"#[0-9a-f]{6}\b", head))

    assert used["light"] <= set(re.findall(r"#[0-9a-f]{6}\b", light))
    assert used["dark"] <= set(re.findall(r"#[0-9a-f]{6}\b", dark))
    assert min(map(len, used.values())) >= 6
