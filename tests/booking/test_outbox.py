"""Claimed, looked at again, sent, marked: over a real SMTP connection."""

import resource
import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.mail import get_connection
from django.db import OperationalError, connection, transaction

from booking import accounts, agenda, appointments, emails, erasure, links, notifications, outbox
from booking.models import Actor, Appointment, Kind, Notification, NotificationState, Parent, State, Therapist
from practice.models import Practice
from tests.booking.accounts import make_account
from tests.booking.elsewhere import PATIENCE, elsewhere, meanwhile
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_notification,
    make_practice,
    make_therapist,
    wall,
)
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
    settings.EMAIL_BACKEND = "practice.mail.SmtpBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 2


@pytest.fixture(autouse=True)
def practice() -> Practice:
    return make_practice()


@pytest.fixture
def due() -> Notification:
    return make_notification(appointment=make_appointment(start="2026-12-01 14:00"), due_at=NOW)


def make_notifications(number: int) -> list[Notification]:
    """Confirmations of as many appointments, an hour apart, that are due in this order."""
    return [
        make_notification(
            appointment=make_appointment(start=f"2026-12-01 {9 + place:02}:00"),
            due_at=NOW - timedelta(minutes=number - place),
        )
        for place in range(number)
    ]


def states(rows: list[Notification]) -> list[tuple[str, int]]:
    """The state of each, and how often it was claimed."""
    return [Notification.objects.values_list("state", "attempts").get(pk=row.pk) for row in rows]


def during(number: int, deed: Callable[[], object]) -> Callable[[], datetime]:
    """A clock that stands at NOW, and where `deed` is done just before mail `number` is looked at again."""
    looks = count()

    def clock() -> datetime:
        # It is read first for the claim.
        if next(looks) == number:
            deed()
        return NOW

    return clock


def deliver(notification: Notification, now: datetime = NOW) -> Notification:
    outbox.deliver_due(lambda: now)
    notification.refresh_from_db()
    return notification


def test_what_is_due_is_sent_and_marked(sink: Sink, due: Notification) -> None:
    deliver(due)

    assert (due.state, due.sent_at, due.attempts, due.lease_until) == (SENT, NOW, 1, None)
    [message] = sink.messages
    assert message["Message-ID"] == due.message_id
    assert message["To"] == "noor@example.org"


def test_a_batch_costs_two_statements_for_each_mail(sink: Sink, django_assert_num_queries: Any) -> None:
    make_notifications(4)

    # Claiming in a transaction, which here is a savepoint, and reading them and the practice; then for each a look
    # and a mark; and that nothing is left, once more in a transaction.
    with django_assert_num_queries(6 + 4 * 2 + 3):
        assert outbox.deliver_due(lambda: NOW) == 4


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
    won, lost = outbox._claim(NOW), outbox._claim(NOW)

    assert (won and won.pks, lost) == ([due.pk], None)


@pytest.mark.django_db(transaction=True)
def test_two_workers_part_what_is_due(sink: Sink, monkeypatch: Any) -> None:
    monkeypatch.setattr(outbox, "_BATCH", 3)
    rows = make_notifications(8)

    with elsewhere(lambda: outbox.deliver_due(lambda: NOW)) as other:
        sent = outbox.deliver_due(lambda: NOW)

    assert sent + other.result(PATIENCE) == 8
    assert sorted(message["Message-ID"] for message in sink.messages) == sorted(row.message_id for row in rows)


@pytest.mark.django_db(transaction=True)
@pytest.mark.only("postgresql")
def test_what_another_worker_is_just_claiming_is_passed_over(sink: Sink) -> None:
    first, _second = make_notifications(2)

    with meanwhile(lambda: Notification.objects.select_for_update().get(pk=first.pk)):
        assert outbox.deliver_due(lambda: NOW) == 1

    assert outbox.deliver_due(lambda: NOW) == 1


def test_a_worker_that_lost_its_lease_does_not_mark_the_row(
    sink: Sink, due: Notification, monkeypatch: Any
) -> None:
    theirs = NOW + timedelta(minutes=6)

    class Slow(type(get_connection())):  # type: ignore[misc]
        def send_messages(self, messages: Any) -> int:
            # While this worker waits for the mail server, another takes the row over: after five minutes.
            assert not outbox._claimable(NOW + timedelta(minutes=5)).exists()
            assert outbox._claimable(NOW + timedelta(minutes=5, seconds=1)).exists()
            Notification.objects.update(lease_until=theirs)
            sent: int = super().send_messages(messages)
            return sent

    monkeypatch.setattr(outbox, "get_connection", Slow)
    deliver(due)

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


