"""Booking, moving and asking by hand: any time at all, but never over anything else."""

from concurrent.futures import Future
from contextlib import ExitStack
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from booking import appointments, by_hand, notifications
from booking.appointments import Request
from booking.errors import (
    AlreadyCancelled,
    AlreadyChanged,
    InThePast,
    NotOffered,
    OutsideHours,
    SlotTaken,
    TooLateToChange,
)
from booking.models import (
    Action,
    Actor,
    Appointment,
    AppointmentType,
    CalendarSource,
    HistoryEntry,
    Hold,
    ImportedBusy,
    Kind,
    Notification,
    NotificationState,
    State,
    Therapist,
)
from tests.booking.accounts import make_account
from tests.booking.elsewhere import PATIENCE, elsewhere
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_family,
    make_hours,
    make_practice,
    make_therapist,
    make_type,
    wall,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engines]

NOW = wall("2026-11-30 10:00")
TEN = wall("2026-12-01 10:00")
EVENING = wall("2026-12-01 20:00")


@pytest.fixture(autouse=True)
def practice() -> None:
    make_practice()


@pytest.fixture
def alice() -> Therapist:
    """She works from nine to five, every day."""
    therapist = make_therapist(user=make_account("alice@praktijk.example"))
    make_hours(therapist)
    return therapist


@pytest.fixture
def hers(alice: Therapist) -> User:
    assert alice.user is not None
    return alice.user


@pytest.fixture
def consult(alice: Therapist) -> AppointmentType:
    return make_type(alice, buffer_after=timedelta(minutes=15))


def book(consult: AppointmentType, start: datetime, account: User, **fields: Any) -> Appointment:
    values: dict[str, Any] = {"family": make_family(), "wants_mail": True, "zone": AMSTERDAM, "now": NOW, **fields}
    return by_hand.book(consult, consult.therapists.get(), start, account=account, **values)


def move(appointment: Appointment, start: datetime, account: User, **fields: Any) -> Appointment:
    values: dict[str, Any] = {
        "sequence": appointment.sequence,
        "tell_parents": True,
        "zone": AMSTERDAM,
        "now": NOW,
        **fields,
    }
    return by_hand.move(appointment, start, account=account, **values)


def owed(appointment: Appointment) -> set[tuple[str, str]]:
    """What is due, and to whom."""
    due = appointment.notifications.filter(state=NotificationState.DUE)
    return {(found.kind, "parent" if found.parent_id else "therapist") for found in due}


