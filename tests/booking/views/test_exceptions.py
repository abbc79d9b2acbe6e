"""Days that differ from the week, and appointments in the way of a change. Alice and Charlie are therapists, Bob
is the manager."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking import day_hours, diary, diary_changes
from booking.errors import Busy
from booking.intervals import Interval, local_days
from booking.models import (
    AccessEntry,
    Action,
    Appointment,
    AppointmentType,
    HistoryEntry,
    Kind,
    Notification,
    State,
    Therapist,
)
from practice.translations import Translated
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
from tests.booking.steps import free
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
            ({"start": "22:00", "end": "00:00"}, "2026-12-01 22:00", "2026-12-02 00:00"),
            ({"start": "22.00", "end": "24:00"}, "2026-12-01 22:00", "2026-12-02 00:00"),
            ({"start": "00:00", "end": "00:00"}, "2026-12-01 00:00", "2026-12-02 00:00"),
            ({"last_day": "2026-12-24", "end": "00:00"}, "2026-12-01 00:00", "2026-12-25 00:00"),
            ({"first_day": "2027-03-28", "end": "0000"}, "2027-03-28 00:00", "2027-03-29 00:00"),
            ({"first_day": "03-12-2026", "start": "0930", "end": "9.45"}, "2026-12-03 09:30", "2026-12-03 09:45"),
            ({"first_day": "3-12"}, "2026-12-03 00:00", "2026-12-04 00:00"),
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
            ({"first_day": "3/12"}, "Is this 3 December 2026 or 12 March 2027?"),
            ({"start": "24:00"}, "This time does not exist."),
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

    def test_in_dutch_the_day_comes_before_the_month(self, hers: Client, alice: Therapist) -> None:
        hers.post("/agenda/vrij/nieuw/", {**OFF, "first_day": "3/12", "start": "13u"})

        assert off_of(alice) == [(Interval(wall("2026-12-03 13:00"), wall("2026-12-04 00:00")), "")]

    def test_until_midnight_is_shown_and_kept_as_the_end_of_the_day(self, hers: Client, alice: Therapist) -> None:
        until = Interval(wall("2026-12-01 22:00"), wall("2026-12-25 00:00"))
        off = diary.add_time_off(alice, until)
        form = hers.get(f"/en/agenda/vrij/{off.id}/").context["form"]
        shown = {name: form[name].value() or "" for name in form.fields if name != "notice"}
        assert (str(shown["last_day"]), shown["end"]) == ("2026-12-24", "")

        hers.post(f"/en/agenda/vrij/{off.id}/", {**shown, "end": "00:00"})

        assert [span for span, _reason in off_of(alice)] == [until]

    def test_an_hour_that_comes_twice_means_its_first_pass(self, hers: Client, alice: Therapist) -> None:
        hers.post("/en/agenda/vrij/nieuw/", {**OFF, "first_day": "2027-10-31", "start": "02:30", "end": "04:00"})

        start = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
        assert off_of(alice) == [(Interval(start, wall("2027-10-31 04:00")), "")]

    def test_the_list_reads_whole_days_as_days(self, hers: Client, alice: Therapist) -> None:
        diary.add_time_off(alice, Interval(wall("2026-12-24 00:00"), wall("2027-01-02 00:00")), reason="kerst")
        diary.add_time_off(alice, Interval(wall("2026-12-01 13:00"), wall("2026-12-01 15:00")))

        page = text(hers.get("/en/agenda/vrij/"))

        assert "Thursday 24 December 2026 – Friday 1 January 2027 kerst" in page
        assert "Tuesday 1 December 2026, 13:00 – 15:00" in page

    def test_it_is_taken_back(self, hers: Client, alice: Therapist) -> None:
        off = diary.add_time_off(alice, Interval(wall("2026-12-24 00:00"), wall("2027-01-02 00:00")))

        hers.post(f"/en/agenda/vrij/{off.id}/weg/")

        assert off_of(alice) == []

    def test_an_extra_opening_comes_and_goes(self, hers: Client, alice: Therapist) -> None:
        hers.post("/en/agenda/vrij/extra/", {"day": "2026-12-05", "start": "10:00", "end": "12:00"})

        (opening,) = diary.extra_openings(alice, NOW)
        assert opening.interval == Interval(wall("2026-12-05 10:00"), wall("2026-12-05 12:00"))
        hers.post(f"/agenda/vrij/extra/{opening.id}/", {"day": "5/12", "start": "22u30", "end": "24.00"})
        (opening,) = diary.extra_openings(alice, NOW)
        assert opening.interval == Interval(wall("2026-12-05 22:30"), wall("2026-12-06 00:00"))
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


class TestQuickDays:
    @pytest.mark.parametrize(("button", "day"), [("today", date(2026, 11, 20)), ("tomorrow", date(2026, 11, 21))])
    def test_a_day_is_off_with_one_button(self, hers: Client, alice: Therapist, button: str, day: date) -> None:
        page = hers.get("/en/agenda/vrij/")
        assert f'name="first_day" value="{day}"' in page.content.decode()

        response = hers.post("/en/agenda/vrij/nieuw/", {"first_day": str(page.context[button])}, follow=True)

        assert f"{day:%A} {day.day} November 2026" in text(response)
        assert off_of(alice) == [(local_days(day, day, AMSTERDAM), "")]

    def test_a_second_tap_says_that_it_is_so_already(self, hers: Client, alice: Therapist) -> None:
        hers.post("/en/agenda/vrij/nieuw/", {"first_day": "2026-11-20"})

        response = hers.post("/en/agenda/vrij/nieuw/", {"first_day": "2026-11-20"})

        assert response.status_code == 422
        assert "This time is in the list already." in text(response)
        assert len(off_of(alice)) == 1

    def test_the_day_that_the_agenda_names_is_filled_in(self, hers: Client) -> None:
        page = hers.get("/en/agenda/vrij/?day=2026-12-03").content.decode()

        assert page.count('value="2026-12-03"') == 2
        assert 'value="2026-12-03"' in hers.get("/en/agenda/vrij/nieuw/?day=2026-12-03").content.decode()
        assert hers.get("/en/agenda/vrij/?day=2026-02-31").status_code == 200


class TestChanging:
    def test_time_off_opens_filled_in_and_is_changed(self, hers: Client, alice: Therapist) -> None:
        off = diary.add_time_off(
            alice,
            Interval(wall("2026-12-24 13:00"), wall("2027-01-02 00:00")),
            "kerst",
            Translated(nl="Wij zijn er even niet."),
        )
        form = hers.get(f"/en/agenda/vrij/{off.id}/").context["form"]
        opened = {name: form[name].value() for name in form.fields}
        assert opened == {
            "first_day": date(2026, 12, 24),
            "start": time(13),
            "last_day": date(2027, 1, 1),
            "end": None,
            "reason": "kerst",
            "notice": Translated(nl="Wij zijn er even niet."),
        }

        data = {"first_day": "2026-12-24", "last_day": "2027-01-03", "notice_nl": "Tot in januari."}
        response = hers.post(f"/en/agenda/vrij/{off.id}/", data, follow=True)

        (changed,) = diary.time_off(alice, NOW)
        assert changed == diary.TimeOff(
            off.id,
            Interval(wall("2026-12-24 00:00"), wall("2027-01-04 00:00")),
            "",
            Translated(nl="Tot in januari."),
        )
        assert "Parents read: Tot in januari." in text(response)

    def test_an_extra_opening_opens_filled_in_and_is_changed(self, hers: Client, alice: Therapist) -> None:
        opening = diary.add_extra_opening(
            alice, Interval(wall("2026-12-05 10:00"), wall("2026-12-05 12:00")), "markt"
        )
        page = hers.get(f"/en/agenda/vrij/extra/{opening.id}/").content.decode()
        assert ('value="10:00"' in page, 'value="12:00"' in page) == (True, True)

        hers.post(f"/en/agenda/vrij/extra/{opening.id}/", {"day": "2026-12-05", "start": "20:00", "end": "00:00"})

        (changed,) = diary.extra_openings(alice, NOW)
        assert changed == diary.ExtraOpening(
            opening.id, Interval(wall("2026-12-05 20:00"), wall("2026-12-06 00:00")), "markt"
        )

    def test_a_change_that_hits_an_appointment_asks_first(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        off = diary.add_time_off(alice, Interval(wall("2026-12-02 00:00"), wall("2026-12-03 00:00")))

        response = hers.post(f"/en/agenda/vrij/{off.id}/", {"first_day": "2026-12-01", "last_day": "2026-12-02"})

        assert response.status_code == 409
        assert diary.time_off(alice, NOW) == [off]


class TestPublicHolidays:
    CHRISTMAS = "/en/agenda/vrij/feestdag/2026-12-25"

    def test_they_are_closed_until_she_opens_one(self, hers: Client, alice: Therapist) -> None:
        assert "Friday 25 December 2026 Christmas Day closed Work this day" in text(hers.get("/en/agenda/vrij/"))

        opened = text(hers.post(f"{self.CHRISTMAS}/open/", follow=True))
        assert "Friday 25 December 2026 Christmas Day open Close" in opened
        assert "Saturday 26 December 2026 Second Day of Christmas closed" in opened
        closed = text(hers.post(f"{self.CHRISTMAS}/dicht/", follow=True))
        assert "Friday 25 December 2026 Christmas Day closed" in closed

    def test_closing_one_asks_about_its_appointments_first(self, hers: Client, alice: Therapist) -> None:
        make_hours(alice)
        hers.post(f"{self.CHRISTMAS}/open/")
        booked = make_appointment(make_type(alice), start="2026-12-25 10:00")

        response = hers.post(f"{self.CHRISTMAS}/dicht/")

        assert response.status_code == 409
        assert "10:00–11:00" in text(response)
        assert hers.post(f"{self.CHRISTMAS}/dicht/", {"accepted": str(booked.public_id)}).status_code == 302

    def test_one_with_hours_of_its_own_is_open_until_it_is_closed(self, hers: Client, alice: Therapist) -> None:
        make_hours(alice)
        consult = make_type(alice)
        booked = make_appointment(consult, start="2026-12-25 11:00")
        own = {"rows": "1", "start_0": "10:00", "end_0": "14:00"}

        assert hers.post("/en/agenda/dag/2026-12-25/", own).status_code == 302

        assert "Friday 25 December 2026 Christmas Day open Close" in text(hers.get("/en/agenda/vrij/"))
        assert "Christmas Day: you work on this public holiday." in text(hers.get("/en/agenda/dag/2026-12-25/"))
        assert hers.post(f"{self.CHRISTMAS}/dicht/").status_code == 409
        closed = hers.post(f"{self.CHRISTMAS}/dicht/", {"accepted": str(booked.public_id)}, follow=True)
        assert "Friday 25 December 2026 Christmas Day closed Work this day" in text(closed)
        assert free(consult, date(2026, 12, 25)) == []

    def test_one_that_was_closed_by_hours_of_its_own_opens_with_the_usual_ones(
        self, hers: Client, alice: Therapist
    ) -> None:
        make_hours(alice)
        hers.post(f"{self.CHRISTMAS}/open/")
        hers.post("/en/agenda/dag/2026-12-25/", {"rows": "1", "closed": "on"})
        assert "Friday 25 December 2026 Christmas Day closed Work this day" in text(hers.get("/en/agenda/vrij/"))

        opened = hers.post(f"{self.CHRISTMAS}/open/", follow=True)

        assert "Friday 25 December 2026 Christmas Day open Close" in text(opened)
        hours = day_hours.of(alice, date(2026, 12, 25), AMSTERDAM)
        assert hours.windows
        assert not hours.own

    @pytest.mark.parametrize("day", ["2026-02-30", "x", "9999-12-31"])
    def test_a_day_that_is_none_is_not_found(self, hers: Client, day: str) -> None:
        assert hers.post(f"/en/agenda/vrij/feestdag/{day}/open/").status_code == 404

    def test_an_ordinary_day_is_not_in_the_list(self, hers: Client) -> None:
        response = hers.post("/en/agenda/vrij/feestdag/2026-12-24/open/", follow=True)

        assert "This is not in the diary any more." in response.content.decode()

    def test_opening_one_by_a_link_does_nothing(self, hers: Client) -> None:
        assert hers.get(f"{self.CHRISTMAS}/open/").status_code == 405


class TestOneDay:
    DAY = "/en/agenda/dag/2026-12-01/"

    @pytest.fixture
    def working(self, alice: Therapist) -> Therapist:
        make_hours(alice, start="09:00", end="12:00")
        make_hours(alice, start="13:00", end="17:00")
        return alice

    def hours(self, therapist: Therapist, day: date = date(2026, 12, 1)) -> list[tuple[str, str]]:
        found = day_hours.of(therapist, day, AMSTERDAM).windows
        local = [(w.start.astimezone(AMSTERDAM), w.end.astimezone(AMSTERDAM)) for w in found]
        return [(f"{start:%H:%M}", f"{end:%H:%M}") for start, end in local]

    def test_it_opens_with_the_hours_of_the_week(self, hers: Client, working: Therapist) -> None:
        form = hers.get(self.DAY).context["form"]

        assert [(start.value(), end.value()) for start, end in form.lines] == [
            (time(9), time(12)),
            (time(13), time(17)),
            (None, None),
        ]

    def test_its_hours_change_and_go_back(self, hers: Client, working: Therapist) -> None:
        data = {"rows": "3", "start_0": "10:30", "end_0": "12:00", "start_2": "19:00", "end_2": "00:00"}

        page = text(hers.post(self.DAY, data, follow=True))

        assert self.hours(working) == [("10:30", "12:00"), ("19:00", "00:00")]
        assert self.hours(working, date(2026, 12, 8)) == [("09:00", "12:00"), ("13:00", "17:00")]
        assert "Tuesday 1 December 2026" in page
        assert "other hours on this day" in text(hers.get(self.DAY))
        hers.post(f"{self.DAY}gewoon/")
        assert self.hours(working) == [("09:00", "12:00"), ("13:00", "17:00")]

    def test_a_day_is_closed(self, hers: Client, working: Therapist) -> None:
        hers.post(self.DAY, {"rows": "1", "closed": "on", "start_0": "09:00", "end_0": "12:00"})

        assert self.hours(working) == []
        assert hers.get(self.DAY).context["form"]["closed"].value()

    def test_hours_on_a_closed_day_ask_for_the_tick_to_go(self, hers: Client, working: Therapist) -> None:
        day_hours.change(working, date(2026, 12, 1), [], AMSTERDAM)
        data = {"rows": "1", "start_0": "10:00", "end_0": "12:00"}

        response = hers.post(self.DAY, {**data, "closed": "on"})
        assert response.status_code == 422
        assert "You have filled in hours as well." in text(response)
        assert self.hours(working) == []
        hers.post(self.DAY, data)

        assert self.hours(working) == [("10:00", "12:00")]

    def test_a_day_without_usual_hours_is_not_ticked_as_closed(self, hers: Client, alice: Therapist) -> None:
        form = hers.get(self.DAY).context["form"]

        assert (form["closed"].value(), len(form.lines)) == (False, 1)

    def test_one_more_line_keeps_what_was_typed(self, hers: Client, working: Therapist) -> None:
        data = {"rows": "2", "start_0": "10:00", "end_0": "9", "start_1": "11:00", "end_1": "", "more": "1"}

        form = hers.post(self.DAY, data).context["form"]

        assert [(start.value(), end.value()) for start, end in form.lines] == [
            ("10:00", "9"),
            ("11:00", ""),
            (None, None),
        ]
        assert form["rows"].value() == 3
        assert self.hours(working) == [("09:00", "12:00"), ("13:00", "17:00")]

    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            ({"start_0": "12:00", "end_0": "09:00"}, "The end must come after the beginning."),
            ({"start_0": "09:00", "end_0": "09:00"}, "The end must come after the beginning."),
            ({"start_0": "09:00"}, "Please fill in a time."),
            ({"end_0": "09:00"}, "Please fill in a time."),
            ({"start_0": "half tien", "end_0": "12:00"}, "This time does not exist."),
            ({"start_0": "24:00", "end_0": "24:00"}, "This time does not exist."),
            ({"start_0": "9:3", "end_0": "12:00"}, "Is this 09:03 or 09:30?"),
            ({"start_0": "09:00", "end_0": "12:00", "start_1": "11:00", "end_1": "13:00"}, "overlap each other"),
            ({}, "Please fill in hours, or tick that the day is closed."),
        ],
    )
    def test_what_cannot_be_gets_a_sentence(
        self, hers: Client, working: Therapist, data: dict[str, str], sentence: str
    ) -> None:
        response = hers.post(self.DAY, {"rows": "2", **data})

        assert response.status_code == 422
        assert sentence in text(response)
        assert self.hours(working) == [("09:00", "12:00"), ("13:00", "17:00")]

    @pytest.mark.parametrize("rows", ["", "0", "-1", "13", "999999", "²", "x"])
    def test_a_number_of_lines_that_cannot_be_is_refused(
        self, hers: Client, working: Therapist, rows: str
    ) -> None:
        assert hers.post(self.DAY, {"rows": rows, "closed": "on"}).status_code == 422

    def test_a_time_that_the_clock_skips_is_refused(self, hers: Client, working: Therapist) -> None:
        data = {"rows": "1", "start_0": "02:30", "end_0": "04:00"}

        response = hers.post("/en/agenda/dag/2027-03-28/", data)

        assert response.status_code == 422
        assert "In that night the clock skips this time." in text(response)

    def test_the_day_of_25_hours_keeps_the_wall_clock(self, hers: Client, working: Therapist) -> None:
        hers.post("/en/agenda/dag/2027-10-31/", {"rows": "1", "start_0": "01:00", "end_0": "10:00"})

        (window,) = day_hours.of(working, date(2027, 10, 31), AMSTERDAM).windows
        assert window.end - window.start == timedelta(hours=10)
        form = hers.get("/en/agenda/dag/2027-10-31/").context["form"]
        assert form.lines[0][0].value() == time(1)

    def test_an_appointment_in_the_way_is_shown_first(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        data = {"rows": "1", "start_0": "13:00", "end_0": "17:00"}

        first = hers.post(self.DAY, data)
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', first.content.decode()))
        again = hers.post(self.DAY, hidden)

        assert (first.status_code, again.status_code) == (409, 302)
        assert self.hours(alice) == [("13:00", "17:00")]

    def test_what_has_been_is_not_for_changing(self, hers: Client, working: Therapist) -> None:
        past = "/en/agenda/dag/2026-11-19/"

        assert "What has been stays as it was." in text(hers.get(past))
        assert hers.post(past, {"rows": "1", "closed": "on"}).status_code == 422
        assert self.hours(working, date(2026, 11, 19)) == [("09:00", "12:00"), ("13:00", "17:00")]

    def test_holiday_and_time_off_are_said(self, hers: Client, working: Therapist) -> None:
        diary.add_time_off(working, Interval(wall("2026-12-25 13:00"), wall("2026-12-25 15:00")))

        page = text(hers.get("/en/agenda/dag/2026-12-25/"))

        assert "Christmas Day: a public holiday" in page
        assert "You are off: Friday 25 December 2026, 13:00 – 15:00." in page
        assert "The usual hours: none" in page

    def test_a_day_is_chosen_on_the_list(self, hers: Client, bob: Client, alice: Therapist) -> None:
        assert hers.get("/en/agenda/dag/?day=2026-12-01")["Location"] == self.DAY
        assert hers.get("/en/agenda/dag/?day=x")["Location"] == "/en/agenda/vrij/"
        path = "/en/agenda/dag/?day=2026-12-01&therapist=alice"
        assert bob.get(path)["Location"] == f"{self.DAY}?therapist=alice"

    def test_the_day_on_the_agenda_leads_to_it(self, hers: Client, bob: Client, alice: Therapist) -> None:
        day = "/en/agenda/?view=day&day=2026-12-01"

        own = hers.get(day).content.decode()
        managers = bob.get(f"{day}&therapist=alice").content.decode()

        assert f'href="{self.DAY}"' in own
        assert 'href="/en/agenda/vrij/nieuw/?day=2026-12-01"' in own
        assert f'href="{self.DAY}?therapist=alice"' in managers
        assert 'href="/en/agenda/vrij/nieuw/?day=2026-12-01&amp;therapist=alice"' in managers

    @pytest.mark.parametrize("day", ["2026-02-30", "x", "1999-12-31"])
    def test_a_day_that_is_none_is_not_found(self, hers: Client, day: str) -> None:
        assert hers.get(f"/en/agenda/dag/{day}/").status_code == 404


class TestWhatParentsRead:
    @pytest.fixture
    def consult(self, alice: Therapist) -> AppointmentType:
        make_hours(alice, start="09:00", end="12:00")
        return make_type(alice, slug="eerste-afspraak", horizon_days=60)

    def choose(self, **query: str) -> str:
        return text(Client(headers={"accept-language": "en"}).get("/en/afspraak/", query))

    def test_the_sentence_stands_above_the_days_around_the_time_off(
        self, alice: Therapist, consult: AppointmentType
    ) -> None:
        away = Translated(nl="Wij zijn <even> weg.")
        diary.add_time_off(alice, Interval(wall("2026-11-27 00:00"), wall("2026-12-07 00:00")), "Texel", away)

        # The first page ends on the day before the time off, which reaches to the second one.
        assert "Wij zijn <even> weg." in self.choose()
        assert "Texel" not in self.choose()
        assert "Wij zijn <even> weg." not in self.choose(day="2026-12-07")

    def test_each_reads_it_in_their_own_language(self, alice: Therapist, consult: AppointmentType) -> None:
        """Where it was not written in that, a screen reader hears which one it is in."""
        both, dutch = Translated(nl="Wij zijn weg.", en="We are away."), Translated(nl="Alleen zo.")
        diary.add_time_off(alice, Interval(wall("2026-11-23 00:00"), wall("2026-11-24 00:00")), "", both)
        diary.add_time_off(alice, Interval(wall("2026-11-24 00:00"), wall("2026-11-25 00:00")), "", dutch)

        nl, en = (Client().get(f"{prefix}/afspraak/").content.decode() for prefix in ("", "/en"))

        assert '<p class="notice">Wij zijn weg.</p>' in nl
        assert '<p class="notice">Alleen zo.</p>' in nl
        assert '<p class="notice">We are away.</p>' in en
        assert '<p class="notice" lang="nl">Alleen zo.</p>' in en
        assert "Wij zijn weg." not in en

    def test_it_survives_the_question_about_appointments_in_the_way(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        data = {"first_day": "2026-12-01", "notice_nl": "Wij zijn er weer.", "notice_en": "We are “back”."}
        asked = hers.post("/en/agenda/vrij/nieuw/", data)
        assert asked.status_code == 409
        assert [entry.action for entry in AccessEntry.objects.filter(appointment=booked.public_id)] == ["listed"]
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', asked.content.decode())

        assert hers.post("/en/agenda/vrij/nieuw/", dict(hidden)).status_code == 302

        (off,) = diary.time_off(alice, NOW)
        assert off.notice == {"nl": "Wij zijn er weer.", "en": "We are “back”."}

    @pytest.mark.parametrize(
        ("dutch", "english", "said"),
        [
            ("Goed.", "x" * 201, "Please use at most 200 characters."),
            ("Goed.", "on\x00leesbaar", "Null characters are not allowed."),
            ("Goed.", "on\u202eleesbaar", "This contains a character that cannot be used here."),
            ("", "Goed.", "Please write it in Dutch too: that is shown where a language lacks."),
        ],
    )
    def test_what_cannot_be_gets_a_sentence(self, hers: Client, dutch: str, english: str, said: str) -> None:
        data = {"first_day": "2026-12-24", "reason": "getypt", "notice_nl": dutch, "notice_en": english}

        response = hers.post("/en/agenda/vrij/nieuw/", data)

        assert response.status_code == 422
        assert said in text(response)
        assert 'value="getypt"' in response.content.decode()
        assert "Goed." in response.content.decode()

    def test_one_far_ahead_or_over_is_not_shown(self, alice: Therapist, consult: AppointmentType) -> None:
        for start, end, sentence in (
            ("2026-12-20 00:00", "2026-12-22 00:00", "Later."),
            ("2026-11-20 00:00", "2026-11-20 11:00", "Voorbij."),
        ):
            diary.add_time_off(alice, Interval(wall(start), wall(end)), "", Translated(nl=sentence))

        page = self.choose()

        assert ("Later." in page, "Voorbij." in page) == (False, False)
        assert "Later." in self.choose(day="2026-12-15")

    def test_where_nothing_is_free_it_says_why(self, alice: Therapist, consult: AppointmentType) -> None:
        diary.add_time_off(
            alice,
            Interval(wall("2026-11-20 00:00"), wall("2027-04-01 00:00")),
            "",
            Translated(nl="Tot april dicht."),
        )

        assert "Tot april dicht." in self.choose()
        assert "Tot april dicht." in self.choose(day="2027-06-01")

    def test_with_several_therapists_it_says_whose(
        self, alice: Therapist, charlie: Therapist, consult: AppointmentType
    ) -> None:
        make_hours(charlie, start="09:00", end="12:00")
        consult.therapists.add(charlie)
        off = Interval(wall("2026-11-23 00:00"), wall("2026-11-24 00:00"))
        diary.add_time_off(alice, off, "", Translated(nl="Een dag dicht."))

        assert "Alice: Een dag dicht." in self.choose()
        assert "Een dag dicht." not in self.choose(therapist="charlie")

    def test_it_costs_no_query(self, alice: Therapist, consult: AppointmentType) -> None:
        def queries() -> int:
            self.choose()
            with CaptureQueriesContext(connection) as captured:
                self.choose()
            return len(captured)

        before = queries()
        for day in ("2026-11-24", "2026-11-25"):
            diary.add_time_off(
                alice, Interval(wall(f"{day} 00:00"), wall(f"{day} 12:00")), "", Translated(nl=f"Dicht op {day}.")
            )

        assert queries() == before


PAGES = [
    "/en/agenda/vrij/",
    "/en/agenda/vrij/nieuw/",
    "/en/agenda/vrij/extra/",
    "/en/agenda/dag/?day=2026-12-01",
    "/en/agenda/dag/2026-12-01/",
]
DEEDS = [
    "/en/agenda/vrij/nieuw/",
    "/en/agenda/vrij/{off}/",
    "/en/agenda/vrij/{off}/weg/",
    "/en/agenda/vrij/extra/",
    "/en/agenda/vrij/extra/{extra}/",
    "/en/agenda/vrij/extra/{extra}/weg/",
    "/en/agenda/vrij/feestdag/2026-12-25/open/",
    "/en/agenda/vrij/feestdag/2026-12-25/dicht/",
    "/en/agenda/dag/2026-12-01/",
    "/en/agenda/dag/2026-12-01/gewoon/",
]
# What any of the forms asks for.
DATA = {
    "first_day": "2026-12-03",
    "day": "2026-12-03",
    "start": "18:00",
    "end": "19:00",
    "rows": "1",
    "closed": "on",
}


class TestWhoMayDoWhat:
    @pytest.fixture
    def deeds(self, alice: Therapist) -> list[str]:
        off = diary.add_time_off(alice, Interval(wall("2026-12-24 00:00"), wall("2026-12-25 00:00")))
        extra = diary.add_extra_opening(alice, Interval(wall("2026-12-05 10:00"), wall("2026-12-05 12:00")))
        return [path.format(off=off.id, extra=extra.id) for path in DEEDS]

    def test_strangers_are_led_to_signing_in(self, alice: Therapist, deeds: list[str]) -> None:
        version, stranger = alice.diary_version, Client()

        answers = [stranger.get(path) for path in PAGES] + [stranger.post(path, DATA) for path in deeds]

        assert all("/inloggen/" in answer["Location"] or "login" in answer["Location"] for answer in answers)
        assert Therapist.objects.get(pk=alice.pk).diary_version == version

    def test_an_account_without_a_diary_is_refused(self, alice: Therapist, deeds: list[str]) -> None:
        version, dana = alice.diary_version, signed_in(make_account("dana@praktijk.example"))

        answers = [dana.get(path) for path in PAGES] + [dana.post(path, DATA) for path in deeds]

        assert {answer.status_code for answer in answers} == {403}
        assert Therapist.objects.get(pk=alice.pk).diary_version == version

    def test_another_therapist_gets_no_hold_of_it(
        self, alice: Therapist, charlie: Therapist, deeds: list[str]
    ) -> None:
        version, his = alice.diary_version, signed_in(account_of(charlie))

        for path in [*PAGES, *deeds]:
            joined = "&" if "?" in path else "?"
            assert his.get(f"{path}{joined}therapist=alice").status_code in {404, 405}
        for path in deeds:
            assert his.post(f"{path}?therapist=alice", DATA).status_code == 404
            his.post(path, DATA)

        assert Therapist.objects.get(pk=alice.pk).diary_version == version

    @pytest.mark.parametrize("who", ["hers", "bob"])
    def test_she_and_the_manager_do_it_all(
        self, who: str, alice: Therapist, deeds: list[str], request: pytest.FixtureRequest
    ) -> None:
        client = request.getfixturevalue(who)
        query = "?therapist=alice" if who == "bob" else ""

        for path in PAGES:
            joined = "&therapist=alice" if query and "?" in path else query
            assert client.get(f"{path}{joined}").status_code in {200, 302}
        for path in deeds:
            version = Therapist.objects.get(pk=alice.pk).diary_version
            day = f"2026-12-{deeds.index(path) + 10}"  # so that none is there already
            response = client.post(f"{path}{query}", {**DATA, "first_day": day, "day": day})
            assert (response.status_code, response["Location"]) == (302, f"/en/agenda/vrij/{query}"), path
            assert Therapist.objects.get(pk=alice.pk).diary_version != version, path

    def test_many_exceptions_cost_as_many_queries_as_one(self, hers: Client, alice: Therapist) -> None:
        def make(number: int) -> None:
            day = date(2026, 12, number)
            diary.add_time_off(alice, local_days(day, day, AMSTERDAM))
            diary.add_extra_opening(alice, local_days(day, day, AMSTERDAM))
            day_hours.change(alice, day, [(time(7), time(8))], AMSTERDAM)

        make(1)
        hers.get("/en/agenda/vrij/")
        with CaptureQueriesContext(connection) as one:
            hers.get("/en/agenda/vrij/")
        for number in range(2, 8):
            make(number)

        with CaptureQueriesContext(connection) as many:
            hers.get("/en/agenda/vrij/")

        assert len(many) == len(one)


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

    def test_a_day_off_tells_of_one_in_the_evening_too(
        self, hers: Client, alice: Therapist, booked: Appointment
    ) -> None:
        evening = make_appointment(booked.appointment_type, start="2026-12-01 18:30")

        response = hers.post("/en/agenda/vrij/nieuw/", OFF)

        assert [appointment for appointment, _ticked in ticks(response)] == [booked, evening]
        accepted = [str(booked.public_id), str(evening.public_id)]
        assert hers.post("/en/agenda/vrij/nieuw/", {**OFF, "accepted": accepted}).status_code == 302

    def test_one_that_stood_in_time_off_before_is_not_in_the_way(
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
