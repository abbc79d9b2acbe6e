"""A time is kept for the minutes in which a form is filled in, and nobody closes the diary that way."""

from contextlib import suppress
from datetime import date, timedelta

import pytest
from django.db.models import Count

from booking import holds
from booking.errors import (
    OutsideBookingWindow,
    SlotTaken,
)
from booking.models import (
    AppointmentType,
    Hold,
    Therapist,
)
from tests.booking.factories import (
    make_family,
    make_hours,
    make_practice,
    make_therapist,
    make_type,
    wall,
)
from tests.booking.steps import NOW, ask, book, free, hold

pytestmark = [pytest.mark.django_db, pytest.mark.engines]


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

    def test_those_that_ran_out_and_ones_own_do_not_count(self, consult: AppointmentType) -> None:
        for number in range(3):
            hold(consult, f"2026-12-0{number + 1} 10:00", visitor=f"visitor {number}")

        assert hold(consult, "2026-12-04 10:00", visitor="visitor 0")
        assert hold(consult, "2026-12-05 10:00", visitor="fourth", now=NOW + timedelta(minutes=10))

    def test_who_goes_on_without_lets_go_of_the_last_one(self, consult: AppointmentType) -> None:
        hold(consult, "2026-12-04 10:00", visitor="fourth", address="school")
        for number in range(3):
            hold(consult, f"2026-12-0{number + 1} 10:00", visitor=f"visitor {number}")

        assert hold(consult, "2026-12-05 10:00", visitor="fourth") is None
        assert not Hold.objects.filter(visitor="fourth").exists()

    def test_it_keeps_the_buffers_free_too(self, alice: Therapist) -> None:
        make_hours(alice, start="13:00", end="17:00")
        consult = make_type(alice, buffer_before=timedelta(minutes=5), buffer_after=timedelta(minutes=10))

        held = hold(consult, "2026-12-01 10:00")

        assert held is not None
        assert (held.occupied_start, held.occupied_end) == (wall("2026-12-01 09:55"), wall("2026-12-01 11:10"))

    def test_half_of_a_day_is_of_that_day_and_that_therapist(self, consult: AppointmentType) -> None:
        bob = make_therapist()
        make_hours(bob, start="09:00", end="17:00")
        for number, (appointment_type, start) in enumerate(
            [
                (make_type(bob), "2026-12-01 09:00"),
                (make_type(bob), "2026-12-01 11:00"),
                (consult, "2026-11-30 10:00"),
                (consult, "2026-12-02 10:00"),
            ]
        ):
            assert hold(appointment_type, start, visitor=f"visitor {number}", address=f"address {number}")

        assert hold(consult, "2026-12-01 10:00")

    def test_it_is_found_while_it_lives_and_for_what_it_is(
        self, consult: AppointmentType, alice: Therapist
    ) -> None:
        held, ten = hold(consult, "2026-12-01 10:00"), wall("2026-12-01 10:00")

        assert holds.live("noor", consult, ten, now=NOW + timedelta(minutes=9)) == held
        assert holds.live("noor", consult, ten, now=NOW + timedelta(minutes=10)) is None
        assert holds.live("piet", consult, ten, now=NOW) is None
        assert holds.live("noor", make_type(alice), ten, now=NOW) is None
        assert holds.live("noor", consult, wall("2026-12-01 11:00"), now=NOW) is None

    def test_no_more_than_half_of_a_day_is_ever_held(self, consult: AppointmentType) -> None:
        assert hold(consult, "2026-12-01 09:00", visitor="one", address="one")
        assert hold(consult, "2026-12-01 10:00", visitor="two", address="two") is None
        assert free(consult) == ["10:00", "11:00"]

    def test_the_half_of_an_even_day_can_be_held_to_the_last(
        self, consult: AppointmentType, alice: Therapist
    ) -> None:
        make_hours(alice, start="12:00", end="13:00")

        held = [
            hold(consult, f"2026-12-01 {hour}:00", visitor=f"{hour}", address=f"{hour}") for hour in (10, 11, 12)
        ]

        assert [found is not None for found in held] == [True, True, False]

    @pytest.mark.parametrize(
        "start", ["2026-11-20 11:00", "2026-12-01 10:30", "2026-12-01 12:00", "2027-06-01 10:00"]
    )
    def test_what_is_not_offered_cannot_be_held(self, consult: AppointmentType, start: str) -> None:
        with pytest.raises(OutsideBookingWindow):
            hold(consult, start)

        assert not Hold.objects.exists()


