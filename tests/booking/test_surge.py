"""While very much is booked, a booking stands only once the family confirmed it by mail."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from booking import appointments, by_hand, by_mail, emails, free_time, notifications, outbox, surge
from booking.appointments import Request
from booking.errors import BookingError, SlotTaken, TooManyRequests
from booking.models import (
    Actor,
    Appointment,
    AppointmentType,
    Hold,
    Kind,
    Notification,
    State,
    Therapist,
    Unconfirmed,
)
from booking.rate_limits import BOOKINGS_PER_DOMAIN
from tests.booking.accounts import make_account
from tests.booking.factories import (
    AMSTERDAM,
    make_family,
    make_hours,
    make_practice,
    make_therapist,
    make_type,
)
from tests.booking.steps import NOW, book, book_or_ask, free

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

HOUR = timedelta(hours=1)
LONG_AGO = NOW - timedelta(days=2)
# Sixteen working days of eight appointments each.
DAYS = [date(2026, 11, 23) + timedelta(days=week * 7 + day) for week in range(4) for day in range(4)]
STARTS = [f"{day} {hour:02}:00" for day in DAYS for hour in range(9, 17)]


@pytest.fixture
def alice() -> Therapist:
    make_practice()
    alice = make_therapist(name="Alice", user=make_account("alice@praktijk.example"))
    make_hours(alice, 0, 1, 2, 3, start="09:00", end="17:00")
    return alice


@pytest.fixture
def consult(alice: Therapist) -> AppointmentType:
    return make_type(alice, step=HOUR, horizon_days=27)


def visit(consult: AppointmentType, number: int, networks: Sequence[str], **kw: Any) -> Appointment | Unconfirmed:
    """Let visitor `number` book the start of that number, as a family of its own."""
    key = kw.pop("key", f"{number}")
    return book_or_ask(
        consult,
        STARTS[number],
        family=kw.pop("family", make_family(email=f"family{number}@example.org")),
        request=Request(key=key, body="the form"),
        networks=networks,
        address=kw.pop("address", networks[0]),
        visitor=f"visitor {number}",
        **kw,
    )


def own(number: int) -> list[str]:
    return [f"192.0.{number // 250}.{number % 250 + 1}"]


def standing(made: Sequence[Appointment | Unconfirmed]) -> int:
    return sum(isinstance(one, Appointment) for one in made)


def test_one_network_books_as_much_as_a_family_needs_and_then_confirms(consult: AppointmentType) -> None:
    made = [visit(consult, number, ["192.0.2.1"]) for number in range(10)]

    assert [isinstance(one, Appointment) for one in made] == [True] * surge.FEW_OF_NETWORK + [False] * 7
    assert isinstance(visit(consult, 20, ["192.0.2.2"]), Appointment)


def test_all_together_book_a_tenth_of_the_horizon_in_an_hour_and_then_confirm(consult: AppointmentType) -> None:
    made = [visit(consult, number, own(number)) for number in range(20)]

    # 128 appointments fit.
    assert standing(made) == 12
    assert isinstance(made[-1], Unconfirmed)


def test_after_the_hour_one_books_at_once_again(consult: AppointmentType) -> None:
    for number in range(14):
        visit(consult, number, own(number))

    assert isinstance(visit(consult, 40, own(40), now=NOW + HOUR), Appointment)


def test_at_the_pace_of_an_hour_a_day_is_not_filled(consult: AppointmentType) -> None:
    made = []
    for hour in range(8):
        first = hour * 16
        made += [visit(consult, n, own(n), now=NOW + hour * HOUR) for n in range(first, first + 12)]

    # Three tenths of what could be booked at the beginning of the day.
    assert 30 <= standing(made) <= 38


def test_a_network_does_not_get_by_at_the_pace_of_an_hour(consult: AppointmentType) -> None:
    made = [visit(consult, n, ["192.0.2.1"], now=NOW + n * timedelta(minutes=20)) for n in range(12)]

    assert standing(made) == 3 * surge.FEW_OF_NETWORK


def test_a_wider_network_is_given_more_and_is_counted_too(consult: AppointmentType) -> None:
    made = [visit(consult, n, [f"64-{n}", f"56-{n // 4}", "48"], address=f"{n}") for n in range(40)]

    assert surge.FEW_OF_NETWORK < standing(made) <= 4 * surge.FEW_OF_NETWORK


def test_a_few_are_never_too_many_however_small_the_horizon(alice: Therapist) -> None:
    consult = make_type(alice, step=HOUR, horizon_days=4)
    starts = [number for number, start in enumerate(STARTS) if start < "2026-11-24"]

    made = [visit(consult, number, own(number)) for number in starts]

    assert standing(made) == surge.FEW


def test_what_the_practice_books_neither_counts_nor_is_asked(consult: AppointmentType, alice: Therapist) -> None:
    account = alice.user
    assert account is not None
    for _ in range(20):
        free_start = free_time.free_slots(consult, DAYS[0], DAYS[-1], zone=AMSTERDAM, now=NOW)[0].start
        by_hand.book(
            consult,
            alice,
            free_start,
            family=make_family(email=""),
            wants_mail=False,
            account=account,
            zone=AMSTERDAM,
            now=NOW,
        )

    assert isinstance(visit(consult, 100, own(1)), Appointment)
    # A key of the practice's own comes without networks.
    assert standing([visit(consult, number, []) if number else visit(consult, 101, own(2)) for number in [0]]) == 1


def test_without_limits_nobody_is_asked(consult: AppointmentType, settings: Settings) -> None:
    settings.RATE_LIMITS = False

    assert standing([visit(consult, number, ["192.0.2.1"]) for number in range(20)]) == 20


def test_what_is_asked_counts_to_no_network(consult: AppointmentType) -> None:
    for number in range(10):
        visit(consult, number, ["192.0.2.1"])

    waits = Unconfirmed.objects.first()
    assert waits is not None
    by_mail.confirm(waits, zone=AMSTERDAM, now=NOW)
    # In the next hour the network has its few again.
    assert standing([visit(consult, n, ["192.0.2.1"], now=NOW + HOUR) for n in range(20, 30)]) == 3


@pytest.mark.django_db(transaction=True)
def test_all_at_once_from_one_network_are_counted_one_by_one() -> None:
    make_practice()
    therapists = [make_therapist() for _ in range(4)]
    for therapist in therapists:
        make_hours(therapist, 0, 1, 2, 3, start="09:00", end="17:00")
    types = [make_type(therapist, step=HOUR, horizon_days=27) for therapist in therapists]
    barrier = Barrier(8)

    def click(number: int) -> Appointment | Unconfirmed | BookingError:
        try:
            barrier.wait(10)
            return visit(types[number % 4], number, ["192.0.2.1"])
        except BookingError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(click, range(8)))

    assert Appointment.objects.count() == surge.FEW_OF_NETWORK


class TestAttack:
    """docs/security.md, "Filling the diary": what one address can do, and what many can."""

    def test_one_address_with_invented_mail_addresses(self, consult: AppointmentType) -> None:
        for number in range(55):
            visit(consult, number, ["192.0.2.1"], key=f"{number}")

        assert Appointment.objects.count() == 3
        assert Hold.objects.count() == 3
        assert sum(len(free(consult, day)) for day in DAYS) == len(STARTS) - 6

    def test_many_addresses_with_invented_mail_addresses(self, consult: AppointmentType) -> None:
        made = []
        for number in range(len(STARTS)):
            try:
                made.append(visit(consult, number, own(number)))
            except SlotTaken:
                continue

        assert standing(made) == 12
        # Of each day half of what is not booked stays free for others.
        booked = {day: Appointment.objects.filter(start__date=day).count() for day in DAYS}
        assert all(len(free(consult, day)) >= (8 - booked[day]) / 2 for day in DAYS)

    def test_a_domain_of_ones_own_confirms_no_more_than_its_share(self, consult: AppointmentType) -> None:
        refused = 0
        for number in range(60):
            family = make_family(email=f"a{number}@x{number}.attacker.nl")
            try:
                made = visit(consult, number, own(number), family=family)
                if isinstance(made, Unconfirmed):
                    by_mail.confirm(made, zone=AMSTERDAM, now=NOW)
            except TooManyRequests:
                refused += 1

        assert Appointment.objects.count() == BOOKINGS_PER_DOMAIN.most
        assert refused == 60 - BOOKINGS_PER_DOMAIN.most

    def test_of_what_a_limit_leaves_no_more_is_taken(self, alice: Therapist) -> None:
        few = make_type(alice, step=HOUR, horizon_days=27, most_per_week=5)

        made = [visit(few, 32 * week + number, own(4 * week + number)) for number in range(3) for week in range(4)]

        # Twenty fit into four weeks, and a tenth of that is less than what is never too many.
        assert standing(made) == surge.FEW

    def test_what_is_booked_counts_to_the_limits_of_what_is_left(self, alice: Therapist) -> None:
        few = make_type(alice, step=HOUR, horizon_days=29, most_per_day=4)
        for day in DAYS:
            for hour in range(9, 12):
                book(
                    few, f"{day} {hour:02}:00", family=make_family(email=f"{day}.{hour}@example.org"), now=LONG_AGO
                )

        made = [visit(few, 8 * number + 4, own(number)) for number in range(12)]

        assert standing(made) == surge.FEW


class TestRush:
    """After a letter to parents forty families book within an hour, most from lines of their own."""

    def test_all_of_them_have_their_appointment(self, consult: AppointmentType) -> None:
        made = [visit(consult, n, own(n), now=NOW + n * timedelta(minutes=1)) for n in range(40)]
        outbox.deliver_due(lambda: NOW + timedelta(minutes=41))
        by_mail.start_terms()

        for waits in Unconfirmed.objects.all():
            by_mail.confirm(waits, zone=AMSTERDAM, now=NOW + timedelta(minutes=50))

        assert 0 < standing(made) < 40
        assert Appointment.objects.filter(state=State.CONFIRMED).count() == 40

    def test_a_school_behind_one_address_has_its_appointments_too(self, consult: AppointmentType) -> None:
        for number in range(30):
            visit(consult, number, ["192.0.2.1"])

        for waits in Unconfirmed.objects.all():
            by_mail.confirm(waits, zone=AMSTERDAM, now=NOW + timedelta(minutes=5))

        assert Appointment.objects.count() == 30


class TestTheTherapistIsTold:
    def test_once_an_hour_and_of_what_came_in(self, consult: AppointmentType, alice: Therapist) -> None:
        for number in range(20):
            visit(consult, number, own(number))

        told = Notification.objects.get(kind=Kind.MANY_BOOKINGS)
        assert told.therapist == alice
        assert notifications.booked_by_families(told.due_at).count() == 12
        message = emails.compose(told, now=NOW)
        assert message.to == [alice.email]
        assert f"/agenda/drukte/{told.pk}/" in str(message.body)

    def test_on_a_quiet_day_nobody_is(self, consult: AppointmentType) -> None:
        book(consult, STARTS[0])

        assert not Notification.objects.filter(kind=Kind.MANY_BOOKINGS).exists()

    def test_with_one_button_all_of_it_is_cancelled(self, consult: AppointmentType, alice: Therapist) -> None:
        for number in range(15):
            visit(consult, number, own(number))
        account = alice.user
        assert account is not None
        first, *others = notifications.booked_by_families(NOW)
        appointments.cancel(first, by=Actor.PARENT, now=NOW)

        count = appointments.cancel_many([first, *others], account=account, now=NOW)

        assert count == 12
        assert not Appointment.objects.filter(state=State.CONFIRMED).exists()
        told = Notification.objects.filter(kind=Kind.CANCELLED, parent__isnull=False)
        assert told.count() == 12