def test_who_switched_reminders_off_gets_none_and_after_a_move_neither(sink: Sink) -> None:
    appointment = make_appointment(start="2026-12-01 14:00")
    parent = appointment.parents.get()
    first = make_notification(Kind.REMINDER, appointment=appointment, due_at=NOW)
    appointments.want_reminders(parent, wanted=False, now=NOW)

    assert deliver(first).state == NotificationState.VOID

    moved = appointments.move_to(appointment, wall("2026-12-08 14:00"), appointment.therapist, now=NOW)
    notifications.plan_moved(moved, zone=AMSTERDAM, now=NOW, tell_parents=False, tell_therapist=False)
    for moment in notifications.reminders_ahead(parent):
        outbox.deliver_due(partial(max, moment, NOW))

    reminders = moved.notifications.filter(kind=Kind.REMINDER)
    assert list(reminders.values_list("state", flat=True)) == [NotificationState.VOID] * 3
    assert sink.messages == []


def test_who_wants_reminders_again_gets_the_one_that_is_due_then(sink: Sink) -> None:
    appointment = make_appointment(start="2026-12-01 14:00")
    parent = appointment.parents.get()
    reminder = make_notification(Kind.REMINDER, appointment=appointment, due_at=NOW)
    appointments.want_reminders(parent, wanted=False, now=NOW - timedelta(days=1))
    appointments.want_reminders(parent, wanted=True, now=NOW - timedelta(hours=1))

    assert deliver(reminder).state == SENT


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


@pytest.mark.parametrize("column", ["email", "name"])
def test_a_mail_that_no_key_reads_waits_for_the_key_and_holds_up_no_other(
    sink: Sink, due: Notification, column: str
) -> None:
    parent = make_notification(
        appointment=make_appointment(start="2026-12-02 14:00"), due_at=NOW - timedelta(minutes=1)
    ).parent
    assert parent
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM booking_parent WHERE id = %s", [parent.pk])
        [stored] = cursor.fetchone()
        cursor.execute(f"UPDATE booking_parent SET {column} = 'of another key' WHERE id = %s", [parent.pk])

    assert outbox.deliver_due(lambda: NOW) == 1
    waiting = parent.notifications.get()
    assert (waiting.state, waiting.last_error) == (DUE, "no key reads it")

    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE booking_parent SET {column} = %s WHERE id = %s", [stored, parent.pk])
    assert outbox.deliver_due(lambda: NOW + timedelta(minutes=1)) == 1
    assert parent.notifications.get().state == SENT


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


def test_an_address_that_no_mail_can_carry_fails_at_once(sink: Sink, due: Notification) -> None:
    Practice.objects.update(email="info@praktijk@example.org")

    deliver(due)

    assert (due.state, due.last_error, sink.messages) == (NotificationState.FAILED, "ValidationError", [])


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
    rows = make_notifications(2)
    sink.answers[command] = answer

    assert outbox.deliver_due(during(2, sink.answers.clear)) == 1
    assert [message["Message-ID"] for message in sink.messages] == [rows[1].message_id]
    assert sink.connections == 2


