"""Booking in two steps: the time is kept, and the family confirms by the link in a mail."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from booking import appointments, by_mail, emails, links, notifications, outbox, rate_limits
from booking.appointments import Request
from booking.errors import IdempotencyConflict, OutsideBookingWindow, SlotTaken, TooManyRequests
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
from tests.booking import steps
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
# Until when a family can confirm what was mailed within minutes, and how long a mail can be on its way.
LATER = NOW + Unconfirmed.SOON + Unconfirmed.TERM
DAY_LATER = NOW + Unconfirmed.LONGEST_WAY


def ask(consult: AppointmentType, start: str = "2026-12-01 10:00", key: str = "a-key", **kw: Any) -> Unconfirmed:
    return steps.ask(consult, start, key, **{"family": FAMILY, "visitor": "noor", **kw})


def deliver(now: datetime = NOW) -> None:
    """Send what is due, as the worker's task does."""
    outbox.deliver_due(lambda: now)
    by_mail.start_terms()


def test_until_it_is_confirmed_the_time_is_kept_and_nothing_is_booked(consult: AppointmentType) -> None:
    hold(consult, "2026-12-01 10:00")

    ask(consult)

    assert not Appointment.objects.exists()
    deliver()
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
    make_hours(alice, start="13:00", end="17:00")
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


def test_a_form_that_was_changed_takes_the_place_of_what_it_sent_before(consult: AppointmentType) -> None:
    first = ask(consult, family=make_family(email="noor@exmaple.org"))

    changed = ask(consult, request=Request(key="a-key", body="changed"), may_change=True)

    assert (changed.email, changed.kept) == ("noor@example.org", True)
    assert Notification.objects.get().unconfirmed == changed
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


def test_a_changed_form_that_is_refused_leaves_what_waits_as_it_was(consult: AppointmentType) -> None:
    first = ask(consult)
    book(consult, "2026-12-02 10:00", family=make_family(email="mila@example.org"))

    with pytest.raises(SlotTaken):
        ask(consult, "2026-12-02 10:00", request=Request(key="a-key", body="changed"), may_change=True)

    assert by_mail.waiting(first.public_id, now=NOW) == first
    assert "10:00" not in free(consult)
    assert Notification.objects.filter(kind=Kind.CONFIRM).count() == 1


def test_a_changed_form_that_need_not_be_confirmed_any_more_is_one_appointment(consult: AppointmentType) -> None:
    ask(consult)

    made = steps.book_or_ask(
        consult, "2026-12-01 10:00", request=Request(key="a-key", body="changed"), may_change=True
    )

    assert isinstance(made, Appointment)
    assert not Unconfirmed.objects.exists()
    assert not Hold.objects.exists()


def test_another_body_under_the_same_key_is_refused_where_it_may_not_change(consult: AppointmentType) -> None:
    first = ask(consult)

    with pytest.raises(IdempotencyConflict):
        ask(consult, request=Request(key="a-key", body="another"))

    assert Unconfirmed.objects.get() == first


def test_what_it_becomes_has_the_reference_and_the_key_that_were_given_out(consult: AppointmentType) -> None:
    waits = ask(consult)

    appointment = by_mail.confirm(waits, zone=AMSTERDAM, now=NOW)

    assert appointment.public_id == waits.public_id
    assert appointments.made_before(Request(key="a-key", body="the form"), NOW) == appointment
    assert book(consult, "2026-12-03 10:00", request=Request(key="a-key", body="the form")) == appointment


def test_after_its_term_it_opens_nothing_and_is_gone(consult: AppointmentType) -> None:
    unconfirmed = ask(consult)
    deliver()
    by_mail.forget_expired(now=LATER - timedelta(seconds=1))

    assert by_mail.waiting(unconfirmed.public_id, now=LATER - timedelta(seconds=1)) == unconfirmed
    with pytest.raises(links.DeadLink):
        by_mail.waiting(unconfirmed.public_id, now=LATER)
    by_mail.forget_expired(now=LATER)
    assert not Unconfirmed.objects.exists()


def test_one_that_ran_out_does_not_stand_in_the_way_of_its_own_key(consult: AppointmentType) -> None:
    ask(consult)
    deliver()

    assert ask(consult, now=LATER).asked_at == LATER


