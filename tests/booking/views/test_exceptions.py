"""Days that differ from the week, and appointments in the way of a change. Alice and Charlie are therapists, Bob
is the manager."""

import re
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking import diary, diary_changes
from booking.errors import Busy
from booking.intervals import Interval
from booking.models import Action, Appointment, HistoryEntry, Kind, Notification, State, Therapist
from tests.booking.accounts import make_account, signed_in
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_hours,
    make_practice,
    make_therapist,
    make_type,
    wall,
)
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db

NOW = wall("2026-11-20 12:00")
HOURS = {
    "weekday": "0",
    "start": "09:00",
    "end": "12:00",
    "every_weeks": "1",
    "first_day": "2026-11-23",
    "last_day": "",
}
OFF = {"first_day": "2026-12-01", "start": "", "last_day": "", "end": "", "reason": ""}


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def alice() -> Therapist:
    make_practice()
    return make_therapist(name="Alice", slug="alice", user=make_account("alice@praktijk.example"))


@pytest.fixture
def charlie(alice: Therapist) -> Therapist:
    return make_therapist(name="Charlie", slug="charlie", user=make_account("charlie@praktijk.example"))


@pytest.fixture
def hers(alice: Therapist) -> Client:
    assert alice.user is not None
    return signed_in(alice.user)


@pytest.fixture
def bob(alice: Therapist) -> Client:
    return signed_in(make_account("bob@praktijk.example", manager=True))


@pytest.fixture
def booked(alice: Therapist) -> Appointment:
    """Tuesday 1 December at ten, inside Alice's hours."""
    make_hours(alice, start="09:00", end="17:00", first_day=date(2026, 11, 2))
    return make_appointment(make_type(alice), start="2026-12-01 10:00")


def hours_of(therapist: Therapist) -> list[tuple[int, time, time, int, date, date | None]]:
    return [
        (h.weekday, h.start, h.end, h.every_weeks, h.first_day, h.last_day)
        for h in diary.working_hours(therapist, AMSTERDAM)
    ]


def off_of(therapist: Therapist) -> list[tuple[Interval, str]]:
    return [(off.interval, off.reason) for off in diary.time_off(therapist, NOW)]


def account_of(therapist: Therapist) -> User:
    assert therapist.user is not None
    return therapist.user


def ticks(response: Any) -> list[tuple[Appointment, bool]]:
    """Which families can be mailed, and whether their box is ticked."""
    found = re.findall(r'name="ask" value="([^"]+)"( checked)?', response.content.decode())
    return [(Appointment.objects.get(public_id=public_id), bool(checked)) for public_id, checked in found]


