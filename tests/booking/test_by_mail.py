"""Booking in two steps: the time is kept for an hour, and whoever was typed confirms by mail."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from booking import by_mail, emails, links, notifications, outbox, rate_limits
from booking.appointments import Request
from booking.errors import OutsideBookingWindow, SlotTaken, TooManyRequests
from booking.models import (
    Appointment,
    AppointmentType,
    Hold,
    Kind,
    Notification,
    NotificationState,
    Therapist,
    Unconfirmed,
)
from tests.booking.factories import (
    AMSTERDAM,
    make_family,
    make_hours,
    make_practice,
    make_therapist,
    make_type,
    wall,
)
from tests.booking.steps import NOW, book, free, hold

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

FAMILY = make_family(child_first_name="Sam Tijn", remark="liever niet bellen", language="en")
# With a sign in each that ciphertext and tokens lack: three letters in a row come by chance.
PERSONAL = ["Noor de", "noor@", "Sam T", "niet bellen"]
LATER = NOW + by_mail.TERM


def ask(consult: AppointmentType, start: str = "2026-12-01 10:00", key: str = "a-key", **kw: Any) -> Unconfirmed:
    by_mail.ask(
        consult,
        wall(start),
        **{
            "family": FAMILY,
            "visitor": "noor",
            "address": "home",
            "request": Request(key=key, body="the form"),
            "zone": AMSTERDAM,
            "now": NOW,
            **kw,
        },
    )
    return Unconfirmed.objects.get(request=key)


def test_until_it_is_confirmed_the_time_is_kept_and_nothing_is_booked(consult: AppointmentType) -> None:
    hold(consult, "2026-12-01 10:00")

    ask(consult)

    assert not Appointment.objects.exists()
    assert Hold.objects.get().expires_at == LATER
    assert [notification.kind for notification in Notification.objects.all()] == [Kind.CONFIRM]
    assert free(consult) == ["09:00", "11:00"]
    assert "10:00" in free(consult, now=LATER)
    with pytest.raises(SlotTaken):
        book(consult, "2026-12-01 10:00", visitor="noor")


def test_confirming_books_what_was_typed_and_leaves_nothing_else(consult: AppointmentType) -> None:
    appointment = by_mail.confirm(ask(consult), zone=AMSTERDAM, now=NOW + timedelta(minutes=50))

    parent = appointment.parents.get()
    assert (appointment.start, appointment.remark) == (wall("2026-12-01 10:00"), "liever niet bellen")
    assert (parent.name, parent.email, parent.phone) == (FAMILY.parent_name, FAMILY.email, FAMILY.phone)
    assert not Unconfirmed.objects.exists()
    assert not Hold.objects.exists()
    assert not Notification.objects.filter(kind=Kind.CONFIRM).exists()


def test_what_is_kept_for_an_hour_is_booked_past_the_notice(alice: Therapist) -> None:
    consult = make_type(alice, minimum_notice=timedelta(hours=24))
    unconfirmed = ask(consult, now=wall("2026-11-30 09:59"))

    appointment = by_mail.confirm(unconfirmed, zone=AMSTERDAM, now=wall("2026-11-30 10:58"))

    assert appointment.start == wall("2026-12-01 10:00")


def test_confirming_twice_is_one_appointment(consult: AppointmentType) -> None:
    unconfirmed = ask(consult)
    also = by_mail.waiting(unconfirmed.public_id, now=NOW)

    first = by_mail.confirm(unconfirmed, zone=AMSTERDAM, now=NOW)

    assert by_mail.confirm(also, zone=AMSTERDAM, now=NOW) == first
    assert by_mail.confirmed(also.public_id, now=NOW) == first


def test_a_double_click_is_one_mail(consult: AppointmentType) -> None:
    assert ask(consult) == ask(consult)

    assert Notification.objects.count() == 1


def test_a_form_that_was_mended_takes_the_place_of_what_it_sent_before(consult: AppointmentType) -> None:
    first = ask(consult, family=make_family(email="noor@exmaple.org"))

    mended = ask(consult, request=Request(key="a-key", body="mended"))

    assert (mended.email, mended.kept) == ("noor@example.org", True)
    assert Notification.objects.get().unconfirmed == mended
    assert Hold.objects.count() == 1
    with pytest.raises(links.DeadLink):
        by_mail.waiting(first.public_id, now=NOW)


def test_whoever_is_free_is_still_whoever_when_it_is_confirmed(consult: AppointmentType, alice: Therapist) -> None:
    bob = make_therapist()
    make_hours(bob, start="09:00", end="12:00")
    consult.therapists.add(bob)
    anybody, alices = ask(consult), ask(consult, "2026-12-02 10:00", key="b", visitor="b", therapist=alice)
    Therapist.objects.filter(pk=alice.pk).update(active=False)

    assert by_mail.confirm(anybody, zone=AMSTERDAM, now=NOW).therapist == bob
    with pytest.raises(OutsideBookingWindow):
        by_mail.confirm(alices, zone=AMSTERDAM, now=NOW)


def test_after_an_hour_it_opens_nothing_and_is_gone(consult: AppointmentType) -> None:
    unconfirmed = ask(consult)
    by_mail.forget_expired(now=LATER - timedelta(seconds=1))

    assert by_mail.waiting(unconfirmed.public_id, now=LATER - timedelta(seconds=1)) == unconfirmed
    with pytest.raises(links.DeadLink):
        by_mail.waiting(unconfirmed.public_id, now=LATER)
    by_mail.forget_expired(now=LATER)
    assert not Unconfirmed.objects.exists()


def test_what_was_typed_stands_nowhere_in_the_clear(consult: AppointmentType) -> None:
    ask(consult)

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM booking_unconfirmed")
        row = str(cursor.fetchall())
    assert not [words for words in [*PERSONAL, "+31612345678"] if words in row]


def test_the_mail_says_when_and_nothing_about_the_family(consult: AppointmentType) -> None:
    ask(consult)

    message = emails.compose(Notification.objects.get(), now=NOW)

    said = f"{message.subject} {message.body} {emails.html(message)}"
    assert message.to == ["noor@example.org"]
    assert "10:00" in str(message.body)
    assert "13:00" in str(message.body)
    assert "/en/afspraak/bevestigen/" in str(message.body)
    assert not [words for words in PERSONAL if words in said]
    assert "text/calendar" not in str(message.message())


def test_a_mail_that_comes_too_late_is_not_sent(consult: AppointmentType) -> None:
    ask(consult)
    owed = Notification.objects.get()

    assert notifications.verdict(owed, zone=AMSTERDAM, now=LATER) == NotificationState.MISSED
    assert outbox.deliver_due(lambda: NOW) == 1


def test_nobody_is_mailed_without_end(consult: AppointmentType) -> None:
    for number in range(rate_limits.BOOKINGS_PER_MAIL.most):
        ask(consult, f"2026-12-{number + 1:02} 10:00", key=f"{number}", address=f"{number}", visitor=f"{number}")

    with pytest.raises(TooManyRequests):
        ask(consult, "2026-12-10 10:00", key="one more", address="another", visitor="another")


def test_past_the_limits_of_holds_it_is_mailed_and_not_kept(consult: AppointmentType) -> None:
    asked = [ask(consult, f"2026-12-{day:02} 10:00", key=f"{day}", visitor=f"{day}") for day in range(1, 5)]

    assert [one.kept for one in asked] == [True] * 3 + [False]
    assert Hold.objects.count() == 3
    mails = [str(emails.compose(mail, now=NOW).body) for mail in Notification.objects.order_by("pk")]
    assert ["Until then we keep this moment" in mail for mail in mails] == [True] * 3 + [False]
    assert by_mail.confirm(asked[3], zone=AMSTERDAM, now=NOW).start == wall("2026-12-04 10:00")


def test_what_was_not_kept_and_is_taken_meanwhile_says_so(consult: AppointmentType) -> None:
    *_, last = [ask(consult, f"2026-12-{day:02} 10:00", key=f"{day}", visitor=f"{day}") for day in range(1, 5)]
    book(consult, "2026-12-04 10:00", family=make_family(email="mila@example.org"))

    with pytest.raises(SlotTaken):
        by_mail.confirm(last, zone=AMSTERDAM, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_are_one_mail() -> None:
    make_practice()
    alice, bob = make_therapist(), make_therapist()
    for therapist in (alice, bob):
        make_hours(therapist, start="09:00", end="12:00")
    either = make_type(alice, bob)
    barrier = Barrier(4)

    def click(number: int) -> None:
        try:
            barrier.wait(10)
            ask(either)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(click, range(4)))

    assert Unconfirmed.objects.count() == Hold.objects.count() == Notification.objects.count() == 1
