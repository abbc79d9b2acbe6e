"""Closures from a calendar file. Alice and Charlie are therapists, Bob is the manager."""

import re
from datetime import date
from html import unescape
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from booking import calendar_files, diary
from booking.intervals import Interval
from booking.models import Therapist
from tests.booking.accounts import make_account, signed_in
from tests.booking.factories import make_appointment, make_hours, make_practice, make_therapist, make_type, wall
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db

NOW = wall("2026-11-20 12:00")
IMPORT, SAVE = "/en/agenda/vrij/importeren/", "/en/agenda/vrij/importeren/opslaan/"
CHRISTMAS = Interval(wall("2026-12-19 00:00"), wall("2027-01-04 00:00"))
SPRING = Interval(wall("2027-02-20 00:00"), wall("2027-03-01 00:00"))
STUDY = Interval(wall("2027-03-28 01:00"), wall("2027-03-28 04:00"))


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def account() -> User:
    make_practice()
    return make_account("alice@praktijk.example")


@pytest.fixture
def alice(account: User) -> Therapist:
    return make_therapist(name="Alice", slug="alice", user=account)


@pytest.fixture
def hers(alice: Therapist, account: User) -> Client:
    return signed_in(account)


def event(summary: str, start: str, end: str, *more: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{summary}", f"SUMMARY:{summary}", start, end, *more, "END:VEVENT"])


def days(summary: str, first: str, after: str, *more: str) -> str:
    return event(summary, f"DTSTART;VALUE=DATE:{first}", f"DTEND;VALUE=DATE:{after}", *more)


def times(summary: str, zone: str, start: str, end: str) -> str:
    return event(summary, f"DTSTART;TZID={zone}:{start}", f"DTEND;TZID={zone}:{end}")


def calendar(*events: str) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//", *events, "END:VCALENDAR", ""]
    return "\r\n".join(lines).encode()


SCHOOL = calendar(
    days("Herfstvakantie", "20261017", "20261026"),
    days("Kerstvakantie", "20261219", "20270104", "TRANSP:TRANSPARENT"),
    days("Voorjaarsvakantie", "20270220", "20270301"),
    event(
        "Studiedag", "DTSTART;TZID=Europe/Amsterdam:20270328T010000", "DTEND;TZID=Europe/Amsterdam:20270328T040000"
    ),
)


def upload(client: Client, content: bytes, query: str = "") -> Any:
    return client.post(IMPORT + query, {"file": SimpleUploadedFile("school.ics", content, "text/calendar")})


def offered(response: Any) -> dict[str, bool]:
    """What the preview offers, by its label, and whether it is ticked."""
    field = response.context["form"]["closures"]
    return {str(box.data["label"]): bool(box.data["selected"]) for box in field}


def values(response: Any) -> list[str]:
    found = re.findall(r'name="closures" value="([^"]+)"', response.content.decode())
    return [unescape(value) for value in found]


def off_of(therapist: Therapist) -> list[tuple[Interval, str]]:
    return [(off.interval, off.reason) for off in diary.time_off(therapist, NOW)]


class TestThePreview:
    def test_it_lists_what_is_to_come_and_saves_nothing(self, hers: Client, alice: Therapist) -> None:
        response = upload(hers, SCHOOL)

        assert response.status_code == 200
        assert offered(response) == {
            "Saturday 19 December 2026 – Sunday 3 January 2027: Kerstvakantie": True,
            "Saturday 20 February 2027 – Sunday 28 February 2027: Voorjaarsvakantie": True,
            "Sunday 28 March 2027, 01:00 – 04:00: Studiedag": True,
        }
        assert "Nothing is saved yet." in text(response)
        assert off_of(alice) == []

    def test_what_is_there_already_is_marked_and_not_ticked(self, hers: Client, alice: Therapist) -> None:
        diary.add_time_off(alice, CHRISTMAS, "kerst")

        response = upload(hers, SCHOOL)

        assert list(offered(response).values()) == [False, True, True]
        assert "Kerstvakantie (in your list already)" in text(response)

    def test_what_goes_on_today_is_to_come(self, hers: Client) -> None:
        response = upload(
            hers, calendar(days("Vandaag", "20261120", "20261121"), days("Ziek", "20261119", "20261120"))
        )

        assert list(offered(response)) == ["Friday 20 November 2026: Vandaag"]

    def test_a_name_that_is_none_or_too_long(self, hers: Client, alice: Therapist) -> None:
        content = calendar(days("x" * 150, "20261219", "20261220"), days("", "20261221", "20261222"))

        hers.post(SAVE, {"closures": values(upload(hers, content))})

        assert [reason for _interval, reason in off_of(alice)] == ["x" * 100, ""]

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "This file is empty."),
            (b"Dit is een brief aan de ouders.", "not a calendar"),
            (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not a calendar"),
            (calendar(), "In this file there is nothing from today on."),
            (calendar(days("Herfst", "20251017", "20251026")), "In this file there is nothing from today on."),
            (calendar(days("Elke dag", "20260101", "20260102", "RRULE:FREQ=DAILY;COUNT=365000")), "more than"),
            (
                calendar(days("Elke seconde", "20260101", "20260102", "RRULE:FREQ=SECONDLY;UNTIL=30260101")),
                "Nothing in this file can be read well. Please fill in the days yourself.",
            ),
            (
                calendar(
                    event("Maan", "DTSTART;TZID=Moon/Base:20261219T090000", "DTEND;TZID=Moon/Base:20261219T100000")
                ),
                "Nothing in this file can be read well. Please fill in the days yourself.",
            ),
            (b"x" * (1024 * 1024 + 1), "This file is larger than 1 MB."),
            (b"x" * (11 * 1024 * 1024), "This file is larger than 1 MB."),
        ],
        ids=["empty", "letter", "picture", "nothing", "past", "daily", "secondly", "zone", "1 MB", "11 MB"],
    )
    def test_a_file_of_no_use_gets_a_sentence(
        self,
        hers: Client,
        alice: Therapist,
        content: bytes,
        sentence: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(calendar_files, "MOST_SECONDS", 1)
        response = upload(hers, content)

        assert response.status_code == 422
        assert response.context["form"].errors.keys() == {"file"}
        assert sentence in text(response)
        assert off_of(alice) == []

    def test_what_cannot_be_read_is_left_out_and_named(self, hers: Client) -> None:
        unread = event("Vrij", "DTSTART;VALUE=DATE:20261224", "RRULE:FREQ=WEEKLY,INTERVAL=1")
        response = upload(hers, SCHOOL.replace(b"END:VCALENDAR", f"{unread}\r\nEND:VCALENDAR".encode()))

        assert len(offered(response)) == 3
        assert "Please fill in these days yourself: Vrij, 24 December 2026" in text(response)

    def test_a_file_that_stops_halfway_says_so(self, hers: Client) -> None:
        response = upload(hers, SCHOOL[: SCHOOL.index(b"Studiedag")])

        assert len(offered(response)) == 2
        assert "This file stops halfway. Look whether all days are there." in text(response)
        assert "This file stops halfway." not in text(upload(hers, SCHOOL))

    def test_no_file_gets_a_sentence(self, hers: Client) -> None:
        response = hers.post(IMPORT, {})

        assert response.status_code == 422
        assert "Please choose a file." in text(response)


class TestSaving:
    def test_what_is_ticked_becomes_time_off(self, hers: Client, alice: Therapist) -> None:
        ticked = values(upload(hers, SCHOOL))[1:]

        response = hers.post(SAVE, {"closures": ticked}, follow=True)

        assert off_of(alice) == [(SPRING, "Voorjaarsvakantie"), (STUDY, "Studiedag")]
        assert "Voorjaarsvakantie" in text(response)

    def test_what_is_ticked_although_it_is_there_is_not_there_twice(self, hers: Client, alice: Therapist) -> None:
        ticked = values(upload(hers, SCHOOL))
        for _ in range(2):
            assert hers.post(SAVE, {"closures": ticked}).status_code == 302

        assert len(off_of(alice)) == 3

    def test_appointments_in_the_way_are_shown_first_and_nothing_is_lost(
        self, hers: Client, alice: Therapist
    ) -> None:
        make_hours(alice)
        booked = make_appointment(make_type(alice), start="2026-12-22 10:00")
        ticked = values(upload(hers, SCHOOL))

        first = hers.post(SAVE, {"closures": ticked})
        assert (first.status_code, off_of(alice)) == (409, [])
        assert values(first) == ticked
        again = hers.post(SAVE, {"closures": values(first), "accepted": str(booked.public_id)})

        assert again.status_code == 302
        assert len(off_of(alice)) == 3

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "x",
            "2026-12-19/2027-01-04/zonder tijd/",
            "2027-01-04T00:00:00+00:00/2026-12-19T00:00:00+00:00/andersom",
            "0001-01-01T00:00:00+14:00/9999-12-31T23:59:00-14:00/alles",
            "2026-12-19T00:00:00+00:00/2027-01-04T00:00:00+00:00/a\x07b",
            "2026-12-19T00:00:00+00:00/2027-01-04T00:00:00+00:00/" + "x" * 101,
        ],
    )
    def test_what_no_preview_gave_is_refused(self, hers: Client, alice: Therapist, value: str) -> None:
        good = values(upload(hers, SCHOOL))[0]

        assert hers.post(SAVE, {"closures": [good, value]}).status_code == 422
        assert off_of(alice) == []

    def test_a_day_outside_the_calendar_saves_nothing_at_all(self, hers: Client, alice: Therapist) -> None:
        good = values(upload(hers, SCHOOL))[0]
        far = "2150-12-19T00:00:00+00:00/2151-01-04T00:00:00+00:00/ver"

        response = hers.post(SAVE, {"closures": [good, far]})

        assert response.status_code == 422
        assert "between 2000 and 2100" in text(response)
        assert off_of(alice) == []

    def test_nothing_ticked_gets_a_sentence(self, hers: Client) -> None:
        response = hers.post(SAVE, {})

        assert response.status_code == 422
        assert "Please tick at least one." in text(response)

    def test_a_reload_leads_back_to_the_file(self, hers: Client) -> None:
        assert hers.get(SAVE)["Location"] == IMPORT


