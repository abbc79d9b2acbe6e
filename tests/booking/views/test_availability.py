"""The weekly hours on the pages. Alice and Charlie are therapists, Bob is the manager."""

from datetime import date, time
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking import diary
from booking.models import Therapist
from tests.booking.accounts import make_account, signed_in
from tests.booking.factories import (
    AMSTERDAM,
    make_hours,
    make_practice,
    make_therapist,
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


def hours_of(therapist: Therapist) -> list[tuple[int, time, time, int, date, date | None]]:
    return [
        (h.weekday, h.start, h.end, h.every_weeks, h.first_day, h.last_day)
        for h in diary.working_hours(therapist, AMSTERDAM)
    ]


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

    @pytest.mark.parametrize(
        ("today", "offered", "first_day"),
        [
            ("2026-11-20 12:00", "2026-11-23", date(2026, 11, 23)),
            # On the day itself Monday has been: two weeks later it is, and not one.
            ("2026-11-24 12:00", "2026-11-24", date(2026, 12, 7)),
            ("2026-11-25 12:00", "2026-12-07", date(2026, 12, 7)),
        ],
        ids=["before", "on the day", "after"],
    )
    def test_every_other_week_stays_that_week_where_the_weekday_changes(
        self, alice: Therapist, clock: Any, today: str, offered: str, first_day: date
    ) -> None:
        clock.move_to(wall(today))
        assert alice.user is not None
        hers = signed_in(alice.user)
        make_hours(alice, 1, every_weeks=2, first_day=date(2026, 11, 10))
        path = f"/en/agenda/werktijden/{diary.working_hours(alice, AMSTERDAM)[0].id}/"
        assert f'name="first_day" value="{offered}"' in hers.get(path).content.decode()

        assert hers.post(path, {**HOURS, "every_weeks": "2", "first_day": offered}).status_code == 302

        assert hours_of(alice)[0] == (0, time(9), time(12), 2, first_day, None)

    def test_every_other_week_is_counted_from_another_day_that_she_chooses(
        self, hers: Client, alice: Therapist
    ) -> None:
        make_hours(alice, 1, every_weeks=2, first_day=date(2026, 11, 24))
        path = f"/en/agenda/werktijden/{diary.working_hours(alice, AMSTERDAM)[0].id}/"

        hers.post(path, {**HOURS, "weekday": "1", "every_weeks": "2", "first_day": "2026-11-30"})

        assert hours_of(alice)[1] == (1, time(9), time(12), 2, date(2026, 12, 1), None)

    def test_the_form_says_from_which_day_every_other_week_is_counted(
        self, hers: Client, alice: Therapist
    ) -> None:
        make_hours(alice, 1, every_weeks=2, first_day=date(2026, 11, 10))
        make_hours(alice, 2)
        other, each = (
            text(hers.get(f"/en/agenda/werktijden/{found.id}/")) for found in diary.working_hours(alice, AMSTERDAM)
        )

        assert "Every other week is still counted from the week of 24 November 2026." in other
        assert "counted from the first such day of the week on or after this one." not in other
        assert "Every other week is counted from the first such day of the week on or after this one." in each

    def test_hours_that_have_not_begun_begin_no_earlier_by_themselves(
        self, hers: Client, alice: Therapist
    ) -> None:
        make_hours(alice, 3, first_day=date(2026, 12, 10))
        (before,) = diary.working_hours(alice, AMSTERDAM)

        assert 'value="2026-12-10"' in hers.get(f"/en/agenda/werktijden/{before.id}/").content.decode()

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
        hers.get("/en/agenda/werktijden/")
        with CaptureQueriesContext(connection) as one:
            hers.get("/en/agenda/werktijden/")
        make_hours(alice, 1, 2, 3, 4, 5, 6)

        with CaptureQueriesContext(connection) as many:
            hers.get("/en/agenda/werktijden/")

        assert len(one) == len(many)
