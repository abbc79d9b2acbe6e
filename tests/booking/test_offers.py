"""What is shown is worked out once, and after each change at once anew."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from booking import appointments, diary, guards, holds, offers
from booking.intervals import Interval
from booking.models import Actor, Appointment, AppointmentType, CalendarSource, Hold, ImportedBusy, Therapist
from practice.models import Practice
from tests.booking.factories import AMSTERDAM, make_appointment, make_hours, make_therapist, make_type, wall
from tests.booking.steps import NOW, TUESDAY, book, free, hold, move

pytestmark = [pytest.mark.django_db, pytest.mark.engines]


def shown(consult: AppointmentType, *, now: datetime = NOW, last: date = TUESDAY) -> list[str]:
    offer = offers.offer(consult.slug)
    if offer is None:
        return []
    found = offers.shown(offer, TUESDAY, last, now=now)
    return [f"{slot.therapist.name} {slot.start.astimezone(offer.zone):%H:%M}" for slot in found.slots]


def an_import(alice: Therapist) -> CalendarSource:
    source = CalendarSource.objects.create(therapist=alice, name="own", url="https://x.example", due_at=NOW)
    ImportedBusy.objects.create(source=source, start=wall("2026-12-01 11:00"), end=wall("2026-12-01 12:00"))
    return source


def cancel(consult: AppointmentType, alice: Therapist) -> None:
    appointments.cancel(Appointment.objects.get(), by=Actor.PARENT, now=NOW)


def reach_a_stage(consult: AppointmentType, alice: Therapist) -> None:
    book(consult, "2026-12-01 10:00")
    diary.add_time_off(alice, Interval(wall("2026-12-01 09:00"), wall("2026-12-01 10:00")))
    hold(consult, "2026-12-01 11:00", visitor="bram")
    an_import(alice)


CHANGES: dict[str, Callable[[AppointmentType, Therapist], Any]] = {
    "book": lambda consult, alice: book(consult, "2026-12-01 08:00"),
    "write past every service": lambda consult, alice: make_appointment(consult, start="2026-12-01 08:00"),
    "cancel": cancel,
    "move": lambda consult, alice: move(Appointment.objects.get(), "2026-12-01 08:00"),
    "delete": lambda consult, alice: Appointment.objects.all().delete(),
    "hold": lambda consult, alice: hold(consult, "2026-12-01 08:00"),
    "let a hold go": lambda consult, alice: Hold.objects.all().delete(),
    "add hours": lambda consult, alice: make_hours(alice, 1, start="17:00", end="18:00"),
    "add time off": lambda consult, alice: diary.add_time_off(
        alice, Interval(wall("2026-12-01 08:00"), wall("2026-12-01 09:00"))
    ),
    "remove time off": lambda consult, alice: diary.remove_time_off(alice, diary.time_off(alice, NOW)[0].id),
    "read a calendar": lambda consult, alice: ImportedBusy.objects.create(
        source=CalendarSource.objects.get(), start=wall("2026-12-01 08:00"), end=wall("2026-12-01 09:00")
    ),
    "remove a calendar": lambda consult, alice: CalendarSource.objects.get().delete(),
    "change the type": lambda consult, alice: AppointmentType.objects.update(duration=timedelta(minutes=90)),
    "hide the type": lambda consult, alice: AppointmentType.objects.update(visible=False),
    "take away the therapist": lambda consult, alice: consult.therapists.remove(alice),
    "rename the therapist": lambda consult, alice: Therapist.objects.update(name="Alicia"),
    "take no new families": lambda consult, alice: Therapist.objects.update(active=False),
    "move the practice": lambda consult, alice: Practice.objects.update(time_zone="Europe/Lisbon"),
}


@pytest.fixture
def consult(alice: Therapist) -> AppointmentType:
    """An hour with Alice, from eight to two, of which some is taken in every way there is."""
    make_hours(alice, 1, start="08:00", end="09:00")
    make_hours(alice, 1, start="12:00", end="14:00")
    consult = make_type(alice, step=timedelta(hours=1))
    reach_a_stage(consult, alice)
    return consult


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_shown_at_once(consult: AppointmentType, alice: Therapist, change: str) -> None:
    if change in {"let a hold go", "remove a calendar"}:
        # They stand in the same place.
        (Hold.objects.all() if change == "remove a calendar" else ImportedBusy.objects.all()).delete()
    before = shown(consult)

    CHANGES[change](consult, Therapist.objects.get(pk=alice.pk))

    after = shown(consult)
    assert after != before
    if change not in {"hide the type", "rename the therapist", "move the practice"}:
        assert [line.split()[1] for line in after] == free(AppointmentType.objects.get(pk=consult.pk))


def test_nothing_is_worked_out_twice(
    consult: AppointmentType, alice: Therapist, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = shown(consult)

    with django_assert_num_queries(1):
        assert shown(consult) == first
    with django_assert_num_queries(1):
        assert shown(consult, now=NOW + timedelta(minutes=1)) == first


@pytest.mark.parametrize("more", [0, 3])
def test_queries_do_not_grow_with_therapists_and_rules(
    alice: Therapist, more: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    others = [make_therapist() for _ in range(more)]
    for other in others:
        make_hours(other)
    consult = make_type(alice, *others)
    shown(consult)
    make_appointment(consult, therapist=alice, start="2026-12-01 10:00")

    # Versions, type, therapists, practice; claims; nothing of the diaries, which stayed as they were.
    with django_assert_num_queries(5):
        shown(consult)
    for other in (alice, *others):
        diary.add_extra_opening(other, Interval(wall("2026-12-01 20:00"), wall("2026-12-01 21:00")))
    with django_assert_num_queries(6):
        shown(consult)


def test_a_hold_that_runs_out_is_shown_as_free(alice: Therapist) -> None:
    consult = make_type(alice, step=timedelta(hours=1))
    hold(consult, "2026-12-01 10:00")

    assert shown(consult) == ["Alice 09:00", "Alice 11:00"]
    assert shown(consult, now=NOW + holds.HOLD_TIME - timedelta(seconds=1)) == ["Alice 09:00", "Alice 11:00"]
    assert shown(consult, now=NOW + holds.HOLD_TIME) == ["Alice 09:00", "Alice 10:00", "Alice 11:00"]


def test_what_comes_too_near_is_shown_no_longer(alice: Therapist) -> None:
    consult = make_type(alice, step=timedelta(hours=1), minimum_notice=timedelta(hours=2))
    shown(consult)

    assert shown(consult, now=wall("2026-12-01 07:00"))[0] == "Alice 09:00"
    assert shown(consult, now=wall("2026-12-01 07:00") + timedelta(microseconds=1))[0] == "Alice 10:00"


def test_at_midnight_one_day_more_is_shown(alice: Therapist) -> None:
    consult = make_type(alice, step=timedelta(hours=3), horizon_days=11)
    last = TUESDAY + timedelta(days=3)

    assert len(shown(consult, last=last, now=wall("2026-11-20 23:59"))) == 1
    assert len(shown(consult, last=last, now=wall("2026-11-21 00:00"))) == 2


def test_a_clock_that_is_set_back_shows_what_was_free_then(alice: Therapist) -> None:
    consult = make_type(alice, step=timedelta(hours=1))
    assert shown(consult, now=wall("2026-12-01 10:30")) == ["Alice 11:00"]

    assert shown(consult) == ["Alice 09:00", "Alice 10:00", "Alice 11:00"]


def test_what_was_rolled_back_is_not_kept(alice: Therapist) -> None:
    consult = make_type(alice, step=timedelta(hours=1))
    with transaction.atomic():
        make_appointment(consult, start="2026-12-01 10:00")
        assert shown(consult) == ["Alice 09:00", "Alice 11:00"]
        transaction.set_rollback(True)

    assert shown(consult) == ["Alice 09:00", "Alice 10:00", "Alice 11:00"]
    make_appointment(consult, start="2026-12-01 09:00")
    assert shown(consult) == ["Alice 10:00", "Alice 11:00"]


def test_without_versions_nothing_is_kept(
    alice: Therapist, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # As in a database whose triggers are missing: slower, and never wrong.
    from practice.models import Version

    consult = make_type(alice, step=timedelta(hours=1))
    shown(consult)
    Version.objects.all().delete()

    first, second = offers.offer(consult.slug), offers.offer(consult.slug)

    assert first is not second


def test_what_a_migration_may_have_changed_is_read_anew(alice: Therapist) -> None:
    consult = make_type(alice)
    before = offers.offer(consult.slug)
    assert before is offers.offer(consult.slug)

    guards.install(connection)

    assert before is not offers.offer(consult.slug)


def test_the_zone_is_the_practices(alice: Therapist) -> None:
    offer = offers.offer(make_type(alice).slug)

    assert offer is not None
    assert offer.zone == ZoneInfo("Europe/Amsterdam") == AMSTERDAM