class TestWhoMayImport:
    def test_strangers_and_other_accounts_may_not(self, alice: Therapist) -> None:
        dana = signed_in(make_account("dana@praktijk.example"))

        for path in (IMPORT, SAVE):
            assert "login" in Client().post(path)["Location"]
            assert dana.post(path).status_code == 403

    def test_another_therapist_reaches_only_the_own_diary(self, alice: Therapist) -> None:
        charlie = make_therapist(name="Charlie", slug="charlie", user=make_account("charlie@praktijk.example"))
        assert charlie.user is not None
        his = signed_in(charlie.user)

        assert upload(his, SCHOOL, "?therapist=alice").status_code == 404
        ticked = values(upload(his, SCHOOL))
        assert his.post(f"{SAVE}?therapist=alice", {"closures": ticked}).status_code == 404
        his.post(SAVE, {"closures": ticked})

        assert (len(off_of(alice)), len(off_of(charlie))) == (0, 3)

    def test_the_manager_imports_for_anyone(self, alice: Therapist) -> None:
        bob = signed_in(make_account("bob@praktijk.example", manager=True))

        ticked = values(upload(bob, SCHOOL, "?therapist=alice"))
        response = bob.post(f"{SAVE}?therapist=alice", {"closures": ticked})

        assert response["Location"] == "/en/agenda/vrij/?therapist=alice"
        assert len(off_of(alice)) == 3


def test_the_list_leads_to_it(hers: Client) -> None:
    assert f'href="{IMPORT}"' in hers.get("/en/agenda/vrij/?day=" + str(date(2026, 12, 1))).content.decode()