class TestTimeOff:
    @pytest.mark.parametrize(
        ("change", "start", "end"),
        [
            ({}, "2026-12-01 00:00", "2026-12-02 00:00"),
            ({"last_day": "2026-12-24"}, "2026-12-01 00:00", "2026-12-25 00:00"),
            ({"start": "13:00"}, "2026-12-01 13:00", "2026-12-02 00:00"),
            ({"start": "13:00", "end": "15:00"}, "2026-12-01 13:00", "2026-12-01 15:00"),
            ({"first_day": "2027-03-28"}, "2027-03-28 00:00", "2027-03-29 00:00"),
        ],
    )
    def test_days_and_parts_of_days(
        self, hers: Client, alice: Therapist, change: dict[str, str], start: str, end: str
    ) -> None:
        response = hers.post("/en/agenda/vrij/nieuw/", {**OFF, "reason": "vakantie", **change})

        assert response.status_code == 302
        assert off_of(alice) == [(Interval(wall(start), wall(end)), "vakantie")]

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"last_day": "2026-11-30"}, "The last day must not lie before the first one."),
            ({"start": "15:00", "end": "13:00"}, "The end must come after the beginning."),
            ({"first_day": "2020-12-01"}, "This lies in the past. Is the year right?"),
            ({"first_day": "2027-03-28", "start": "02:30"}, "In that night the clock skips this time."),
            ({"first_day": "2027-03-27", "last_day": "2027-03-28", "end": "02:30"}, "the clock skips this time."),
            ({"first_day": "2026-02-30"}, "This day does not exist."),
            ({"reason": "x" * 101}, "at most 100 characters"),
            ({"reason": "a\r\nb"}, "a character that cannot be used here"),
        ],
    )
    def test_what_cannot_be_gets_a_sentence(
        self, hers: Client, alice: Therapist, change: dict[str, str], sentence: str
    ) -> None:
        response = hers.post("/en/agenda/vrij/nieuw/", {**OFF, **change})

        assert response.status_code == 422
        assert sentence in text(response)
        assert off_of(alice) == []

    def test_an_hour_that_comes_twice_means_its_first_pass(self, hers: Client, alice: Therapist) -> None:
        hers.post("/en/agenda/vrij/nieuw/", {**OFF, "first_day": "2027-10-31", "start": "02:30", "end": "04:00"})

        start = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
        assert off_of(alice) == [(Interval(start, wall("2027-10-31 04:00")), "")]

    def test_the_list_reads_whole_days_as_days(self, hers: Client, alice: Therapist) -> None:
        diary.add_time_off(alice, Interval(wall("2026-12-24 00:00"), wall("2027-01-02 00:00")), reason="kerst")
        diary.add_time_off(alice, Interval(wall("2026-12-01 13:00"), wall("2026-12-01 15:00")))

        page = text(hers.get("/en/agenda/vrij/"))

        assert "Thursday 24 December 2026 – Friday 1 January 2027 kerst" in page
        assert "Tuesday 1 December 2026 13:00 – 15:00" in page

    def test_it_is_taken_back(self, hers: Client, alice: Therapist) -> None:
        off = diary.add_time_off(alice, Interval(wall("2026-12-24 00:00"), wall("2027-01-02 00:00")))

        hers.post(f"/en/agenda/vrij/{off.id}/weg/")

        assert off_of(alice) == []

    def test_an_extra_opening_comes_and_goes(self, hers: Client, alice: Therapist) -> None:
        hers.post("/en/agenda/vrij/extra/", {"day": "2026-12-05", "start": "10:00", "end": "12:00"})

        (opening,) = diary.extra_openings(alice, NOW)
        assert opening.interval == Interval(wall("2026-12-05 10:00"), wall("2026-12-05 12:00"))
        hers.post(f"/en/agenda/vrij/extra/{opening.id}/weg/")
        assert diary.extra_openings(alice, NOW) == []

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"end": "09:00"}, "The end must come after the beginning."),
            ({"day": "2027-03-28", "start": "02:30"}, "the clock skips this time"),
        ],
    )
    def test_an_extra_opening_that_cannot_be(
        self, hers: Client, alice: Therapist, change: dict[str, str], sentence: str
    ) -> None:
        data = {"day": "2026-12-05", "start": "10:00", "end": "12:00", **change}

        response = hers.post("/en/agenda/vrij/extra/", data)

        assert response.status_code == 422
        assert sentence in text(response)
        assert diary.extra_openings(alice, NOW) == []


