"""What lies on the days of a diary, and a month at a glance."""

from datetime import date, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from booking import agenda_days, diary
from booking.agenda_days import Day, DayAtAGlance
from booking.intervals import Interval
from booking.models import Appointment, AppointmentType, CalendarSource, Hold, ImportedBusy, State, Therapist
from tests.booking.factories import AMSTERDAM, make_appointment, make_hours, make_therapist, make_type, wall

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

NOW = wall("2026-11-30 10:30")
TUESDAY = date(2026, 12, 1)
DAY = timedelta(days=1)


@pytest.fixture
def consult(alice: Therapist) -> AppointmentType:
    """An hour with Alice, a quarter kept free after it."""
    return make_type(alice, buffer_after=timedelta(minutes=15))


def span(start: str, end: str) -> Interval:
    return Interval(wall(start), wall(end))


def make_hold(appointment_type: AppointmentType, start: str, **fields: Any) -> Hold:
    begins = wall(start)
    values = {
        "therapist": appointment_type.therapists.get(),
        "start": begins,
        "occupied_start": begins,
        "occupied_end": begins + appointment_type.duration,
        "expires_at": NOW + timedelta(minutes=10),
        "visitor": "noor",
        "address": "home",
    }
    return Hold.objects.create(appointment_type=appointment_type, **{**values, **fields})


def make_busy(therapist: Therapist, *spans: tuple[str, str]) -> None:
    source = CalendarSource.objects.create(therapist=therapist, name="home", due_at=NOW)
    for start, end in spans:
        ImportedBusy.objects.create(source=source, start=wall(start), end=wall(end))


def look(*therapists: Therapist, first: date = TUESDAY, last: date | None = None, **kw: Any) -> list[Day]:
    values = {"zone": AMSTERDAM, "now": NOW, "language": "en", **kw}
    reread = list(Therapist.objects.filter(pk__in=[therapist.pk for therapist in therapists]))
    return agenda_days.days(reread, first, last or first, **values)


def read(day: Day) -> list[str]:
    """Return what lies on `day`, as one might write it down."""
    return [
        f"{_at(entry.interval)} {entry.what}{' outside' if entry.outside else ''}"
        f"{': ' if entry.reason else ''}{entry.reason}"
        for entry in day.entries
    ]


def _at(interval: Interval) -> str:
    return "-".join(f"{edge.astimezone(AMSTERDAM):%H:%M}" for edge in (interval.start, interval.end))


class TestADay:
    def test_an_empty_one_is_free_while_it_is_open(self, alice: Therapist) -> None:
        (day,) = look(alice)

        assert [_at(window) for window in day.available] == ["09:00-12:00"]
        assert read(day) == ["09:00-12:00 free"]

    def test_all_that_lies_on_it_in_its_order(self, alice: Therapist, consult: AppointmentType) -> None:
        make_appointment(consult, start="2026-12-01 10:00")
        make_hold(consult, "2026-12-01 09:00")
        make_busy(alice, ("2026-12-01 11:30", "2026-12-01 14:00"))
        diary.add_time_off(alice, span("2026-12-01 15:00", "2026-12-01 16:00"), "Dentist")

        (day,) = look(alice)

        assert read(day) == [
            "09:00-10:00 hold",
            "10:00-11:00 appointment",
            "11:15-11:30 free",
            "11:30-14:00 elsewhere",
            "15:00-16:00 time-off: Dentist",
        ]

    def test_what_claims_nothing_any_more_is_not_there(self, alice: Therapist, consult: AppointmentType) -> None:
        make_appointment(consult, start="2026-12-01 10:00", state=State.CANCELLED, cancelled_at=NOW)
        make_hold(consult, "2026-12-01 09:00", expires_at=NOW)

        (day,) = look(alice)

        assert read(day) == ["09:00-12:00 free"]

    def test_what_is_shorter_than_a_quarter_is_not_offered(
        self, alice: Therapist, consult: AppointmentType
    ) -> None:
        make_busy(alice, ("2026-12-01 09:00", "2026-12-01 11:46"))

        (day,) = look(alice)

        assert read(day) == ["09:00-11:46 elsewhere"]

    def test_what_has_been_is_free_for_nobody(self, alice: Therapist) -> None:
        (day,) = look(alice, first=NOW.date())

        assert [_at(window) for window in day.available] == ["09:00-12:00"]
        assert read(day) == ["10:45-12:00 free"]

    def test_several_calendars_elsewhere_are_one_time(self, alice: Therapist) -> None:
        make_busy(alice, ("2026-12-01 09:00", "2026-12-01 10:30"), ("2026-12-01 10:00", "2026-12-01 12:00"))

        (day,) = look(alice)

        assert read(day) == ["09:00-12:00 elsewhere"]

    def test_what_lasts_over_midnight_is_on_both_days(self, alice: Therapist) -> None:
        make_busy(alice, ("2026-12-01 22:00", "2026-12-02 02:00"))

        tuesday, wednesday = look(alice, last=TUESDAY + DAY)

        assert read(tuesday)[-1] == "22:00-00:00 elsewhere"
        assert read(wednesday)[0] == "00:00-02:00 elsewhere"

    def test_an_appointment_whose_ground_fell_away_is_marked(
        self, alice: Therapist, consult: AppointmentType
    ) -> None:
        make_appointment(consult, start="2026-12-01 09:00")
        make_appointment(consult, start="2026-12-01 13:00")
        diary.add_time_off(alice, span("2026-12-01 09:30", "2026-12-01 12:00"))

        (day,) = look(alice)

        assert read(day) == [
            "09:00-10:00 appointment outside",
            "09:30-12:00 time-off",
            "13:00-14:00 appointment outside",
        ]

    def test_what_has_begun_needs_no_ground_any_more(self, alice: Therapist, consult: AppointmentType) -> None:
        make_appointment(consult, start="2026-11-30 08:00")

        (day,) = look(alice, first=NOW.date())

        assert read(day)[0] == "08:00-09:00 appointment"

    @pytest.mark.parametrize(("works", "available"), [(False, []), (True, ["09:00-12:00"])])
    def test_a_public_holiday_says_whether_she_works(
        self, alice: Therapist, works: bool, available: list[str]
    ) -> None:
        christmas = date(2026, 12, 25)
        diary.work_on_holiday(alice, christmas, AMSTERDAM, works=works)

        (day,) = look(alice, first=christmas)

        assert day.holiday is not None
        assert (day.holiday.name, day.holiday.opened) == ("Christmas Day", works)
        assert [_at(window) for window in day.available] == available

    @pytest.mark.parametrize("day", [date(2026, 10, 25), date(2027, 3, 28)], ids=["25 hours", "23 hours"])
    def test_a_day_whose_clock_is_changed_keeps_its_hours(self, alice: Therapist, day: date) -> None:
        make_busy(alice, (f"{day} 00:00", f"{day} 09:15"))

        (found,) = look(alice, first=day, now=wall("2026-10-01 09:00"))

        assert [_at(window) for window in found.available] == ["09:00-12:00"]
        assert read(found) == ["00:00-09:15 elsewhere", "09:15-12:00 free"]
        (night, _free) = found.entries
        assert night.interval.end - night.interval.start == timedelta(hours=10.25 if day.month == 10 else 8.25)