class TestTerm:
    """The time to answer runs from the moment at which the mail went out."""

    SENT = NOW + timedelta(hours=3)

    def test_the_time_is_kept_while_the_mail_is_on_its_way(self, consult: AppointmentType) -> None:
        waits = ask(consult)

        by_mail.start_terms()
        by_mail.forget_expired(now=self.SENT)

        assert by_mail.waiting(waits.public_id, now=self.SENT) == waits
        assert "10:00" not in free(consult, now=self.SENT)

    def test_a_mail_that_went_out_late_leaves_a_whole_hour(self, consult: AppointmentType) -> None:
        waits = ask(consult)
        body = str(emails.compose(Notification.objects.get(), now=self.SENT).body)

        deliver(self.SENT)

        waits.refresh_from_db()
        assert waits.expires_at == waits.answer_by == self.SENT + timedelta(hours=1)
        assert Hold.objects.get().expires_at == waits.expires_at
        assert "16:00" in body

    def test_one_that_goes_out_within_minutes_does_not_change_what_was_said(
        self, consult: AppointmentType
    ) -> None:
        waits = ask(consult)
        said = waits.answer_by

        deliver(NOW + timedelta(minutes=4))

        waits.refresh_from_db()
        assert waits.expires_at == waits.answer_by == said == LATER

    def test_looked_at_again_the_term_does_not_start_again(self, consult: AppointmentType) -> None:
        waits = ask(consult)
        deliver()
        Unconfirmed.objects.update(expires_at=NOW + timedelta(minutes=1))

        by_mail.start_terms()

        waits.refresh_from_db()
        assert waits.expires_at == NOW + timedelta(minutes=1)

    def test_an_address_that_refuses_the_mail_gives_the_time_free_at_once(self, consult: AppointmentType) -> None:
        ask(consult)
        Notification.objects.update(state=NotificationState.FAILED, last_error="recipient 550")

        by_mail.start_terms()

        assert not Unconfirmed.objects.exists()
        assert "10:00" in free(consult)
        assert not Notification.objects.exists()

    def test_a_mail_that_is_on_its_way_for_a_day_is_given_up(self, consult: AppointmentType) -> None:
        waits = ask(consult)

        assert (
            notifications.verdict(Notification.objects.get(), zone=AMSTERDAM, now=DAY_LATER)
            == NotificationState.MISSED
        )
        assert "10:00" in free(consult, now=DAY_LATER)
        with pytest.raises(links.DeadLink):
            by_mail.waiting(waits.public_id, now=DAY_LATER)


class TestCorrectedAddress:
    def test_the_mail_goes_there_and_the_earlier_link_is_dead(self, consult: AppointmentType) -> None:
        waits = ask(consult, family=make_family(email="noor@exmaple.org"))
        first = waits.public_id
        deliver()

        again = by_mail.correct_address(waits, "noor@example.org", now=NOW + timedelta(minutes=2))

        with pytest.raises(links.DeadLink):
            by_mail.waiting(first, now=NOW)
        owed = Notification.objects.get()
        assert (owed.state, emails.compose(owed, now=NOW).to) == (NotificationState.DUE, ["noor@example.org"])
        deliver(NOW + timedelta(minutes=2))
        assert Hold.objects.get().expires_at == LATER
        assert by_mail.confirm(again, zone=AMSTERDAM, now=NOW).parents.get().email == "noor@example.org"

    def test_the_same_address_is_not_mailed_twice(self, consult: AppointmentType) -> None:
        waits = ask(consult)

        assert by_mail.correct_address(waits, FAMILY.email, now=NOW).public_id == waits.public_id
        assert Notification.objects.count() == 1

    def test_it_is_no_way_to_mail_many(self, consult: AppointmentType) -> None:
        waits = ask(consult)
        for number in range(by_mail.MOST_ADDRESSES - 1):
            waits = by_mail.correct_address(waits, f"p{number}@example.org", now=NOW)

        with pytest.raises(TooManyRequests):
            by_mail.correct_address(waits, "one-more@example.org", now=NOW)

    def test_who_comes_second_changes_nothing(self, consult: AppointmentType) -> None:
        waits = ask(consult)
        stale = Unconfirmed.objects.get()
        by_mail.correct_address(waits, "first@example.org", now=NOW)

        with pytest.raises(links.DeadLink):
            by_mail.correct_address(stale, "second@example.org", now=NOW)

        assert Unconfirmed.objects.get().email == "first@example.org"

    def test_whoever_presses_the_button_of_the_other_mail_at_that_moment_books_nothing(
        self, consult: AppointmentType
    ) -> None:
        waits = ask(consult, family=make_family(email="somebody@example.org"))
        pressed = by_mail.waiting(waits.public_id, now=NOW)
        # So that no hold of the other one refuses it.
        Hold.objects.all().delete()
        corrected = by_mail.correct_address(waits, "noor@example.org", now=NOW)

        with pytest.raises(links.DeadLink):
            by_mail.confirm(pressed, zone=AMSTERDAM, now=NOW)

        assert not Appointment.objects.exists()
        assert by_mail.confirm(corrected, zone=AMSTERDAM, now=NOW).parents.get().email == "noor@example.org"

    def test_the_other_address_refusing_its_mail_at_that_moment_leaves_it(self, consult: AppointmentType) -> None:
        waits = ask(consult)
        refused = by_mail.waiting(waits.public_id, now=NOW)
        by_mail.correct_address(waits, "mila@example.org", now=NOW)

        by_mail.drop(refused)

        assert (Unconfirmed.objects.get().email, Hold.objects.count()) == ("mila@example.org", 1)


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
    assert "13:05" in str(message.body)
    assert "/en/afspraak/bevestigen/" in str(message.body)
    assert not [words for words in PERSONAL if words in said]
    assert "text/calendar" not in str(message.message())