class TestBooking:
    def test_a_free_time_is_booked_and_the_family_gets_its_mails(
        self, consult: AppointmentType, hers: User
    ) -> None:
        start = wall("2026-12-10 10:00")
        appointment = book(consult, start, hers)

        assert (appointment.start, appointment.end) == (start, start + timedelta(hours=1))
        assert appointment.occupied_end == start + timedelta(minutes=75)
        assert owed(appointment) == {(Kind.CONFIRMATION, "parent"), (Kind.REMINDER, "parent")}

    def test_a_colleague_who_books_lets_the_therapist_know(self, consult: AppointmentType) -> None:
        appointment = book(consult, TEN, make_account("bob@praktijk.example", manager=True))

        assert (Kind.NEW_BOOKING, "therapist") in owed(appointment)

    @pytest.mark.parametrize("fields", [{"wants_mail": False}, {"family": make_family(email="")}])
    def test_without_mail_nothing_goes_out(
        self, consult: AppointmentType, hers: User, fields: dict[str, Any]
    ) -> None:
        appointment = book(consult, wall("2026-12-10 10:00"), hers, **fields)

        assert owed(appointment) == set()
        assert appointment.parents.get().phone == "+31612345678"

    @pytest.mark.parametrize(
        ("start", "objection"),
        [
            ("2026-12-01 20:00", OutsideHours),
            ("2026-12-01 08:45", OutsideHours),
            ("2026-12-01 10:10", NotOffered),
            ("2027-11-30 10:00", NotOffered),
        ],
        ids=["evening", "too early", "between the times", "too far ahead"],
    )
    def test_what_parents_cannot_choose_is_asked_about_first(
        self, consult: AppointmentType, hers: User, start: str, objection: type[NotOffered]
    ) -> None:
        with pytest.raises(NotOffered) as refused:
            book(consult, wall(start), hers)
        assert type(refused.value) is objection
        assert not Appointment.objects.exists()

        assert book(consult, wall(start), hers, all_the_same=True).start == wall(start)

    def test_the_past_is_not_booked(self, consult: AppointmentType, hers: User) -> None:
        for all_the_same in (False, True):
            with pytest.raises(InThePast):
                book(consult, NOW - timedelta(minutes=1), hers, all_the_same=all_the_same)

    @pytest.mark.parametrize(
        "start", ["2026-12-01 10:00", "2026-12-01 09:30", "2026-12-01 11:10", "2026-12-01 08:50"]
    )
    def test_nothing_is_booked_over_an_appointment_or_its_buffer(
        self, consult: AppointmentType, hers: User, start: str
    ) -> None:
        make_appointment(consult, start="2026-12-01 10:00")

        for all_the_same in (False, True):
            with pytest.raises(SlotTaken):
                book(consult, wall(start), hers, all_the_same=all_the_same)
        assert Appointment.objects.count() == 1

    def test_right_beside_one_is_free(self, consult: AppointmentType, hers: User) -> None:
        make_appointment(consult, start="2026-12-01 10:00")

        book(consult, wall("2026-12-01 11:15"), hers, all_the_same=True)
        book(consult, wall("2026-12-01 08:45"), hers, all_the_same=True)

        assert Appointment.objects.count() == 3

    def test_a_time_that_a_parent_is_about_to_book_is_kept_for_them(
        self, consult: AppointmentType, alice: Therapist, hers: User
    ) -> None:
        held = Hold.objects.create(
            therapist=alice,
            appointment_type=consult,
            start=TEN,
            occupied_start=TEN,
            occupied_end=TEN + timedelta(minutes=75),
            expires_at=NOW + timedelta(minutes=10),
            visitor="v",
            address="a",
        )
        with pytest.raises(SlotTaken):
            book(consult, TEN, hers, all_the_same=True)

        Hold.objects.filter(pk=held.pk).update(expires_at=NOW)
        assert book(consult, TEN, hers).start == TEN

    def test_a_time_taken_in_a_calendar_elsewhere_is_taken(
        self, consult: AppointmentType, alice: Therapist, hers: User
    ) -> None:
        source = CalendarSource.objects.create(therapist=alice, name="Privé", url="https://x.example", due_at=NOW)
        ImportedBusy.objects.create(source=source, start=TEN, end=TEN + timedelta(minutes=30))

        with pytest.raises(SlotTaken):
            book(consult, TEN, hers, all_the_same=True)
        assert book(consult, TEN + timedelta(minutes=30), hers).start == TEN + timedelta(minutes=30)

    def test_a_colleagues_appointment_does_not_matter(self, consult: AppointmentType, hers: User) -> None:
        make_appointment(start="2026-12-01 10:00")

        assert book(consult, TEN, hers).start == TEN

    def test_the_same_form_twice_makes_one_appointment(self, consult: AppointmentType, hers: User) -> None:
        request = Request(key="k", body="b")

        first, second = (book(consult, TEN, hers, request=request) for _ in range(2))
        assert first == second
        assert Appointment.objects.count() == 1

    def test_a_day_later_the_key_is_free_again(self, consult: AppointmentType, hers: User) -> None:
        request = Request(key="k", body="b")
        book(consult, TEN, hers, request=request)

        book(consult, EVENING, hers, request=request, now=NOW + timedelta(hours=24), all_the_same=True)

        assert Appointment.objects.count() == 2