def bookable(*types: AppointmentType, day: str = "2026-12-01") -> dict[str, int]:
    """How many starts of each type anybody could book on that day, by slug."""
    return {one.slug: len(free(one, date.fromisoformat(day))) for one in types}


class TestHalfOfWhatCanBeBooked:
    """What remains bookable beside all that is kept is at least half of what could be booked without it."""

    @pytest.fixture
    def alice(self) -> Therapist:
        make_practice()
        alice = make_therapist()
        make_hours(alice, start="09:00", end="21:00")
        return alice

    def close_the_day(self, *types: AppointmentType, day: str = "2026-12-01") -> None:
        """Try to hold every start of the day, each from an address and by a visitor of its own."""
        for appointment_type in types:
            for number in range(24):
                start = f"{day} {9 + number // 2:02}:{number % 2 * 30:02}"
                name = f"{appointment_type.pk} {day} {number}"
                with suppress(SlotTaken, OutsideBookingWindow):
                    hold(appointment_type, start, visitor=name, address=name)

    def booked_by_others(self, consult: AppointmentType, *days: str) -> int:
        """Book what can be booked, a family for each, and return how many had an appointment."""
        count = 0
        for day in days or ("2026-12-01",):
            while starts := free(consult, date.fromisoformat(day)):
                count += 1
                book(consult, f"{day} {starts[0]}", family=make_family(email=f"other{count}@example.org"))
        return count

    @pytest.mark.parametrize("most", [1, 2, 4, 7, None])
    def test_of_a_type_with_a_limit_a_day(self, alice: Therapist, most: int | None) -> None:
        consult = make_type(alice, most_per_day=most)

        self.close_the_day(consult)

        assert bookable(consult)[consult.slug] >= 23 / 2
        assert self.booked_by_others(consult) * 2 >= min(most or 12, 12)

    def test_of_the_appointments_that_a_limit_a_week_leaves(self, alice: Therapist) -> None:
        consult = make_type(alice, most_per_week=5)

        for day in ("2026-11-30", "2026-12-01", "2026-12-03"):
            self.close_the_day(consult, day=day)

        assert self.booked_by_others(consult, "2026-11-30", "2026-12-02", "2026-12-04", "2026-12-06") * 2 >= 5

    def test_of_what_appointments_leave_of_a_limit(self, alice: Therapist) -> None:
        consult = make_type(alice, most_per_day=6)
        for hour in (9, 10):
            book(consult, f"2026-12-01 {hour:02}:00", family=make_family(email=f"p{hour}@example.org"))

        self.close_the_day(consult)

        assert Hold.objects.count() == 2
        assert self.booked_by_others(consult) == 2

    def test_the_last_one_below_a_limit_is_booked_without_keeping_it(self, alice: Therapist) -> None:
        consult = make_type(alice, most_per_day=4)
        for hour in (9, 11, 13):
            book(consult, f"2026-12-01 {hour:02}:00", family=make_family(email=f"p{hour}@example.org"))

        assert hold(consult, "2026-12-01 15:00") is None
        assert book(consult, "2026-12-01 15:00").pk

    def test_of_the_other_days_of_a_week_with_a_limit(self, alice: Therapist) -> None:
        consult = make_type(alice, most_per_week=2)

        for day in ("2026-11-30", "2026-12-01", "2026-12-03"):
            self.close_the_day(consult, day=day)

        for day in ("2026-11-30", "2026-12-01", "2026-12-03", "2026-12-06"):
            assert bookable(consult, day=day)[consult.slug] >= 23 / 2

    def test_of_starts_that_overlap(self, alice: Therapist) -> None:
        long = make_type(
            alice,
            duration=timedelta(hours=2),
            step=timedelta(minutes=15),
            buffer_before=timedelta(minutes=30),
            buffer_after=timedelta(minutes=30),
        )
        before = bookable(long)[long.slug]

        self.close_the_day(long)

        assert bookable(long)[long.slug] >= before / 2

    def test_of_every_type_that_shares_the_day(self, alice: Therapist) -> None:
        short = make_type(alice, duration=timedelta(minutes=15), step=timedelta(minutes=30))
        long = make_type(alice, duration=timedelta(hours=3), step=timedelta(minutes=30))
        before = bookable(short, long)

        self.close_the_day(short, long)
        left = bookable(short, long)

        assert all(left[slug] * 2 >= before[slug] for slug in before)

    def test_what_is_kept_for_a_confirmation_counts_as_a_hold_does(self, alice: Therapist) -> None:
        consult = make_type(alice, most_per_day=4)
        for number in range(4):
            family = make_family(email=f"p{number}@example.org")
            ask(consult, f"2026-12-01 {9 + 3 * number:02}:00", f"{number}", family=family, address=f"{number}")

        self.close_the_day(consult)

        assert bookable(consult)[consult.slug] >= 23 / 2

    def test_appointments_do_not_count_against_it(self, alice: Therapist) -> None:
        consult = make_type(alice)
        for hour in (9, 10, 11, 12, 13, 14, 15, 16):
            book(consult, f"2026-12-01 {hour:02}:00", family=make_family(email=f"p{hour}@example.org"))

        assert hold(consult, "2026-12-01 17:00")

    def test_an_attacker_with_many_addresses_leaves_half_of_each_day(self, alice: Therapist) -> None:
        # docs/security.md, "Closing the diary": three for each address, and never more than half of any day.
        consult = make_type(alice, step=timedelta(hours=1), horizon_days=5)
        days = [f"2026-11-{21 + number}" for number in range(4)]
        for number, day in enumerate(days):
            for hour in range(9, 21):
                address = (number * 12 + hour - 9) // 3
                with suppress(SlotTaken):
                    hold(consult, f"{day} {hour:02}:00", visitor=f"{day} {hour}", address=f"{address}")

        assert [bookable(consult, day=day)[consult.slug] for day in days] == [6] * 4
        assert Hold.objects.values("address").annotate(n=Count("pk")).filter(n__gt=3).count() == 0


