"""What the forms accept is followed to wherever it comes out: mails, invitations, the feed, files and pages.

Each text stands at once in every field that holds words. It comes out as the words that it is: no line of a mail's
head, no property of a calendar, no formula of a spreadsheet and no markup is made of it.
"""

import csv
import json
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from icalendar import Calendar

from booking import emails, feed, invitations, links
from booking.models import Appointment, FeedDetail, Kind, Parent
from practice.translations import Translated
from tests.booking.accounts import make_account, signed_in
from tests.booking.factories import (
    make_appointment,
    make_notification,
    make_parent,
    make_practice,
    make_therapist,
    make_type,
    wall,
)

pytestmark = pytest.mark.django_db

NOW = wall("2026-11-20 12:00")
# One line each, as the forms see to (security/test_fuzz.py); several lines where a remark may have them.
TEXTS = {
    "formula": "=cmd|' /C calc'!A0",
    "sum": "@SUM(1+9)*cmd",
    "minus": "-2+3+cmd|' /C calc'!A0",
    "template": "{{ 7000|add:7 }}{% load static %}${7*7}",
    "markup": "\"'><script>alert(1)</script><img src=x onerror=alert(1)>",
    "entity": "&lt;b&gt; &amp;nbsp; &#0;",
    "calendar": "x;ATTENDEE=y:mailto:all@elsewhere.example,z\\nEND:VEVENT\\;",
    "encoded word": "=?utf-8?q?Bcc=3A_all=40elsewhere=2Eexample=0D=0A?=",
    "address": '<all@elsewhere.example>, "all" (all@elsewhere.example)',
    "format": "%(who)s %s %d %n {0} {who.__class__} {settings.SECRET_KEY}",
    "emoji": "\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308",
    "separators": "a\u2028b\u2029c\u0085d",
    "markdown": "[klik](javascript:alert(1)) ![x](https://elsewhere.example/x.png) <https://elsewhere.example>",
}
HEADERS = {
    *("Content-Type", "MIME-Version", "Subject", "From", "To", "Reply-To", "Message-ID", "Date", "Auto-Submitted"),
}
TO_PARENT = [Kind.CONFIRMATION, Kind.REMINDER, Kind.MOVED, Kind.ASK_TO_MOVE, Kind.ASK_WITHDRAWN, Kind.CANCELLED]
TO_THERAPIST = [Kind.NEW_BOOKING, Kind.MOVED, Kind.CANCELLED]


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(params=TEXTS)
def text(request: pytest.FixtureRequest) -> str:
    return TEXTS[request.param]


@pytest.fixture
def carol() -> User:
    return make_account("carol@praktijk.example", manager=True)


@pytest.fixture
def appointment(text: str, carol: User) -> Appointment:
    """An appointment of which every word is `text`, and so is the practice."""
    make_practice(name=text, street=text, city=text, description=Translated(nl=text, en=text))
    therapist = make_therapist(name=text, user=carol, feed_on=True, feed_detail=FeedDetail.NAMES)
    appointment_type = make_type(therapist, name=Translated(nl=text, en=text))
    appointment = make_appointment(
        appointment_type,
        child_first_name=text,
        remark=f"een\r\n{text}\r\nEND:VEVENT\r\nATTENDEE:mailto:all@elsewhere.example",
    )
    appointment.parents.all().delete()
    make_parent(appointment, name=text)
    return appointment


def calendars(content: bytes) -> list[Any]:
    """Return the entries of a calendar, which has one calendar in it."""
    assert content.count(b"BEGIN:VCALENDAR\r\n") == 1
    found = Calendar.from_ical(content)
    assert not any(component.errors for component in found.walk())
    return list(found.walk("VEVENT"))


