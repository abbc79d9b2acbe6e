"""Working hours, time off, extra openings and types. Alice and Charlie are therapists, Bob is the manager."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking import agenda, diary
from booking.intervals import Interval
from booking.models import Appointment, AppointmentType, Notification, State, Therapist
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


class TestWorkingHours:
    def test_they_are_added_and_read_as_a_week(self, hers: Client, alice: Therapist) -> None:
        data = {**HOURS, "weekday": "2", "every_weeks": "2", "last_day": "2027-06-30"}

        response = hers.post("/en/agenda/werktijden/nieuw/", data, follow=True)

        assert hours_of(alice) == [(2, time(9), time(12), 2, date(2026, 11, 25), date(2027, 6, 30))]
        page = text(response)
        assert "Wednesday 09:00–12:00 every other week next on 25 November until 30 June 2027" in page
        assert "Thursday –" in page

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"end": "08:00"}, "The end must come after the beginning."),
            ({"end": "09:00"}, "The end must come after the beginning."),
            ({"start": "25:00"}, "This time does not exist."),
            ({"start": ""}, "Please fill in a time."),
            ({"first_day": "2026-02-30"}, "This day does not exist."),
            ({"first_day": ""}, "Please choose a day."),
            ({"first_day": "9999-12-31"}, "Please choose a day between 2000 and 2100."),
            ({"first_day": "0001-01-01"}, "Please choose a day between 2000 and 2100."),
            ({"last_day": "2026-11-01"}, "The last day must not lie before the first one."),
            ({"first_day": "2026-11-24", "last_day": "2026-11-25"}, "there is no Monday"),
            ({"weekday": "7"}, "Select a valid choice"),
            ({"every_weeks": "3"}, "Select a valid choice"),
            ({"start": "\x00"}, "This time does not exist."),
        ],
    )
    def test_what_cannot_be_gets_a_sentence(
        self, hers: Client, alice: Therapist, change: dict[str, str], sentence: str
    ) -> None:
        response = hers.post("/en/agenda/werktijden/nieuw/", {**HOURS, **change})

        assert response.status_code == 422
        assert sentence in text(response)
        assert hours_of(alice) == []

    def test_overlapping_hours_are_refused_with_the_others_named(self, hers: Client, alice: Therapist) -> None:
        make_hours(alice, 0, start="11:00", end="13:00")

        response = hers.post("/en/agenda/werktijden/nieuw/", HOURS)

        assert response.status_code == 422
        assert "from 11:00 to 13:00" in text(response)

    def test_hours_may_go_on_until_midnight(self, hers: Client, alice: Therapist) -> None:
        hers.post("/en/agenda/werktijden/nieuw/", {**HOURS, "start": "20:00", "end": "00:00"})

        assert hours_of(alice) == [(0, time(20), time(0), 1, date(2026, 11, 23), None)]

    def test_a_window_changes_from_a_day_on_and_the_past_stays(self, hers: Client, alice: Therapist) -> None:
        make_hours(alice, 0, start="09:00", end="12:00", every_weeks=2)
        pk = diary.working_hours(alice, AMSTERDAM)[0].id
        form = hers.get(f"/en/agenda/werktijden/{pk}/").content.decode()
        assert 'value="09:00"' in form
        # The next of the weeks that are hers, so that they stay the same ones.
        assert 'value="2026-11-23"' in form

        hers.post(f"/en/agenda/werktijden/{pk}/", {**HOURS, "end": "13:00", "every_weeks": "2"})

        assert hours_of(alice) == [
            (0, time(9), time(12), 2, date(2026, 1, 5), date(2026, 11, 22)),
            (0, time(9), time(13), 2, date(2026, 11, 23), None),
        ]
        page = text(hers.get("/en/agenda/werktijden/"))
        assert "Monday 09:00–13:00 every other week next on 23 November" in page
        assert (
            "Hours that have ended Monday 09:00–12:00 , every other week, 5 January 2026 until 22 November 2026"
            in page
        )

    def test_what_has_been_is_not_for_changing(self, hers: Client, alice: Therapist) -> None:
        make_hours(alice, 0)
        (before,) = diary.working_hours(alice, AMSTERDAM)

        response = hers.post(f"/en/agenda/werktijden/{before.id}/", {**HOURS, "first_day": "2026-11-16"})

        assert response.status_code == 422
        assert "What has been stays as it was." in text(response)
        assert diary.working_hours(alice, AMSTERDAM) == [before]

    def test_hours_that_begin_later_say_so(self, hers: Client, alice: Therapist) -> None:
        make_hours(alice, 0, first_day=date(2026, 12, 7))

        assert "Monday 09:00–17:00 from 7 December 2026" in text(hers.get("/en/agenda/werktijden/"))

    def test_a_window_is_removed_from_today_on_and_a_second_time_is_harmless(
        self, hers: Client, alice: Therapist
    ) -> None:
        make_hours(alice, 0)
        pk = diary.working_hours(alice, AMSTERDAM)[0].id

        assert hers.get(f"/en/agenda/werktijden/{pk}/weg/").status_code == 405
        for _ in range(2):
            assert hers.post(f"/en/agenda/werktijden/{pk}/weg/").status_code == 302

        assert hours_of(alice) == [(0, time(9), time(17), 1, date(2026, 1, 5), date(2026, 11, 19))]
        assert "nobody can book" in text(hers.get("/en/agenda/werktijden/"))

    def test_a_window_that_never_was_goes_wholly(self, hers: Client, alice: Therapist) -> None:
        make_hours(alice, 0, first_day=date(2026, 12, 7))
        pk = diary.working_hours(alice, AMSTERDAM)[0].id

        hers.post(f"/en/agenda/werktijden/{pk}/weg/")

        assert hours_of(alice) == []

    def test_a_colleagues_hours_are_out_of_reach(self, hers: Client, alice: Therapist, charlie: Therapist) -> None:
        make_hours(charlie, 0)
        pk = diary.working_hours(charlie, AMSTERDAM)[0].id

        assert hers.get("/en/agenda/werktijden/?therapist=charlie").status_code == 404
        assert hers.get(f"/en/agenda/werktijden/{pk}/").status_code == 404
        hers.post(f"/en/agenda/werktijden/{pk}/weg/")
        assert len(hours_of(charlie)) == 1

    def test_the_manager_sets_anyones_and_stays_with_them(
        self, bob: Client, alice: Therapist, charlie: Therapist
    ) -> None:
        response = bob.post("/en/agenda/werktijden/nieuw/?therapist=charlie", HOURS)

        assert response["Location"] == "/en/agenda/werktijden/?therapist=charlie"
        assert "These are the hours of Charlie." in text(bob.get(response["Location"]))
        assert (hours_of(alice), len(hours_of(charlie))) == ([], 1)

    def test_many_windows_cost_as_many_queries_as_one(self, hers: Client, alice: Therapist) -> None:
        make_hours(alice, 0)
        with CaptureQueriesContext(connection) as one:
            hers.get("/en/agenda/werktijden/")
        make_hours(alice, 1, 2, 3, 4, 5, 6)

        with CaptureQueriesContext(connection) as many:
            hers.get("/en/agenda/werktijden/")

        assert len(one) == len(many)


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

    def test_a_refused_change_leaves_the_diary_as_it_was(self, alice: Therapist, booked: Appointment) -> None:
        version = alice.diary_version
        span = Interval(wall("2026-12-01 00:00"), wall("2026-12-02 00:00"))

        hit = agenda.change_diary(
            alice, lambda: diary.add_time_off(alice, span), accepted=[], zone=AMSTERDAM, now=NOW
        )

        assert hit == [booked]
        assert alice.diary_version == version == Therapist.objects.get(pk=alice.pk).diary_version


class TestAppointmentTypes:
    FORM = {
        "name_nl": "Eerste afspraak",
        "name_en": "First consultation",
        "description_nl": "",
        "description_en": "",
        "duration": "45",
        "step": "15",
        "buffer_before": "5",
        "buffer_after": "10",
        "minimum_notice": "48",
        "change_notice": "12",
        "horizon_days": "30",
        "most_per_day": "",
        "most_per_week": "4",
        "place": "phone",
        "reminders": ["1d", "2h"],
    }

    @pytest.fixture
    def consult(self, alice: Therapist) -> AppointmentType:
        return make_type(alice, slug="consult")

    def test_everything_is_said_in_plain_numbers(self, hers: Client, consult: AppointmentType) -> None:
        response = hers.post("/en/agenda/soorten/consult/", self.FORM)

        assert response.status_code == 302
        consult = AppointmentType.objects.get()
        assert (consult.duration, consult.step) == (timedelta(minutes=45), timedelta(minutes=15))
        assert (consult.buffer_before, consult.buffer_after) == (timedelta(minutes=5), timedelta(minutes=10))
        assert (consult.minimum_notice, consult.change_notice) == (timedelta(hours=48), timedelta(hours=12))
        assert (consult.horizon_days, consult.most_per_day, consult.most_per_week) == (30, None, 4)
        assert (consult.place, consult.reminders, consult.visible) == ("phone", ["1d", "2h"], False)
        assert consult.name == {"nl": "Eerste afspraak", "en": "First consultation"}
        assert [therapist.name for therapist in consult.therapists.all()] == ["Alice"]

    def test_the_form_opens_with_what_is(self, hers: Client, consult: AppointmentType) -> None:
        AppointmentType.objects.update(reminders=["5d"], minimum_notice=timedelta(days=2))

        page = hers.get("/en/agenda/soorten/consult/")

        form = page.context["form"]
        assert (form["duration"].value(), form["minimum_notice"].value()) == (60, 48)
        assert ("5d", "5 days before") in form.fields["reminders"].choices

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"name_nl": ""}, "name"),
            ({"name_nl": "x" * 101}, "name"),
            ({"name_nl": "a\x07b"}, "name"),
            ({"duration": "0"}, "duration"),
            ({"duration": "-60"}, "duration"),
            ({"duration": "1:00:00"}, "duration"),
            ({"duration": "99999999999999"}, "duration"),
            ({"step": "4"}, "step"),
            ({"buffer_after": "-1"}, "buffer_after"),
            ({"horizon_days": "0"}, "horizon_days"),
            ({"horizon_days": "367"}, "horizon_days"),
            ({"most_per_day": "0"}, "most_per_day"),
            ({"place": "moon"}, "place"),
            ({"reminders": ["soon"]}, "reminders"),
        ],
    )
    def test_what_cannot_be_is_said_at_its_field(
        self, hers: Client, consult: AppointmentType, change: dict[str, Any], field: str
    ) -> None:
        response = hers.post("/en/agenda/soorten/consult/", {**self.FORM, **change})

        assert response.status_code == 422
        assert list(response.context["form"].errors) == [field]
        assert AppointmentType.objects.get().duration == timedelta(hours=1)

    def test_line_breaks_do_not_reach_a_name(self, hers: Client, consult: AppointmentType) -> None:
        hers.post("/en/agenda/soorten/consult/", {**self.FORM, "name_nl": "Eerste\r\nafspraak"})

        assert AppointmentType.objects.get().name["nl"] == "Eerste afspraak"

    def test_who_offers_it_is_for_the_manager_to_say(
        self, hers: Client, bob: Client, consult: AppointmentType, charlie: Therapist
    ) -> None:
        data = {**self.FORM, "therapists": [str(charlie.pk)]}

        hers.post("/en/agenda/soorten/consult/", data)
        assert [therapist.name for therapist in consult.therapists.all()] == ["Alice"]
        bob.post("/en/agenda/soorten/consult/", data)
        assert [therapist.name for therapist in consult.therapists.all()] == ["Charlie"]

    def test_a_type_that_one_does_not_offer_is_out_of_reach(
        self, consult: AppointmentType, charlie: Therapist
    ) -> None:
        assert charlie.user is not None
        hers = signed_in(charlie.user)

        assert "There are no appointment types yet." in text(hers.get("/en/agenda/soorten/"))
        assert hers.get("/en/agenda/soorten/consult/").status_code == 404

    def test_the_list_says_what_counts(self, hers: Client, consult: AppointmentType) -> None:
        page = text(hers.get("/en/agenda/soorten/"))

        assert "First consultation can be booked" in page
        assert "60 minutes, at the practice. Reminders: 2 days before, 3 hours before." in page
