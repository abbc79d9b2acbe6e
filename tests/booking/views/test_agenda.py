"""The agenda."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking.models import (
    Appointment,
    CalendarSource,
    ImportedBusy,
    Kind,
    Notification,
    NotificationState,
    State,
    Therapist,
)
from tests.booking.accounts import make_account, signed_in
from tests.booking.factories import (
    make_appointment,
    make_hours,
    make_notification,
    make_parent,
    make_practice,
    make_type,
    wall,
)
from tests.booking.views.reading import text

pytestmark = pytest.mark.django_db

NOW = wall("2026-11-30 10:30")


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def practice() -> None:
    make_practice()


@pytest.fixture
def appointment(alice: Therapist) -> Appointment:
    appointment_type = make_type(alice)
    return make_appointment(
        appointment_type, start="2026-12-01 10:00", remark="slaapt slecht", child_first_name="Sam"
    )


def make_busy(therapist: Therapist, start: str, end: str) -> ImportedBusy:
    source, _made = CalendarSource.objects.get_or_create(therapist=therapist, name="home", due_at=NOW)
    return ImportedBusy.objects.create(source=source, start=wall(start), end=wall(end))


def address(appointment: Appointment, action: str = "") -> str:
    return f"/en/agenda/afspraak/{appointment.public_id}/{action}"


class TestWhoSeesWhat:
    @pytest.mark.parametrize(
        ("who", "status"), [("alice", 200), ("bob", 200), ("charlie", 404), ("dana", 403), ("anonymous", 302)]
    )
    def test_an_appointment_is_for_its_therapist_and_the_manager(
        self, browsers: dict[str, Client], appointment: Appointment, who: str, status: int
    ) -> None:
        response = browsers[who].get(address(appointment))

        assert response.status_code == status
        assert ("slaapt slecht" in response.content.decode()) == (status == 200)

    def test_no_cache_and_no_search_engine_keeps_it(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        for path in ("/en/agenda/", "/en/agenda/eerder/", address(appointment)):
            response = browsers["alice"].get(path)

            assert "no-store" in response["Cache-Control"]
            assert response["X-Robots-Tag"] == "noindex"

    @pytest.mark.parametrize("action", ["afzeggen/", "gekomen/", "niet-gekomen/"])
    @pytest.mark.parametrize(("who", "status"), [("charlie", 404), ("dana", 403), ("anonymous", 302)])
    def test_nobody_else_can_change_it(
        self, browsers: dict[str, Client], appointment: Appointment, who: str, status: int, action: str
    ) -> None:
        assert browsers[who].post(address(appointment, action)).status_code == status

        appointment.refresh_from_db()
        assert appointment.state == State.CONFIRMED

    @pytest.mark.parametrize(
        ("who", "seen"), [("alice", ["Sam"]), ("bob", ["Sam", "Tijn"]), ("charlie", ["Tijn"])]
    )
    def test_the_list_holds_the_own_appointments(
        self, browsers: dict[str, Client], appointment: Appointment, charlie: Therapist, who: str, seen: list[str]
    ) -> None:
        make_appointment(make_type(charlie), start="2026-12-02 10:00", child_first_name="Tijn")

        page = text(browsers[who].get("/en/agenda/?view=list"))

        assert [name for name in ("Sam", "Tijn") if name in page] == seen

    def test_a_stranger_is_led_to_the_sign_in_and_back(self, browsers: dict[str, Client]) -> None:
        response = browsers["anonymous"].get("/en/agenda/")

        assert response["Location"] == "/en/account/login/?next=/en/agenda/"

    def test_a_therapist_who_left_sees_nothing(self, browsers: dict[str, Client], alice: Therapist) -> None:
        Therapist.objects.filter(pk=alice.pk).update(active=False)

        assert browsers["alice"].get("/en/agenda/").status_code == 403

    def test_without_a_second_factor_no_family_is_shown(self, appointment: Appointment) -> None:
        user = make_account("erin@praktijk.example", manager=True, second_factor=False)

        response = signed_in(user).get(address(appointment))

        assert response["Location"] == "/en/account/2fa/totp/activate/"

    def test_the_demo_goes_without_and_says_so(self, appointment: Appointment, settings: Any) -> None:
        settings.SECOND_FACTOR = False
        user = make_account("erin@praktijk.example", manager=True, second_factor=False)

        assert "The second step of signing in is off" in text(signed_in(user).get(address(appointment)))


class TestTheList:
    def test_days_are_those_of_the_practice_and_today_is_marked(
        self, browsers: dict[str, Client], appointment: Appointment, alice: Therapist
    ) -> None:
        make_appointment(appointment.appointment_type, start="2026-11-30 09:00")
        make_appointment(appointment.appointment_type, start="2026-12-03 00:30")

        days = browsers["alice"].get("/en/agenda/?view=list").context["days"]

        assert [(f"{day.day}", day.word) for day in days] == [
            ("2026-11-30", "Today"),
            ("2026-12-01", "Tomorrow"),
            ("2026-12-03", ""),
        ]

    def test_it_gives_the_ways_to_reach_a_family(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        page = browsers["alice"].get("/en/agenda/?view=list").content.decode()

        assert '<a href="tel:+31612345678">06 12345678</a>' in page
        assert '<a href="mailto:noor@example.org">noor@example.org</a>' in page
        assert "slaapt slecht" not in page

    def test_a_cancelled_appointment_is_not_listed(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        Appointment.objects.update(state=State.CANCELLED, cancelled_at=NOW)

        assert "There are no appointments ahead." in text(browsers["alice"].get("/en/agenda/?view=list"))

    def test_the_last_thirty_days_are_on_a_page_of_their_own(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        appointment_type = make_type(alice)
        for start in ("2026-10-30 09:00", "2026-10-31 09:00", "2026-11-29 09:00", "2026-11-30 09:00"):
            make_appointment(appointment_type, start=start)

        days = browsers["alice"].get("/en/agenda/eerder/").context["days"]

        assert [f"{day.day}" for day in days] == ["2026-11-29", "2026-10-31"]

    def test_what_was_erased_is_shown_as_such(self, browsers: dict[str, Client], alice: Therapist) -> None:
        erased = make_appointment(make_type(alice), start="2026-11-29 09:00", erased_at=NOW)
        erased.parents.update(name="", email="", phone="")

        assert "erased" in text(browsers["alice"].get("/en/agenda/eerder/"))
        assert "The data of the family were erased" in text(browsers["alice"].get(address(erased)))


class TestQueries:
    @pytest.mark.parametrize("view", ["day", "week", "month", "list"])
    @pytest.mark.parametrize("who", ["alice", "bob"])
    def test_much_costs_as_many_queries_as_little(
        self, browsers: dict[str, Client], appointment: Appointment, charlie: Therapist, who: str, view: str
    ) -> None:
        path = f"/en/agenda/?view={view}&day=2026-12-01"
        make_hours(charlie)
        with CaptureQueriesContext(connection) as unread_diary:
            browsers[who].get(path)
        with CaptureQueriesContext(connection) as little:
            browsers[who].get(path)
        for hour in range(11, 17):
            more = make_appointment(appointment.appointment_type, start=f"2026-12-01 {hour:02}:00")
            make_parent(more)
            make_notification(appointment=more, state=NotificationState.FAILED)
            make_appointment(make_type(charlie), start=f"2026-12-02 {hour:02}:00")
            make_busy(charlie, f"2026-12-01 {hour:02}:00", f"2026-12-01 {hour:02}:30")

        with CaptureQueriesContext(connection) as much:
            browsers[who].get(path)

        assert len(little) == len(much) <= len(unread_diary) <= 10


class TestUndeliveredMail:
    def failed(self, appointment: Appointment, **fields: Any) -> Notification:
        return make_notification(
            Kind.CONFIRMATION, appointment=appointment, state=NotificationState.FAILED, **fields
        )

    def test_it_stands_above_the_list_until_it_is_tried_again(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        mail = self.failed(appointment)
        page = text(browsers["alice"].get("/en/agenda/"))
        assert "Confirmation, Tuesday 1 December 10:00 to Noor de Vries (noor@example.org)" in page

        browsers["alice"].post(f"/en/agenda/mail/{mail.pk}/opnieuw/")

        mail.refresh_from_db()
        assert (mail.state, mail.due_at) == (NotificationState.DUE, NOW)
        assert "could not be delivered" not in text(browsers["alice"].get("/en/agenda/"))

    def test_trying_again_twice_is_harmless(self, browsers: dict[str, Client], appointment: Appointment) -> None:
        mail = self.failed(appointment)

        for _ in range(2):
            assert browsers["alice"].post(f"/en/agenda/mail/{mail.pk}/opnieuw/").status_code == 302

    @pytest.mark.parametrize(("who", "status"), [("charlie", 404), ("dana", 403), ("anonymous", 302)])
    def test_it_is_nobody_elses(
        self, browsers: dict[str, Client], appointment: Appointment, who: str, status: int
    ) -> None:
        mail = self.failed(appointment)

        assert browsers[who].post(f"/en/agenda/mail/{mail.pk}/opnieuw/").status_code == status

        mail.refresh_from_db()
        assert mail.state == NotificationState.FAILED

    def test_what_helps_no_one_any_more_is_not_shown(self, browsers: dict[str, Client], alice: Therapist) -> None:
        begun = make_appointment(make_type(alice), start="2026-11-30 10:00")
        self.failed(begun)
        yesterday = (NOW - timedelta(days=1)).date()
        make_notification(Kind.OVERVIEW, therapist=alice, local_day=yesterday, state=NotificationState.FAILED)

        assert "could not be delivered" not in text(browsers["alice"].get("/en/agenda/"))

    def test_todays_overview_is_the_therapists_own(self, browsers: dict[str, Client], alice: Therapist) -> None:
        make_notification(Kind.OVERVIEW, therapist=alice, local_day=NOW.date(), state=NotificationState.FAILED)

        assert "Overview, Monday 30 November" in text(browsers["alice"].get("/en/agenda/"))
        assert "Overview" not in text(browsers["charlie"].get("/en/agenda/"))