def test_mails_keep_their_head_and_their_one_recipient(text: str, appointment: Appointment) -> None:
    rows = [make_notification(kind, appointment=appointment) for kind in TO_PARENT]
    rows += [
        make_notification(kind, appointment=appointment, therapist=appointment.therapist) for kind in TO_THERAPIST
    ]
    day = appointment.start.date()
    rows.append(make_notification(Kind.OVERVIEW, therapist=appointment.therapist, local_day=day))

    for row in rows:
        recipient = row.therapist or row.parent
        assert recipient
        content: bytes = emails.compose(row, now=NOW).message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]
        mail = message_from_bytes(content, policy=policy.default)
        assert set(mail.keys()) <= HEADERS, (row.kind, mail.keys())
        assert not mail.defects
        assert [address.addr_spec for address in mail["To"].addresses] == [recipient.email]
        assert [address.addr_spec for address in mail["From"].addresses] == ["info@duimvoorjou.nl"]
        assert mail["Subject"].count("\n") == 0
        page = mail.get_body(("html",))
        assert page
        html = page.get_content()
        assert "<script" not in html
        assert "<img" not in html
        assert "javascript:" not in html.replace("[klik](javascript:", "")
        for part in mail.walk():
            if part.get_content_type() in ("text/calendar", "application/ics"):
                (event,) = calendars(bytes(part.get_payload(decode=True)))
                assert event["ATTENDEE"] == "mailto:noor@example.org"


def test_what_calendars_read_has_one_entry_and_no_guest(text: str, appointment: Appointment) -> None:
    practice, parent = make_practice(name=text), appointment.parents.get()

    files = [
        invitations.calendar_file(appointment, parent, practice, now=NOW),
        feed.feed(appointment.therapist, practice, now=NOW),
    ]

    for content in files:
        (event,) = calendars(content)
        assert "ATTENDEE" not in event
        assert {name for name, _ in event.property_items() if name.startswith("X-")} == set()
    # A line's end is all that a calendar's text has no sign for but its own.
    as_lines = text.replace("\\n", "\n")
    assert as_lines in str(event["SUMMARY"]) or text in str(event["SUMMARY"])


def test_what_spreadsheets_read_begins_no_formula(text: str, appointment: Appointment, carol: User) -> None:
    # An address of mail may begin with almost any sign (RFC 5322 §3.2.3).
    User.objects.filter(pk=carol.pk).update(email="=1+1@praktijk.example", username="=1+1@praktijk.example")
    hers = signed_in(carol)
    hers.get(f"/en/agenda/afspraak/{appointment.public_id}/")

    for path in ("inzage/inzage.csv", "cijfers/cijfers.csv"):
        answer: Any = hers.get(f"/en/agenda/{path}")
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        rows = list(csv.reader(StringIO(content.decode("utf-8-sig")), delimiter=";"))
        assert len(rows) > 1
        # As a Dutch Excel wants it: a mark that says UTF-8, semicolons, and no fewer cells in any row.
        assert content.startswith(b"\xef\xbb\xbf")
        assert {len(row) for row in rows} == {len(rows[0])} != {1}
        cells = [cell for row in rows for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_what_programs_read_says_it_word_by_word(text: str, appointment: Appointment) -> None:
    parent, browser = appointment.parents.get(), Client()
    path = f"/en/afspraak/beheer/{links.manage_token(parent)}/gegevens/"
    browser.post(path, {"phone": parent.phone})

    told = json.loads(browser.get(f"{path}gegevens.json").content)

    assert text in json.dumps(told, ensure_ascii=False).replace('\\"', '"').replace("\\\\", "\\")


def test_pages_show_it_and_are_not_made_of_it(text: str, appointment: Appointment, carol: User) -> None:
    call_command("load_practice", verbosity=0)
    make_practice(name=text, street=text, city=text, description=Translated(nl=text, en=text))
    parent: Parent = appointment.parents.get()
    hers, family = signed_in(carol), Client(headers={"accept-language": "en"})
    token = links.manage_token(parent)
    family.post(f"/en/afspraak/beheer/{token}/gegevens/", {"phone": parent.phone})
    week = appointment.start.date() - timedelta(days=1)
    pages = [
        *(hers.get(f"/en/agenda/{path}") for path in ("", f"?view=list&day={week}", "soorten/", "inzage/")),
        hers.get(f"/en/agenda/afspraak/{appointment.public_id}/"),
        hers.get(f"/beheer/booking/appointment/{appointment.pk}/change/"),
        *(family.get(f"/en/afspraak/beheer/{token}/{path}") for path in ("", "gegevens/", "afzeggen/")),
        *(family.get(path) for path in ("/en/", "/en/contact/", "/en/afspraak/")),
    ]

    for page in pages:
        content = page.content.decode()
        assert page.status_code == 200, page.request["PATH_INFO"]
        assert "<script>alert(1)" not in content
        assert "<img src=x" not in content
        assert 'href="javascript:' not in content
        assert 'src="https://elsewhere.example' not in content
        assert "7007" not in content
