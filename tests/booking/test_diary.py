"""The diary: what it offers, at both changes of the clock, and each trap of the scheduler underneath.

In Amsterdam clocks go back in the night to Sunday 25 October 2026, and forward in that to 28 March 2027.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.contrib import admin
from django.db import IntegrityError, transaction
from django.template.loader import get_template
from django.urls import NoReverseMatch, URLPattern, get_resolver, reverse
from django.utils import translation
from pytest_django import DjangoAssertNumQueries
from schedule.models import Calendar, Event, Occurrence, Rule

from booking import diary, public_holidays
from booking.diary import DiaryError, NotInDiary
from booking.hours import WorkingHours
from booking.intervals import Interval
from booking.models import Therapist
from practice.translations import Translated
from tests.booking.factories import AMSTERDAM, make_therapist, wall

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

NEW_YORK = ZoneInfo("America/New_York")
MONDAY, TUESDAY, SATURDAY, SUNDAY = 0, 1, 5, 6
BACK, FORWARD = date(2026, 10, 25), date(2027, 3, 28)
DAY = timedelta(days=1)
# A Monday before any change that these tests look at.
FIRST_DAY = date(2026, 9, 7)


@pytest.fixture
def alice() -> Therapist:
    return make_therapist(name="Alice")


@pytest.fixture(autouse=True)
def plain_days(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the week hold on every day: the clock goes forward on Easter Sunday of 2027, and holidays have tests of
    their own."""
    if request.cls is not TestPublicHolidays:
        monkeypatch.setattr(public_holidays, "between", lambda first, last, language="nl": {})


@pytest.fixture
def bob() -> Therapist:
    return make_therapist(name="Bob")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


def hours(weekday: int, start: str = "09:00", end: str = "17:00", **fields: Any) -> WorkingHours:
    """Weekly working hours from FIRST_DAY on, without an end, unless other fields are given."""
    defaults: dict[str, Any] = {"id": None, "every_weeks": 1, "first_day": FIRST_DAY, "last_day": None}
    defaults |= {"weekday": weekday, "start": time.fromisoformat(start), "end": time.fromisoformat(end)}
    return WorkingHours(**{**defaults, **fields})


def add(therapist: Therapist, weekday: int, *args: str, zone: ZoneInfo = AMSTERDAM, **fields: Any) -> WorkingHours:
    return diary.add_working_hours(therapist, hours(weekday, *args, **fields), zone)


def pk(found: WorkingHours) -> int:
    assert found.id is not None
    return found.id


def span(start: str, end: str) -> Interval:
    return Interval(wall(start), wall(end))


def reread(therapist: Therapist) -> Therapist:
    """The therapist as the next request would have it."""
    return Therapist.objects.get(pk=therapist.pk)


def windows(therapist: Therapist, first: date, last: date | None = None, zone: ZoneInfo = AMSTERDAM) -> list[str]:
    """The windows that begin on the local days `first` to `last`, as clocks show them."""
    last = last or first
    found = diary.openings(reread(therapist), first, last, zone).windows
    local = sorted((window.start.astimezone(zone), window.end.astimezone(zone)) for window in found)
    return [f"{start:%a %d %b %H:%M} - {end:%H:%M}" for start, end in local if first <= start.date() <= last]


def window(therapist: Therapist, day: date, zone: ZoneInfo = AMSTERDAM) -> tuple[str, str]:
    """The one window that begins on the local `day`, in UTC."""
    found = diary.openings(reread(therapist), day, day, zone).windows
    (only,) = [window for window in found if window.start.astimezone(zone).date() == day]
    return f"{only.start:%d %H:%M}", f"{only.end:%d %H:%M}"


class TestWallClock:
    """First trap: the library answers in the zone it is asked in, with ends as far off as the first one was."""

    @pytest.mark.parametrize(
        ("before", "utc_before", "after", "utc_after"),
        [
            (date(2026, 10, 24), ("24 07:00", "24 15:00"), BACK, ("25 08:00", "25 16:00")),
            (date(2027, 3, 27), ("27 08:00", "27 16:00"), FORWARD, ("28 07:00", "28 15:00")),
        ],
        ids=["back", "forward"],
    )
    def test_nine_stays_nine_on_the_day_of_the_change(
        self,
        alice: Therapist,
        before: date,
        utc_before: tuple[str, str],
        after: date,
        utc_after: tuple[str, str],
    ) -> None:
        add(alice, SATURDAY)
        add(alice, SUNDAY)

        assert window(alice, before) == utc_before
        assert window(alice, after) == utc_after
        assert windows(alice, after + 7 * DAY) == [f"Sun {after + 7 * DAY:%d %b} 09:00 - 17:00"]

    @pytest.mark.parametrize("change", [BACK, FORWARD], ids=["back", "forward"])
    def test_the_library_itself_moves_an_hour_when_asked_in_utc(self, alice: Therapist, change: date) -> None:
        """Why the diary never does; where this fails, the library has mended it."""
        add(alice, MONDAY, first_day=change - 6 * DAY)
        start = datetime.combine(change, time(), tzinfo=UTC)

        (occurrence,) = Event.objects.get().get_occurrences(start, start + 3 * DAY)

        assert occurrence.start.astimezone(AMSTERDAM).hour in (8, 10)
        assert windows(alice, change + DAY) == [f"Mon {change + DAY:%d %b} 09:00 - 17:00"]

    @pytest.mark.parametrize(
        ("saturday", "utc"),
        [(BACK - DAY, ("24 20:00", "25 03:00")), (FORWARD - DAY, ("27 21:00", "28 02:00"))],
        ids=["back", "forward"],
    )
    def test_a_window_over_the_night_of_the_change_ends_when_the_clock_says_so(
        self, alice: Therapist, saturday: date, utc: tuple[str, str]
    ) -> None:
        add(alice, SATURDAY, "22:00", "04:00")

        assert window(alice, saturday) == utc

    @pytest.mark.parametrize("change", [BACK, FORWARD], ids=["back", "forward"])
    def test_a_series_that_begins_in_that_night_is_as_long_as_its_clock_shows_in_other_weeks(
        self, alice: Therapist, change: date
    ) -> None:
        added = add(alice, SATURDAY, "22:00", "04:00", first_day=change - DAY)

        assert (added.start, added.end) == (time(22), time(4))
        assert windows(alice, change + 6 * DAY) == [f"Sat {change + 6 * DAY:%d %b} 22:00 - 04:00"]
        assert diary.working_hours(alice, AMSTERDAM) == [added]

    def test_an_hour_that_comes_twice_begins_in_its_first_pass(self, alice: Therapist) -> None:
        add(alice, SUNDAY, "02:30", "03:30")

        assert window(alice, BACK) == ("25 00:30", "25 02:30")

    def test_a_window_until_an_hour_that_comes_twice_ends_in_its_first_pass(self, alice: Therapist) -> None:
        add(alice, SUNDAY, "01:00", "02:30")

        assert window(alice, BACK) == ("24 23:00", "25 00:30")

    def test_a_window_from_a_skipped_time_begins_where_the_clock_goes_on(self, alice: Therapist) -> None:
        add(alice, SUNDAY, "02:30", "05:00")

        assert window(alice, FORWARD) == ("28 01:00", "28 03:00")
        assert windows(alice, FORWARD + 7 * DAY) == ["Sun 04 Apr 02:30 - 05:00"]

    def test_a_window_until_a_skipped_time_ends_where_the_clock_jumps(self, alice: Therapist) -> None:
        add(alice, SATURDAY, "22:00", "02:30")

        assert window(alice, FORWARD - DAY) == ("27 21:00", "28 01:00")

    def test_a_window_that_is_skipped_wholly_is_missing_that_once(self, alice: Therapist) -> None:
        add(alice, SUNDAY, "02:00", "03:00")

        assert windows(alice, FORWARD - 7 * DAY, FORWARD + 7 * DAY) == [
            "Sun 21 Mar 02:00 - 03:00",
            "Sun 04 Apr 02:00 - 03:00",
        ]

    @pytest.mark.parametrize(
        ("day", "utc"),
        [
            (date(2026, 10, 25), ("25 13:00", "25 21:00")),  # Amsterdam's change is not New York's
            (date(2026, 11, 1), ("01 14:00", "01 22:00")),
            (date(2027, 3, 14), ("14 13:00", "14 21:00")),
        ],
        ids=str,
    )
    def test_another_zone_has_its_own_changes(self, alice: Therapist, day: date, utc: tuple[str, str]) -> None:
        add(alice, SUNDAY, zone=NEW_YORK)

        assert window(alice, day, NEW_YORK) == utc

    def test_evenings_in_a_zone_behind_utc_stay_on_their_own_day(self, alice: Therapist) -> None:
        added = add(alice, MONDAY, "20:00", "23:00", zone=NEW_YORK, last_day=date(2026, 11, 2))

        assert windows(alice, date(2026, 10, 26), date(2026, 11, 10), NEW_YORK) == [
            "Mon 26 Oct 20:00 - 23:00",
            "Mon 02 Nov 20:00 - 23:00",
        ]
        assert diary.working_hours(alice, NEW_YORK) == [added]


