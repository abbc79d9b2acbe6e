"""Booking by hand: a family phones."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking import diary, holds, links
from booking.intervals import Interval
from booking.models import (
    AccessEntry,
    Appointment,
    AppointmentType,
    CalendarSource,
    ImportedBusy,
    Kind,
    Notification,
    Parent,
    State,
    Therapist,
)
from tests.booking.factories import AMSTERDAM, make_appointment, make_hours, make_practice, make_type, wall
from tests.booking.views.reading import dead_ends, text

pytestmark = pytest.mark.django_db(transaction=True)

NOW = wall("2026-11-30 10:30")
URL = "/en/agenda/afspraak/nieuw/"
FORM = {
    "day": "2026-12-01",
    "time": "10:00",
    "parent_name": "Noor de Vries",
    "phone": "06 12345678",
    "email": "noor@example.org",
    "wants_mail": "on",
    "language": "nl",
    "child_first_name": "Sam",
    "age_band": "under_12",
    "remark": "slaapt slecht",
    "consent": "on",
    "key": "a key",
}


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def practice() -> None:
    make_practice()


@pytest.fixture(autouse=True)
def consult(alice: Therapist) -> AppointmentType:
    make_hours(alice)
    return make_type(alice, slug="consult")


def test_free_times_lead_to_the_form_with_that_time_in_it(browsers: dict[str, Client]) -> None:
    page = browsers["alice"].get(URL)
    value = page.context["days"][0].times[0].value

    form = browsers["alice"].get(URL, {"type": "consult", "therapist": "alice", "start": value})
    assert "Monday 30 November 2026, 10:30–11:30" in text(form)
    assert "outside the working hours" not in text(form)


def test_an_old_form_does_not_say_that_what_was_cancelled_is_booked(browsers: dict[str, Client]) -> None:
    posted = {**FORM, "type": "consult", "therapist": "alice"}
    assert "The appointment is booked." in text(browsers["alice"].post(URL, posted, follow=True))
    Appointment.objects.update(state=State.CANCELLED, sequence=1, cancelled_at=wall("2026-11-30 10:30"))

    page = text(browsers["alice"].post(URL, posted, follow=True))

    assert "The appointment is booked." not in page
    assert "cancelled" in page
    assert Appointment.objects.count() == 1


def test_a_booked_family_is_on_the_agenda_and_gets_its_mail(browsers: dict[str, Client]) -> None:
    response = browsers["alice"].post(URL, FORM, follow=True)

    appointment = Appointment.objects.get()
    assert response.redirect_chain[-1][0] == f"/en/agenda/afspraak/{appointment.public_id}/"
    parent = appointment.parents.get()
    assert (appointment.start, parent.name, parent.phone) == (
        wall("2026-12-01 10:00"),
        "Noor de Vries",
        "+31612345678",
    )
    assert Notification.objects.filter(kind=Kind.CONFIRMATION).count() == 1
    assert "The appointment is booked." in text(response)


def test_the_language_that_a_family_told_on_the_phone_is_its_choice(browsers: dict[str, Client]) -> None:
    browsers["alice"].post(URL, {**FORM, "language": "nl"})
    parent = Parent.objects.get()

    Client().post(f"/en/afspraak/beheer/{links.manage_token(parent)}/herinneringen/", {"wanted": "no"})

    parent.refresh_from_db()
    assert (parent.language, parent.language_chosen) == ("nl", True)


def test_a_mail_address_is_not_asked_for(browsers: dict[str, Client]) -> None:
    browsers["alice"].post(URL, {**FORM, "email": ""})

    assert Appointment.objects.get().parents.get().email == ""
    assert not Notification.objects.exists()


def test_outside_the_hours_it_warns_and_asks_once_more(browsers: dict[str, Client]) -> None:
    evening = {**FORM, "time": "20:00"}
    shown = browsers["alice"].get(URL, {"day": "2026-12-01", "time": "20:00"})
    assert "This lies outside the working hours." in text(shown)
    assert "Error: " not in shown.content.decode()
    assert "autofocus" not in shown.content.decode()

    response = browsers["alice"].post(URL, evening)
    assert response.status_code == 409
    assert "Nothing is saved yet." in text(response)
    assert "<title>Error: " in response.content.decode()
    assert 'role="alert" tabindex="-1" autofocus' in response.content.decode()
    for typed in ("Noor de Vries", "06 12345678", "slaapt slecht", "20:00"):
        assert typed in response.content.decode()
    assert not Appointment.objects.exists()

    browsers["alice"].post(URL, {**evening, "all_the_same": response.context["value"]})
    assert Appointment.objects.get().start == wall("2026-12-01 20:00")


def test_an_overlap_is_refused_whatever_she_says(browsers: dict[str, Client], consult: AppointmentType) -> None:
    make_appointment(consult, start="2026-12-01 10:00")

    response = browsers["alice"].post(URL, {**FORM, "all_the_same": "2026-12-01T09:00Z"})

    assert response.status_code == 409
    assert "Something else is booked, kept free or planned at this time." in text(response)
    assert 'role="alert" tabindex="-1" autofocus' in response.content.decode()
    assert "Tue 1 Dec 09:00" in text(response)
    assert "slaapt slecht" in response.content.decode()
    assert Appointment.objects.count() == 1


def test_a_time_that_is_pressed_there_books_with_all_that_was_typed(
    browsers: dict[str, Client], consult: AppointmentType
) -> None:
    make_appointment(consult, start="2026-12-01 10:00")
    response = browsers["alice"].post(URL, FORM)
    value = response.context["nearest"][0].times[0].value

    browsers["alice"].post(URL, {**FORM, "start": value})
    assert Appointment.objects.filter(child_first_name__isnull=False).count() == 2


def test_a_double_click_makes_one_appointment(browsers: dict[str, Client]) -> None:
    for _ in range(2):
        assert browsers["alice"].post(URL, FORM).status_code == 302

    assert Appointment.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"parent_name": ""}, "Please fill in the name of the parent."),
        ({"phone": ""}, "Please fill in the phone number."),
        ({"phone": "12"}, "This phone number is not complete."),
        ({"email": "noor"}, "This mail address is not complete."),
        ({"child_first_name": ""}, "Please fill in the first name of the child."),
        ({"age_band": "baby"}, "Please choose one of the ages"),
        ({"consent": ""}, "Without the family's consent their data cannot be kept."),
        ({"parent_name": "Noor\nBcc: x@example.org"}, "cannot be used here"),
        ({"day": "2026-02-30"}, "This day does not exist."),
        ({"day": "2026-11-01"}, "This lies in the past."),
        ({"day": "2027-03-28", "time": "02:30"}, "In that night the clock skips this time."),
    ],
)
def test_what_cannot_be_gets_a_sentence_and_keeps_the_rest(
    browsers: dict[str, Client], change: dict[str, str], sentence: str
) -> None:
    response = browsers["alice"].post(URL, {**FORM, **change})

    assert response.status_code == 422
    assert sentence in text(response)
    assert dead_ends(response) == []
    assert "slaapt slecht" in response.content.decode()
    assert not Appointment.objects.exists()


def test_the_manager_books_for_anyone_and_a_therapist_for_herself(
    browsers: dict[str, Client], charlie: Therapist
) -> None:
    make_type(charlie, slug="talk")

    assert browsers["alice"].post(f"{URL}?therapist=charlie&type=talk", FORM).status_code == 404
    assert browsers["alice"].post(f"{URL}?type=talk", FORM).status_code == 404
    assert browsers["dana"].post(URL, FORM).status_code == 403
    assert Client().post(URL, FORM).status_code == 302
    assert not Appointment.objects.exists()

    response = browsers["bob"].post(f"{URL}?therapist=charlie&type=talk", FORM)
    data = {**FORM, "all_the_same": response.context["value"]}
    browsers["bob"].post(f"{URL}?therapist=charlie&type=talk", data)
    assert Appointment.objects.get().therapist == charlie
    assert Notification.objects.filter(kind=Kind.NEW_BOOKING, therapist=charlie).count() == 1


def test_with_nothing_to_book_it_says_what_to_do(browsers: dict[str, Client]) -> None:
    assert "There is nothing to book yet" in text(browsers["charlie"].get(URL))


def test_many_appointments_cost_as_many_queries_as_one(
    browsers: dict[str, Client], consult: AppointmentType
) -> None:
    browsers["alice"].get(URL)
    make_appointment(consult, start="2026-12-01 10:00")
    with CaptureQueriesContext(connection) as one:
        browsers["alice"].get(URL)
    for day in range(2, 9):
        make_appointment(consult, start=f"2026-12-{day:02} 10:00")

    with CaptureQueriesContext(connection) as many:
        browsers["alice"].get(URL)
    assert len(one) == len(many)


class TestWhatIsInTheWay:
    """It is looked at when the moment is chosen, and again when the family is booked; each time it has a name."""

    TAKEN = "Something else is booked, kept free or planned at this time."
    QUARTER_PAST = {"type": "consult", "therapist": "alice", "day": "2026-12-01", "time": "10:15"}

    def asked(self, browser: Client, **change: str) -> Any:
        return browser.get(URL, {**self.QUARTER_PAST, **change})

    def test_an_appointment_is_named_before_the_family_is_asked_for_anything(
        self, browsers: dict[str, Client], consult: AppointmentType
    ) -> None:
        taken = make_appointment(consult, start="2026-12-01 10:30")

        page = self.asked(browsers["alice"])

        assert page.status_code == 200
        assert "<title>Error: " in page.content.decode()
        assert f"{self.TAKEN} 10:30–11:30: First consultation, Sam Free near it:" in text(page)
        assert f'href="/en/agenda/afspraak/{taken.public_id}/"' in page.content.decode()
        assert 'name="parent_name"' not in page.content.decode()
        shown = page.context["form"]
        assert (shown["day"].value(), shown["time"].value()) == ("2026-12-01", "10:15")
        # The child's name is data of a family: to show it is a look.
        assert AccessEntry.objects.get(appointment=taken.public_id).action == "listed"

    def test_a_free_moment_leads_on(self, browsers: dict[str, Client], consult: AppointmentType) -> None:
        make_appointment(consult, start="2026-12-01 11:15")
        make_appointment(consult, start="2026-12-01 09:15")

        page = self.asked(browsers["alice"])

        assert page.status_code == 200
        assert 'name="parent_name"' in page.content.decode()
        assert not AccessEntry.objects.exists()

    def test_a_cancelled_one_is_in_nobodys_way(
        self, browsers: dict[str, Client], consult: AppointmentType
    ) -> None:
        make_appointment(consult, start="2026-12-01 10:30", state=State.CANCELLED, cancelled_at=NOW)

        assert self.TAKEN not in text(self.asked(browsers["alice"]))

    def test_what_is_kept_free_around_both_is_said(
        self, browsers: dict[str, Client], consult: AppointmentType
    ) -> None:
        minutes = timedelta(minutes=15)
        AppointmentType.objects.update(buffer_before=minutes, buffer_after=minutes)
        consult.refresh_from_db()
        make_appointment(consult, start="2026-12-01 11:30")

        page = text(self.asked(browsers["alice"]))

        assert "11:30–12:30: First consultation, Sam (with the time around it 11:15–12:45)" in page
        assert "This appointment takes 10:00–11:30, with what is kept free before and after it." in page

    def test_a_family_that_is_booking_is_no_name_but_a_time(
        self, browsers: dict[str, Client], consult: AppointmentType
    ) -> None:
        holds.hold(consult, wall("2026-12-01 10:30"), visitor="v", address="a", zone=AMSTERDAM, now=NOW)

        page = text(self.asked(browsers["alice"]))

        assert "10:30–11:30: kept until 10:40 for a family that is booking" in page

    @pytest.mark.parametrize(
        ("who", "named"), [("alice", "“Thuis”, your calendar elsewhere"), ("bob", "Busy elsewhere")]
    )
    def test_a_calendar_elsewhere_has_its_name_for_its_owner_alone(
        self, browsers: dict[str, Client], alice: Therapist, who: str, named: str
    ) -> None:
        home = CalendarSource.objects.create(therapist=alice, name="Thuis", url="https://x.example", due_at=NOW)
        for start, end in (("2026-11-30 22:00", "2026-12-01 10:20"), ("2026-12-01 10:10", "2026-12-01 10:40")):
            ImportedBusy.objects.create(source=home, start=wall(start), end=wall(end))

        page = text(self.asked(browsers[who]))

        assert f"until 10:40: {named} Free near it:" in page
        assert ("Thuis" in page) is (who == "alice")

    def test_all_of_it_is_named_in_its_order(
        self, browsers: dict[str, Client], alice: Therapist, consult: AppointmentType
    ) -> None:
        make_appointment(consult, start="2026-12-01 11:00")
        make_appointment(consult, start="2026-12-01 09:30")
        home = CalendarSource.objects.create(therapist=alice, name="Thuis", url="https://x.example", due_at=NOW)
        ImportedBusy.objects.create(source=home, start=wall("2026-12-01 10:30"), end=wall("2026-12-01 11:00"))

        found = [one.times for one in self.asked(browsers["alice"]).context["in_the_way"]]

        assert found == ["09:30–10:30", "10:30–11:00", "11:00–12:00"]

    def test_the_manager_is_told_of_the_colleague_she_books_for(
        self, browsers: dict[str, Client], consult: AppointmentType, charlie: Therapist
    ) -> None:
        make_appointment(consult, start="2026-12-01 10:30")
        make_hours(charlie)
        consult.therapists.add(charlie)

        assert self.TAKEN in text(self.asked(browsers["bob"]))
        assert self.TAKEN not in text(self.asked(browsers["bob"], therapist="charlie"))
        # Whom she may not book for she learns nothing about.
        assert self.asked(browsers["charlie"]).status_code == 404

    def test_what_came_in_between_is_named_at_the_end_and_all_that_was_typed_stays(
        self, browsers: dict[str, Client], consult: AppointmentType
    ) -> None:
        assert self.TAKEN not in text(self.asked(browsers["alice"]))
        make_appointment(consult, start="2026-12-01 10:30")

        page = browsers["alice"].post(URL, {**FORM, "time": "10:15"})

        assert page.status_code == 409
        assert f"{self.TAKEN} 10:30–11:30: First consultation, Sam Free near it:" in text(page)
        for typed in ("Noor de Vries", "06 12345678", "noor@example.org", "slaapt slecht", "10:15"):
            assert typed in page.content.decode()
        assert Appointment.objects.count() == 1

    @pytest.mark.parametrize(
        ("reason", "sentence"),
        [("cursus", "There is time off at this time: cursus."), ("", "There is time off at this time.")],
    )
    def test_time_off_is_named_and_may_be_booked_over(
        self, browsers: dict[str, Client], alice: Therapist, reason: str, sentence: str
    ) -> None:
        diary.add_time_off(alice, Interval(wall("2026-12-01 10:30"), wall("2026-12-01 12:00")), reason)

        page = self.asked(browsers["alice"])
        assert (page.status_code, sentence in text(page)) == (200, True)
        answer = browsers["alice"].post(URL, {**FORM, "time": "10:15"})

        assert answer.status_code == 409
        assert f"{sentence} Nothing is saved yet." in text(answer)
        browsers["alice"].post(URL, {**FORM, "time": "10:15", "all_the_same": answer.context["value"]})
        assert Appointment.objects.count() == 1

    def test_a_public_holiday_is_named(self, browsers: dict[str, Client]) -> None:
        page = self.asked(browsers["alice"], day="2026-12-25", time="10:00")

        assert "There is time off at this time: Christmas Day." in text(page)


class TestWhileParentsCannotBookWithHer:
    """ "Do not let parents book for now" is about parents: she sees whom she wants."""

    PATH = f"{URL}?type=consult&therapist=alice&from=2026-12-02"
    NINE = 'value="2026-12-02T08:00Z"'

    @pytest.fixture(autouse=True)
    def paused(self) -> None:
        Therapist.objects.update(active=False)

    def test_her_free_times_are_listed_as_they_are_now(
        self, browsers: dict[str, Client], alice: Therapist, consult: AppointmentType
    ) -> None:
        assert self.NINE in browsers["alice"].get(self.PATH).content.decode()

        make_appointment(consult, therapist=alice, start="2026-12-02 09:00")

        assert self.NINE not in browsers["alice"].get(self.PATH).content.decode()

    def test_also_in_a_browser_that_tried_the_parents_pages(self, browsers: dict[str, Client]) -> None:
        Therapist.objects.update(active=True)
        browsers["alice"].post("/afspraak/kiezen/", {"type": "consult", "start": "2026-12-02T09:00Z"})
        Therapist.objects.update(active=False)

        page = browsers["alice"].get(self.PATH).content.decode()

        assert self.NINE in page
        # What she keeps there herself is kept for the family that she plays.
        assert 'value="2026-12-02T09:00Z"' not in page

    def test_what_is_listed_is_booked_without_a_question(self, browsers: dict[str, Client]) -> None:
        posted = {**FORM, "day": "2026-12-02", "time": "09:00"}

        page = browsers["alice"].post(f"{URL}?type=consult&therapist=alice", posted, follow=True)

        assert "The appointment is booked." in text(page)
