"""Free time, holds, booking, moving, cancelling and erasing, on the wall clock of Amsterdam."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from booking import appointments, diary
from booking.appointments import Request
from booking.errors import (
    AlreadyCancelled,
    AlreadyChanged,
    Busy,
    IdempotencyConflict,
    OutsideBookingWindow,
    SlotTaken,
    TooEarlyToMark,
    TooLateToChange,
)
from booking.intervals import Interval
from booking.models import (
    Actor,
    Appointment,
    AppointmentType,
    Hold,
    Kind,
    Notification,
    NotificationState,
    Parent,
    State,
    Therapist,
)
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

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

NOW = wall("2026-11-20 12:00")
TUESDAY = date(2026, 12, 1)


@pytest.fixture(autouse=True)
def practice() -> None:
    make_practice()


@pytest.fixture
def alice() -> Therapist:
    alice = make_therapist(name="Alice")
    make_hours(alice, start="09:00", end="12:00")
    return alice


@pytest.fixture
def consult(alice: Therapist) -> AppointmentType:
    return make_type(alice, step=timedelta(hours=1))


def free(
    appointment_type: AppointmentType, first: date = TUESDAY, last: date | None = None, **kw: Any
) -> list[str]:
    found = appointments.free_slots(appointment_type, first, last or first, zone=AMSTERDAM, **{"now": NOW, **kw})
    return [f"{slot.start.astimezone(AMSTERDAM):%H:%M}" for slot in found]


def book(appointment_type: AppointmentType, start: str, **kw: Any) -> Appointment:
    return appointments.book(
        appointment_type, wall(start), **{"family": make_family(), "zone": AMSTERDAM, "now": NOW, **kw}
    )


def hold(appointment_type: AppointmentType, start: str, visitor: str = "noor", **kw: Any) -> Hold | None:
    return appointments.hold(
        appointment_type,
        wall(start),
        **{"visitor": visitor, "address": "home", "zone": AMSTERDAM, "now": NOW, **kw},
    )


def move(appointment: Appointment, start: str, **kw: Any) -> Appointment:
    return appointments.reschedule(
        appointment, wall(start), **{"by": Actor.PARENT, "zone": AMSTERDAM, "now": NOW, **kw}
    )


class TestFreeSlots:
    def test_they_are_the_working_hours_less_what_is_claimed(self, consult: AppointmentType) -> None:
        make_appointment(consult, start="2026-12-01 10:00")

        assert free(consult) == ["09:00", "11:00"]

    def test_a_cancelled_appointment_frees_its_time(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00")
        assert free(consult) == ["09:00", "11:00"]

        appointments.cancel(appointment, by=Actor.PARENT, now=NOW)

        assert free(consult) == ["09:00", "10:00", "11:00"]

    def test_another_type_of_the_same_therapist_claims_too(
        self, consult: AppointmentType, alice: Therapist
    ) -> None:
        call = make_type(alice, duration=timedelta(minutes=15), step=timedelta(minutes=15))
        make_appointment(call, start="2026-12-01 09:45")

        assert free(consult) == ["10:00", "11:00"]

    def test_a_buffer_of_either_keeps_them_apart(self, alice: Therapist) -> None:
        consult = make_type(alice, step=timedelta(minutes=30), buffer_after=timedelta(minutes=15))
        make_appointment(consult, start="2026-12-01 09:00")

        assert free(consult) == ["10:30", "11:00"]

    def test_time_off_is_not_offered(self, consult: AppointmentType, alice: Therapist) -> None:
        diary.add_time_off(alice, Interval(wall("2026-12-01 10:30"), wall("2026-12-01 11:00")))

        assert free(consult) == ["09:00", "11:00"]

    def test_a_live_hold_claims_for_others_but_not_for_its_own_visitor(self, consult: AppointmentType) -> None:
        hold(consult, "2026-12-01 10:00")

        assert free(consult) == ["09:00", "11:00"]
        assert free(consult, visitor="noor") == ["09:00", "10:00", "11:00"]
        assert free(consult, now=NOW + appointments.HOLD_TIME) == ["09:00", "10:00", "11:00"]

    def test_a_limit_a_week_counts_days_outside_the_days_asked_for(self, alice: Therapist) -> None:
        consult = make_type(alice, step=timedelta(hours=1), most_per_week=1)
        make_appointment(consult, start="2026-12-04 10:00")

        assert free(consult, date(2026, 11, 30), date(2026, 12, 6)) == []
        assert free(consult, date(2026, 12, 7)) == ["09:00", "10:00", "11:00"]

    def test_those_of_several_therapists_come_together(self, consult: AppointmentType, alice: Therapist) -> None:
        bob = make_therapist(name="Bob")
        make_hours(bob, start="11:00", end="13:00")
        consult.therapists.add(bob)

        assert free(consult) == ["09:00", "10:00", "11:00", "11:00", "12:00"]
        assert free(consult, therapist=bob) == ["11:00", "12:00"]

    def test_a_therapist_who_left_is_not_offered(self, consult: AppointmentType, alice: Therapist) -> None:
        Therapist.objects.filter(pk=alice.pk).update(active=False)

        assert free(consult) == []

    @pytest.mark.parametrize(
        ("day", "offset"),
        [(date(2026, 10, 24), 2), (date(2026, 10, 25), 1), (date(2027, 3, 27), 1), (date(2027, 3, 28), 2)],
    )
    def test_nine_o_clock_stays_nine_o_clock_over_both_changes(
        self, alice: Therapist, day: date, offset: int
    ) -> None:
        consult = make_type(alice, step=timedelta(hours=1), horizon_days=366)
        now = wall("2026-10-01 12:00")

        found = appointments.free_slots(consult, day, day, zone=AMSTERDAM, now=now)

        assert found[0].start == wall(f"{day} 09:00")
        assert found[0].start.hour == 9 - offset

    def test_they_cost_the_same_queries_for_a_day_and_a_year(
        self, consult: AppointmentType, alice: Therapist
    ) -> None:
        def queries(days: int) -> int:
            diary_free = Therapist.objects.get(pk=alice.pk)
            appointments.free_slots(consult, TUESDAY, TUESDAY, zone=AMSTERDAM, now=NOW, therapist=diary_free)
            with CaptureQueriesContext(
                connection,
            ) as captured:
                appointments.free_slots(consult, TUESDAY, TUESDAY + timedelta(days=days), zone=AMSTERDAM, now=NOW)
            return len(captured)

        first = queries(0)
        for hour in range(9, 12):
            make_appointment(consult, start=f"2026-12-02 {hour:02}:00")

        assert queries(0) == first
        assert queries(300) <= first + 3
        assert first == 3

    def test_nearest_are_six_times_around_the_wish_in_their_order(self, consult: AppointmentType) -> None:
        make_appointment(consult, start="2026-12-01 10:00")

        found = appointments.nearest_free_slots(consult, wall("2026-12-01 10:00"), zone=AMSTERDAM, now=NOW)

        assert [slot.start for slot in found] == [
            wall(f"2026-{moment}:00")
            for moment in ("11-30 10", "11-30 11", "12-01 09", "12-01 11", "12-02 09", "12-02 10")
        ]

    def test_the_first_free_one_is_the_earliest(self, consult: AppointmentType) -> None:
        first = appointments.first_free(consult, zone=AMSTERDAM, now=NOW)

        assert first is not None
        assert first.start == wall("2026-11-21 09:00")

    def test_a_full_diary_says_when_it_opens_again(self, alice: Therapist) -> None:
        consult = make_type(alice, horizon_days=7)
        diary.add_time_off(alice, Interval(NOW, wall("2026-12-10 00:00")))

        assert appointments.first_free(consult, zone=AMSTERDAM, now=NOW) is None
        assert appointments.opens_on(consult, zone=AMSTERDAM, now=NOW) == date(2026, 12, 3)

    def test_a_diary_without_hours_opens_never(self) -> None:
        consult = make_type(make_therapist())

        assert appointments.opens_on(consult, zone=AMSTERDAM, now=NOW) is None


class TestHold:
    def test_it_keeps_the_time_for_ten_minutes(self, consult: AppointmentType) -> None:
        held = hold(consult, "2026-12-01 10:00")

        assert held is not None
        assert held.expires_at == NOW + timedelta(minutes=10)

    def test_a_second_choice_lets_go_of_the_first(self, consult: AppointmentType) -> None:
        hold(consult, "2026-12-01 10:00")
        hold(consult, "2026-12-02 10:00")

        assert [held.start for held in Hold.objects.all()] == [wall("2026-12-02 10:00")]

    def test_another_visitor_is_told_that_it_is_taken(self, consult: AppointmentType) -> None:
        hold(consult, "2026-12-01 10:00")

        with pytest.raises(SlotTaken):
            hold(consult, "2026-12-01 10:00", visitor="piet")

    def test_a_fourth_from_one_address_goes_on_without(self, consult: AppointmentType) -> None:
        for number in range(3):
            assert hold(consult, f"2026-12-0{number + 1} 10:00", visitor=f"visitor {number}")

        assert hold(consult, "2026-12-04 10:00", visitor="fourth") is None
        assert hold(consult, "2026-12-04 10:00", visitor="elsewhere", address="school")

    def test_no_more_than_half_of_a_day_is_ever_held(self, consult: AppointmentType) -> None:
        assert hold(consult, "2026-12-01 09:00", visitor="one", address="one")
        assert hold(consult, "2026-12-01 10:00", visitor="two", address="two") is None
        assert free(consult) == ["10:00", "11:00"]

    @pytest.mark.parametrize(
        "start", ["2026-11-20 11:00", "2026-12-01 10:30", "2026-12-01 12:00", "2027-06-01 10:00"]
    )
    def test_what_is_not_offered_cannot_be_held(self, consult: AppointmentType, start: str) -> None:
        with pytest.raises(OutsideBookingWindow):
            hold(consult, start)

        assert not Hold.objects.exists()


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

    def test_the_therapist_of_ones_hold_comes_first(self, consult: AppointmentType) -> None:
        bob = make_therapist(name="Bob")
        make_hours(bob, start="09:00", end="12:00")
        consult.therapists.add(bob)
        hold(consult, "2026-12-01 10:00", therapist=bob)

        assert book(consult, "2026-12-01 10:00", visitor="noor").therapist == bob

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

    def test_a_lock_that_comes_too_late_is_called_busy(self, consult: AppointmentType, monkeypatch: Any) -> None:
        def locked(*args: Any, **kwargs: Any) -> None:
            error = OperationalError("database is locked")
            error.__cause__ = type("Locked", (Exception,), {"sqlite_errorname": "SQLITE_BUSY"})()
            raise error

        monkeypatch.setattr(Parent.objects, "create", locked)

        with pytest.raises(Busy):
            book(consult, "2026-12-01 10:00")

        assert not Appointment.objects.exists()


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
        assert appointments.mark_attended(appointment, now=wall("2026-12-01 10:00")).state == State.ATTENDED
        assert appointments.mark_no_show(appointment, now=wall("2026-12-01 11:00")).state == State.NO_SHOW

    def test_not_of_what_was_cancelled(self, consult: AppointmentType) -> None:
        appointment = appointments.cancel(book(consult, "2026-12-01 10:00"), by=Actor.PARENT, now=NOW)

        with pytest.raises(AlreadyCancelled):
            appointments.mark_attended(appointment, now=wall("2026-12-01 11:00"))


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


class TestErase:
    def test_a_past_appointment_is_erased_at_once(self, consult: AppointmentType) -> None:
        appointment = make_appointment(consult, start="2026-11-10 10:00", remark="x")

        appointments.erase(appointment, by=Actor.PARENT, now=NOW)

        assert is_erased(appointment)
        assert appointment.parents.get().link_version == 1

    def test_a_coming_one_is_cancelled_and_waits_for_its_last_mails(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00")

        appointments.erase(appointment, by=Actor.PARENT, now=NOW)
        appointment.refresh_from_db()
        assert appointment.state == State.CANCELLED
        assert not is_erased(appointment)
        Notification.objects.filter(kind=Kind.CANCELLED).update(state=NotificationState.SENT, sent_at=NOW)
        appointments.erase_past_term(now=NOW + timedelta(minutes=1))

        assert is_erased(appointment)

    def test_it_waits_no_longer_than_a_day(self, consult: AppointmentType) -> None:
        appointment = book(consult, "2026-12-01 10:00")
        appointments.erase(appointment, by=Actor.PARENT, now=NOW)

        appointments.erase_past_term(now=NOW + timedelta(hours=23, minutes=59))
        assert not is_erased(appointment)
        appointments.erase_past_term(now=NOW + timedelta(hours=24))

        assert is_erased(appointment)
        assert not Notification.objects.filter(state=NotificationState.DUE).exists()

    @pytest.mark.parametrize(
        ("now", "erased"),
        [("2026-12-31 10:59", False), ("2026-12-31 11:00", True)],
        ids=["a minute before", "then"],
    )
    def test_thirty_days_after_its_end(self, consult: AppointmentType, now: str, erased: bool) -> None:
        appointment = make_appointment(consult, start="2026-12-01 10:00")

        appointments.erase_past_term(now=wall(now))

        assert is_erased(appointment) is erased

    def test_thirty_days_after_the_cancellation_where_that_comes_first(self, consult: AppointmentType) -> None:
        appointment = appointments.cancel(book(consult, "2027-01-05 10:00"), by=Actor.PARENT, now=NOW)

        assert appointment.erased_on(AMSTERDAM) == date(2026, 12, 20)
        appointments.erase_past_term(now=NOW + timedelta(days=30))

        assert is_erased(appointment)

    def test_the_counts_remain(self, consult: AppointmentType) -> None:
        make_appointment(
            consult, start="2026-11-10 10:00", state=State.ATTENDED, outcome_at=wall("2026-11-10 11:00")
        )

        appointments.erase_past_term(now=wall("2027-01-01 00:00"))

        assert Appointment.objects.filter(state=State.ATTENDED, appointment_type=consult).count() == 1


def test_what_served_its_purpose_is_forgotten(consult: AppointmentType) -> None:
    hold(consult, "2026-12-01 09:00")
    book(consult, "2026-12-01 10:00", request=Request(key="k", body="b"))

    appointments.forget_stale(now=NOW + timedelta(hours=24))

    assert not Hold.objects.exists()
    assert Appointment.objects.get().idempotency_key is None
