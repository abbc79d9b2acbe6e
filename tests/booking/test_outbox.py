"""Claimed, looked at again, sent, marked: over a real SMTP connection."""

import resource
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import get_connection
from django.db import OperationalError, connection, transaction

from booking import emails, outbox
from booking.models import Appointment, Kind, Notification, NotificationState, State
from practice.models import Practice
from tests.booking.factories import make_appointment, make_notification, make_practice, wall
from tests.servers import free_port
from tests.smtp_sink import Sink

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

NOW = wall("2026-11-20 12:00")
DUE, SENDING, SENT = NotificationState.DUE, NotificationState.SENDING, NotificationState.SENT


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with Sink() as sink:
        use_smtp(settings, sink.port)
        yield sink


def use_smtp(settings: Any, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 2


@pytest.fixture(autouse=True)
def practice() -> Practice:
    return make_practice()


@pytest.fixture
def due() -> Notification:
    return make_notification(appointment=make_appointment(start="2026-12-01 14:00"), due_at=NOW)


def deliver(notification: Notification, now: datetime = NOW) -> Notification:
    server = get_connection()
    outbox.deliver(notification.pk, connection=server, now=now)
    server.close()
    notification.refresh_from_db()
    return notification


def test_what_is_due_is_sent_and_marked(sink: Sink, due: Notification) -> None:
    deliver(due)

    assert (due.state, due.sent_at, due.attempts, due.lease_until) == (SENT, NOW, 1, None)
    [message] = sink.messages
    assert message["Message-ID"] == due.message_id
    assert message["To"] == "noor@example.org"


def test_what_is_not_due_yet_waits(sink: Sink, due: Notification) -> None:
    deliver(due, NOW - timedelta(seconds=1))

    assert (due.state, sink.messages) == (DUE, [])


def test_what_was_sent_is_never_sent_again(sink: Sink, due: Notification) -> None:
    deliver(due)
    deliver(due, NOW + timedelta(days=1))

    assert len(sink.messages) == 1


def test_a_row_that_another_worker_holds_is_left_alone(sink: Sink, due: Notification) -> None:
    Notification.objects.update(state=SENDING, lease_until=NOW + timedelta(minutes=4))

    deliver(due)

    assert (due.state, due.attempts, sink.messages) == (SENDING, 0, [])


def test_a_lease_that_ran_out_is_taken_over_under_the_same_message_id(sink: Sink, due: Notification) -> None:
    Notification.objects.update(state=SENDING, lease_until=NOW - timedelta(seconds=1), attempts=1)

    deliver(due)

    assert (due.state, due.attempts) == (SENT, 2)
    assert sink.messages[0]["Message-ID"] == due.message_id


def test_only_one_of_two_claims_wins(sink: Sink, due: Notification) -> None:
    claim = outbox._claimable(NOW).filter(pk=due.pk)
    changes = {"state": SENDING, "lease_until": NOW + outbox.LEASE}

    assert [claim.update(**changes), claim.update(**changes)] == [1, 0]


def test_a_worker_that_lost_its_lease_does_not_mark_the_row(sink: Sink, due: Notification) -> None:
    theirs = NOW + timedelta(hours=1)

    class Slow(type(get_connection())):  # type: ignore[misc]
        def send_messages(self, messages: Any) -> int:
            # While this worker waits for the mail server, another takes the row over: after five minutes.
            assert not outbox._claimable(NOW + timedelta(minutes=5)).exists()
            assert outbox._claimable(NOW + timedelta(minutes=5, seconds=1)).exists()
            Notification.objects.update(lease_until=theirs)
            sent: int = super().send_messages(messages)
            return sent

    with Slow() as opened:
        outbox.deliver(due.pk, connection=opened, now=NOW)

    due.refresh_from_db()
    assert (due.state, due.lease_until) == (SENDING, theirs)


@pytest.mark.parametrize(
    ("command", "answer", "state", "error"),
    [
        ("RCPT", "550 no such mailbox noor@example.org", NotificationState.FAILED, "recipient 550"),
        ("RCPT", "451 greylisted", DUE, "recipient 451"),
        ("DATA", "554 spam", NotificationState.FAILED, "data 554"),
        ("DATA", "452 disk full", DUE, "data 452"),
        ("MAIL", "550 sender refused", DUE, "SMTPSenderRefused 550"),
        ("MAIL", "421 shutting down", DUE, "SMTPSenderRefused 421"),
        ("DATA", "DROP", DUE, "SMTPServerDisconnected"),
    ],
)
def test_a_refusal_for_good_fails_and_any_other_is_due_again(
    sink: Sink, due: Notification, command: str, answer: str, state: NotificationState, error: str
) -> None:
    sink.answers[command] = answer

    deliver(due)

    assert (due.state, due.last_error, due.sent_at) == (state, error, None)
    assert due.retry_at == (NOW + timedelta(minutes=1) if state == DUE else None)


def test_a_server_that_is_away_is_tried_again_ever_later(settings: Any, due: Notification) -> None:
    use_smtp(settings, free_port())
    waits, now = [], NOW

    for _ in range(5):
        deliver(due, now)
        assert due.retry_at is not None
        waits.append((due.retry_at - now) / timedelta(minutes=1))
        now = due.retry_at

    assert waits == [1, 5, 15, 60, 60]
    assert due.last_error == "ConnectionRefusedError"


def test_a_server_that_says_nothing_does_not_hold_the_worker(settings: Any, due: Notification) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        use_smtp(settings, silent.getsockname()[1])
        settings.EMAIL_TIMEOUT = 0.2
        # A short time-out of the socket, not a sleep: the connection is made and then nothing comes.
        deliver(due)

    assert (due.state, due.last_error) == (DUE, "SMTPServerDisconnected")


def test_a_confirmation_is_tried_until_the_start(settings: Any, due: Notification) -> None:
    use_smtp(settings, free_port())

    deliver(due, wall("2026-12-01 13:59"))
    assert due.state == DUE
    deliver(due, wall("2026-12-01 14:59"))
    assert due.state == NotificationState.MISSED


def test_a_reminder_that_was_tried_in_vain_is_missed_past_half_its_lead(settings: Any) -> None:
    appointment, now = make_appointment(start="2026-12-01 14:00"), wall("2026-11-29 14:00")
    reminder = make_notification(Kind.REMINDER, appointment=appointment, due_at=now)
    use_smtp(settings, free_port())

    while deliver(reminder, now).state == DUE:
        now += timedelta(hours=1)

    assert (reminder.state, now) == (NotificationState.MISSED, wall("2026-11-30 15:00"))


def test_a_mail_that_cannot_be_written_fails_alone(
    sink: Sink, due: Notification, tmp_path: Path, settings: Any
) -> None:
    other = make_notification(
        Kind.REMINDER, appointment=make_appointment(start="2026-12-02 14:00"), due_at=NOW - timedelta(minutes=1)
    )
    poison = tmp_path / "emails"
    poison.mkdir()
    (poison / "reminder.txt").write_text("{% include no.such.variable %}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}]

    assert outbox.deliver_due(lambda: NOW) == 1

    due.refresh_from_db()
    other.refresh_from_db()
    assert (due.state, other.state, other.last_error) == (SENT, NotificationState.FAILED, "TemplateDoesNotExist")


def test_a_mail_whose_recipient_cannot_be_decrypted_fails_alone(sink: Sink, due: Notification) -> None:
    broken = make_notification(
        appointment=make_appointment(start="2026-12-02 14:00"), due_at=NOW - timedelta(minutes=1)
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE booking_parent SET email = 'of another key' WHERE id = %s", [broken.parent_id])

    assert outbox.deliver_due(lambda: NOW) == 1

    broken = Notification.objects.get(pk=broken.pk)
    assert (broken.state, broken.last_error) == (NotificationState.FAILED, "InvalidToken")


def test_a_database_that_goes_away_is_no_fault_of_the_mail(sink: Sink, due: Notification) -> None:
    asked = []

    def gone(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append("practice_practice" in sql)
        # The first time it is looked at again.
        if asked[-1] and sum(asked) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, *rest)

    with connection.execute_wrapper(gone), pytest.raises(OperationalError):
        outbox.deliver_due(lambda: NOW)
    due.refresh_from_db()
    assert due.state == SENDING

    outbox.deliver_due(lambda: NOW + timedelta(minutes=6))
    due.refresh_from_db()
    assert (due.state, len(sink.messages)) == (SENT, 1)


@pytest.mark.parametrize(("ahead", "taken"), [(timedelta(minutes=9), False), (timedelta(days=365), True)])
def test_a_lease_of_a_clock_that_ran_ahead_holds_no_mail_for_ever(
    sink: Sink, due: Notification, ahead: timedelta, taken: bool
) -> None:
    Notification.objects.filter(pk=due.pk).update(state=SENDING, lease_until=NOW + ahead)

    assert outbox.deliver_due(lambda: NOW) == taken


@pytest.mark.parametrize(("ahead", "taken"), [(timedelta(minutes=119), False), (timedelta(days=365), True)])
def test_nor_does_a_wait_of_such_a_clock(sink: Sink, due: Notification, ahead: timedelta, taken: bool) -> None:
    Notification.objects.filter(pk=due.pk).update(retry_at=NOW + ahead)

    assert outbox.deliver_due(lambda: NOW) == taken


def test_an_address_that_no_mail_can_carry_fails_at_once(sink: Sink, settings: Any, due: Notification) -> None:
    settings.DEFAULT_FROM_EMAIL = "info@praktijk@example.org"

    deliver(due)

    assert (due.state, due.last_error, sink.messages) == (NotificationState.FAILED, "ValueError", [])


def test_an_address_that_was_mistyped_is_not_kept_in_the_error(sink: Sink, due: Notification, caplog: Any) -> None:
    sink.answers["RCPT"] = "550 noor@example.org is unknown here"

    with caplog.at_level("DEBUG"):
        deliver(due)

    assert "noor" not in due.last_error + caplog.text


def test_all_that_is_due_goes_over_one_connection(sink: Sink) -> None:
    for hour in range(9, 14):
        make_notification(appointment=make_appointment(start=f"2026-12-01 {hour:02}:00"), due_at=NOW)

    assert outbox.deliver_due(lambda: NOW) == 5
    assert (len(sink.messages), sink.connections) == (5, 1)


def test_a_queue_of_several_batches_is_delivered_to_its_end(sink: Sink, monkeypatch: Any) -> None:
    monkeypatch.setattr(outbox, "_BATCH", 2)
    for hour in range(9, 14):
        make_notification(appointment=make_appointment(start=f"2026-12-01 {hour:02}:00"), due_at=NOW)

    assert outbox.deliver_due(lambda: NOW) == 5


@pytest.mark.parametrize(
    ("command", "answer"), [("RCPT", "550 no such mailbox"), ("DATA", "554 spam"), ("DATA", "DROP")]
)
def test_a_mail_that_failed_does_not_spoil_the_next(sink: Sink, command: str, answer: str) -> None:
    rows = [
        make_notification(appointment=make_appointment(start=f"2026-12-01 {hour:02}:00"), due_at=NOW)
        for hour in (9, 10)
    ]
    sink.answers[command] = answer

    def well_again() -> datetime:
        if Notification.objects.filter(attempts=1).exists():
            sink.answers.clear()
        return NOW

    assert outbox.deliver_due(well_again) == 1
    assert [message["Message-ID"] for message in sink.messages] == [rows[1].message_id]
    assert sink.connections == 2


def test_what_is_no_longer_true_is_void_and_stays_unsent(sink: Sink, due: Notification) -> None:
    Appointment.objects.update(state=State.CANCELLED, cancelled_at=NOW, sequence=1)

    deliver(due)

    assert (due.state, sink.messages) == (NotificationState.VOID, [])


def test_a_failed_mail_can_be_tried_again_once(
    sink: Sink, due: Notification, django_capture_on_commit_callbacks: Any
) -> None:
    sink.answers["RCPT"] = "550 mailbox full"
    deliver(due)
    sink.answers.clear()

    with django_capture_on_commit_callbacks() as woken:
        assert outbox.retry(due, now=NOW + timedelta(hours=1))
        assert not outbox.retry(due, now=NOW + timedelta(hours=1))
    assert woken
    deliver(due, NOW + timedelta(hours=1))
    assert (due.state, due.attempts, due.last_error) == (SENT, 1, "")


def test_mails_become_files_where_no_server_is_given(settings: Any, tmp_path: Path, due: Notification) -> None:
    settings.EMAIL_BACKEND, settings.MAIL_DIR = "practice.mail.EmlBackend", tmp_path / "mail"

    deliver(due)

    [file] = settings.MAIL_DIR.iterdir()
    assert file.suffix == ".eml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert due.message_id in file.read_text()


def test_a_disk_that_is_full_is_not_filled_by_half_mails(settings: Any, tmp_path: Path, due: Notification) -> None:
    settings.EMAIL_BACKEND, settings.MAIL_DIR = "practice.mail.EmlBackend", tmp_path / "mail"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    # What this process writes may take no more than this: as on a full disk, the kernel refuses the rest.
    message = emails.compose(due, now=NOW)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            get_connection().send_messages([message])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert list(settings.MAIL_DIR.iterdir()) == []


def test_a_folder_that_takes_no_file_makes_the_mail_due_again(
    settings: Any, tmp_path: Path, due: Notification
) -> None:
    (tmp_path / "mail").write_text("in the way")
    settings.EMAIL_BACKEND, settings.MAIL_DIR = "practice.mail.EmlBackend", tmp_path / "mail"

    deliver(due)

    assert (due.state, due.last_error) == (DUE, "FileExistsError")


@pytest.mark.django_db(transaction=True)
def test_waking_puts_no_more_than_a_name_into_the_queue(settings: Any) -> None:
    queue = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_out"])
    before = set(queue.iterdir())

    with transaction.atomic():
        outbox.wake()
        assert set(queue.iterdir()) == before, "nothing may be sent before the commit"

    [message] = set(queue.iterdir()) - before
    assert "booking.tasks.deliver" in message.read_text()
    message.unlink()