class TestMoving:
    def test_it_goes_to_any_time_and_everybody_hears_of_it(self, consult: AppointmentType, hers: User) -> None:
        appointment = make_appointment(consult, start="2026-12-01 10:00")

        moved = move(appointment, EVENING, make_account("bob@praktijk.example", manager=True), all_the_same=True)

        assert (moved.start, moved.sequence) == (EVENING, 1)
        assert {(Kind.MOVED, "parent"), (Kind.MOVED, "therapist")} <= owed(moved)

    def test_the_family_need_not_be_mailed(self, consult: AppointmentType, hers: User) -> None:
        appointment = make_appointment(consult, start="2026-12-10 10:00")

        moved = move(appointment, wall("2026-12-11 10:00"), hers, tell_parents=False)

        assert owed(moved) == {(Kind.REMINDER, "parent")}

    def test_who_no_longer_has_it_hears_of_it_unless_she_moved_it(
        self, consult: AppointmentType, alice: Therapist, hers: User
    ) -> None:
        bob, carol = make_therapist(name="Bob"), make_account("carol@praktijk.example", manager=True)
        away = make_appointment(consult, therapist=alice, start="2026-12-01 10:00")
        given = make_appointment(consult, therapist=alice, start="2026-12-02 10:00")

        move(away, away.start, carol, therapist=bob, all_the_same=True)
        move(given, given.start, hers, therapist=bob, all_the_same=True)

        told = {
            moved: set(moved.notifications.filter(kind=Kind.MOVED).values_list("therapist__name", flat=True))
            for moved in (away, given)
        }
        assert told == {away: {None, alice.name, "Bob"}, given: {None, "Bob"}}

    def test_it_may_overlap_where_it_was_itself(self, consult: AppointmentType, hers: User) -> None:
        appointment = make_appointment(consult, start="2026-12-01 10:00")

        assert move(appointment, wall("2026-12-01 10:30"), hers).start == wall("2026-12-01 10:30")

    def test_it_never_goes_over_another(self, consult: AppointmentType, hers: User) -> None:
        appointment = make_appointment(consult, start="2026-12-01 10:00")
        make_appointment(consult, start="2026-12-01 14:00")

        with pytest.raises(SlotTaken):
            move(appointment, wall("2026-12-01 13:00"), hers, all_the_same=True)
        appointment.refresh_from_db()
        assert (appointment.start, appointment.sequence) == (TEN, 0)

    def test_what_parents_cannot_choose_is_asked_about_first(self, consult: AppointmentType, hers: User) -> None:
        appointment = make_appointment(consult, start="2026-12-01 10:00")

        with pytest.raises(OutsideHours):
            move(appointment, EVENING, hers)

    def test_the_second_of_two_browsers_is_refused(self, consult: AppointmentType, hers: User) -> None:
        appointment = make_appointment(consult, start="2026-12-01 10:00")
        move(Appointment.objects.get(), wall("2026-12-01 13:00"), hers)

        with pytest.raises(AlreadyChanged):
            move(Appointment.objects.get(), wall("2026-12-01 15:00"), hers, sequence=0)
        with pytest.raises(AlreadyChanged):
            move(appointment, wall("2026-12-01 15:00"), hers)

        assert Appointment.objects.get().start == wall("2026-12-01 13:00")

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"state": State.CANCELLED, "cancelled_at": NOW}, AlreadyCancelled),
            ({"start": "2026-11-30 09:30"}, TooLateToChange),
        ],
        ids=["cancelled", "begun"],
    )
    def test_what_no_longer_stands_stays(
        self, consult: AppointmentType, hers: User, fields: dict[str, Any], error: type[Exception]
    ) -> None:
        appointment = make_appointment(consult, **fields)

        with pytest.raises(error):
            move(appointment, TEN, hers)

    def test_to_the_past_it_does_not_go(self, consult: AppointmentType, hers: User) -> None:
        with pytest.raises(InThePast):
            move(make_appointment(consult), NOW - timedelta(minutes=1), hers, all_the_same=True)


