"""What the workers do by themselves, as the clock moves on."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from booking import tasks
from booking.models import Appointment, Hold, Kind, Notification, NotificationState, RateCounter
from tests.booking.accounts import make_account
from tests.booking.factories import make_appointment, make_notification, make_practice, wall
from tests.booking.steps import NOW, book, hold

pytestmark = [pytest.mark.django_db, pytest.mark.engines]


@pytest.fixture(autouse=True)
def mail_dir(settings: Any, tmp_path: Path) -> Path:
    make_practice()
    settings.EMAIL_BACKEND, settings.MAIL_DIR = "practice.mail.EmlBackend", tmp_path
    return tmp_path


def test_a_booking_is_delivered_and_its_reminders_follow_in_their_time(consult: Any, mail_dir: Path) -> None:
    book(consult, "2026-12-01 10:00")
    sent = {}

    for moment in (
        "2026-11-20 12:00",
        "2026-11-29 09:59",
        "2026-11-29 10:00",
        "2026-11-30 20:00",
        "2026-12-01 09:59",
    ):
        with time_machine.travel(wall(moment), tick=False):
            tasks.deliver()
        sent[moment] = len(list(mail_dir.glob("*.eml")))

    # Confirmation and notice; two days before; the evening before, since three hours before is in the night.
    assert list(sent.values()) == [2, 2, 3, 4, 4]
    assert not Notification.objects.exclude(state=NotificationState.SENT).exists()


def test_the_sweep_writes_one_overview_on_a_morning_with_appointments(mail_dir: Path) -> None:
    make_appointment(start="2026-12-01 10:00")

    for moment in ("2026-12-01 06:59", "2026-12-01 07:00", "2026-12-01 07:01", "2026-12-02 07:00"):
        with time_machine.travel(wall(moment), tick=False):
            tasks.sweep()

    overview = Notification.objects.get(kind=Kind.OVERVIEW)
    assert (overview.state, overview.sent_at) == (NotificationState.SENT, wall("2026-12-01 07:00"))
    assert len(list(mail_dir.glob("*.eml"))) == 1


def test_tidying_erases_and_forgets_what_is_past_its_term(consult: Any) -> None:
    appointment = make_appointment(consult, start="2026-12-01 10:00", remark="een geheim")
    make_notification(appointment=appointment, state=NotificationState.FAILED)
    hold(consult, "2026-12-02 10:00")
    RateCounter.objects.create(key="k", window_start=NOW, count=1)

    with time_machine.travel(wall("2026-12-31 11:00"), tick=False):
        tasks.tidy()

    assert Appointment.objects.get().remark == ""
    assert Notification.objects.get().state == NotificationState.VOID
    assert not Hold.objects.exists()
    assert not RateCounter.objects.exists()


def test_sessions_that_ended_go_with_what_was_kept_beside_them() -> None:
    account = make_account("alice@praktijk.example")
    over, open_still = SessionStore(), SessionStore()
    for number, session in enumerate((over, open_still)):
        with time_machine.travel(NOW + timedelta(hours=number), tick=False):
            session.save()
            UserSession.objects.create(
                user=account, session_key=session.session_key, ip="0.0.0.0", user_agent="Firefox", data={}
            )

    with time_machine.travel(NOW + timedelta(hours=24, minutes=1), tick=False):
        tasks.tidy()

    assert [one.session_key for one in Session.objects.all()] == [open_still.session_key]
    assert [one.session_key for one in UserSession.objects.all()] == [open_still.session_key]
