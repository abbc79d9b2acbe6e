"""Booking, moving, cancelling, and what came of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from booking import appointments, by_hand, outbox
from booking.appointments import Request
from booking.errors import (
    AlreadyCancelled,
    AlreadyChanged,
    IdempotencyConflict,
    OutsideBookingWindow,
    SlotTaken,
    TooEarlyToMark,
    TooLateToChange,
)
from booking.models import (
    Actor,
    Appointment,
    AppointmentType,
    Hold,
    Kind,
    Notification,
    NotificationState,
    Parent,
    Place,
    State,
    Therapist,
)
from tests.booking.accounts import make_account
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_family,
    make_hours,
    make_therapist,
    make_type,
    wall,
)
from tests.booking.steps import NOW, book, hold, move

pytestmark = [pytest.mark.django_db, pytest.mark.engines]


class TestBook:
    def test_it_writes_appointment_family_and_all_that_is_owed(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00", family=make_family(remark="liever niet bellen"))

        assert (appointment.start, appointment.state, appointment.sequence) == (
            wall("2026-12-01 10:00"),
            State.CONFIRMED,
            0,
        )
        assert Appointment.objects.get().remark == "liever niet bellen"
        assert Parent.objects.get().email == "noor@example.org"
        assert sorted(Notification.objects.values_list("kind", flat=True)) == [
            Kind.CONFIRMATION,
            Kind.NEW_BOOKING,
            Kind.REMINDER,
            Kind.REMINDER,
        ]

    def test_it_remembers_the_buffers_of_its_day(self, alice: Therapist) -> None:
        consult = make_type(alice, buffer_before=timedelta(minutes=5), buffer_after=timedelta(minutes=10))

        appointment = book(consult, "2026-12-01 10:00")

        assert appointment.occupied_start == wall("2026-12-01 09:55")
        assert appointment.occupied_end == wall("2026-12-01 11:10")

    def test_it_keeps_the_place_and_the_notice_that_the_family_was_told(self, alice: Therapist) -> None:
        consult = make_type(alice, change_notice=timedelta(hours=4))
        appointment = book(consult, "2026-12-01 10:00")
        consult.place, consult.change_notice = Place.PHONE, timedelta(days=2)
        consult.save()

        appointment.refresh_from_db()
        assert (appointment.place, appointment.can_change_until) == (Place.PRACTICE, wall("2026-12-01 06:00"))
        moved = move(appointment, "2026-12-02 10:00")
        assert (moved.place, moved.can_change_until) == (Place.PHONE, wall("2026-11-30 10:00"))

    def test_a_taken_time_is_refused_and_writes_nothing(self, consult: AppointmentType) -> None:
        book(consult, "2026-12-01 10:00")

        with pytest.raises(SlotTaken):
            book(consult, "2026-12-01 10:00")

        assert (Appointment.objects.count(), Parent.objects.count(), Notification.objects.count()) == (1, 1, 4)

    def test_a_time_that_another_holds_is_taken(self, consult: AppointmentType) -> None:
        hold(consult, "2026-12-01 10:00")

        with pytest.raises(SlotTaken):
            book(consult, "2026-12-01 10:00", visitor="piet")

    def test_ones_own_hold_ends_in_the_appointment(self, consult: AppointmentType) -> None:
        hold(consult, "2026-12-01 10:00")

        book(consult, "2026-12-01 10:00", visitor="noor")

        assert not Hold.objects.exists()

    def test_an_expired_hold_does_no_harm_while_the_time_is_free(self, consult: AppointmentType) -> None:
        hold(consult, "2026-12-01 10:00")

        book(consult, "2026-12-01 10:00", visitor="noor", now=NOW + timedelta(minutes=30))

        assert Appointment.objects.count() == 1

    def test_whoever_is_free_gets_it(self, consult: AppointmentType) -> None:
        bob = make_therapist(name="Bob")
        make_hours(bob, start="09:00", end="12:00")
        consult.therapists.add(bob)

        booked = [book(consult, "2026-12-01 10:00").therapist.name for _ in range(2)]

        assert booked == ["Alice", "Bob"]
        with pytest.raises(SlotTaken):
            book(consult, "2026-12-01 10:00")

    @pytest.mark.parametrize(
        ("start", "now"),
        [
            ("2026-12-01 10:30", "2026-11-20 12:00"),
            ("2026-11-19 10:00", "2026-11-20 12:00"),
            ("2027-02-20 10:00", "2026-11-20 12:00"),
            ("2026-12-01 10:00", "2026-12-01 09:01"),
            ("2026-12-01 20:00", "2026-11-20 12:00"),
        ],
        ids=["off the grid", "past", "beyond the horizon", "under the notice", "outside the hours"],
    )
    def test_what_was_never_on_offer_is_refused_as_such(self, alice: Therapist, start: str, now: str) -> None:
        consult = make_type(alice, step=timedelta(hours=1), minimum_notice=timedelta(hours=1))

        with pytest.raises(OutsideBookingWindow):
            book(consult, start, now=wall(now))

        assert not Appointment.objects.exists()

    @pytest.mark.parametrize("year", [1, 9999])
    def test_the_ends_of_the_calendar_are_refused_as_well(self, consult: AppointmentType, year: int) -> None:
        with pytest.raises(OutsideBookingWindow):
            appointments.book(
                consult, datetime(year, 1, 1, tzinfo=NOW.tzinfo), family=make_family(), zone=AMSTERDAM, now=NOW
            )


class TestIdempotency:
    def test_the_same_request_makes_one_appointment(self, consult: AppointmentType) -> None:
        request = Request(key="k", body="b")

        first = book(consult, "2026-12-01 10:00", request=request)
        again = book(consult, "2026-12-01 10:00", request=request)

        assert (again, Appointment.objects.count(), Notification.objects.count()) == (first, 1, 4)

    def test_the_same_key_with_another_body_is_a_conflict(self, consult: AppointmentType) -> None:
        book(consult, "2026-12-01 10:00", request=Request(key="k", body="b"))

        with pytest.raises(IdempotencyConflict):
            book(consult, "2026-12-01 11:00", request=Request(key="k", body="other"))

    def test_a_day_later_the_key_is_free_again(self, consult: AppointmentType) -> None:
        request, later = Request(key="k", body="b"), NOW + timedelta(hours=24)
        book(consult, "2026-12-01 10:00", request=request)

        book(consult, "2026-12-01 11:00", request=request, now=later)

        assert Appointment.objects.count() == 2


class TestReschedule:
    def test_it_moves_and_tells_everyone(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00")

        moved = move(appointment, "2026-12-02 11:00")

        assert (moved.start, moved.end, moved.sequence) == (
            wall("2026-12-02 11:00"),
            wall("2026-12-02 12:00"),
            1,
        )
        due = Notification.objects.filter(state=NotificationState.DUE)
        assert {(row.kind, row.sequence) for row in due} == {(Kind.MOVED, 1), (Kind.REMINDER, 1)}

    def test_it_takes_the_buffers_along(self, alice: Therapist) -> None:
        consult = make_type(alice, buffer_before=timedelta(minutes=5), buffer_after=timedelta(minutes=10))

        moved = move(book(consult, "2026-12-01 10:00"), "2026-12-02 10:00")

        assert moved.occupied_start == wall("2026-12-02 09:55")
        assert moved.occupied_end == wall("2026-12-02 11:10")

    def test_its_own_time_does_not_stand_in_the_way(self, alice: Therapist) -> None:
        consult = make_type(alice, step=timedelta(minutes=30))
        appointment = book(consult, "2026-12-01 10:00")

        assert move(appointment, "2026-12-01 10:30").start == wall("2026-12-01 10:30")

    def test_to_where_it_is_changes_nothing(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00")

        assert move(appointment, "2026-12-01 10:00").sequence == 0
        assert not Notification.objects.filter(kind=Kind.MOVED).exists()

    def test_onto_another_is_refused_and_leaves_it_where_it_was(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00")
        book(consult, "2026-12-01 11:00")

        with pytest.raises(SlotTaken):
            move(appointment, "2026-12-01 11:00")

        appointment.refresh_from_db()
        assert (appointment.start, appointment.sequence) == (wall("2026-12-01 10:00"), 0)

    def test_the_second_of_two_browsers_is_told_that_it_changed(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00")
        stale = Appointment.objects.get(pk=appointment.pk)
        move(appointment, "2026-12-02 10:00")

        with pytest.raises(AlreadyChanged):
            move(stale, "2026-12-03 10:00")

    def test_what_came_to_pass_meanwhile_is_neither_moved_nor_cancelled(self, consult: AppointmentType) -> None:
        stale = book(consult, "2026-12-01 10:00")
        Appointment.objects.update(state=State.ATTENDED, outcome_at=stale.start)

        with pytest.raises(AlreadyChanged):
            move(stale, "2026-12-02 10:00")
        with pytest.raises(AlreadyChanged):
            appointments.cancel(stale, by=Actor.PARENT, now=NOW)

    @pytest.mark.parametrize(("now", "error"), [("2026-11-30 10:00", None), ("2026-11-30 10:01", TooLateToChange)])
    def test_a_parent_can_until_the_change_notice(
        self, consult: AppointmentType, now: str, error: type[Exception] | None
    ) -> None:
        appointment = book(consult, "2026-12-01 10:00")

        if error is None:
            assert move(appointment, "2026-12-02 10:00", now=wall(now)).sequence == 1
        else:
            with pytest.raises(error):
                move(appointment, "2026-12-02 10:00", now=wall(now))

    def test_the_therapist_can_until_the_start(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00")

        with pytest.raises(TooLateToChange):
            move(appointment, "2026-12-02 10:00", now=wall("2026-12-01 10:00"), by=Actor.THERAPIST)
        assert move(appointment, "2026-12-02 10:00", now=wall("2026-12-01 09:59"), by=Actor.THERAPIST)

    def test_what_was_cancelled_is_not_moved(self, consult: AppointmentType) -> None:
        appointment = appointments.cancel(book(consult, "2026-12-01 10:00"), by=Actor.PARENT, now=NOW)

        with pytest.raises(AlreadyCancelled):
            move(appointment, "2026-12-02 10:00")


class TestMovingAway:
    """A family moves with its own therapist, as long as she sees this type of families."""

    @pytest.fixture
    def bob(self, consult: AppointmentType) -> Therapist:
        bob = make_therapist(name="Bob")
        make_hours(bob, start="09:00", end="12:00")
        consult.therapists.add(bob)
        return bob

    def told(self) -> list[tuple[str, str]]:
        mails = Notification.objects.filter(kind=Kind.MOVED, therapist__isnull=False).order_by("pk")
        return [(mail.therapist.name, mail.state) for mail in mails if mail.therapist]

    def test_who_takes_no_new_families_still_sees_hers(
        self, consult: AppointmentType, alice: Therapist, bob: Therapist
    ) -> None:
        appointment = book(consult, "2026-12-01 10:00", therapist=alice)
        Therapist.objects.filter(pk=alice.pk).update(active=False)

        assert move(appointment, "2026-12-02 10:00").therapist == alice
        assert self.told() == [("Alice", NotificationState.DUE)]
        with pytest.raises(OutsideBookingWindow):
            book(consult, "2026-12-03 10:00", therapist=alice)

    @pytest.fixture(params=["no longer offers it", "has left"])
    def gone(self, request: Any, consult: AppointmentType, alice: Therapist, bob: Therapist) -> Appointment:
        """An appointment with Alice, who sees this type of families no more."""
        appointment = book(consult, "2026-12-01 10:00", therapist=alice)
        if request.param == "has left":
            alice.user = make_account("alice@praktijk.example")
            alice.user.is_active = alice.active = False
            alice.user.save()
            alice.save()
        else:
            consult.therapists.remove(alice)
        return appointment

    def test_else_a_colleague_does_and_both_hear_of_it(self, gone: Appointment, bob: Therapist) -> None:
        moved = move(gone, "2026-12-01 10:00", therapist=bob)
        again = move(moved, "2026-12-02 10:00")

        assert (moved.therapist, again.therapist) == (bob, bob)
        assert self.told() == [
            ("Bob", NotificationState.VOID),
            ("Alice", NotificationState.VOID),
            ("Bob", NotificationState.DUE),
        ]

    def test_without_a_name_it_is_whoever_is_free(self, gone: Appointment, bob: Therapist) -> None:
        assert move(gone, "2026-12-02 10:00").therapist == bob

    def test_where_nobody_offers_it_there_is_no_moving(self, consult: AppointmentType, alice: Therapist) -> None:
        appointment = book(consult, "2026-12-01 10:00")
        consult.therapists.remove(alice)

        with pytest.raises(OutsideBookingWindow):
            move(appointment, "2026-12-02 10:00")


class TestCancel:
    def test_it_is_final_and_told_to_both(self, consult: AppointmentType) -> None:
        cancelled = appointments.cancel(book(consult, "2026-12-01 10:00"), by=Actor.PARENT, now=NOW, reason="ziek")

        assert (cancelled.state, cancelled.cancelled_by, cancelled.cancel_reason) == (
            State.CANCELLED,
            Actor.PARENT,
            "ziek",
        )
        due = Notification.objects.filter(state=NotificationState.DUE)
        assert {row.kind for row in due} == {Kind.CANCELLED}

    def test_again_changes_and_mails_nothing(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00")
        stale = Appointment.objects.get(pk=appointment.pk)

        first = appointments.cancel(appointment, by=Actor.PARENT, now=NOW)
        for again in (first, stale):
            assert appointments.cancel(again, by=Actor.PARENT, now=NOW + timedelta(hours=1)).cancelled_at == NOW

        assert Notification.objects.filter(kind=Kind.CANCELLED).count() == 2

    def test_what_was_moved_in_another_tab_is_not_cancelled_unseen(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00")
        stale = Appointment.objects.get(pk=appointment.pk)
        move(appointment, "2026-12-02 10:00")

        with pytest.raises(AlreadyChanged):
            appointments.cancel(stale, by=Actor.PARENT, now=NOW)

    def test_too_late_for_a_parent_is_not_too_late_for_the_therapist(self, consult: AppointmentType) -> None:
        appointment, now = book(consult, "2026-12-01 10:00"), wall("2026-11-30 10:01")

        with pytest.raises(TooLateToChange):
            appointments.cancel(appointment, by=Actor.PARENT, now=now)
        assert appointments.cancel(appointment, by=Actor.THERAPIST, now=now).state == State.CANCELLED


class TestOutcome:
    def test_it_is_set_after_the_start_and_can_be_corrected(self, consult: AppointmentType) -> None:
        appointment = make_appointment(consult, start="2026-12-01 10:00")

        with pytest.raises(TooEarlyToMark):
            appointments.mark_attended(appointment, now=wall("2026-12-01 09:59"))
        assert not appointment.history.exists()
        assert appointments.mark_attended(appointment, now=wall("2026-12-01 10:00")).state == State.ATTENDED
        assert appointments.mark_no_show(appointment, now=wall("2026-12-01 11:00")).state == State.NO_SHOW

    def test_not_of_what_was_cancelled(self, consult: AppointmentType) -> None:
        stale = book(consult, "2026-12-01 10:00")
        cancelled = appointments.cancel(stale, by=Actor.PARENT, now=NOW)

        for appointment in (cancelled, Appointment(pk=stale.pk, state=State.CONFIRMED)):
            with pytest.raises(AlreadyCancelled):
                appointments.mark_attended(appointment, now=wall("2026-12-01 11:00"))


def test_keys_are_forgotten_after_a_day(consult: AppointmentType) -> None:
    book(consult, "2026-12-01 10:00", request=Request(key="k", body="b"))

    appointments.forget_idempotency_keys(now=NOW + timedelta(hours=24) - timedelta(seconds=1))
    assert Appointment.objects.get().idempotency_key == "k"
    appointments.forget_idempotency_keys(now=NOW + timedelta(hours=24))

    assert Appointment.objects.get().idempotency_key is None


def test_each_deed_wakes_the_outbox(consult: AppointmentType, django_capture_on_commit_callbacks: Any) -> None:
    account = make_account("colleague@praktijk.example")
    by: dict[str, Any] = {"account": account, "now": NOW}
    anywhere: dict[str, Any] = {"zone": AMSTERDAM, "all_the_same": True, **by}
    deeds: list[Callable[[Appointment], Any]] = [
        lambda one: move(one, "2026-12-02 10:00"),
        lambda one: by_hand.move(one, wall("2026-12-03 10:00"), sequence=1, tell_parents=True, **anywhere),
        lambda one: by_hand.send_confirmation_again(one, **by),
        lambda one: by_hand.ask_to_move(one, **by),
        lambda one: appointments.cancel(one, by=Actor.PARENT, now=NOW),
        lambda one: by_hand.book(
            consult, one.therapist, wall("2026-12-04 10:00"), family=make_family(), wants_mail=True, **anywhere
        ),
    ]
    with django_capture_on_commit_callbacks() as then:
        book(consult, "2026-12-01 10:00")
    assert then.count(outbox._nudge) == 1

    for deed in deeds:
        with django_capture_on_commit_callbacks() as then:
            deed(Appointment.objects.get())
        assert then.count(outbox._nudge) == 1


def test_an_address_is_found_whatever_its_capitals_and_only_among_addresses() -> None:
    assert appointments.email_hash("Noor@Example.org") == appointments.email_hash("noor@example.org")
    assert appointments.email_hash("+31612345678") != appointments.phone_hash("+31612345678")