class TestAppointmentsInTheWay:
    def test_they_are_listed_before_anything_is_saved(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        response = hers.post("/en/agenda/vrij/nieuw/", OFF)

        assert response.status_code == 409
        assert "There are appointments in this time" in text(response)
        assert "10:00–11:00" in text(response)
        assert off_of(alice) == []

    def test_saving_all_the_same_cancels_and_mails_nothing(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        hers.post("/en/agenda/vrij/nieuw/", {**OFF, "accepted": str(booked.public_id)})

        assert len(off_of(alice)) == 1
        booked.refresh_from_db()
        assert booked.state == State.CONFIRMED
        assert not Notification.objects.exists()

    def test_one_that_was_booked_since_is_listed_first(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        make_appointment(booked.appointment_type, start="2026-12-01 14:00")

        response = hers.post("/en/agenda/vrij/nieuw/", {**OFF, "accepted": [str(booked.public_id), "x"]})

        assert response.status_code == 409
        assert off_of(alice) == []

    def test_removing_the_hours_under_one_asks_first(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        tuesday = next(h for h in diary.working_hours(alice, AMSTERDAM) if h.weekday == 1)
        path = f"/en/agenda/werktijden/{tuesday.id}/weg/"

        assert hers.post(path).status_code == 409
        assert len(hours_of(alice)) == 7
        assert hers.post(path, {"accepted": str(booked.public_id)}).status_code == 302
        assert [hours[5] for hours in hours_of(alice) if hours[0] == 1] == [date(2026, 11, 19)]

    def test_hours_that_still_hold_it_are_changed_at_once(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        tuesday = next(h for h in diary.working_hours(alice, AMSTERDAM) if h.weekday == 1)
        data = {**HOURS, "weekday": "1", "start": "10:00", "end": "11:00"}

        assert hers.post(f"/en/agenda/werktijden/{tuesday.id}/", data).status_code == 302

    def test_one_that_stood_outside_before_is_not_in_the_way(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        diary.add_time_off(alice, Interval(wall("2026-12-01 09:00"), wall("2026-12-01 12:00")))

        assert hers.post("/en/agenda/vrij/nieuw/", OFF).status_code == 302

    def test_the_ticked_families_are_asked_to_choose_another_time(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        other = make_appointment(booked.appointment_type, start="2026-12-01 14:00")
        accepted = [str(booked.public_id), str(other.public_id)]

        response = hers.post(
            "/en/agenda/vrij/nieuw/", {**OFF, "accepted": accepted, "ask": str(other.public_id)}, follow=True
        )

        assert "1 parent gets a mail with a link to choose another time." in text(response)
        assert [(mail.kind, mail.appointment) for mail in Notification.objects.all()] == [
            (Kind.ASK_TO_MOVE, other)
        ]
        (entry,) = HistoryEntry.objects.all()
        assert (entry.appointment, entry.action, entry.account) == (other, Action.ASKED_TO_MOVE, account_of(alice))
        assert [(a.state, a.asked_to_move_at) for a in Appointment.objects.order_by("start")] == [
            (State.CONFIRMED, None),
            (State.CONFIRMED, NOW),
        ]
        assert len(off_of(alice)) == 1

    def test_families_who_want_mail_are_ticked_at_first_and_the_rest_as_they_were_left(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        unwanted = make_appointment(booked.appointment_type, start="2026-12-01 12:00")
        unwanted.parents.update(wants_mail=False)
        by_phone = make_appointment(booked.appointment_type, start="2026-12-01 14:00")
        by_phone.parents.update(email="", phone="+31687654321")

        first = hers.post("/en/agenda/vrij/nieuw/", OFF)
        again = hers.post(
            "/en/agenda/vrij/nieuw/",
            {**OFF, "accepted": [str(booked.public_id), str(unwanted.public_id)], "ask": str(unwanted.public_id)},
        )

        assert ticks(first) == [(booked, True), (unwanted, False)]
        assert ticks(again) == [(booked, False), (unwanted, True)]
        assert "06 87654321 There is no mail address. Please call this family." in text(first)

    def test_where_the_change_fails_nobody_is_asked(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        data = {**OFF, "last_day": "2026-11-30", "accepted": str(booked.public_id), "ask": str(booked.public_id)}

        assert hers.post("/en/agenda/vrij/nieuw/", data).status_code == 422
        assert not Notification.objects.exists()

    def test_a_family_that_is_in_nobodys_way_is_not_asked(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        hers.post("/en/agenda/vrij/nieuw/", {**OFF, "first_day": "2026-12-02", "ask": str(booked.public_id)})

        assert len(off_of(alice)) == 1
        assert not Notification.objects.exists()

    def test_a_busy_database_loses_nothing_that_was_typed(
        self, hers: Client, alice: Therapist, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def busy(*args: Any, **kwargs: Any) -> None:
            raise Busy

        monkeypatch.setattr("booking.diary_changes.carry_out", busy)
        response = hers.post("/en/agenda/vrij/nieuw/", {**OFF, "reason": "vakantie"})

        assert response.status_code == 503
        assert 'value="vakantie"' in response.content.decode()

    def test_more_appointments_in_the_way_cost_no_more_queries(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        hers.post("/en/agenda/vrij/nieuw/", OFF)  # what the diary holds is kept from here on
        with CaptureQueriesContext(connection) as one:
            hers.post("/en/agenda/vrij/nieuw/", OFF)
        for start in ("11:00", "12:00", "13:00"):
            make_appointment(booked.appointment_type, start=f"2026-12-01 {start}")

        with CaptureQueriesContext(connection) as many:
            hers.post("/en/agenda/vrij/nieuw/", OFF)

        assert len(many) == len(one)

    def test_a_refused_change_leaves_the_diary_as_it_was(self, alice: Therapist, booked: Appointment) -> None:
        version = alice.diary_version
        span = Interval(wall("2026-12-01 00:00"), wall("2026-12-02 00:00"))

        outcome = diary_changes.carry_out(
            alice,
            lambda: diary.add_time_off(alice, span),
            accepted=[],
            ask=[],
            account=account_of(alice),
            zone=AMSTERDAM,
            now=NOW,
        )

        assert outcome == diary_changes.Outcome([booked], 0)
        assert alice.diary_version == version == Therapist.objects.get(pk=alice.pk).diary_version