class TestSeveralTherapists:
    def test_each_day_has_each_of_them_with_what_is_hers(self, alice: Therapist, consult: AppointmentType) -> None:
        bob = make_therapist(name="Bob")
        make_appointment(consult, start="2026-12-01 10:00")
        make_appointment(make_type(bob), start="2026-12-02 10:00")

        found = look(alice, bob, last=TUESDAY + DAY)

        assert [(day.day.day, day.therapist.name, read(day)) for day in found] == [
            (1, "Alice", ["09:00-10:00 free", "10:00-11:00 appointment", "11:15-12:00 free"]),
            (1, "Bob", []),
            (2, "Alice", ["09:00-12:00 free"]),
            (2, "Bob", ["10:00-11:00 appointment outside"]),
        ]

    def test_without_any_there_is_nothing(self) -> None:
        assert look() == []


class TestAMonth:
    def see(self, *therapists: Therapist) -> dict[int, DayAtAGlance]:
        found = agenda_days.month(
            list(therapists), date(2026, 12, 1), date(2026, 12, 31), zone=AMSTERDAM, language="en"
        )
        assert [day.day.day for day in found] == list(range(1, 32))
        return {day.day.day: day for day in found}

    def test_each_day_says_how_many_begin_on_it(self, alice: Therapist, consult: AppointmentType) -> None:
        for start in ("2026-11-30 23:30", "2026-12-01 00:45", "2026-12-01 10:00", "2026-12-31 23:30"):
            make_appointment(consult, start=start)
        make_appointment(consult, start="2026-12-02 10:00", state=State.CANCELLED, cancelled_at=NOW)

        found = self.see(alice)

        assert {number: day.appointments for number, day in found.items() if day.appointments} == {1: 2, 31: 1}

    def test_each_day_says_what_keeps_it_closed(self) -> None:
        alice = make_therapist()
        make_hours(alice, 1, 2, 4)
        diary.add_time_off(alice, span("2026-12-01 10:00", "2026-12-01 11:00"))
        diary.add_time_off(alice, span("2026-12-02 00:00", "2026-12-03 00:00"))

        found = self.see(alice)

        assert [found[number] for number in (1, 2, 3, 8, 25)] == [
            DayAtAGlance(date(2026, 12, 1), 0, closed=False, time_off=True, holiday=""),
            DayAtAGlance(date(2026, 12, 2), 0, closed=True, time_off=True, holiday=""),
            DayAtAGlance(date(2026, 12, 3), 0, closed=True, time_off=False, holiday=""),
            DayAtAGlance(date(2026, 12, 8), 0, closed=False, time_off=False, holiday=""),
            DayAtAGlance(date(2026, 12, 25), 0, closed=True, time_off=False, holiday="Christmas Day"),
        ]

    def test_of_several_one_who_works_keeps_it_open(self, alice: Therapist) -> None:
        assert not self.see(alice, make_therapist())[1].closed


@pytest.mark.parametrize("therapists", [1, 4])
def test_days_cost_three_queries_and_a_month_two(
    therapists: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    everyone = [make_therapist() for _ in range(therapists)]
    for therapist in everyone:
        make_hours(therapist)
        make_busy(therapist, ("2026-12-01 09:00", "2026-12-01 10:00"))
        for hour in range(10, 10 + therapists):
            make_appointment(make_type(therapist), start=f"2026-12-01 {hour}:00")
    first, last = date(2026, 12, 1), date(2026, 12, 31)

    with django_assert_num_queries(3):
        days = agenda_days.days(everyone, first, last, zone=AMSTERDAM, now=NOW, language="en")
    # A day more, so that what is kept of the diary does not serve.
    with django_assert_num_queries(2):
        month = agenda_days.month(everyone, first, last + DAY, zone=AMSTERDAM, language="en")

    assert sum(entry.what == "appointment" for day in days for entry in day.entries) == therapists**2
    assert month[0].appointments == therapists**2 == Appointment.objects.count()