class TestAsking:
    def test_the_family_gets_a_mail_and_may_move_up_to_the_start(
        self, consult: AppointmentType, hers: User
    ) -> None:
        appointment = make_appointment(consult, start="2026-12-01 10:00")
        late = TEN - timedelta(minutes=5)
        with pytest.raises(TooLateToChange):
            appointments.must_be_changeable(appointment, Actor.PARENT, late)

        assert by_hand.ask_to_move(appointment, account=hers, now=NOW) == 1

        asked = Appointment.objects.select_related("appointment_type").get()
        assert owed(asked) == {(Kind.ASK_TO_MOVE, "parent")}
        appointments.must_be_changeable(asked, Actor.PARENT, late)

    def test_what_was_changed_in_another_window_is_not_asked_about(
        self, consult: AppointmentType, hers: User
    ) -> None:
        moved, cancelled = (make_appointment(consult, start=f"2026-12-0{day} 10:00") for day in (1, 2))
        Appointment.objects.filter(pk=moved.pk).update(sequence=1)
        Appointment.objects.filter(pk=cancelled.pk).update(state=State.CANCELLED, cancelled_at=NOW)

        for stale in (moved, cancelled):
            with pytest.raises(AlreadyChanged):
                by_hand.ask_to_move(stale, account=hers, now=NOW)
        assert not Notification.objects.exists()

    def test_once_moved_nothing_is_asked_any_more(self, consult: AppointmentType, hers: User) -> None:
        appointment = make_appointment(consult, start="2026-12-01 10:00")
        by_hand.ask_to_move(appointment, account=hers, now=NOW)

        start = wall("2026-12-03 10:00")
        moved = appointments.reschedule(appointment, start, by=Actor.PARENT, zone=AMSTERDAM, now=NOW)

        assert moved.asked_to_move_at is None
        assert moved.notifications.get(kind=Kind.ASK_TO_MOVE).state == NotificationState.VOID
        assert moved.can_change_until == wall("2026-12-02 10:00")

    def test_withdrawn_the_time_stands_and_the_family_hears_of_it(
        self, consult: AppointmentType, hers: User
    ) -> None:
        appointment = make_appointment(consult, start="2026-12-02 10:00")
        by_hand.ask_to_move(appointment, account=hers, now=NOW)

        assert by_hand.withdraw_ask(appointment, account=hers, now=NOW) == 1

        withdrawn = Appointment.objects.select_related("appointment_type").get()
        assert (withdrawn.asked_to_move_at, withdrawn.sequence) == (None, 0)
        assert withdrawn.can_change_until == wall("2026-12-01 10:00")
        states = dict(withdrawn.notifications.values_list("kind", "state"))
        assert states == {Kind.ASK_TO_MOVE: NotificationState.VOID, Kind.ASK_WITHDRAWN: NotificationState.DUE}
        assert [done.action for done in withdrawn.history.all()] == [Action.ASKED_TO_MOVE, Action.ASK_WITHDRAWN]

    def test_what_is_not_asked_any_more_cannot_be_withdrawn(self, consult: AppointmentType, hers: User) -> None:
        never, moved, cancelled = (make_appointment(consult, start=f"2026-12-0{day} 10:00") for day in (1, 2, 3))
        for asked in (moved, cancelled):
            by_hand.ask_to_move(asked, account=hers, now=NOW)
        start = wall("2026-12-04 10:00")
        appointments.reschedule(moved, start, by=Actor.PARENT, zone=AMSTERDAM, now=NOW)
        appointments.cancel(cancelled, by=Actor.PARENT, now=NOW)

        for stale in (never, moved, cancelled):
            with pytest.raises(AlreadyChanged):
                by_hand.withdraw_ask(stale, account=hers, now=NOW)
        assert not Notification.objects.filter(kind=Kind.ASK_WITHDRAWN).exists()

    def test_what_has_begun_is_neither_awaited_nor_withdrawn(self, consult: AppointmentType, hers: User) -> None:
        appointment = make_appointment(consult, start="2026-12-01 10:00")
        by_hand.ask_to_move(appointment, account=hers, now=NOW)
        assert list(Appointment.objects.awaiting_other_time(NOW)) == [appointment]

        with pytest.raises(TooLateToChange):
            by_hand.withdraw_ask(appointment, account=hers, now=TEN)
        assert not Appointment.objects.awaiting_other_time(TEN).exists()

    def test_asked_withdrawn_and_asked_again_is_one_question(self, consult: AppointmentType, hers: User) -> None:
        appointment = make_appointment(consult)
        by_hand.ask_to_move(appointment, account=hers, now=NOW)
        by_hand.withdraw_ask(appointment, account=hers, now=NOW)
        by_hand.ask_to_move(appointment, account=hers, now=NOW)

        due = appointment.notifications.filter(state=NotificationState.DUE).select_related("appointment")
        told = [mail.kind for mail in due if notifications.verdict(mail, zone=AMSTERDAM, now=NOW) is None]
        assert told == [Kind.ASK_TO_MOVE]

    def test_twice_is_two_mails(self, consult: AppointmentType, hers: User) -> None:
        appointment = make_appointment(consult)

        for _ in range(2):
            by_hand.ask_to_move(appointment, account=hers, now=NOW)
        assert Notification.objects.filter(kind=Kind.ASK_TO_MOVE).count() == 2

    def test_the_confirmation_goes_again_as_often_as_is_asked(self, consult: AppointmentType, hers: User) -> None:
        appointment = book(consult, TEN, hers)

        for _ in range(2):
            assert by_hand.send_confirmation_again(appointment, account=hers, now=NOW) == 1
        confirmations = appointment.notifications.filter(kind=Kind.CONFIRMATION)
        assert len({found.message_id for found in confirmations}) == 3

    def test_two_clicks_at_once_are_two_mails(self, consult: AppointmentType, hers: User) -> None:
        appointment, begun, second = book(consult, TEN, hers), Event(), ExitStack()
        clicks: list[Future[int]] = []

        def click() -> int:
            return by_hand.send_confirmation_again(appointment, account=hers, now=NOW)

        def click_telling() -> int:
            def tell(execute: Any, sql: str, *rest: Any) -> Any:
                if sql.startswith(("BEGIN", 'INSERT INTO "booking_notification"')) or "FOR UPDATE" in sql:
                    begun.set()
                return execute(sql, *rest)

            with connection.execute_wrapper(tell):
                return click()

        def between_write_and_commit(execute: Any, sql: str, *rest: Any) -> Any:
            written = execute(sql, *rest)
            if sql.startswith('INSERT INTO "booking_notification"'):
                clicks.append(second.enter_context(elsewhere(click_telling)))
                assert begun.wait(PATIENCE)
            return written

        with second, connection.execute_wrapper(between_write_and_commit):
            assert click() == 1
            assert clicks[0].result(PATIENCE) == 1
        assert appointment.notifications.filter(kind=Kind.CONFIRMATION).count() == 3

    def test_who_has_no_mail_address_is_not_mailed(self, consult: AppointmentType, hers: User) -> None:
        appointment = book(consult, TEN, hers, family=make_family(email=""))

        assert by_hand.send_confirmation_again(appointment, account=hers, now=NOW) == 0
        assert not HistoryEntry.objects.filter(action=Action.RESENT).exists()

    @pytest.mark.parametrize("act", [by_hand.ask_to_move, by_hand.send_confirmation_again])
    def test_about_what_no_longer_stands_nobody_is_mailed(
        self, consult: AppointmentType, hers: User, act: Any
    ) -> None:
        appointment = make_appointment(consult, state=State.CANCELLED, cancelled_at=NOW)

        with pytest.raises(AlreadyCancelled):
            act(appointment, account=hers, now=NOW)
        assert not Notification.objects.exists()


