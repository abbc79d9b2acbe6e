"""One family cannot take every time, and nobody fills somebody else's mailbox by the form."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from booking import appointments, by_hand
from booking.encryption import lookup_hash
from booking.errors import SlotTaken, TooManyRequests
from booking.models import Actor, Appointment, AppointmentType, Parent, State
from booking.rate_limits import BOOKINGS_PER_MAIL, MOVES_PER_MAIL
from tests.booking.factories import (
    AMSTERDAM,
    make_family,
    make_hours,
    make_practice,
    make_therapist,
    make_type,
    wall,
)
from tests.booking.steps import NOW, book, move

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

NOON = timedelta(hours=12)


def book_days(consult: AppointmentType, *days: int, **kw: Any) -> list[Appointment]:
    return [book(consult, f"2026-12-{day:02} 10:00", **kw) for day in days]


def test_an_address_has_three_appointments_ahead_and_no_fourth(consult: AppointmentType) -> None:
    book_days(consult, 1, 2, 3)

    with pytest.raises(TooManyRequests):
        book(consult, "2026-12-04 10:00", family=make_family(email="NOOR@example.org"))

    book(consult, "2026-12-04 10:00", family=make_family(email="mila@example.org"))
    assert Appointment.objects.count() == 4


@pytest.mark.parametrize(
    ("booked", "other"),
    [
        ("noor@example.org", "noor+sam@example.org"),
        ("noor.vries@gmail.com", "n.o.o.r.vries+x@googlemail.com"),
        ("noor@xn--strae-oqa.example", "Noor@stra\u00dfe.example"),
        ("noor@xn--bcher-kva.example", "noor+x@B\u00fccher.example."),
        ("noor@example.org", "\uff4eoor@ex\u200eample\u3002org"),
    ],
)
def test_another_spelling_of_a_mailbox_has_no_fourth_either(
    consult: AppointmentType, booked: str, other: str
) -> None:
    book_days(consult, 1, 2, 3, family=make_family(email=booked))

    with pytest.raises(TooManyRequests):
        book_days(consult, 4, family=make_family(email=other))
    book_days(consult, 4, family=make_family(email="noor.vries@example.org"))


def test_what_was_booked_before_domains_had_one_spelling_counts(consult: AppointmentType) -> None:
    book_days(consult, 1, 2, 3, family=make_family(email="noor@xn--bcher-kva.example"))
    Parent.objects.update(
        email=(kept := "Noor@b\u00fccher.example"), email_hash=lookup_hash("email", kept.casefold())
    )

    with pytest.raises(TooManyRequests):
        book_days(consult, 4, family=make_family(email="noor@xn--bcher-kva.example"))


def test_the_hash_of_an_ordinary_address_stays_what_it_was() -> None:
    assert appointments.email_hash("Noor+sam@Example.org") == lookup_hash("email", "noor@example.org")


def test_what_was_cancelled_or_has_been_is_not_ahead(consult: AppointmentType) -> None:
    first, *_ = book_days(consult, 1, 2, 3)

    appointments.cancel(first, by=Actor.PARENT, now=NOW)
    book_days(consult, 4)
    with pytest.raises(TooManyRequests):
        book_days(consult, 5)
    book(consult, "2026-12-07 10:00", now=wall("2026-12-03 12:00"))


def test_what_the_practice_planned_counts_for_nothing(consult: AppointmentType, settings: Any) -> None:
    settings.OPEN_APPOINTMENTS = 1
    account = User.objects.create(username="alice")
    for day in (1, 2):
        by_hand.book(
            consult,
            consult.therapists.get(),
            wall(f"2026-12-{day:02} 10:00"),
            family=make_family(),
            account=account,
            wants_mail=True,
            zone=AMSTERDAM,
            now=NOW,
        )

    book_days(consult, 3)
    with pytest.raises(TooManyRequests):
        book_days(consult, 4)


def test_six_bookings_a_day_reach_one_mailbox_however_it_is_written(
    consult: AppointmentType, settings: Any
) -> None:
    settings.OPEN_APPOINTMENTS = 99
    spellings = ["noor@example.org", "Noor@Example.org", "noor+sam@example.org"] * 2
    assert len(spellings) == BOOKINGS_PER_MAIL.most
    for day, email in enumerate(spellings, start=1):
        book_days(consult, day, family=make_family(email=email))

    with pytest.raises(TooManyRequests):
        book_days(consult, 7, family=make_family(email="noor+mila@example.org"))
    book_days(consult, 7, now=NOW + 2 * NOON)


def test_tries_in_somebody_elses_name_shut_nobody_out(consult: AppointmentType) -> None:
    book(consult, "2026-12-01 10:00", family=make_family(email="mila@example.org"))
    for _ in range(BOOKINGS_PER_MAIL.most + 1):
        with pytest.raises(SlotTaken):
            book(consult, "2026-12-01 10:00")

    book_days(consult, 2)


def test_both_refusals_are_one_and_the_same(consult: AppointmentType, settings: Any) -> None:
    def refused(email: str, time: str, bookings: int, most: int) -> tuple[str, int]:
        settings.OPEN_APPOINTMENTS = most
        family = make_family(email=email)
        for _ in range(bookings):
            appointments.cancel(book(consult, f"2026-12-01 {time}", family=family), by=Actor.PARENT, now=NOW)
        if most == 1:
            book(consult, f"2026-12-01 {time}", family=family)
        with pytest.raises(TooManyRequests) as caught:
            book(consult, "2026-12-02 10:00", family=family)
        return str(caught.value), caught.value.retry_after

    too_many_ahead = refused("noor@example.org", "10:00", 0, most=1)
    assert too_many_ahead == refused("mila@example.org", "11:00", BOOKINGS_PER_MAIL.most, most=99)


def test_a_parent_moves_ten_times_a_day_and_the_practice_as_it_likes(consult: AppointmentType) -> None:
    appointment = book(consult, "2026-12-01 10:00")
    for day in range(2, 2 + MOVES_PER_MAIL.most):
        appointment = move(appointment, f"2026-12-{day:02} 10:00")

    with pytest.raises(TooManyRequests):
        move(appointment, "2026-12-20 10:00")
    move(appointment, "2026-12-20 10:00", by=Actor.THERAPIST)


@pytest.mark.django_db(transaction=True)
def test_who_books_with_many_therapists_at_once_gets_no_more() -> None:
    make_practice()
    consults = []
    for _ in range(6):
        therapist = make_therapist()
        make_hours(therapist, start="09:00", end="12:00")
        consults.append(make_type(therapist))
    barrier = Barrier(len(consults))

    def try_to_book(consult: AppointmentType) -> str:
        try:
            barrier.wait(10)
            book(consult, "2026-12-01 10:00")
        except TooManyRequests as error:
            return type(error).__name__
        finally:
            connection.close()
        return "booked"

    with ThreadPoolExecutor(len(consults)) as pool:
        outcomes = list(pool.map(try_to_book, consults))

    assert sorted(outcomes) == ["TooManyRequests"] * 3 + ["booked"] * 3
    assert Appointment.objects.filter(state=State.CONFIRMED).count() == 3