def test_nobody_is_mailed_without_end(consult: AppointmentType) -> None:
    for number in range(rate_limits.BOOKINGS_PER_MAIL.most):
        ask(consult, f"2026-12-{number + 1:02} 10:00", key=f"{number}", address=f"{number}", visitor=f"{number}")

    with pytest.raises(TooManyRequests):
        ask(consult, "2026-12-10 10:00", key="one more", address="another", visitor="another")


def test_the_button_in_a_mail_is_never_one_booking_too_many(consult: AppointmentType) -> None:
    asked = [
        ask(consult, f"2026-12-{number + 1:02} 10:00", key=f"{number}", address=f"{number}", visitor=f"{number}")
        for number in range(rate_limits.BOOKINGS_PER_MAIL.most)
    ]

    confirmed = [by_mail.confirm(one, zone=AMSTERDAM, now=NOW) for one in asked[:3]]

    assert len(confirmed) == 3


def test_past_the_limits_of_holds_it_is_mailed_and_not_kept(consult: AppointmentType) -> None:
    asked = [ask(consult, f"2026-12-{day:02} 10:00", key=f"{day}", visitor=f"{day}") for day in range(1, 5)]

    assert [one.kept for one in asked] == [True] * 3 + [False]
    assert Hold.objects.count() == 3
    mails = [
        str(emails.compose(mail, now=NOW).body)
        for mail in Notification.objects.filter(kind=Kind.CONFIRM).order_by("pk")
    ]
    assert ["Until then we keep this moment" in mail for mail in mails] == [True] * 3 + [False]
    assert "the first to confirm gets it" in mails[3]
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
        make_hours(therapist, start="09:00", end="17:00")
    either = make_type(alice, bob)
    barrier = Barrier(4)

    def click(number: int) -> None:
        try:
            barrier.wait(10)
            steps.book_or_ask(either, "2026-12-01 10:00")
        finally:
            connection.close()

    with steps.many_book(), ThreadPoolExecutor(4) as pool:
        list(pool.map(click, range(4)))

    assert Unconfirmed.objects.count() == Hold.objects.count() == Notification.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_press_the_button_at_once_have_one_appointment() -> None:
    make_practice()
    alice, bob = make_therapist(), make_therapist()
    for therapist in (alice, bob):
        make_hours(therapist, start="09:00", end="17:00")
    waits = ask(make_type(alice, bob))
    Hold.objects.all().delete()
    barrier = Barrier(4)

    def press(_number: int) -> Appointment:
        try:
            barrier.wait(10)
            return by_mail.confirm(waits, zone=AMSTERDAM, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(press, range(4)))

    assert made == {Appointment.objects.get()}
    assert not Unconfirmed.objects.exists()
