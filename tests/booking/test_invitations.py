"""Invitations, read byte by byte and by another reader, as a calendar would."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils.translation import override
from icalendar import Calendar, Event

from booking import invitations, links
from booking.invitations import Method
from booking.models import Appointment, Parent, Place, State
from practice.models import Practice
from tests.booking.factories import make_appointment, make_practice, make_therapist, make_type, wall

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 10, 1, 8, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def practice() -> Practice:
    return make_practice()


def invite(appointment: Appointment, method: Method = "REQUEST") -> bytes:
    return invitations.invitation(appointment, appointment.parents.get(), Practice.load(), method=method, now=NOW)


def event_of(content: bytes) -> Event:
    (event,) = Calendar.from_ical(content).walk("VEVENT")
    assert isinstance(event, Event)
    return event


def unfolded(content: bytes) -> list[str]:
    return content.decode().replace("\r\n ", "").split("\r\n")


def test_a_request_says_what_rfc_5546_asks_for() -> None:
    appointment = make_appointment(start="2026-12-01 10:00")
    lines = unfolded(invite(appointment))
    url = links.manage_url(appointment.parents.get())

    assert lines[:5] == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Kennismaking//Appointments//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:REQUEST",
    ]
    start = lines.index("BEGIN:VEVENT")
    assert sorted(lines[start:]) == sorted(
        [
            "BEGIN:VEVENT",
            "SUMMARY:Afspraak: Duim Voor Jou",
            "DTSTART;TZID=Europe/Amsterdam:20261201T100000",
            "DTEND;TZID=Europe/Amsterdam:20261201T110000",
            "DTSTAMP:20261001T083000Z",
            "CREATED:20261124T090000Z",
            "LAST-MODIFIED:20261124T090000Z",
            f"UID:{appointment.public_id}@testserver",
            "SEQUENCE:0",
            "STATUS:CONFIRMED",
            "TRANSP:OPAQUE",
            "CLASS:PRIVATE",
            'ORGANIZER;CN="Duim Voor Jou":mailto:info@duimvoorjou.nl',
            "ATTENDEE;PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT;RSVP=FALSE:mailto:noor@example.org",
            "LOCATION:Duim Voor Jou\\, Platanenlaan 21\\, 5507 ME Veldhoven",
            f"DESCRIPTION:Eerste afspraak\\n\\nVerzetten of afzeggen:\\n{url}\\n\\nWeigert of verwijdert u dit "
            "in uw agenda\\, dan is de afspraak nog niet afgezegd. Gebruik daarvoor de link.\\n"
            "Duim Voor Jou\\, 06 51001943",
            f"URL:{url}",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
    )


def test_its_lines_end_in_crlf_and_hold_at_most_75_octets() -> None:
    appointment = make_appointment()
    practice = make_practice(name="Praktijk “Zeeën & Eilanden”, " + "ë" * 60)
    content = invitations.invitation(appointment, appointment.parents.get(), practice, method="REQUEST", now=NOW)

    lines = content.split(b"\r\n")
    assert not re.search(rb"[^\r]\n|\r[^\n]", content)
    assert lines[-1] == b""
    assert max(map(len, lines)) <= 75
    # Folded between characters: each line by itself is still text.
    assert [line.decode() for line in lines]
    assert event_of(content)["summary"] == f"Afspraak: {practice.name}"


def test_its_texts_are_escaped() -> None:
    appointment = make_appointment()
    practice = make_practice(name='A, B; C\\ "D"', street="Laan 1\r\nATTENDEE:mailto:mallory@example.org")
    content = invitations.invitation(appointment, appointment.parents.get(), practice, method="REQUEST", now=NOW)

    assert 'SUMMARY:Afspraak: A\\, B\\; C\\\\ "D"' in unfolded(content)
    assert [line for line in unfolded(content) if "mallory" in line and not line.startswith("LOCATION:")] == []
    event = event_of(content)
    assert event["summary"] == 'Afspraak: A, B; C\\ "D"'
    assert str(event["attendee"]) == "mailto:noor@example.org"


def test_an_address_cannot_end_its_line() -> None:
    appointment = make_appointment()
    Parent.objects.update(email="a+b%c\r\nURL:http://mallory.example@example.org")
    lines = unfolded(invite(appointment))

    assert [line for line in lines if line.startswith("URL:http://mallory")] == []
    assert lines[[line.startswith("ATTENDEE") for line in lines].index(True)].endswith(
        ":mailto:a+b%25c%0D%0AURL:http:%2F%2Fmallory.example@example.org"
    )


@pytest.mark.parametrize(
    ("start", "offset"), [("2026-10-25 10:00", 1), ("2027-03-28 10:00", 2)], ids=["back", "forward"]
)
def test_the_clock_s_change_moves_nothing(start: str, offset: int) -> None:
    event = event_of(invite(make_appointment(start=start)))

    assert isinstance(event.start, datetime)
    assert event.start.replace(tzinfo=None) == datetime.fromisoformat(start)
    assert event.start.utcoffset() == timedelta(hours=offset)
    assert event.end - event.start == timedelta(hours=1)


def test_an_hour_that_comes_twice_keeps_its_length() -> None:
    lines = unfolded(invite(make_appointment(start="2026-10-25 02:30")))

    assert "DTSTART;TZID=Europe/Amsterdam:20261025T023000" in lines
    assert "DTEND:20261025T013000Z" in lines


def test_a_move_keeps_the_entry_and_raises_its_sequence() -> None:
    appointment = make_appointment(start="2026-12-01 10:00")
    before = event_of(invite(appointment))
    appointment.start, appointment.end, appointment.sequence = (
        wall("2027-01-05 14:00"),
        wall("2027-01-05 15:00"),
        1,
    )
    after = event_of(invite(appointment))

    assert after["uid"] == before["uid"]
    assert (before["sequence"], after["sequence"]) == (0, 1)
    assert after.start == wall("2027-01-05 14:00")


def test_a_cancellation_takes_the_entry_away() -> None:
    appointment = make_appointment()
    booked = event_of(invite(appointment))
    appointment.sequence = 1
    content = invite(appointment, "CANCEL")
    event = event_of(content)

    assert "METHOD:CANCEL" in unfolded(content)
    assert event["status"] == "CANCELLED"
    assert (event["uid"], event["sequence"]) == (booked["uid"], 1)
    assert (event["organizer"], event["attendee"]) == (booked["organizer"], booked["attendee"])


@pytest.mark.parametrize(
    ("place", "location"),
    [
        (Place.PHONE, "By phone: the practice calls you."),
        (Place.VIDEO, "By video: the practice sends you the link."),
    ],
)
def test_it_speaks_the_parent_s_language(place: Place, location: str) -> None:
    appointment = make_appointment(make_type(make_therapist(), place=place))
    Parent.objects.update(language="en")
    with override("nl"):
        event = event_of(invite(appointment))

    assert event["summary"] == "Appointment: Duim Voor Jou"
    assert event["location"] == location
    assert "First consultation" in str(event["description"])
    assert "/en/" in str(event["url"])


def test_the_zone_is_the_practice_s_own() -> None:
    make_practice(time_zone="America/Curacao")
    content = invite(make_appointment(start="2026-12-01 10:00"))

    assert "DTSTART;TZID=America/Curacao:20261201T050000" in unfolded(content)
    assert [zone.tz_name for zone in Calendar.from_ical(content).timezones] == ["America/Curacao"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [({}, "CONFIRMED"), ({"state": State.CANCELLED, "cancelled_at": NOW}, "CANCELLED")],
    ids=["confirmed", "cancelled"],
)
def test_the_file_to_download_is_the_same_entry_without_an_attendee(
    fields: dict[str, Any], status: str, practice: Practice
) -> None:
    appointment = make_appointment(**fields)
    content = invitations.calendar_file(appointment, appointment.parents.get(), practice, now=NOW)
    event = event_of(content)

    assert "METHOD:PUBLISH" in unfolded(content)
    assert "attendee" not in event
    assert event["status"] == status
    assert event["uid"] == event_of(invite(appointment))["uid"]


def test_nothing_about_the_family_is_in_it() -> None:
    appointment = make_appointment(
        child_first_name="Quirijn", age_band="16_plus", remark="Bijzonderheden", cancel_reason="Verhuizing"
    )
    Parent.objects.update(name="Xantippe Zonderling", phone="+31687654321")
    text = "\n".join(unfolded(invite(appointment)))

    for private in ("Quirijn", "16", "Bijzonder", "Verhuizing", "Xantippe", "Zonderling", "87654321"):
        # The link's token and the UID are random letters: they say nothing, but may hold a 16.
        assert private not in re.sub(r"https?://\S+|UID:\S+|\d{8}T\d{6}", "", text)


def test_a_cancellation_says_nothing_more_of_moving() -> None:
    appointment = make_appointment(state=State.CANCELLED, cancelled_at=NOW, sequence=1)

    assert "Verzetten" not in str(event_of(invite(appointment, "CANCEL"))["DESCRIPTION"])
    assert "Verzetten" in str(event_of(invite(appointment))["DESCRIPTION"])


def test_the_attendee_is_the_address_that_the_mail_goes_to() -> None:
    appointment = make_appointment()
    parent = appointment.parents.get()
    parent.email = "noor@exämple.org"
    content = invitations.invitation(appointment, parent, Practice.load(), method="REQUEST", now=NOW)

    assert event_of(content)["ATTENDEE"] == "mailto:noor@xn--exmple-cua.org"