def test_a_fixed_offset_is_refused_rather_than_an_hour_off(alice: Therapist) -> None:
    """Second trap: the library cannot do with them; a system check refuses them for the practice."""
    add(alice, MONDAY)

    with pytest.raises(KeyError, match=r"UTC\+02:00"):
        diary.openings(alice, BACK, BACK, cast("ZoneInfo", timezone(timedelta(hours=2))))


class TestTimeOff:
    """Third trap: a cancelled occurrence comes back, so time off lies beside the series and not in it."""

    @pytest.mark.parametrize("change", [BACK, FORWARD], ids=["back", "forward"])
    def test_a_day_off_stays_off_when_the_hours_are_moved(self, alice: Therapist, change: date) -> None:
        monday = change + DAY
        added = add(alice, MONDAY)
        off = diary.add_time_off(alice, span(f"{monday} 00:00", f"{monday + DAY} 00:00")).interval

        diary.change_working_hours(alice, pk(added), hours(MONDAY, "10:00", "18:00"), AMSTERDAM)

        openings = diary.openings(reread(alice), monday, monday, AMSTERDAM)
        assert openings.time_off == (off,)
        assert windows(alice, monday) == [f"Mon {monday:%d %b} 10:00 - 18:00"]
        assert all(off.contains(window) for window in openings.windows)

    def test_nothing_that_the_diary_does_makes_an_occurrence(self, alice: Therapist) -> None:
        added = add(alice, MONDAY)
        off = diary.add_time_off(alice, span("2026-10-26 00:00", "2026-10-27 00:00"))
        extra = diary.add_extra_opening(alice, span("2026-10-25 09:00", "2026-10-25 12:00"))
        diary.openings(alice, BACK, FORWARD, AMSTERDAM)
        diary.change_working_hours(alice, pk(added), hours(TUESDAY), AMSTERDAM)
        diary.openings(alice, BACK, FORWARD, AMSTERDAM)
        diary.remove_time_off(alice, off.id)
        diary.remove_extra_opening(alice, extra.id)
        diary.end_working_hours(alice, pk(added), FIRST_DAY, AMSTERDAM)

        assert not Occurrence.objects.exists()
        assert not Event.objects.exists()

    def test_an_occurrence_that_someone_else_wrote_moves_no_window(self, alice: Therapist) -> None:
        add(alice, MONDAY)
        event = Event.objects.get()
        start = wall("2026-10-26 09:00")
        (occurrence,) = event.get_occurrences(start.astimezone(AMSTERDAM), start + timedelta(hours=1))
        occurrence.move(start + DAY, start + DAY + timedelta(hours=5))

        assert windows(alice, date(2026, 10, 26), date(2026, 11, 1)) == ["Mon 26 Oct 09:00 - 17:00"]

    def test_it_is_kept_with_its_reason_and_its_notice(self, alice: Therapist) -> None:
        interval = span("2026-12-21 00:00", "2027-01-04 00:00")
        away = Translated(nl="Wij zijn weg tot 4 januari.", en="We are away until 4 January.")

        added = diary.add_time_off(alice, interval, reason="Texel", notice=away)

        assert diary.time_off(alice, wall("2027-01-03 23:59")) == [added]
        assert added == diary.TimeOff(added.id, interval, "Texel", away)
        assert diary.time_off(alice, wall("2027-01-04 00:00")) == []

    def test_time_off_that_is_removed_is_over(self, alice: Therapist) -> None:
        added = diary.add_time_off(alice, span("2026-12-21 00:00", "2027-01-04 00:00"))

        diary.remove_time_off(alice, added.id)

        assert diary.openings(reread(alice), date(2026, 12, 24), date(2026, 12, 24), AMSTERDAM).time_off == ()


