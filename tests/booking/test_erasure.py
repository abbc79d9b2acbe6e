"""A family's data goes when asked, and by itself."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from booking import appointments, erasure, tasks
from booking.appointments import Request
from booking.models import (
    Action,
    Actor,
    Appointment,
    AppointmentType,
    Kind,
    Notification,
    NotificationState,
    Parent,
    State,
)
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_family,
    make_notification,
    wall,
)
from tests.booking.steps import NOW, book

pytestmark = [pytest.mark.django_db, pytest.mark.engines]


def is_erased(appointment: Appointment) -> bool:
    appointment.refresh_from_db()
    parent = appointment.parents.get()
    about_child = [
        appointment.child_first_name,
        appointment.remark,
        appointment.age_band,
        appointment.cancel_reason,
    ]
    about_parent = [parent.name, parent.email, parent.email_hash, parent.phone, parent.phone_hash]
    return not any(about_child + about_parent) and appointment.erased_at is not None


def filled(row: Appointment | Parent) -> set[str]:
    """The columns of `row` in which something stands."""
    return {field.name for field in row._meta.concrete_fields if getattr(row, field.attname) not in ("", None)}


class TestErase:
    def test_a_past_appointment_is_erased_at_once(self, consult: AppointmentType) -> None:
        appointment = make_appointment(consult, start="2026-11-10 10:00", remark="x")

        erasure.erase(appointment, by=Actor.PARENT, now=NOW)

        assert is_erased(appointment)
        assert appointment.parents.get().link_version == 1

    def test_what_is_left_names_no_one(self, consult: AppointmentType) -> None:
        family = make_family(language="en")
        appointment = book(consult, "2026-12-01 10:00", family=family, request=Request(key="k", body="b"))
        appointments.cancel(appointment, by=Actor.PARENT, now=NOW, reason="Sam is ziek")
        Appointment.objects.update(remark="Slaapt slecht")
        Parent.objects.update(language_chosen=True)

        erasure.erase_past_term(now=NOW + timedelta(days=30))

        appointment.refresh_from_db()
        parent = appointment.parents.get()
        times = {"start", "end", "occupied_start", "occupied_end", "created_at", "changed_at", "cancelled_at"}
        assert filled(appointment) == times | {
            *("id", "public_id", "appointment_type", "therapist", "place", "change_notice"),
            *("state", "sequence", "cancelled_by", "erased_at"),
        }
        assert filled(parent) == {
            *("id", "public_id", "appointment", "language", "booked"),
            *("wants_mail", "wants_reminders", "link_version", "language_chosen"),
        }
        assert (parent.language, parent.language_chosen) == ("nl", False)

    def test_a_coming_one_is_cancelled_and_waits_for_its_last_mails(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00")

        erasure.erase(appointment, by=Actor.PARENT, now=NOW)
        appointment.refresh_from_db()
        assert appointment.state == State.CANCELLED
        assert not is_erased(appointment)
        mails = Notification.objects.filter(kind=Kind.CANCELLED)
        mails.update(state=NotificationState.SENDING, lease_until=NOW + timedelta(minutes=5))
        erasure.erase_past_term(now=NOW + timedelta(minutes=1))
        assert not is_erased(appointment)
        mails.update(state=NotificationState.SENT, sent_at=NOW, lease_until=None)
        erasure.erase_past_term(now=NOW + timedelta(minutes=1))

        assert is_erased(appointment)

    def test_a_right_knows_no_change_notice(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00")

        erasure.erase(appointment, by=Actor.PARENT, now=wall("2026-12-01 09:00"))

        appointment.refresh_from_db()
        assert (appointment.state, appointment.erase_requested_at) == (State.CANCELLED, wall("2026-12-01 09:00"))

    def test_what_failed_cannot_be_tried_again_afterwards(self, consult: AppointmentType) -> None:
        appointment = make_appointment(consult, start="2026-11-10 10:00")
        failed = make_notification(appointment=appointment, state=NotificationState.FAILED)

        erasure.erase(appointment, by=Actor.PARENT, now=NOW)

        failed.refresh_from_db()
        assert failed.state == NotificationState.VOID

    def test_asked_for_twice_it_is_written_down_once(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00")

        for minutes in (0, 1):
            erasure.erase(appointment, by=Actor.PARENT, now=NOW + timedelta(minutes=minutes))
            appointment.refresh_from_db()

        assert appointment.history.filter(action=Action.ERASE_ASKED).count() == 1
        assert appointment.erase_requested_at == NOW

    def test_of_two_who_found_the_same_one_erases(self, consult: AppointmentType) -> None:
        make_appointment(consult, start="2026-11-10 10:00")

        assert [erasure._erase(Appointment.objects.all(), NOW) for _ in range(2)] == [1, 0]

    def test_it_waits_no_longer_than_a_day(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00")
        erasure.erase(appointment, by=Actor.PARENT, now=NOW)

        erasure.erase_past_term(now=NOW + timedelta(hours=23, minutes=59))
        assert not is_erased(appointment)
        erasure.erase_past_term(now=NOW + timedelta(hours=24))

        assert is_erased(appointment)
        assert not Notification.objects.filter(state=NotificationState.DUE).exists()

    @pytest.mark.parametrize(
        ("now", "erased"),
        [("2026-12-31 10:59", False), ("2026-12-31 11:00", True)],
        ids=["a minute before", "then"],
    )
    def test_thirty_days_after_its_end(self, consult: AppointmentType, now: str, erased: bool) -> None:
        appointment = make_appointment(consult, start="2026-12-01 10:00")

        erasure.erase_past_term(now=wall(now))

        assert is_erased(appointment) is erased

    def test_thirty_days_after_the_cancellation_where_that_comes_first(self, consult: AppointmentType) -> None:
        appointment = appointments.cancel(book(consult, "2027-01-05 10:00"), by=Actor.PARENT, now=NOW)

        assert appointment.erased_on(AMSTERDAM) == date(2026, 12, 20)
        erasure.erase_past_term(now=NOW + timedelta(days=30))

        assert is_erased(appointment)

    def test_the_counts_remain(self, consult: AppointmentType) -> None:
        make_appointment(
            consult, start="2026-11-10 10:00", state=State.ATTENDED, outcome_at=wall("2026-11-10 11:00")
        )

        erasure.erase_past_term(now=wall("2027-01-01 00:00"))

        assert Appointment.objects.filter(state=State.ATTENDED, appointment_type=consult).count() == 1


class TestAsked:
    def test_it_is_done_by_the_sweep_in_which_the_last_mail_goes(
        self, consult: AppointmentType, settings: Any, tmp_path: Path
    ) -> None:
        settings.EMAIL_BACKEND, settings.MAIL_DIR = "practice.mail.EmlBackend", tmp_path
        appointment = book(consult, "2026-12-01 10:00")
        erasure.erase(appointment, by=Actor.PARENT, now=NOW)
        assert not is_erased(appointment)

        with time_machine.travel(NOW + timedelta(seconds=60), tick=False):
            tasks.sweep()

        assert is_erased(appointment)

    def test_it_waits_for_a_mail_that_the_server_did_not_take(
        self, consult: AppointmentType, settings: Any, tmp_path: Path
    ) -> None:
        (tmp_path / "file").touch()
        settings.EMAIL_BACKEND, settings.MAIL_DIR = "practice.mail.EmlBackend", tmp_path / "file"
        appointment = book(consult, "2026-12-01 10:00")
        erasure.erase(appointment, by=Actor.PARENT, now=NOW)

        with time_machine.travel(NOW + timedelta(seconds=60), tick=False):
            tasks.sweep()

        assert not is_erased(appointment)