def test_who_did_what_is_written_down(consult: AppointmentType, hers: User) -> None:
    appointment = book(consult, TEN, hers)
    by_hand.send_confirmation_again(appointment, account=hers, now=NOW)
    by_hand.ask_to_move(appointment, account=hers, now=NOW)
    start = wall("2026-12-03 10:00")
    moved = appointments.reschedule(appointment, start, by=Actor.PARENT, zone=AMSTERDAM, now=NOW)
    appointments.cancel(moved, by=Actor.THERAPIST, now=NOW, account=hers)

    written = [(entry.action, entry.actor, entry.account, entry.start_before) for entry in moved.history.all()]
    assert written == [
        (Action.BOOKED, Actor.THERAPIST, hers, None),
        (Action.RESENT, Actor.THERAPIST, hers, None),
        (Action.ASKED_TO_MOVE, Actor.THERAPIST, hers, None),
        (Action.MOVED, Actor.PARENT, None, TEN),
        (Action.CANCELLED, Actor.THERAPIST, hers, None),
    ]


def test_what_was_refused_is_not_written_down(consult: AppointmentType, hers: User) -> None:
    appointment = book(consult, TEN, hers)
    make_appointment(consult, start="2026-12-01 14:00")

    with pytest.raises(SlotTaken):
        move(appointment, wall("2026-12-01 14:00"), hers, all_the_same=True)
    assert [entry.action for entry in HistoryEntry.objects.all()] == [Action.BOOKED]