class TestRecurrence:
    """Fourth trap: several weekdays in one rule collapse into one."""

    def test_each_weekday_and_window_is_an_event_of_its_own(self, alice: Therapist) -> None:
        add(alice, MONDAY, "09:00", "12:00")
        add(alice, MONDAY, "13:00", "17:00")
        add(alice, TUESDAY, "09:00", "12:00")

        assert windows(alice, date(2026, 10, 26), date(2026, 11, 1)) == [
            "Mon 26 Oct 09:00 - 12:00",
            "Mon 26 Oct 13:00 - 17:00",
            "Tue 27 Oct 09:00 - 12:00",
        ]
        assert Event.objects.count() == 3
        assert not Rule.objects.filter(params__contains="byweekday").exists()

    def test_every_other_week_is_counted_over_the_changes_and_over_week_53(self, alice: Therapist) -> None:
        add(alice, MONDAY, every_weeks=2, first_day=date(2026, 10, 12))

        mondays = [date(2026, 10, 12) + number * 14 * DAY for number in range(13)]
        assert windows(alice, date(2026, 10, 1), date(2027, 4, 11)) == [
            f"Mon {monday:%d %b} 09:00 - 17:00" for monday in mondays
        ]

    def test_two_windows_take_turns_every_other_week(self, alice: Therapist) -> None:
        add(alice, MONDAY, "09:00", "12:00", every_weeks=2, first_day=date(2026, 10, 12))
        add(alice, MONDAY, "10:00", "16:00", every_weeks=2, first_day=date(2026, 10, 19))

        assert windows(alice, date(2026, 10, 26), date(2026, 11, 2)) == [
            "Mon 26 Oct 09:00 - 12:00",
            "Mon 02 Nov 10:00 - 16:00",
        ]

    def test_rules_are_shared_and_made_again_where_they_are_gone(self, alice: Therapist, bob: Therapist) -> None:
        for therapist in (alice, bob):
            add(therapist, MONDAY)
            add(therapist, TUESDAY, every_weeks=2)

        assert sorted(Rule.objects.values_list("frequency", "params")) == [
            ("WEEKLY", ""),
            ("WEEKLY", "interval:2"),
        ]

    def test_it_begins_on_the_first_such_weekday(self, alice: Therapist) -> None:
        wednesday = date(2026, 9, 9)

        added = add(alice, MONDAY, first_day=wednesday)

        assert added.first_day == date(2026, 9, 14)
        assert windows(alice, date(2026, 9, 1), date(2026, 9, 15)) == ["Mon 14 Sep 09:00 - 17:00"]

    @pytest.mark.parametrize(
        "times", [("00:00", "01:00"), ("09:00", "17:00"), ("23:59", "03:00"), ("00:00", "23:59")]
    )
    @pytest.mark.parametrize("last_day", [BACK, FORWARD, date(2027, 1, 3)], ids=str)
    def test_the_last_day_is_included_and_the_week_after_is_not(
        self, alice: Therapist, times: tuple[str, str], last_day: date
    ) -> None:
        added = add(alice, SUNDAY, *times, last_day=last_day)

        assert windows(alice, last_day - 7 * DAY, last_day + 15 * DAY) == [
            f"Sun {day:%d %b} {times[0]} - {times[1]}" for day in (last_day - 7 * DAY, last_day)
        ]
        assert windows(alice, last_day) == [f"Sun {last_day:%d %b} {times[0]} - {times[1]}"]
        assert diary.working_hours(alice, AMSTERDAM) == [added]
        assert added.last_day == last_day

    def test_the_last_night_is_still_seen_from_the_days_after_it(self, alice: Therapist) -> None:
        add(alice, SUNDAY, "22:00", "03:00", last_day=BACK)

        two_days_later = diary.openings(alice, BACK + 2 * DAY, BACK + 2 * DAY, AMSTERDAM)

        assert two_days_later.windows == (span("2026-10-25 22:00", "2026-10-26 03:00"),)

    def test_a_last_day_on_another_weekday_leaves_out_the_midnight_after_it(self, alice: Therapist) -> None:
        add(alice, MONDAY, "00:00", "02:00", last_day=BACK)

        assert windows(alice, BACK - 7 * DAY, BACK + 14 * DAY) == ["Mon 19 Oct 00:00 - 02:00"]

    def test_a_series_of_a_single_day_is_one_window(self, alice: Therapist) -> None:
        add(alice, SUNDAY, first_day=BACK, last_day=BACK)

        assert windows(alice, FIRST_DAY, date(2027, 6, 1)) == ["Sun 25 Oct 09:00 - 17:00"]

    @pytest.mark.parametrize("changed", [{}, {"every_weeks": 2}, {"last_day": date(2027, 2, 1)}])
    def test_hours_that_are_changed_are_as_if_they_had_been_so(
        self, alice: Therapist, changed: dict[str, Any]
    ) -> None:
        added = add(alice, MONDAY, every_weeks=2, last_day=date(2026, 12, 31))

        wanted = hours(TUESDAY, "08:30", "12:00", **changed)
        written = diary.change_working_hours(alice, pk(added), wanted, AMSTERDAM)

        assert written == replace(wanted, id=added.id, first_day=date(2026, 9, 8))
        assert diary.working_hours(alice, AMSTERDAM) == [written]


class TestOpenings:
    def test_they_reach_a_day_further_on_both_sides_and_are_not_clipped(self, alice: Therapist) -> None:
        for weekday in range(7):
            add(alice, weekday, "20:00", "02:00")
        holiday = diary.add_time_off(alice, span("2026-01-01 00:00", "2027-12-31 00:00")).interval
        extra = diary.add_extra_opening(alice, span("2026-10-14 12:00", "2026-10-18 12:00"), "open week").interval

        openings = diary.openings(alice, date(2026, 10, 15), date(2026, 10, 16), AMSTERDAM)

        # The one of the 13th ends in the small hours of the 14th, the day before.
        evenings = [span(f"2026-10-{day} 20:00", f"2026-10-{day + 1} 02:00") for day in range(13, 18)]
        assert sorted(openings.windows) == sorted([*evenings, extra])
        assert openings.time_off == (holiday,)

    def test_what_only_touches_those_days_is_left_out(self, alice: Therapist) -> None:
        add(alice, TUESDAY, "09:00", "00:00")
        diary.add_time_off(alice, span("2026-10-10 00:00", "2026-10-14 00:00"))
        diary.add_time_off(alice, span("2026-10-18 00:00", "2026-10-19 00:00"))

        openings = diary.openings(alice, date(2026, 10, 15), date(2026, 10, 16), AMSTERDAM)

        assert openings == diary.Openings(windows=(), time_off=())

    def test_a_therapist_without_a_diary_is_never_open(self, alice: Therapist) -> None:
        assert diary.openings(alice, BACK, FORWARD, AMSTERDAM) == diary.Openings((), ())

    def test_each_therapist_has_a_diary_of_their_own(self, alice: Therapist, bob: Therapist) -> None:
        add(alice, MONDAY)
        add(bob, TUESDAY)
        diary.add_time_off(bob, span("2026-10-26 00:00", "2026-10-27 00:00"))

        assert windows(alice, date(2026, 10, 26), date(2026, 10, 27)) == ["Mon 26 Oct 09:00 - 17:00"]
        assert diary.openings(alice, date(2026, 10, 26), date(2026, 10, 27), AMSTERDAM).time_off == ()
        assert diary.time_off(alice, wall("2026-10-01 00:00")) == []

    def test_extra_openings_are_listed_until_they_have_ended(self, alice: Therapist) -> None:
        add(alice, SUNDAY)
        later = diary.add_extra_opening(alice, span("2026-11-01 18:00", "2026-11-01 20:00"))
        sooner = diary.add_extra_opening(
            alice, span("2026-10-25 01:00", "2026-10-25 04:00"), "night of the clocks"
        )

        assert diary.extra_openings(alice, wall("2026-10-25 03:59")) == [sooner, later]
        assert diary.extra_openings(alice, wall("2026-10-25 04:00")) == [later]
        assert sooner.reason == "night of the clocks"


