"""One appointment on the agenda, and what can be done with it."""

from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from booking.models import Appointment, Kind, Notification, NotificationState, State, Therapist
from tests.booking.factories import (
    make_appointment,
    make_notification,
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


def address(appointment: Appointment, action: str = "") -> str:
    return f"/en/agenda/afspraak/{appointment.public_id}/{action}"


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
        assert "Confirmation Noor de Vries sent Tuesday 24 November 09:00" in page
        assert "Reminder Noor de Vries due Sunday 29 November 10:00" in page

    def test_many_mails_cost_as_many_queries_as_one(
        self, browsers: dict[str, Client], appointment: Appointment
    ) -> None:
        make_notification(appointment=appointment)
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
        response = browsers["alice"].post(address(appointment, "afzeggen/"), {"reason": "ziek"}, follow=True)

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

    def test_a_look_changes_nothing(self, browsers: dict[str, Client], appointment: Appointment) -> None:
        for action in ("afzeggen/", "gekomen/", "niet-gekomen/"):
            assert browsers["alice"].get(address(appointment, action)).status_code == 405