def test_those_that_ran_out_are_forgotten(consult: AppointmentType) -> None:
    hold(consult, "2026-12-01 09:00")

    holds.forget_expired(now=NOW + timedelta(minutes=9))
    assert Hold.objects.exists()
    holds.forget_expired(now=NOW + timedelta(minutes=10))

    assert not Hold.objects.exists()


class TestPastTheNotice:
    """With a day of notice, Tuesday at ten can be chosen until Monday at ten; it was chosen a minute before."""

    CHOSEN = wall("2026-11-30 09:59")
    LATER = CHOSEN + timedelta(minutes=9)

    @pytest.fixture
    def held(self, alice: Therapist) -> AppointmentType:
        consult = make_type(alice, step=timedelta(hours=1), minimum_notice=timedelta(hours=24))
        assert hold(consult, "2026-12-01 10:00", now=self.CHOSEN)
        return consult

    def test_what_was_kept_in_time_is_booked(self, held: AppointmentType) -> None:
        assert free(held, now=self.LATER, visitor="noor") == ["10:00", "11:00"]

        assert book(held, "2026-12-01 10:00", visitor="noor", now=self.LATER).pk

    def test_it_is_so_for_whoever_keeps_it_and_as_long_as_it_is_kept(self, held: AppointmentType) -> None:
        assert free(held, now=self.LATER) == ["11:00"]
        assert free(held, now=self.CHOSEN + timedelta(minutes=10), visitor="noor") == ["11:00"]
        for visitor, now in (("piet", self.LATER), ("noor", self.CHOSEN + timedelta(minutes=10))):
            with pytest.raises(OutsideBookingWindow):
                book(held, "2026-12-01 10:00", visitor=visitor, now=now)

    def test_choosing_it_again_keeps_it_no_longer(self, held: AppointmentType) -> None:
        again = hold(held, "2026-12-01 10:00", now=self.LATER)

        assert again == Hold.objects.get()
        assert Hold.objects.get().expires_at == self.CHOSEN + timedelta(minutes=10)

    def test_another_type_of_that_moment_is_not_kept(self, held: AppointmentType, alice: Therapist) -> None:
        other = make_type(alice, minimum_notice=timedelta(hours=24))

        assert "10:00" not in free(other, now=self.LATER, visitor="noor")