CHANGES: dict[str, Callable[[Appointment], object]] = {
    "cancelled": lambda appointment: appointments.cancel(appointment, by=Actor.PARENT, now=NOW),
    "moved": lambda appointment: Appointment.objects.filter(pk=appointment.pk).update(
        sequence=1, start=appointment.start + timedelta(minutes=5), changed_at=NOW
    ),
    "erased": lambda appointment: erasure.erase(appointment, by=Actor.PARENT, now=NOW),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_while_its_batch_is_in_hand_is_void(sink: Sink, change: str) -> None:
    rows = make_notifications(6)
    fifth = rows[4]
    assert fifth.appointment
    appointment = fifth.appointment

    outbox.deliver_due(during(5, lambda: CHANGES[change](appointment)))

    fifth.refresh_from_db()
    assert fifth.state == NotificationState.VOID
    assert fifth.message_id not in {message["Message-ID"] for message in sink.messages}
    assert {state for state, _ in states(rows[:4] + rows[5:])} == {SENT}


@pytest.mark.django_db(transaction=True)
def test_who_switches_reminders_off_while_one_is_in_hand_gets_none(sink: Sink) -> None:
    rows = make_notifications(3)
    Notification.objects.filter(pk=rows[1].pk).update(kind=Kind.REMINDER)
    parent = rows[1].parent
    assert parent

    outbox.deliver_due(during(2, lambda: appointments.want_reminders(parent, wanted=False, now=NOW)))

    assert states(rows) == [(SENT, 1), (NotificationState.VOID, 1), (SENT, 1)]


def test_an_address_and_a_link_that_change_while_the_batch_is_in_hand_are_the_new_ones(sink: Sink) -> None:
    rows = make_notifications(3)
    mended, ended = rows[1].parent, rows[2].parent
    assert mended
    assert ended

    def change() -> None:
        mended.email, mended.email_hash = "new@example.org", appointments.email_hash("new@example.org")
        mended.save(update_fields=["email", "email_hash"])
        Parent.objects.filter(pk=ended.pk).update(link_version=1)

    assert outbox.deliver_due(during(2, change)) == 3

    ended.refresh_from_db()
    assert [message["To"] for message in sink.messages] == [
        "noor@example.org",
        "new@example.org",
        "noor@example.org",
    ]
    body = sink.messages[2].get_body(("plain",))
    assert body
    assert links.manage_url(ended) in body.get_content()


def test_a_row_that_goes_away_while_its_batch_is_in_hand_stops_nothing(sink: Sink) -> None:
    rows = make_notifications(3)

    assert outbox.deliver_due(during(2, Notification.objects.filter(pk=rows[1].pk).delete)) == 2


def test_what_another_worker_took_over_meanwhile_is_left_to_it(sink: Sink) -> None:
    rows = make_notifications(3)
    taken = Notification.objects.filter(pk=rows[1].pk)

    assert outbox.deliver_due(during(2, lambda: taken.update(lease_until=NOW + timedelta(minutes=6)))) == 2
    assert states(rows) == [(SENT, 1), (SENDING, 1), (SENT, 1)]


def test_a_slow_mail_server_uses_up_no_lease_and_no_try(sink: Sink) -> None:
    rows, seen = make_notifications(3), []

    def clock() -> datetime:
        seen.append(states(rows))
        return NOW + timedelta(seconds=15 * len(sink.messages))

    assert outbox.deliver_due(clock) == 3

    held, given_back = (SENDING, 1), (DUE, 0)
    assert seen == [
        # For the claim, and before each mail: the third, half a minute later, is given back.
        [given_back] * 3,
        [held] * 3,
        [(SENT, 1), held, held],
        [(SENT, 1), (SENT, 1), held],
        # For the next claim, and before its mail, and that nothing is left.
        [(SENT, 1), (SENT, 1), given_back],
        [(SENT, 1), (SENT, 1), held],
        [(SENT, 1)] * 3,
    ]


def test_who_is_asked_to_stop_gives_back_what_is_left_of_the_batch(sink: Sink) -> None:
    rows = make_notifications(3)

    assert outbox.deliver_due(lambda: NOW, stopping=lambda: len(sink.messages) == 1) == 1
    assert states(rows) == [(SENT, 1), (DUE, 0), (DUE, 0)]


class Killed(BaseException):
    """Ends a worker where it stands: nothing catches it."""


def test_who_dies_amid_a_batch_leaves_the_rest_to_the_lease_each_alone(sink: Sink, monkeypatch: Any) -> None:
    rows, compose = make_notifications(4), emails.compose

    def die_of_the_second(notification: Notification, *rest: Any, **named: Any) -> Any:
        if notification.pk == rows[1].pk:
            raise Killed
        return compose(notification, *rest, **named)

    monkeypatch.setattr(emails, "compose", die_of_the_second)

    with pytest.raises(Killed):
        outbox.deliver_due(lambda: NOW)
    assert states(rows) == [(SENT, 1), (SENDING, 1), (SENDING, 1), (SENDING, 1)]
    assert outbox.deliver_due(lambda: NOW + outbox.LEASE) == 0
    with pytest.raises(Killed):
        outbox.deliver_due(lambda: NOW + timedelta(minutes=6))
    assert outbox.deliver_due(lambda: NOW + timedelta(minutes=6)) == 2
    assert states(rows) == [(SENT, 1), (SENDING, 2), (SENT, 2), (SENT, 2)]


def test_what_is_no_longer_true_is_void_and_stays_unsent(sink: Sink, due: Notification) -> None:
    Appointment.objects.update(state=State.CANCELLED, cancelled_at=NOW, sequence=1)

    deliver(due)

    assert (due.state, sink.messages) == (NotificationState.VOID, [])


class TestOfATherapistWhoLeft:
    """Alice, whose account is closed. Bob and Erin manage the practice; Charlie does not."""

    @pytest.fixture
    def alice(self) -> Therapist:
        return make_therapist(user=make_account("alice@praktijk.example", second_factor=False))

    @pytest.fixture
    def managers(self) -> list[Therapist]:
        make_therapist(user=make_account("charlie@praktijk.example", second_factor=False))
        return [
            make_therapist(email=email, user=make_account(email, manager=True, second_factor=False))
            for email in ("bob@praktijk.example", "erin@praktijk.example")
        ]

    def close(self, alice: Therapist) -> None:
        assert alice.user is not None
        accounts.set_open(alice.user, open=False)

    def cancelled(self, alice: Therapist, by: Actor, account: User | None = None) -> Notification:
        """What Alice is owed, who left, of a cancellation that her family hears of."""
        appointment = make_appointment(therapist=alice, start="2026-12-01 14:00")
        self.close(alice)
        appointments.cancel(appointment, by=by, account=account, now=NOW)
        Notification.objects.filter(parent__isnull=False).update(state=SENT, sent_at=NOW)
        return Notification.objects.get(therapist=alice)

    def test_the_managers_hear_what_a_family_did(
        self, sink: Sink, alice: Therapist, managers: list[Therapist]
    ) -> None:
        mail = deliver(self.cancelled(alice, by=Actor.PARENT))

        assert (mail.state, mail.last_error) == (NotificationState.VOID, "")
        told = Notification.objects.filter(therapist__in=managers)
        assert [(row.kind, row.state, row.appointment) for row in told] == [
            (Kind.CANCELLED, SENT, mail.appointment)
        ] * 2
        assert {message["To"] for message in sink.messages} == {"bob@praktijk.example", "erin@praktijk.example"}

    def test_they_hear_what_was_owed_before_she_left_too(
        self, sink: Sink, alice: Therapist, managers: list[Therapist]
    ) -> None:
        appointment = make_appointment(therapist=alice, start="2026-12-01 14:00")
        notifications.plan_booked(appointment, zone=AMSTERDAM, now=NOW)
        self.close(alice)

        outbox.deliver_due(lambda: NOW)

        new = Notification.objects.filter(kind=Kind.NEW_BOOKING, state=SENT)
        assert {row.therapist for row in new} == set(managers)

    def test_each_hears_it_once_though_a_worker_died_over_it(
        self, sink: Sink, alice: Therapist, managers: list[Therapist]
    ) -> None:
        mail = self.cancelled(alice, by=Actor.PARENT)
        # This far it came, and no mark says so.
        fresh = Notification.objects.get(pk=mail.pk)
        assert notifications.pass_on(fresh, zone=AMSTERDAM, now=NOW)
        Notification.objects.filter(pk=mail.pk).update(state=SENDING, lease_until=NOW - timedelta(minutes=1))

        assert deliver(mail).state == NotificationState.VOID
        assert len(sink.messages) == 2

    def test_nobody_is_told_what_the_practice_did_itself(
        self, sink: Sink, alice: Therapist, managers: list[Therapist]
    ) -> None:
        mail = deliver(self.cancelled(alice, by=Actor.THERAPIST, account=managers[0].user))

        assert (mail.state, sink.messages) == (NotificationState.VOID, [])
        assert not Notification.objects.filter(therapist__in=managers).exists()

    def test_what_went_to_a_colleague_that_one_alone_is_told(
        self, sink: Sink, alice: Therapist, managers: list[Therapist]
    ) -> None:
        appointment = make_appointment(therapist=make_therapist(), start="2026-12-01 14:00")
        notifications.plan_moved(appointment, zone=AMSTERDAM, now=NOW, tell_parents=False, left=alice)
        self.close(alice)

        outbox.deliver_due(lambda: NOW)

        told = Notification.objects.filter(therapist__isnull=False, state=SENT)
        assert [mail.therapist for mail in told] == [appointment.therapist]

    def test_of_what_is_true_no_more_nobody_hears(
        self, sink: Sink, alice: Therapist, managers: list[Therapist]
    ) -> None:
        mail = self.cancelled(alice, by=Actor.PARENT)
        Appointment.objects.update(erased_at=NOW)

        assert deliver(mail).state == NotificationState.VOID
        assert not Notification.objects.filter(therapist__in=managers).exists()

    def test_where_no_manager_gets_mail_the_agenda_says_that_nobody_heard(
        self, sink: Sink, alice: Therapist
    ) -> None:
        make_account("bob@praktijk.example", manager=True, second_factor=False)
        mail = deliver(self.cancelled(alice, by=Actor.PARENT))

        assert (mail.state, mail.last_error) == (NotificationState.FAILED, "account closed")
        assert list(agenda.undelivered(Notification.objects.all(), zone=AMSTERDAM, now=NOW)) == [mail]


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
