"""One appointment on the agenda, and what can be done with it."""

from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking import links
from booking.models import Appointment, HistoryEntry, Kind, Notification, NotificationState, State, Therapist
from tests.booking.factories import (
    make_appointment,
    make_hours,
    make_notification,
    make_practice,
    make_therapist,
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


def address(appointment: Appointment, action: str = "") -> str:
    return f"/en/agenda/afspraak/{appointment.public_id}/{action}"


class TestSignedOutMeanwhile:
    """The session ended while the page was open: nothing happens, and nobody thinks that it did."""

    def test_she_comes_back_to_the_page_and_reads_that_nothing_was_done(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        here = f"http://testserver{address(appointment)}?x=1"

        answer = browsers["anonymous"].post(
            address(appointment, "afzeggen/"), {"reason": "getypt"}, headers={"referer": here}
        )

        assert answer["Location"] == f"/en/account/login/?next={address(appointment)}%3Fx%3D1"
        page = browsers["anonymous"].get(answer["Location"])
        assert "what you did last was not saved" in text(page)
        appointment.refresh_from_db()
        assert appointment.state == State.CONFIRMED

    @pytest.mark.parametrize(
        "referer", ["", "https://elsewhere.example/en/agenda/vrij/", "http://testserver/en/contact/", "http://["]
    )
    def test_from_anywhere_else_she_comes_to_the_agenda(
        self, browsers: dict[str, Client], appointment: Appointment, referer: str
    ) -> None:
        path = address(appointment, "afzeggen/")

        answer = browsers["anonymous"].post(path, {}, headers={"referer": referer})

        assert answer["Location"] == "/en/account/login/?next=/en/agenda/"

    def test_a_look_leads_back_to_where_it_was(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        answer = browsers["anonymous"].get(address(appointment))

        assert answer["Location"] == f"/en/account/login/?next={address(appointment)}"
        assert "not saved" not in text(browsers["anonymous"].get(answer["Location"]))


class TestOneAppointment:
    def test_it_shows_the_remark_and_what_was_mailed(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        make_notification(
            Kind.CONFIRMATION,
            appointment=appointment,
            state=NotificationState.SENT,
            sent_at=wall("2026-11-24 09:00"),
        )
        make_notification(Kind.REMINDER, appointment=appointment, due_at=wall("2026-11-29 10:00"))

        page = text(browsers["alice"].get(address(appointment)))

        assert "slaapt slecht" in page
        assert "Confirmation Noor de Vries sent Tuesday 24 November, 09:00" in page
        assert "Reminder Noor de Vries due Sunday 29 November, 10:00" in page

    def test_many_mails_cost_as_many_queries_as_one(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        make_notification(appointment=appointment)
        browsers["alice"].get(address(appointment))
        with CaptureQueriesContext(connection) as one:
            browsers["alice"].get(address(appointment))
        for _ in range(5):
            make_notification(appointment=appointment)

        with CaptureQueriesContext(connection) as many:
            browsers["alice"].get(address(appointment))

        assert len(one) == len(many) <= 10

    def test_cancelling_tells_the_family_but_not_the_reason(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        data = {"reason": "ziek", "tell_parents": "on"}
        response = browsers["alice"].post(address(appointment, "afzeggen/"), data, follow=True)

        appointment.refresh_from_db()
        assert (appointment.state, appointment.cancelled_by, appointment.cancel_reason) == (
            State.CANCELLED,
            "therapist",
            "ziek",
        )
        assert Notification.objects.filter(kind=Kind.CANCELLED, parent__isnull=False).count() == 1
        assert "The appointment is cancelled." in text(response)

    def test_a_reason_that_cannot_be_kept_cancels_nothing(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        response = browsers["alice"].post(address(appointment, "afzeggen/"), {"reason": "x" * 301})

        appointment.refresh_from_db()
        assert (response.status_code, appointment.state) == (422, State.CONFIRMED)

    def test_before_the_start_nobody_can_have_come(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        response = browsers["alice"].post(address(appointment, "gekomen/"))

        appointment.refresh_from_db()
        assert (response.status_code, appointment.state) == (409, State.CONFIRMED)
        assert "This appointment has not begun yet." in text(response)
        assert "Did they come?" not in text(response)

    def test_after_the_start_the_outcome_can_be_noted_and_corrected(
        self, browsers: dict[str, Client], alice: Therapist
    ) -> None:
        begun = make_appointment(make_type(alice), start="2026-11-30 10:00")

        browsers["alice"].post(address(begun, "niet-gekomen/"))
        begun.refresh_from_db()
        assert begun.state == State.NO_SHOW
        browsers["alice"].post(address(begun, "gekomen/"))
        begun.refresh_from_db()
        assert begun.state == State.ATTENDED

    def test_once_begun_it_can_no_longer_be_cancelled(self, browsers: dict[str, Client], alice: Therapist) -> None:
        begun = make_appointment(make_type(alice), start="2026-11-30 10:00")

        assert browsers["alice"].post(address(begun, "afzeggen/")).status_code == 409
        assert "Cancel this appointment" not in text(browsers["alice"].get(address(begun)))

    @pytest.mark.parametrize("action", ["verzetten/", "opnieuw/", "vraag/", "gekomen/", "niet-gekomen/"])
    def test_what_was_cancelled_is_told_in_words_for_a_therapist(
        self, browsers: dict[str, Client], appointment: Appointment, action: str
    ) -> None:
        browsers["alice"].post(address(appointment, "afzeggen/"))

        said = text(browsers["alice"].post(address(appointment, action), MOVE))

        assert "This appointment is cancelled already, and stays so." in said
        assert "You can book a new one" not in said

    @pytest.mark.parametrize("action", ["afzeggen/", "verzetten/", "opnieuw/", "vraag/"])
    def test_what_has_begun_is_told_in_words_for_a_therapist(
        self, browsers: dict[str, Client], alice: Therapist, action: str
    ) -> None:
        begun = make_appointment(make_type(alice), start="2026-11-30 10:00")

        said = text(browsers["alice"].post(address(begun, action), MOVE))

        assert "This appointment has begun already, so this can no longer be done." in said
        assert "call the practice" not in said

    def test_a_look_changes_nothing(self, browsers: dict[str, Client], appointment: Appointment) -> None:
        for action in ("afzeggen/", "gekomen/", "niet-gekomen/", "opnieuw/", "vraag/"):
            assert browsers["alice"].get(address(appointment, action)).status_code == 405
        for action in ("", "verzetten/", "wissen/"):
            assert browsers["alice"].get(address(appointment, action)).status_code == 200
        assert not HistoryEntry.objects.exists()
        assert not Notification.objects.exists()

    def test_a_move_without_a_mail_says_so_where_one_goes_all_the_same(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        make_notification(appointment=appointment)
        data = {"sequence": "0", "start": "2026-12-02T10:00Z", "all_the_same": "2026-12-02T10:00Z"}

        said = text(browsers["alice"].post(address(appointment, "verzetten/"), data, follow=True))

        assert "The appointment is moved. The family gets a mail." in said

    def test_a_family_need_not_be_mailed_and_she_is_told_to_call(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        response = browsers["alice"].post(address(appointment, "afzeggen/"), {"reason": ""}, follow=True)

        assert not Notification.objects.exists()
        assert "The family gets no mail: please call them." in text(response)

    def test_who_has_no_mail_address_can_only_be_called(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        appointment.parents.update(email="")

        page = browsers["alice"].get(address(appointment))
        assert "tell_parents" not in page.content.decode()
        assert "Send the confirmation again" not in text(page)
        assert 'href="tel:+31612345678"' in page.content.decode()

    def test_what_was_done_is_told_with_who_and_when(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        browsers["alice"].post(address(appointment, "vraag/"))
        outside = {**MOVE, "all_the_same": "2026-12-02T10:00Z"}
        browsers["bob"].post(address(appointment, "verzetten/"), outside)
        browsers["alice"].post(address(appointment, "afzeggen/"), {"reason": ""})

        page = text(browsers["alice"].get(address(appointment)))
        assert "30 November 2026, 10:30 Alice: asked for another time" in page
        assert "30 November 2026, 10:30 bob@praktijk.example: moved (it was on 1 December, 10:00)" in page
        assert "30 November 2026, 10:30 Alice: cancelled" in page

    def test_the_confirmation_goes_again(self, browsers: dict[str, Client], appointment: Appointment) -> None:
        response = browsers["alice"].post(address(appointment, "opnieuw/"), follow=True)

        assert Notification.objects.get().kind == Kind.CONFIRMATION
        assert "The confirmation is sent again." in text(response)

    def test_the_family_is_asked_for_another_time_and_the_page_says_so(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        response = browsers["alice"].post(address(appointment, "vraag/"), follow=True)

        assert Notification.objects.get().kind == Kind.ASK_TO_MOVE
        assert "The family was asked on 30 November, 10:30 to choose another time" in text(response)

    def test_the_question_for_another_time_can_be_withdrawn(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        assert "Withdraw the question" not in text(browsers["alice"].get(address(appointment)))
        asked = browsers["alice"].post(address(appointment, "vraag/"), follow=True)
        assert "Withdraw the question" in text(asked)

        response = browsers["alice"].post(address(appointment, "vraag/intrekken/"), follow=True)

        assert "The time stays as it was. The family gets a mail about it." in text(response)
        assert "was asked on" not in text(response)
        assert "Alice: withdrew the request for another time" in text(response)
        assert Notification.objects.get(state=NotificationState.DUE).kind == Kind.ASK_WITHDRAWN
        again = browsers["alice"].post(address(appointment, "vraag/intrekken/"))
        assert again.status_code == 409

    def test_without_a_mail_address_she_is_told_to_call(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        browsers["alice"].post(address(appointment, "vraag/"))
        appointment.parents.update(email="", email_hash="")

        response = browsers["alice"].post(address(appointment, "vraag/intrekken/"), follow=True)

        assert "The family gets no mail: please call them." in text(response)

    def test_links_in_the_wrong_hands_are_ended_and_the_next_mail_has_one_that_works(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        before = links.manage_token(appointment.parents.get())

        response = browsers["alice"].post(address(appointment, "links/"), follow=True)

        assert "The links in earlier mails no longer work." in text(response)
        assert "ended the links in the mails" in text(response)
        assert Client().get(f"/en/afspraak/beheer/{before}/").status_code == 404
        assert Client().get(f"/en/afspraak/beheer/{before}/wissen/").status_code == 404
        after = links.manage_token(appointment.parents.get())
        assert Client().get(f"/en/afspraak/beheer/{after}/").status_code == 200

    def test_erasing_promises_no_mail_to_who_has_no_address(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        appointment.parents.update(email="", email_hash="")

        page = text(browsers["alice"].get(address(appointment, "wissen/")))

        assert "There is no mail address, so please call the family first." in page

    def test_a_family_is_erased_after_one_question(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        assert "the family gets a last mail" in text(browsers["alice"].get(address(appointment, "wissen/")))

        browsers["alice"].post(address(appointment, "wissen/"))

        appointment.refresh_from_db()
        assert (appointment.state, appointment.erase_requested_at) == (State.CANCELLED, NOW)
        assert "Erase the data" not in text(browsers["alice"].get(address(appointment)))

    @pytest.mark.parametrize(
        "action",
        ["afzeggen/", "verzetten/", "opnieuw/", "vraag/", "vraag/intrekken/", "links/", "wissen/", "gekomen/"],
    )
    def test_it_is_nobody_elses_to_change(
        self, browsers: dict[str, Client], appointment: Appointment, action: str
    ) -> None:
        for who, status in (("charlie", 404), ("dana", 403)):
            assert browsers[who].post(address(appointment, action), MOVE).status_code == status
        assert Client().post(address(appointment, action)).status_code == 302
        assert not HistoryEntry.objects.exists()
        appointment.refresh_from_db()
        assert (appointment.state, appointment.sequence) == (State.CONFIRMED, 0)


MOVE = {"day": "2026-12-02", "time": "11:00", "sequence": "0", "tell_parents": "on"}


class TestMoving:
    @pytest.fixture(autouse=True)
    def hours(self, alice: Therapist) -> None:
        make_hours(alice)

    def test_a_manager_moves_it_to_a_colleague_who_offers_it(
        self, browsers: dict[str, Client], appointment: Appointment, charlie: Therapist
    ) -> None:
        appointment.appointment_type.therapists.add(charlie)
        make_hours(charlie)
        path = address(appointment, "verzetten/")
        assert "With whom?" in browsers["bob"].get(path).content.decode()
        page = browsers["bob"].get(f"{path}?therapist=charlie")
        assert page.context["days"]

        browsers["bob"].post(f"{path}?therapist=charlie", {**MOVE, "tell_parents": ""})

        appointment.refresh_from_db()
        assert (appointment.therapist, appointment.sequence) == (charlie, 1)
        told = appointment.notifications.filter(kind=Kind.MOVED).values_list("therapist__name", flat=True)
        assert set(told) == {"Alice", charlie.name}

    @pytest.mark.parametrize(
        ("who", "slug"), [("alice", "charlie"), ("bob", "nobody"), ("bob", "charlie"), ("bob", "dora")]
    )
    def test_to_nobody_else(
        self, browsers: dict[str, Client], appointment: Appointment, charlie: Therapist, who: str, slug: str
    ) -> None:
        """Alice moves her own; Charlie has left, and Dora does not offer it."""
        make_therapist(slug="dora")
        appointment.appointment_type.therapists.add(charlie)
        User.objects.filter(therapist=charlie).update(is_active=False)
        path = f"{address(appointment, 'verzetten/')}?therapist={slug}"

        assert browsers[who].get(path).status_code == 404
        assert browsers[who].post(path, MOVE).status_code == 404
        assert "With whom?" not in browsers["alice"].get(address(appointment, "verzetten/")).content.decode()

    def test_a_day_and_a_time_move_it(self, browsers: dict[str, Client], appointment: Appointment) -> None:
        response = browsers["alice"].post(address(appointment, "verzetten/"), MOVE, follow=True)

        appointment.refresh_from_db()
        assert (appointment.start, appointment.sequence) == (wall("2026-12-02 11:00"), 1)
        assert Notification.objects.filter(kind=Kind.MOVED, parent__isnull=False).count() == 1
        assert "The appointment is moved. The family gets a mail." in text(response)

    def test_a_free_time_that_is_pressed_moves_it(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        page = browsers["alice"].get(address(appointment, "verzetten/"))
        value = page.context["days"][0].times[0].value

        browsers["alice"].post(address(appointment, "verzetten/"), {"sequence": "0", "start": value})

        appointment.refresh_from_db()
        assert value == appointment.start.strftime("%Y-%m-%dT%H:%MZ")
        assert not Notification.objects.filter(kind=Kind.MOVED, parent__isnull=False).exists()

    def test_outside_the_hours_it_asks_once_more(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        evening = {**MOVE, "time": "20:00"}
        response = browsers["alice"].post(address(appointment, "verzetten/"), evening)

        assert response.status_code == 409
        assert "This lies outside the working hours. Nothing is saved yet." in text(response)
        assert "<title>Error: " in response.content.decode()
        appointment.refresh_from_db()
        assert appointment.sequence == 0

        again = {**evening, "all_the_same": response.context["value"]}
        assert browsers["alice"].post(address(appointment, "verzetten/"), again).status_code == 302

    def test_what_was_asked_about_one_time_is_not_said_of_another(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        data = {**MOVE, "time": "21:00", "all_the_same": "2026-12-02T19:00Z"}

        assert browsers["alice"].post(address(appointment, "verzetten/"), data).status_code == 409

    def test_a_taken_time_is_refused_with_the_nearest(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        make_appointment(appointment.appointment_type, start="2026-12-02 11:00")

        response = browsers["alice"].post(address(appointment, "verzetten/"), MOVE)

        assert response.status_code == 409
        page = text(response)
        assert "Something else is booked, kept free or planned at this time. 11:00–12:00: First consul" in page
        assert "Wed 2 Dec 10:00" in page
        assert 'value="2026-12-02"' in response.content.decode()

    def test_its_own_time_is_in_nobodys_way(self, browsers: dict[str, Client], appointment: Appointment) -> None:
        make_appointment(appointment.appointment_type, start="2026-12-01 11:00")

        response = browsers["alice"].post(
            address(appointment, "verzetten/"), {**MOVE, "day": "2026-12-01", "time": "10:30"}
        )

        assert [one.times for one in response.context["in_the_way"]] == ["11:00–12:00"]

    def test_the_second_browser_reads_what_changed_and_may_go_on(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        browsers["bob"].post(address(appointment, "verzetten/"), {**MOVE, "time": "13:00"})

        response = browsers["alice"].post(address(appointment, "verzetten/"), MOVE)

        assert response.status_code == 409
        page = text(response)
        assert "was changed by bob@praktijk.example: it is now on 2 December 2026, 13:00" in page
        assert 'value="11:00"' in response.content.decode()
        appointment.refresh_from_db()
        assert appointment.start == wall("2026-12-02 13:00")

        again = {**MOVE, "sequence": str(response.context["sequence"])}
        assert browsers["alice"].post(address(appointment, "verzetten/"), again).status_code == 302

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"day": ""}, "Please choose a day."),
            ({"day": "2026-02-30"}, "This day does not exist."),
            ({"time": "25:00"}, "This time does not exist."),
            ({"day": "2026-11-01"}, "This lies in the past."),
            ({"day": "2027-03-28", "time": "02:30"}, "In that night the clock skips this time."),
        ],
    )
    def test_what_cannot_be_gets_a_sentence(
        self, browsers: dict[str, Client], appointment: Appointment, change: dict[str, str], sentence: str
    ) -> None:
        response = browsers["alice"].post(address(appointment, "verzetten/"), {**MOVE, **change})

        assert response.status_code == 422
        assert sentence in text(response)

    def test_what_no_longer_stands_is_not_moved(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        browsers["alice"].post(address(appointment, "afzeggen/"))

        for response in (
            browsers["alice"].get(address(appointment, "verzetten/")),
            browsers["alice"].post(address(appointment, "verzetten/"), MOVE),
        ):
            assert response.status_code == 409