class TestQueries:
    """Fifth trap: expanding costs several queries for every rule."""

    @pytest.mark.parametrize("rules", [1, 12])
    def test_expanding_costs_one_query_for_any_number_of_rules(
        self, alice: Therapist, rules: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(rules):
            add(alice, number % 7, f"{8 + number // 7 * 4:02}:00", f"{10 + number // 7 * 4:02}:00")
        diary.add_time_off(alice, span("2026-12-21 00:00", "2027-01-04 00:00"))

        with django_assert_num_queries(1):
            openings = diary.openings(alice, BACK, FORWARD, AMSTERDAM)

        assert len(openings.windows) >= rules * 22

    def test_several_diaries_cost_as_much_as_one(
        self, alice: Therapist, bob: Therapist, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        add(alice, MONDAY)
        add(bob, TUESDAY)
        holiday = diary.add_time_off(
            bob, span("2026-12-21 00:00", "2027-01-04 00:00"), "Skiing", Translated(nl="We are away.")
        )

        with django_assert_num_queries(1):
            pages = diary.pages([alice, bob], BACK, FORWARD, AMSTERDAM)

        assert pages[alice.pk].openings == diary.openings(alice, BACK, FORWARD, AMSTERDAM)
        assert pages[bob.pk].openings == diary.openings(bob, BACK, FORWARD, AMSTERDAM)
        assert (pages[alice.pk].time_off, pages[bob.pk].time_off) == ((), (holiday,))

    def test_an_unchanged_diary_costs_none(
        self, alice: Therapist, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        add(alice, MONDAY)
        first = diary.openings(alice, BACK, FORWARD, AMSTERDAM)
        again = reread(alice)

        with django_assert_num_queries(0):
            assert diary.openings(again, BACK, FORWARD, AMSTERDAM) == first

    @pytest.mark.parametrize(
        "change",
        [
            lambda alice: add(alice, TUESDAY),
            lambda alice: diary.change_working_hours(
                alice, pk(diary.working_hours(alice, AMSTERDAM)[0]), hours(SATURDAY), AMSTERDAM
            ),
            lambda alice: diary.end_working_hours(
                alice, pk(diary.working_hours(alice, AMSTERDAM)[0]), FIRST_DAY, AMSTERDAM
            ),
            lambda alice: diary.add_time_off(alice, span("2026-10-27 00:00", "2026-10-28 00:00")),
            lambda alice: diary.remove_time_off(alice, diary.time_off(alice, wall("2026-10-01 00:00"))[0].id),
            lambda alice: diary.add_extra_opening(alice, span("2026-10-28 09:00", "2026-10-28 12:00")),
            lambda alice: diary.remove_extra_opening(
                alice, diary.extra_openings(alice, wall("2026-10-01 00:00"))[0].id
            ),
        ],
        ids=["add", "change", "remove", "add off", "remove off", "add extra", "remove extra"],
    )
    def test_every_change_is_seen_at_once(self, alice: Therapist, change: Callable[[Therapist], object]) -> None:
        add(alice, MONDAY)
        diary.add_time_off(alice, span("2026-10-26 09:00", "2026-10-26 10:00"))
        diary.add_extra_opening(alice, span("2026-10-26 18:00", "2026-10-26 20:00"))
        before = diary.openings(reread(alice), BACK, BACK + 7 * DAY, AMSTERDAM)

        change(alice)

        assert alice.diary_version == reread(alice).diary_version
        assert diary.openings(alice, BACK, BACK + 7 * DAY, AMSTERDAM) != before
        assert diary.openings(alice, BACK, BACK + 7 * DAY, AMSTERDAM) == diary.openings(
            reread(alice), BACK, BACK + 7 * DAY, AMSTERDAM
        )

    def test_a_change_that_is_rolled_back_leaves_no_trace(self, alice: Therapist) -> None:
        add(alice, MONDAY)
        before = windows(alice, BACK, BACK + 7 * DAY)

        with transaction.atomic():
            add(alice, TUESDAY)
            assert windows(alice, BACK, BACK + 7 * DAY) != before
            transaction.set_rollback(True)

        assert windows(alice, BACK, BACK + 7 * DAY) == before

    def test_a_refused_change_keeps_what_was_worked_out(
        self, alice: Therapist, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        add(alice, MONDAY)
        before = windows(alice, BACK)
        version = alice.diary_version

        with pytest.raises(DiaryError):
            add(alice, MONDAY)

        assert version == alice.diary_version == reread(alice).diary_version
        with django_assert_num_queries(1):
            assert windows(alice, BACK) == before


class TestGuards:
    """Sixth trap: what the library would let happen to a series."""

    def test_a_rule_in_use_cannot_be_deleted(self, alice: Therapist) -> None:
        add(alice, MONDAY)

        with pytest.raises(IntegrityError), transaction.atomic():
            Rule.objects.get().delete()

        assert windows(alice, date(2026, 10, 26)) == ["Mon 26 Oct 09:00 - 17:00"]

    def test_the_librarys_pages_are_not_mounted(self) -> None:
        assert not [view for view in _views(get_resolver().url_patterns) if view.startswith("schedule.")]
        for name in ("calendar_list", "event", "edit_event", "delete_event", "api_occurrences"):
            with pytest.raises(NoReverseMatch):
                reverse(name)

    def test_the_librarys_base_template_is_not_ours(self) -> None:
        found = Path(get_template("base.html").origin.name)  # type: ignore[attr-defined]

        assert found == settings.BASE_DIR / "templates" / "base.html"

    def test_the_admin_shows_none_of_the_librarys_tables(self) -> None:
        assert [model for model in admin.site._registry if model._meta.app_label == "schedule"] == []


def _views(patterns: list[Any]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.callback.__module__
        else:
            yield from _views(pattern.url_patterns)


OVERLAPPING = [
    ("the same", hours(MONDAY), hours(MONDAY)),
    ("a minute", hours(MONDAY, "09:00", "12:00"), hours(MONDAY, "11:59", "13:00")),
    ("inside", hours(MONDAY), hours(MONDAY, "10:00", "11:00")),
    ("around", hours(MONDAY, "10:00", "11:00"), hours(MONDAY)),
    ("later period", hours(MONDAY), hours(MONDAY, first_day=date(2027, 6, 7))),
    ("weekly and every other", hours(MONDAY), hours(MONDAY, every_weeks=2, first_day=date(2026, 9, 14))),
    ("same weeks", hours(MONDAY, every_weeks=2), hours(MONDAY, every_weeks=2, first_day=date(2026, 9, 21))),
    (
        "last day is a first day",
        hours(MONDAY, last_day=FIRST_DAY + 7 * DAY),
        hours(MONDAY, first_day=FIRST_DAY + 7 * DAY),
    ),
    ("over midnight", hours(MONDAY, "22:00", "02:00"), hours(TUESDAY, "01:00", "03:00")),
    ("before midnight", hours(TUESDAY, "01:00", "03:00"), hours(MONDAY, "22:00", "02:00")),
    (
        "over midnight, one night only",
        hours(SUNDAY, "22:00", "02:00", last_day=date(2026, 9, 13)),
        hours(MONDAY, "01:00", "03:00", first_day=date(2026, 9, 14)),
    ),
    (
        "over midnight from Sunday, every other week",
        hours(SUNDAY, "22:00", "02:00", every_weeks=2),
        hours(MONDAY, "01:00", "03:00", every_weeks=2, first_day=date(2026, 9, 14)),
    ),
]
APART = [
    ("another weekday", hours(MONDAY), hours(TUESDAY)),
    ("touching", hours(MONDAY, "09:00", "12:00"), hours(MONDAY, "12:00", "17:00")),
    ("touching at midnight", hours(MONDAY, "20:00", "00:00"), hours(TUESDAY, "00:00", "02:00")),
    ("other weeks", hours(MONDAY, every_weeks=2), hours(MONDAY, every_weeks=2, first_day=date(2026, 9, 14))),
    ("after it ended", hours(MONDAY, last_day=FIRST_DAY), hours(MONDAY, first_day=FIRST_DAY + DAY)),
    ("before it begins", hours(MONDAY, first_day=date(2027, 1, 4)), hours(MONDAY, last_day=date(2027, 1, 3))),
    (
        "over midnight into the other weeks",
        hours(SUNDAY, "22:00", "02:00", every_weeks=2),
        hours(MONDAY, "01:00", "03:00", every_weeks=2, first_day=date(2026, 9, 7)),
    ),
]


class TestWrongInput:
    @pytest.mark.parametrize(
        ("there", "new"), [case[1:] for case in OVERLAPPING], ids=[case[0] for case in OVERLAPPING]
    )
    def test_hours_that_overlap_others_are_refused_and_told_which(
        self, alice: Therapist, there: WorkingHours, new: WorkingHours
    ) -> None:
        diary.add_working_hours(alice, there, AMSTERDAM)

        with pytest.raises(DiaryError) as refused:
            diary.add_working_hours(alice, new, AMSTERDAM)

        weekday = {MONDAY: "Monday", TUESDAY: "Tuesday", SUNDAY: "Sunday"}[there.weekday]
        assert f"{weekday} from {there.start:%H:%M} to {there.end:%H:%M}" in str(refused.value)
        assert Event.objects.count() == 1

    @pytest.mark.parametrize(("there", "new"), [case[1:] for case in APART], ids=[case[0] for case in APART])
    def test_hours_that_never_overlap_are_taken(
        self, alice: Therapist, there: WorkingHours, new: WorkingHours
    ) -> None:
        diary.add_working_hours(alice, there, AMSTERDAM)
        diary.add_working_hours(alice, new, AMSTERDAM)

        assert Event.objects.count() == 2

    def test_hours_do_not_overlap_themselves_when_they_change(self, alice: Therapist) -> None:
        added = add(alice, MONDAY)
        other = add(alice, TUESDAY)

        diary.change_working_hours(alice, pk(added), hours(MONDAY, "09:30", "17:00"), AMSTERDAM)
        with pytest.raises(DiaryError):
            diary.change_working_hours(alice, pk(added), hours(TUESDAY, "16:00", "18:00"), AMSTERDAM)

        assert windows(alice, date(2026, 10, 26)) == ["Mon 26 Oct 09:30 - 17:00"]
        assert other in diary.working_hours(alice, AMSTERDAM)

    def test_a_change_leaves_the_days_before_it_as_they_were(self, alice: Therapist) -> None:
        added = add(alice, MONDAY)
        later = hours(TUESDAY, "10:00", "15:00", first_day=date(2026, 10, 20))

        changed = diary.change_working_hours(alice, pk(added), later, AMSTERDAM)

        assert diary.working_hours(alice, AMSTERDAM) == [
            replace(added, last_day=date(2026, 10, 19)),
            replace(later, id=changed.id),
        ]
        assert windows(alice, date(2026, 10, 12), date(2026, 10, 27)) == [
            "Mon 12 Oct 09:00 - 17:00",
            "Mon 19 Oct 09:00 - 17:00",
            "Tue 20 Oct 10:00 - 15:00",
            "Tue 27 Oct 10:00 - 15:00",
        ]

    @pytest.mark.parametrize("change", [BACK, FORWARD], ids=["back", "forward"])
    def test_a_change_from_the_day_the_clock_changes_leaves_the_day_before(
        self, alice: Therapist, change: date
    ) -> None:
        saturdays = add(alice, SATURDAY)
        add(alice, SUNDAY)

        diary.change_working_hours(
            alice, pk(saturdays), hours(SATURDAY, "10:00", "11:00", first_day=change), AMSTERDAM
        )

        assert windows(alice, change - DAY, change + 6 * DAY) == [
            f"Sat {change - DAY:%d %b} 09:00 - 17:00",
            f"Sun {change:%d %b} 09:00 - 17:00",
            f"Sat {change + 6 * DAY:%d %b} 10:00 - 11:00",
        ]

    def test_a_change_before_its_first_day_replaces_all_of_it(self, alice: Therapist) -> None:
        added = add(alice, MONDAY, first_day=date(2026, 11, 2))

        diary.change_working_hours(alice, pk(added), hours(TUESDAY), AMSTERDAM)

        assert diary.working_hours(alice, AMSTERDAM) == [
            replace(added, weekday=TUESDAY, first_day=date(2026, 9, 8)),
        ]

    def test_a_change_keeps_which_weeks_are_the_other_ones(self, alice: Therapist) -> None:
        added = add(alice, MONDAY, every_weeks=2)
        next_day = added.next_day(date(2026, 10, 1))
        assert next_day == date(2026, 10, 5)

        later = replace(added, start=time(10), first_day=next_day)
        diary.change_working_hours(alice, pk(added), later, AMSTERDAM)

        assert windows(alice, date(2026, 9, 14), date(2026, 10, 20)) == [
            "Mon 21 Sep 09:00 - 17:00",
            "Mon 05 Oct 10:00 - 17:00",
            "Mon 19 Oct 10:00 - 17:00",
        ]

    @pytest.mark.parametrize(
        ("weekday", "from_day", "first_day"),
        [
            (MONDAY, date(2026, 9, 22), date(2026, 10, 5)),
            (SUNDAY, date(2026, 9, 22), date(2026, 9, 27)),
            (TUESDAY, date(2026, 9, 22), date(2026, 9, 22)),
            (TUESDAY, date(2026, 9, 23), date(2026, 10, 6)),
            # The year between has 53 weeks: their numbers would take turns.
            (MONDAY, date(2027, 1, 12), date(2027, 1, 25)),
            (MONDAY, date(2026, 8, 26), date(2026, 9, 7)),
        ],
        ids=["earlier", "later", "the same", "after it", "over the year", "before it began"],
    )
    def test_every_other_week_stays_that_week_on_another_weekday(
        self, alice: Therapist, weekday: int, from_day: date, first_day: date
    ) -> None:
        added = add(alice, TUESDAY, every_weeks=2)
        later = hours(weekday, every_weeks=2, first_day=from_day)

        changed = diary.change_working_hours(alice, pk(added), later, AMSTERDAM, same_weeks=True)

        assert changed.first_day == first_day
        # From the day on that was asked for, nothing is left of what was.
        ended = [found for found in diary.working_hours(alice, AMSTERDAM) if found.id != changed.id]
        assert all(found.last_day == from_day - DAY for found in ended)

    @pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (1, 1)])
    def test_hours_of_each_week_have_no_other_one(self, alice: Therapist, before: int, after: int) -> None:
        added = add(alice, TUESDAY, every_weeks=before)
        later = hours(MONDAY, every_weeks=after, first_day=date(2026, 9, 22))

        changed = diary.change_working_hours(alice, pk(added), later, AMSTERDAM, same_weeks=True)

        assert changed.first_day == date(2026, 9, 28)

    def test_hours_that_end_before_their_next_week_are_refused(self, alice: Therapist) -> None:
        added = add(alice, TUESDAY, every_weeks=2)
        later = hours(MONDAY, every_weeks=2, first_day=date(2026, 9, 22), last_day=date(2026, 10, 1))

        with pytest.raises(DiaryError, match="there is no Monday with these hours"):
            diary.change_working_hours(alice, pk(added), later, AMSTERDAM, same_weeks=True)

        assert diary.working_hours(alice, AMSTERDAM) == [added]

    def test_what_cannot_follow_leaves_what_went_before_whole(self, alice: Therapist) -> None:
        added = add(alice, MONDAY)
        add(alice, TUESDAY)

        with pytest.raises(DiaryError):
            diary.change_working_hours(alice, pk(added), hours(TUESDAY, first_day=date(2026, 10, 20)), AMSTERDAM)

        assert added in diary.working_hours(alice, AMSTERDAM)

    def test_hours_end_from_a_day_on(self, alice: Therapist) -> None:
        added = add(alice, MONDAY)

        diary.end_working_hours(alice, pk(added), date(2026, 10, 19), AMSTERDAM)

        assert diary.working_hours(alice, AMSTERDAM) == [replace(added, last_day=date(2026, 10, 18))]
        assert windows(alice, date(2026, 10, 12), date(2026, 10, 26)) == ["Mon 12 Oct 09:00 - 17:00"]

    def test_hours_that_ended_before_stay_ended_then(self, alice: Therapist) -> None:
        added = add(alice, MONDAY, last_day=date(2026, 9, 30))

        diary.end_working_hours(alice, pk(added), date(2026, 10, 19), AMSTERDAM)

        assert diary.working_hours(alice, AMSTERDAM) == [added]

    def test_another_therapists_hours_do_not_matter(self, alice: Therapist, bob: Therapist) -> None:
        add(alice, MONDAY)
        add(bob, MONDAY)

        assert len(diary.working_hours(bob, AMSTERDAM)) == 1

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            (hours(MONDAY, "09:00", "09:00"), "The beginning and the end must differ."),
            (hours(MONDAY, last_day=date(2026, 9, 6)), "The last day must not lie before the first one."),
            (
                hours(SUNDAY, last_day=date(2026, 9, 12)),
                "Between the first and the last day there is no Sunday with these hours.",
            ),
            (hours(MONDAY, first_day=date(1999, 12, 31)), "Please choose a day between 2000 and 2100."),
            (hours(MONDAY, last_day=date.max), "Please choose a day between 2000 and 2100."),
            (hours(MONDAY, first_day=date.max), "Please choose a day between 2000 and 2100."),
            (
                hours(SUNDAY, "02:30", "05:00", first_day=FORWARD),
                "On 28 March 2027 the clock skips 02:30. "
                "Please choose another time, or let it begin a week later.",
            ),
            (
                hours(SATURDAY, "22:00", "02:00", first_day=FORWARD - DAY),
                "On 28 March 2027 the clock skips 02:00. "
                "Please choose another time, or let it begin a week later.",
            ),
        ],
        ids=[
            "empty",
            "order",
            "no such day",
            "too early",
            "too late",
            "the end of time",
            "skipped",
            "skipped end",
        ],
    )
    def test_hours_that_cannot_be_get_a_sentence(
        self, alice: Therapist, wrong: WorkingHours, sentence: str
    ) -> None:
        with pytest.raises(DiaryError) as refused:
            diary.add_working_hours(alice, wrong, AMSTERDAM)

        assert str(refused.value) == sentence
        assert not Event.objects.exists()

    @pytest.mark.parametrize("add_span", [diary.add_time_off, diary.add_extra_opening], ids=["time off", "extra"])
    @pytest.mark.parametrize(
        ("interval", "reason", "sentence"),
        [
            (span("2026-10-25 12:00", "2026-10-25 12:00"), "", "The end must come after the beginning."),
            (span("2026-10-25 12:00", "2026-10-25 11:00"), "", "The end must come after the beginning."),
            (span("1999-10-25 12:00", "2026-10-25 12:00"), "", "Please choose a day between 2000 and 2100."),
            (span("2026-10-25 12:00", "9999-10-25 12:00"), "", "Please choose a day between 2000 and 2100."),
            (span("2026-10-25 12:00", "2026-10-25 13:00"), "x" * 256, "Please use at most 255 characters."),
        ],
        ids=["empty", "reversed", "too early", "too late", "too long"],
    )
    def test_spans_that_cannot_be_get_a_sentence(
        self,
        alice: Therapist,
        add_span: Callable[[Therapist, Interval, str], object],
        interval: Interval,
        reason: str,
        sentence: str,
    ) -> None:
        with pytest.raises(DiaryError) as refused:
            add_span(alice, interval, reason)

        assert str(refused.value) == sentence
        assert not Event.objects.exists()

    def test_what_is_another_therapists_or_another_kind_is_not_found(
        self, alice: Therapist, bob: Therapist
    ) -> None:
        mine = pk(add(alice, MONDAY))
        off = diary.add_time_off(alice, span("2026-10-26 00:00", "2026-10-27 00:00")).id
        extra = diary.add_extra_opening(alice, span("2026-10-25 09:00", "2026-10-25 12:00")).id

        for change in (
            lambda: diary.change_working_hours(bob, mine, hours(TUESDAY), AMSTERDAM),
            lambda: diary.end_working_hours(bob, mine, FIRST_DAY, AMSTERDAM),
            lambda: diary.remove_time_off(bob, off),
            lambda: diary.remove_extra_opening(bob, extra),
            lambda: diary.change_working_hours(alice, extra, hours(TUESDAY), AMSTERDAM),
            lambda: diary.end_working_hours(alice, off, FIRST_DAY, AMSTERDAM),
            lambda: diary.remove_time_off(alice, extra),
            lambda: diary.remove_extra_opening(alice, mine),
        ):
            with pytest.raises(NotInDiary):
                change()

        assert Event.objects.count() == 3
        assert bob.diary_version == reread(bob).diary_version

    def test_what_was_removed_already_is_not_found(self, alice: Therapist) -> None:
        added = add(alice, MONDAY)
        diary.end_working_hours(alice, pk(added), FIRST_DAY, AMSTERDAM)

        with pytest.raises(NotInDiary):
            diary.end_working_hours(alice, pk(added), FIRST_DAY, AMSTERDAM)

    def test_a_therapist_who_is_gone_has_no_diary_to_change(self, alice: Therapist) -> None:
        gone = reread(alice)
        alice.delete()

        with pytest.raises(NotInDiary):
            add(gone, MONDAY)

        assert not Calendar.objects.exists()


class TestPublicHolidays:
    """Christmas of 2026 is on a Friday and a Saturday."""

    CHRISTMAS = date(2026, 12, 25)

    def test_no_weekly_hours_hold_on_one_unless_she_works_it(self, alice: Therapist) -> None:
        add(alice, 4)
        assert windows(alice, self.CHRISTMAS - 7 * DAY, self.CHRISTMAS) == ["Fri 18 Dec 09:00 - 17:00"]

        diary.work_on_holiday(alice, self.CHRISTMAS, AMSTERDAM, works=True)
        assert windows(alice, self.CHRISTMAS) == ["Fri 25 Dec 09:00 - 17:00"]

        diary.work_on_holiday(alice, self.CHRISTMAS, AMSTERDAM, works=False)
        assert windows(alice, self.CHRISTMAS) == []

    def test_another_therapist_stays_closed(self, alice: Therapist, bob: Therapist) -> None:
        add(bob, 4)
        diary.work_on_holiday(alice, self.CHRISTMAS, AMSTERDAM, works=True)

        assert windows(bob, self.CHRISTMAS) == []

    def test_an_extra_opening_holds_all_the_same(self, alice: Therapist) -> None:
        diary.add_extra_opening(alice, span("2026-12-25 10:00", "2026-12-25 12:00"))

        assert windows(alice, self.CHRISTMAS) == ["Fri 25 Dec 10:00 - 12:00"]

    def test_they_are_listed_with_their_names_and_whether_she_works(self, alice: Therapist) -> None:
        diary.work_on_holiday(alice, self.CHRISTMAS, AMSTERDAM, works=True)
        year_end = (date(2026, 12, 1), date(2027, 1, 1), AMSTERDAM)

        assert diary.holidays(alice, *year_end, "nl") == [
            diary.PublicHoliday(date(2026, 12, 25), "Eerste kerstdag", opened=True),
            diary.PublicHoliday(date(2026, 12, 26), "Tweede kerstdag", opened=False),
            diary.PublicHoliday(date(2027, 1, 1), "Nieuwjaarsdag", opened=False),
        ]
        assert diary.holidays(alice, *year_end, "en")[0].name == "Christmas Day"

    def test_twice_is_once(self, alice: Therapist) -> None:
        before = Event.objects.count()
        for _ in range(2):
            diary.work_on_holiday(alice, self.CHRISTMAS, AMSTERDAM, works=True)

        assert Event.objects.count() == before + 1

    @pytest.mark.parametrize("worked", [True, False])
    def test_closing_one_takes_its_own_hours_along(self, alice: Therapist, worked: bool) -> None:
        add(alice, 4)
        diary.work_on_holiday(alice, self.CHRISTMAS, AMSTERDAM, works=worked)
        diary.set_own_windows(alice, self.CHRISTMAS, [span("2026-12-25 10:00", "2026-12-25 12:00")], AMSTERDAM)
        assert windows(alice, self.CHRISTMAS) == ["Fri 25 Dec 10:00 - 12:00"]

        diary.work_on_holiday(alice, self.CHRISTMAS, AMSTERDAM, works=False)

        assert windows(alice, self.CHRISTMAS) == []
        assert diary.own_days(alice, self.CHRISTMAS, AMSTERDAM) == []

    def test_opening_one_gives_the_usual_hours_whatever_it_had_of_its_own(self, alice: Therapist) -> None:
        add(alice, 4)
        diary.set_own_windows(alice, self.CHRISTMAS, [], AMSTERDAM)

        diary.work_on_holiday(alice, self.CHRISTMAS, AMSTERDAM, works=True)

        assert windows(alice, self.CHRISTMAS) == ["Fri 25 Dec 09:00 - 17:00"]

    @pytest.mark.parametrize("worked", [True, False])
    @pytest.mark.parametrize(
        ("own", "opened"), [([span("2026-12-25 10:00", "2026-12-25 12:00")], True), ([], False)]
    )
    def test_hours_of_its_own_say_whether_she_works(
        self, alice: Therapist, worked: bool, own: list[Interval], opened: bool
    ) -> None:
        diary.work_on_holiday(alice, self.CHRISTMAS, AMSTERDAM, works=worked)

        diary.set_own_windows(alice, self.CHRISTMAS, own, AMSTERDAM)

        (christmas,) = diary.holidays(alice, self.CHRISTMAS, self.CHRISTMAS, AMSTERDAM)
        page = diary.pages([reread(alice)], self.CHRISTMAS, self.CHRISTMAS, AMSTERDAM)[alice.pk]
        assert christmas.opened == (self.CHRISTMAS in page.worked_holidays) == opened

    @pytest.mark.parametrize("worked", [True, False])
    def test_the_usual_hours_do_not_hang_on_those_of_its_own(self, alice: Therapist, worked: bool) -> None:
        add(alice, 4)
        diary.work_on_holiday(alice, self.CHRISTMAS, AMSTERDAM, works=worked)
        diary.set_own_windows(
            alice, self.CHRISTMAS, [span("2026-12-25 10:00", "2026-12-25 12:00")] if not worked else [], AMSTERDAM
        )

        usual = [span("2026-12-25 09:00", "2026-12-25 17:00")] if worked else []
        assert diary.weekly_windows(alice, self.CHRISTMAS, AMSTERDAM) == usual

    def test_other_days_are_no_worked_holidays(self, alice: Therapist) -> None:
        tuesday = date(2026, 12, 22)
        diary.set_own_windows(alice, tuesday, [span("2026-12-22 10:00", "2026-12-22 12:00")], AMSTERDAM)

        page = diary.pages([reread(alice)], tuesday, self.CHRISTMAS, AMSTERDAM)[alice.pk]
        assert page.worked_holidays == frozenset()

    def test_any_other_day_is_none(self, alice: Therapist) -> None:
        with pytest.raises(NotInDiary):
            diary.work_on_holiday(alice, date(2026, 12, 24), AMSTERDAM, works=True)


class TestNotices:
    def test_what_parents_are_told_comes_with_the_time_off(self, alice: Therapist) -> None:
        off = diary.add_time_off(
            alice, span("2026-12-21 00:00", "2026-12-25 00:00"), "Texel", Translated(nl="Wij zijn er even niet.")
        )
        diary.add_time_off(alice, span("2026-12-28 00:00", "2026-12-29 00:00"), "Tandarts")

        found = diary.openings(reread(alice), date(2026, 12, 20), date(2026, 12, 31), AMSTERDAM)

        assert found.notices == (diary.Notice(off.interval, Translated(nl="Wij zijn er even niet.")),)
        assert len(found.time_off) == 2


class TestChangingSingles:
    def test_time_off_is_changed_in_place(self, alice: Therapist) -> None:
        off = diary.add_time_off(
            alice, span("2026-12-21 00:00", "2026-12-25 00:00"), "Texel", Translated(nl="Wij zijn weg.")
        )

        changed = diary.change_time_off(
            alice,
            off.id,
            span("2026-12-21 00:00", "2026-12-28 00:00"),
            "Ameland",
            Translated(nl="Wij zijn er niet."),
        )

        assert changed.id == off.id
        assert diary.time_off(reread(alice), wall("2026-12-01 00:00")) == [changed]

    def test_an_extra_opening_is_changed_in_place(self, alice: Therapist) -> None:
        extra = diary.add_extra_opening(alice, span("2026-12-05 10:00", "2026-12-05 12:00"))

        changed = diary.change_extra_opening(
            alice, extra.id, span("2026-12-05 11:00", "2026-12-05 13:00"), "markt"
        )

        assert windows(alice, date(2026, 12, 5)) == ["Sat 05 Dec 11:00 - 13:00"]
        assert diary.extra_openings(alice, wall("2026-12-01 00:00")) == [changed]

    def test_one_of_somebody_else_is_out_of_reach(self, alice: Therapist, bob: Therapist) -> None:
        off = diary.add_time_off(bob, span("2026-12-21 00:00", "2026-12-25 00:00"))

        with pytest.raises(NotInDiary):
            diary.change_time_off(alice, off.id, span("2026-12-21 00:00", "2026-12-22 00:00"))

        assert diary.time_off(bob, wall("2026-12-01 00:00")) == [off]

    def test_what_is_off_already_is_not_added_again(self, alice: Therapist) -> None:
        both = [
            diary.add_time_off(alice, span("2026-12-21 00:00", "2026-12-23 00:00")),
            diary.add_time_off(alice, span("2026-12-23 00:00", "2026-12-25 00:00")),
        ]
        within = span("2026-12-22 00:00", "2026-12-24 00:00")

        with pytest.raises(DiaryError, match="in the list already"):
            diary.add_time_off(alice, within)
        with pytest.raises(DiaryError, match="in the list already"):
            diary.change_time_off(alice, both[1].id, span("2026-12-21 09:00", "2026-12-21 12:00"))

        assert diary.time_off(alice, wall("2026-12-01 00:00")) == both

    def test_a_span_may_reach_beyond_one_that_is_there_and_stay_itself(self, alice: Therapist) -> None:
        off = diary.add_time_off(alice, span("2026-12-21 00:00", "2026-12-23 00:00"))

        diary.change_time_off(alice, off.id, off.interval, "Texel")
        diary.add_time_off(alice, span("2026-12-22 00:00", "2026-12-24 00:00"))

        assert len(diary.time_off(alice, wall("2026-12-01 00:00"))) == 2

    def test_closures_come_together_without_those_that_are_there(self, alice: Therapist) -> None:
        diary.add_time_off(alice, span("2026-12-21 00:00", "2027-01-04 00:00"), "kerst")

        added = diary.add_closures(
            alice,
            [
                (span("2027-02-20 00:00", "2027-03-01 00:00"), "Voorjaarsvakantie"),
                (span("2026-12-24 00:00", "2026-12-28 00:00"), "Kerstvakantie"),
                (span("2027-02-22 00:00", "2027-02-23 00:00"), "Studiedag"),
            ],
        )

        assert added == 1
        found = [off.reason for off in diary.time_off(alice, wall("2026-12-01 00:00"))]
        assert found == ["kerst", "Voorjaarsvakantie"]
