"""Which times are free, whoever asks."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from booking import appointments, diary, free_time, holds
from booking.intervals import Interval
from booking.models import (
    Actor,
    AppointmentType,
    CalendarSource,
    ImportedBusy,
    Therapist,
)
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_hours,
    make_therapist,
    make_type,
    wall,
)
from tests.booking.steps import NOW, TUESDAY, book, free, hold

pytestmark = [pytest.mark.django_db, pytest.mark.engines]


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

    @pytest.mark.parametrize("side", ["buffer_before", "buffer_after"])
    def test_a_buffer_of_either_keeps_them_apart(self, alice: Therapist, side: str) -> None:
        consult = make_type(alice, step=timedelta(minutes=30), **{side: timedelta(minutes=15)})
        make_appointment(consult, start="2026-12-01 09:00")

        assert free(consult) == ["10:30", "11:00"]

    def test_its_own_buffer_ends_before_what_follows(self, alice: Therapist) -> None:
        consult = make_type(alice, step=timedelta(minutes=30), buffer_after=timedelta(minutes=15))
        make_appointment(make_type(alice), start="2026-12-01 11:00")

        assert free(consult) == ["09:00", "09:30"]

    def test_a_buffer_reaches_over_midnight_into_the_week_before(self, alice: Therapist) -> None:
        make_hours(alice, start="00:00", end="02:00")
        consult = make_type(alice, step=timedelta(minutes=30), buffer_before=timedelta(minutes=30))
        make_appointment(make_type(alice), start="2026-11-29 22:45")

        assert free(consult, date(2026, 11, 30))[:2] == ["00:30", "01:00"]
        assert free_time.slot_at(consult, wall("2026-11-30 00:30"), zone=AMSTERDAM, now=NOW)

    def test_what_a_colleague_does_claims_nothing(self, consult: AppointmentType, alice: Therapist) -> None:
        bob = make_therapist(name="Bob")
        make_hours(bob, start="09:00", end="12:00")
        make_appointment(make_type(bob), start="2026-12-01 09:00")
        hold(make_type(bob), "2026-12-01 10:00")
        source = CalendarSource.objects.create(therapist=bob, name="Thuis", url="https://x.example", due_at=NOW)
        ImportedBusy.objects.create(source=source, start=wall("2026-12-01 11:00"), end=wall("2026-12-01 12:00"))

        assert free(consult) == ["09:00", "10:00", "11:00"]
        morning = Interval(wall("2026-12-01 09:00"), wall("2026-12-01 12:00"))
        assert not free_time.claimed(alice, morning, now=NOW)
        assert free_time.claimed(bob, Interval(morning.end - timedelta(minutes=1), morning.end), now=NOW)

    def test_only_the_one_that_moves_makes_room(self, consult: AppointmentType) -> None:
        moving = make_appointment(consult, start="2026-12-01 09:00")
        make_appointment(consult, start="2026-12-01 10:00")

        assert free(consult, moving=moving) == ["09:00", "11:00"]

    def test_time_off_is_not_offered(self, consult: AppointmentType, alice: Therapist) -> None:
        diary.add_time_off(alice, Interval(wall("2026-12-01 10:30"), wall("2026-12-01 11:00")))

        assert free(consult) == ["09:00", "11:00"]
        whole = Interval(wall("2026-12-01 10:00"), wall("2026-12-01 11:00"))
        assert not free_time.available(alice, whole, AMSTERDAM)
        assert free_time.available(alice, Interval(whole.start, wall("2026-12-01 10:30")), AMSTERDAM)

    def test_a_live_hold_claims_for_others_but_not_for_its_own_visitor(self, consult: AppointmentType) -> None:
        hold(consult, "2026-12-01 10:00")

        assert free(consult) == ["09:00", "11:00"]
        assert free(consult, visitor="noor") == ["09:00", "10:00", "11:00"]
        assert free(consult, now=NOW + holds.HOLD_TIME) == ["09:00", "10:00", "11:00"]

    def test_a_limit_a_week_counts_days_outside_the_days_asked_for(self, alice: Therapist) -> None:
        consult = make_type(alice, step=timedelta(hours=1), most_per_week=1)
        make_appointment(consult, start="2026-12-04 10:00")

        assert free(consult, date(2026, 11, 30), date(2026, 12, 6)) == free(consult) == []
        assert free(consult, date(2026, 12, 7)) == ["09:00", "10:00", "11:00"]

    def test_a_limit_a_day_counts_its_own_type_alone(self, alice: Therapist) -> None:
        consult = make_type(alice, step=timedelta(hours=1), most_per_day=1)
        make_appointment(make_type(alice), start="2026-12-01 10:00")
        assert free(consult) == ["09:00", "11:00"]

        make_appointment(consult, start="2026-12-01 09:00")
        assert free(consult) == []

    def test_the_notice_of_the_type_holds(self, alice: Therapist) -> None:
        consult = make_type(alice, step=timedelta(hours=1), minimum_notice=timedelta(days=1))

        assert free(consult, now=wall("2026-11-30 10:00")) == ["10:00", "11:00"]

    def test_the_last_day_can_be_booked_to_its_end(self, consult: AppointmentType) -> None:
        early = wall("2026-11-20 08:00")
        last = early + timedelta(days=consult.horizon_days)

        assert free(consult, last.date(), now=early) == ["09:00", "10:00", "11:00"]
        assert book(consult, f"{last.date()} 11:00", now=early)

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

        found = free_time.free_slots(consult, day, day, zone=AMSTERDAM, now=now)

        assert found[0].start == wall(f"{day} 09:00")
        assert found[0].start.hour == 9 - offset

    def test_they_cost_the_same_queries_for_a_day_and_a_year(
        self, consult: AppointmentType, alice: Therapist
    ) -> None:
        def queries(days: int) -> int:
            last = TUESDAY + timedelta(days=days)
            # Once before: what the diary holds on these days is kept while it does not change.
            free_time.free_slots(consult, TUESDAY, last, zone=AMSTERDAM, now=NOW)
            with CaptureQueriesContext(connection) as captured:
                free_time.free_slots(consult, TUESDAY, last, zone=AMSTERDAM, now=NOW)
            return len(captured)

        first = queries(0)
        for hour in range(9, 12):
            make_appointment(consult, start=f"2026-12-02 {hour:02}:00")

        assert queries(0) == queries(300) == first == 2

    def test_nearest_are_six_times_around_the_wish_in_their_order(self, consult: AppointmentType) -> None:
        make_appointment(consult, start="2026-12-01 10:00")

        found = free_time.nearest_free_slots(consult, wall("2026-12-01 10:00"), zone=AMSTERDAM, now=NOW)

        assert [slot.start for slot in found] == [
            wall(f"2026-{moment}:00")
            for moment in ("11-30 10", "11-30 11", "12-01 09", "12-01 11", "12-02 09", "12-02 10")
        ]

    def test_a_slot_is_found_by_its_start(self, consult: AppointmentType) -> None:
        found = free_time.slot_at(consult, wall("2026-11-21 09:00"), zone=AMSTERDAM, now=NOW)

        assert found is not None
        assert found.end == wall("2026-11-21 10:00")

    def test_a_full_diary_says_when_it_opens_again(self, alice: Therapist) -> None:
        consult = make_type(alice, horizon_days=7)
        diary.add_time_off(alice, Interval(NOW, wall("2026-12-10 00:00")))

        assert free(consult, NOW.date(), date(2027, 11, 1)) == []
        assert free_time.opens_on(consult, zone=AMSTERDAM, now=NOW) == date(2026, 12, 3)

    def test_a_diary_without_hours_opens_never(self) -> None:
        consult = make_type(make_therapist())

        assert free_time.opens_on(consult, zone=AMSTERDAM, now=NOW) is None
