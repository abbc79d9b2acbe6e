"""Changes of a diary under booked appointments, where the clock changes and while families act as well."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from booking import by_hand, diary, diary_changes
from booking.diary_changes import Outcome
from booking.errors import AlreadyChanged
from booking.intervals import Interval, local_days
from booking.models import Appointment, AppointmentType, Notification, State, Therapist
from tests.booking.accounts import make_account
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_hours,
    make_practice,
    make_therapist,
    make_type,
)
from tests.booking.steps import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

DAY = date(2026, 12, 1)
OFF = local_days(DAY, DAY, AMSTERDAM)


@pytest.fixture
def account() -> User:
    return make_account("alice@praktijk.example", second_factor=False)


@pytest.fixture
def alice(account: User) -> Therapist:
    """She works around the clock."""
    make_practice()
    alice = make_therapist(user=account)
    make_hours(alice, start="00:00", end="12:00")
    make_hours(alice, start="12:00", end="00:00")
    return alice


@pytest.fixture
def consult(alice: Therapist) -> AppointmentType:
    return make_type(alice)


def take_off(alice: Therapist, interval: Interval = OFF, accepted: Any = (), ask: Any = (), **kw: Any) -> Outcome:
    change = kw.pop("change", lambda: diary.add_time_off(alice, interval))
    assert alice.user is not None
    return diary_changes.carry_out(
        alice, change, accepted=accepted, ask=ask, account=alice.user, zone=AMSTERDAM, now=kw.pop("now", NOW)
    )


def test_every_appointment_in_the_way_is_found_and_no_other(alice: Therapist, consult: AppointmentType) -> None:
    starts = ["2026-11-30 22:30", "2026-11-30 23:30", "2026-12-01 10:00", "2026-12-01 23:00", "2026-12-02 00:00"]
    booked = [make_appointment(consult, start=start) for start in starts]

    outcome = take_off(alice)

    assert outcome == Outcome(booked[1:4], 0)
    assert diary.time_off(alice, NOW) == []


class TestTimeOffOutsideTheHours:
    """A therapist who takes time off reads who comes then, also in an evening or on a holiday."""

    @pytest.fixture(autouse=True)
    def booked(self, consult: AppointmentType) -> list[Appointment]:
        """On Christmas, Friday and Saturday, when nobody works."""
        return [make_appointment(consult, start=f"2026-12-{day} 10:00") for day in (25, 26)]

    def off(self, first: int, last: int) -> Interval:
        return local_days(date(2026, 12, first), date(2026, 12, last), AMSTERDAM)

    def test_what_lies_in_new_time_off_is_in_the_way(self, alice: Therapist, booked: list[Appointment]) -> None:
        assert take_off(alice, self.off(25, 25)) == Outcome(booked[:1], 0)
        assert take_off(alice, self.off(20, 31)) == Outcome(booked, 0)
        assert take_off(alice, self.off(20, 24)) == Outcome([], 0)

    def test_so_is_what_is_half_in_it(self, alice: Therapist, booked: list[Appointment]) -> None:
        half = Interval(booked[0].start + timedelta(minutes=30), booked[0].end)

        assert take_off(alice, half) == Outcome(booked[:1], 0)

    def test_where_time_off_grows_only_what_was_not_in_it_before_is(
        self, alice: Therapist, booked: list[Appointment]
    ) -> None:
        off = diary.add_time_off(alice, self.off(25, 25))

        def grow() -> None:
            diary.change_time_off(alice, off.id, self.off(24, 26))

        assert take_off(alice, change=grow) == Outcome(booked[1:], 0)
        assert take_off(alice, self.off(25, 26)) == Outcome(booked[1:], 0)

    def test_closures_from_a_file_are_time_off_too(self, alice: Therapist, booked: list[Appointment]) -> None:
        closures = [(self.off(21, 31), "Kerstvakantie")]

        assert take_off(alice, change=lambda: diary.add_closures(alice, closures)) == Outcome(booked, 0)

    def test_less_time_off_is_in_nobodys_way(self, alice: Therapist) -> None:
        off = diary.add_time_off(alice, self.off(25, 26))

        assert take_off(alice, change=lambda: diary.remove_time_off(alice, off.id)) == Outcome([], 0)

    def test_other_hours_hit_only_what_stood_in_the_hours_before(self, alice: Therapist) -> None:
        def close() -> None:
            diary.set_own_windows(alice, date(2026, 12, 25), [], AMSTERDAM)

        assert take_off(alice, change=close) == Outcome([], 0)


def test_what_has_begun_or_was_cancelled_is_in_nobodys_way(alice: Therapist, consult: AppointmentType) -> None:
    make_appointment(consult, start="2026-12-01 10:00")
    make_appointment(
        consult, start="2026-12-01 12:00", state=State.CANCELLED, cancelled_at=NOW, cancelled_by="parent"
    )

    assert take_off(alice, now=datetime(2026, 12, 1, 9, 0, tzinfo=UTC)) == Outcome([], 0)
    assert len(diary.time_off(alice, NOW)) == 1


@pytest.mark.parametrize(
    ("day", "start", "hit"),
    [
        (date(2027, 10, 31), "2027-10-31 02:30", True),
        (date(2027, 10, 31), "2027-11-01 00:00", False),
        (date(2027, 3, 28), "2027-03-28 03:00", True),
        (date(2027, 3, 28), "2027-03-27 23:00", False),
    ],
)
def test_days_of_the_clock_change_begin_and_end_at_midnight(
    alice: Therapist, consult: AppointmentType, day: date, start: str, hit: bool
) -> None:
    make_appointment(consult, start=start)

    assert bool(take_off(alice, local_days(day, day, AMSTERDAM)).hit) == hit


def test_a_family_that_cancels_meanwhile_is_in_nobodys_way(alice: Therapist, consult: AppointmentType) -> None:
    make_appointment(consult, start="2026-12-01 10:00")

    def change() -> None:
        Appointment.objects.update(state=State.CANCELLED, cancelled_at=NOW, cancelled_by="parent", sequence=1)
        diary.add_time_off(alice, OFF)

    assert take_off(alice, change=change) == Outcome([], 0)
    assert len(diary.time_off(alice, NOW)) == 1


def test_a_family_that_moves_at_that_very_moment_is_not_asked(
    alice: Therapist, consult: AppointmentType, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = make_appointment(consult, start="2026-12-01 10:00")

    def moved(*args: Any, **kwargs: Any) -> int:
        raise AlreadyChanged

    monkeypatch.setattr(by_hand, "write_down_asked", moved)

    assert take_off(alice, accepted={found.public_id}, ask={found.public_id}) == Outcome([], 0)
    assert len(diary.time_off(alice, NOW)) == 1


def test_change_and_mails_come_together_or_not_at_all(
    alice: Therapist, consult: AppointmentType, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [make_appointment(consult, start=f"2026-12-01 1{hour}:00").public_id for hour in (0, 1)]

    def failing(appointment: Appointment, **kwargs: Any) -> int:
        if appointment.public_id == ids[1]:
            raise RuntimeError
        return write(appointment, **kwargs)

    write = by_hand.write_down_asked
    monkeypatch.setattr(by_hand, "write_down_asked", failing)
    with pytest.raises(RuntimeError):
        take_off(alice, accepted=ids, ask=ids)

    assert diary.time_off(alice, NOW) == []
    assert not Notification.objects.exists()
    assert not Appointment.objects.exclude(asked_to_move_at=None).exists()


def test_only_those_in_the_way_are_asked_whatever_is_ticked(alice: Therapist, consult: AppointmentType) -> None:
    hit = make_appointment(consult, start="2026-12-01 10:00")
    other = make_appointment(consult, start="2026-12-03 10:00")
    ask = {hit.public_id, other.public_id, UUID(int=0)}

    assert take_off(alice, accepted={hit.public_id}, ask=ask) == Outcome([], 1)
    assert [mail.appointment for mail in Notification.objects.all()] == [hit]
