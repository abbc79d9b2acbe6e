"""The whole against a model: whatever families and the therapist do, in whatever order, from two connections.

`make model` runs it for long, with other examples each time.
"""

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import pairwise
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from schedule.models import Calendar, Event

from booking import appointments, by_hand, diary, erasure, free_time, holds, outbox
from booking.errors import BookingError, Busy, SlotTaken
from booking.hours import WorkingHours
from booking.intervals import Interval
from booking.models import (
    Actor,
    Appointment,
    AppointmentType,
    Hold,
    Notification,
    NotificationState,
    Parent,
    RateCounter,
    State,
    Therapist,
)
from tests.booking.accounts import make_account
from tests.booking.factories import AMSTERDAM, make_family, make_hours, make_practice, make_therapist, make_type
from tests.booking.model import BUFFER, DURATION, HOLD, STEP, Model, at, local_day

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engines]

# Three days before the clock goes forward.
BEGIN = at(date(2026, 3, 26), "08:10")
LONG = int(os.environ.get("MODEL_EXAMPLES", "0"))
# Most of it on one day, where things meet.
DAYS, CLOCKS = (
    st.sampled_from([1, 1, 1, 0, 2, 3]),
    st.sampled_from(["09:00", "09:30", "10:00", "10:30", "11:00", "14:00", "14:30"]),
)
VISITORS, CONNECTIONS = st.sampled_from(["noor", "piet", "fatma"]), st.booleans()
WHICH = st.integers(0, 50)
AFTER = {
    State.CONFIRMED: {State.CONFIRMED, State.CANCELLED, State.ATTENDED, State.NO_SHOW},
    State.CANCELLED: {State.CANCELLED},
    State.ATTENDED: {State.ATTENDED, State.NO_SHOW},
    State.NO_SHOW: {State.NO_SHOW, State.ATTENDED},
}


class Diary(RuleBasedStateMachine):
    """One therapist, three visitors and a colleague at the phone. Each rule does a thing twice: for real, and in
    the model; what one refuses the other must refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere = ThreadPoolExecutor(1)
        for table in (Appointment, Hold, RateCounter, Event, Calendar):
            table._base_manager.all().delete()
        mail.outbox.clear()
        self.therapist = Therapist.objects.get()
        make_hours(self.therapist, start="09:00", end="12:00")
        self.model = Model(BEGIN)
        self.before: dict[int, tuple[str, int]] = {}
        self.families = 0

    def teardown(self) -> None:
        self.elsewhere.submit(lambda: connection.close()).result()
        self.elsewhere.shutdown()
        self.everything_due_has_ended()

    # How a rule acts

    def do(self, there: bool, act: Callable[[], Any]) -> tuple[Any, str | None]:
        """Act on one of the two connections; return what came of it, or the name of the refusal."""
        try:
            return (self.elsewhere.submit(act).result(20) if there else act()), None
        except (BookingError, diary.DiaryError) as refusal:
            return None, type(refusal).__name__

    @property
    def consult(self) -> AppointmentType:
        return AppointmentType.objects.get()

    def start(self, day: int, clock: str) -> datetime:
        return at(local_day(self.model.now) + timedelta(days=day), clock)

    def pick(self, which: int) -> int | None:
        """Return one of the appointments that a family still has a link to, if there is any.

        Rules look at it for themselves, without a precondition: who wins a race differs from one time to the next,
        and what is played must not.
        """
        known = [key for key, booked in self.model.booked.items() if not booked.erased]
        return known[which % len(known)] if known else None

    def family(self) -> appointments.Family:
        self.families += 1
        return make_family(email=f"family{self.families}@example.org")

    def book(self, start: datetime, visitor: str) -> Callable[[], Appointment]:
        family = self.family()
        return lambda: appointments.book(
            self.consult, start, family=family, zone=AMSTERDAM, now=self.model.now, visitor=visitor
        )

    def hold(self, start: datetime, visitor: str) -> Callable[[], Hold | None]:
        return lambda: holds.hold(
            self.consult, start, visitor=visitor, address=visitor, zone=AMSTERDAM, now=self.model.now
        )

    def at_once(self, one: Callable[[], Any], other: Callable[[], Any]) -> list[tuple[Any, str | None]]:
        """Do two things at the same time, here and there; return what came of each, as `do` does."""
        together = Barrier(2)

        def waiting(act: Callable[[], Any]) -> Callable[[], Any]:
            return lambda: (together.wait(10), act())[1]

        there = self.elsewhere.submit(self.do, False, waiting(other))
        return [self.do(False, waiting(one)), there.result(20)]

    # What families do

    @rule(day=DAYS, choices=st.lists(st.tuples(VISITORS, CLOCKS, CONNECTIONS), min_size=2, max_size=3))
    def some_choose_a_time(self, day: int, choices: list[tuple[str, str, bool]]) -> None:
        for visitor, clock, there in choices:
            self.holds(self.start(day, clock), visitor, there)

    def holds(self, start: datetime, visitor: str, there: bool) -> None:
        model = self.model
        expected = model.refusal(start, visitor=visitor)
        may = expected is None and model.may_hold(start, visitor)

        held, refusal = self.do(there, self.hold(start, visitor))

        assert refusal == expected
        assert (held is not None) == may
        if expected is None:
            model.holds.pop(visitor, None)
        if may:
            model.holds[visitor] = (start, model.now + HOLD)

    @rule(day=DAYS, clock=CLOCKS, visitor=VISITORS, there=CONNECTIONS)
    def books(self, day: int, clock: str, visitor: str, there: bool) -> None:
        start = self.start(day, clock)
        expected = self.model.refusal(start, visitor=visitor)

        made, refusal = self.do(there, self.book(start, visitor))

        assert refusal == expected
        if made:
            self.model.book(made.pk, start, visitor=visitor)

    @rule(day=DAYS, clock=CLOCKS, later=st.sampled_from([0, 1, 2, 3]))
    def two_book_at_once(self, day: int, clock: str, later: int) -> None:
        model, first = self.model, self.start(day, clock)
        second = first + later * STEP
        possible = [start for start in (first, second) if model.refusal(start) is None]
        apart = later * STEP >= DURATION + BUFFER

        results = self.at_once(self.book(first, ""), self.book(second, ""))

        outcomes = [(start, *result) for start, result in zip((first, second), results, strict=True)]
        won = [(start, made) for start, made, _ in outcomes if made]
        assert len(won) == (len(possible) if apart else min(1, len(possible)))
        # Told at once that it is taken, or that it is busy: both are a sentence, and nothing is written.
        lost = {refusal for start, made, refusal in outcomes if not made and start in possible}
        assert lost <= {SlotTaken.__name__, Busy.__name__}
        for start, made in won:
            model.book(made.pk, start)

    @rule(day=DAYS, clock=CLOCKS, later=st.sampled_from([0, 1, 2]), visitor=VISITORS)
    def one_chooses_while_another_books(self, day: int, clock: str, later: int, visitor: str) -> None:
        """Between a hold and an appointment there is no constraint: the lock alone keeps them apart."""
        model, booked = self.model, self.start(day, clock)
        chosen = booked + later * STEP
        if model.refusal(booked) or model.refusal(chosen, visitor=visitor):
            return
        may = model.may_hold(chosen, visitor)

        (made, refused_booking), (held, refused_hold) = self.at_once(
            self.book(booked, ""), self.hold(chosen, visitor)
        )

        assert [bool(made), bool(held)].count(True) == 1
        assert may or not held
        assert {refused_booking, refused_hold} <= {None, SlotTaken.__name__, Busy.__name__}
        if refused_hold is None:
            model.holds.pop(visitor, None)
        if held:
            model.holds[visitor] = (chosen, model.now + HOLD)
        if made:
            model.book(made.pk, booked)

    @rule(which=WHICH, day=DAYS, clock=CLOCKS, there=CONNECTIONS)
    def moves(self, which: int, day: int, clock: str, there: bool) -> None:
        model, key, start = self.model, self.pick(which), self.start(day, clock)
        if key is None:
            return
        expected = model.changeable(key, by_parent=True)
        if expected is None and start != model.booked[key].start:
            expected = model.refusal(start, moving=key)

        _, refusal = self.do(
            there,
            lambda: appointments.reschedule(
                Appointment.objects.get(pk=key), start, by=Actor.PARENT, zone=AMSTERDAM, now=model.now
            ),
        )

        assert refusal == expected
        if refusal is None:
            model.move(key, start)

    @rule(which=WHICH, by_parent=st.booleans(), there=CONNECTIONS)
    def cancels(self, which: int, by_parent: bool, there: bool) -> None:
        key = self.pick(which)
        if key is None:
            return
        was_cancelled = self.model.booked[key].state == "cancelled"
        expected = None if was_cancelled else self.model.changeable(key, by_parent=by_parent)
        actor = Actor.PARENT if by_parent else Actor.THERAPIST

        _, refusal = self.do(
            there,
            lambda: appointments.cancel(Appointment.objects.get(pk=key), by=actor, now=self.model.now),
        )

        assert refusal == expected
        if refusal is None and not was_cancelled:
            self.model.cancel(key)

    @rule(which=WHICH, day=DAYS, clock=CLOCKS, cancel_first=st.booleans())
    def two_browsers_differ(self, which: int, day: int, clock: str, cancel_first: bool) -> None:
        """One family, two browsers: the second one acts on what it saw before the first one acted."""
        model, key, start = self.model, self.pick(which), self.start(day, clock)
        if key is None:
            return
        seen = Appointment.objects.select_related("appointment_type", "therapist").get(pk=key)
        if model.changeable(key, by_parent=True) or model.refusal(start, moving=key):
            return

        def cancel() -> Any:
            return appointments.cancel(seen, by=Actor.PARENT, now=model.now)

        def move() -> Any:
            return appointments.reschedule(seen, start, by=Actor.PARENT, zone=AMSTERDAM, now=model.now)

        if cancel_first:
            assert self.do(True, cancel)[1] is None
            model.cancel(key)
            assert self.do(False, move)[1] == (None if start == seen.start else "AlreadyCancelled")
        elif start != seen.start:
            assert self.do(True, move)[1] is None
            model.move(key, start)
            assert self.do(False, cancel)[1] == "AlreadyChanged"

    @rule(which=WHICH, there=CONNECTIONS)
    def wants_to_be_forgotten(self, which: int, there: bool) -> None:
        key = self.pick(which)
        if key is None:
            return

        self.do(
            there,
            lambda: erasure.erase(Appointment.objects.get(pk=key), by=Actor.PARENT, now=self.model.now),
        )

        self.model.erase(key)

    # What the practice does

    @rule(day=DAYS, clock=st.sampled_from(["08:00", "09:20", "12:10", "16:45"]), there=CONNECTIONS)
    def books_by_hand(self, day: int, clock: str, there: bool) -> None:
        model, start, family = self.model, self.start(day, clock), self.family()
        expected = "InThePast" if start < model.now else "SlotTaken" if model.claimed(start) else None
        account = User.objects.get()

        made, refusal = self.do(
            there,
            lambda: by_hand.book(
                self.consult,
                self.therapist,
                start,
                family=family,
                wants_mail=True,
                account=account,
                zone=AMSTERDAM,
                now=model.now,
                all_the_same=True,
            ),
        )

        assert refusal == expected
        if made:
            model.book(made.pk, start)

    @rule(which=WHICH, came=st.booleans(), there=CONNECTIONS)
    def notes_who_came(self, which: int, came: bool, there: bool) -> None:
        key = self.pick(which)
        if key is None:
            return
        booked = self.model.booked[key]
        expected = (
            "AlreadyCancelled"
            if booked.state == "cancelled"
            else "TooEarlyToMark"
            if self.model.now < booked.start
            else None
        )
        mark = appointments.mark_attended if came else appointments.mark_no_show

        _, refusal = self.do(there, lambda: mark(Appointment.objects.get(pk=key), now=self.model.now))

        assert refusal == expected
        if refusal is None:
            booked.state = "attended" if came else "no_show"

    @rule(day=DAYS, clock=CLOCKS, there=CONNECTIONS)
    def takes_time_off(self, day: int, clock: str, there: bool) -> None:
        start = self.start(day, clock)
        span = start, start + timedelta(hours=2)

        added, refusal = self.do(there, lambda: diary.add_time_off(self.therapist, Interval(*span)))

        if refusal is None:
            self.model.off[added.id] = span

    @rule(which=WHICH, there=CONNECTIONS)
    def takes_it_back(self, which: int, there: bool) -> None:
        if self.model.off:
            id = list(self.model.off)[which % len(self.model.off)]
            self.do(there, lambda: diary.remove_time_off(self.therapist, id))
            del self.model.off[id]

    @rule(day=DAYS, there=CONNECTIONS)
    def opens_an_afternoon(self, day: int, there: bool) -> None:
        span = self.start(day, "14:00"), self.start(day, "16:00")

        added, refusal = self.do(there, lambda: diary.add_extra_opening(self.therapist, Interval(*span)))

        if refusal is None:
            self.model.extra[added.id] = span

    @rule(which=WHICH, there=CONNECTIONS)
    def closes_it_again(self, which: int, there: bool) -> None:
        if self.model.extra:
            id = list(self.model.extra)[which % len(self.model.extra)]
            self.do(there, lambda: diary.remove_extra_opening(self.therapist, id))
            del self.model.extra[id]

    @rule(day=DAYS, hours=st.sampled_from([("09:00", "11:00"), ("09:30", "12:00"), ("09:00", "12:00")]))
    def changes_her_hours(self, day: int, hours: tuple[str, str]) -> None:
        from_day = local_day(self.model.now) + timedelta(days=day)
        weekday = from_day.weekday()
        had = self.model.hours[weekday]
        if had[-1][0] >= from_day:
            return
        latest = max(
            (found for found in diary.working_hours(self.therapist, AMSTERDAM) if found.weekday == weekday),
            key=lambda found: found.first_day,
        )
        start, end = (at(from_day, clock).astimezone(AMSTERDAM).time() for clock in hours)

        diary.change_working_hours(
            self.therapist, latest.id or 0, WorkingHours(None, weekday, start, end, 1, from_day, None), AMSTERDAM
        )

        had.append((from_day, *hours))

    # What happens by itself

    @rule(minutes=st.sampled_from([5, 11, 60, 300, 24 * 60, 30 * 60, 31 * 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.model.now += timedelta(minutes=minutes)

    @rule(there=CONNECTIONS)
    def a_worker_sweeps(self, there: bool) -> None:
        now = self.model.now
        self.do(there, lambda: outbox.deliver_due(lambda: now))
        self.model.sweep()
        self.everything_due_has_ended()

    @rule(minutes=st.sampled_from([60, 20 * 60, 45 * 60]), there=CONNECTIONS)
    def a_worker_was_away(self, minutes: int, there: bool) -> None:
        self.time_passes(minutes)
        self.a_worker_sweeps(there)

    @rule(there=CONNECTIONS)
    def a_worker_tidies(self, there: bool) -> None:
        now = self.model.now
        self.do(there, lambda: erasure.erase_past_term(now=now))
        self.do(there, lambda: holds.forget_expired(now=now))
        self.model.tidy()

    # What must hold after each of these

    @invariant()
    def what_is_booked_is_what_should_be(self) -> None:
        rows = {row.pk: row for row in Appointment.objects.all()}

        assert {
            key: (row.start, row.state, row.sequence, row.erased_at is not None) for key, row in rows.items()
        } == {
            key: (booked.start, booked.state, booked.sequence, booked.erased)
            for key, booked in self.model.booked.items()
        }
        for key, (state, sequence) in self.before.items():
            assert rows[key].state in AFTER[State(state)]
            assert rows[key].sequence >= sequence
        self.before = {key: (row.state, row.sequence) for key, row in rows.items()}

    @invariant()
    def nothing_overlaps(self) -> None:
        claimed = [
            (row.occupied_start, row.occupied_end) for row in Appointment.objects.exclude(state="cancelled")
        ]
        live = Hold.objects.filter(expires_at__gt=self.model.now)
        held = [(row.occupied_start, row.occupied_end) for row in live]
        spans = sorted(claimed + held)
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
        assert {row.visitor: (row.start, row.expires_at) for row in live} == {
            who: found for who, found in self.model.holds.items() if found[1] > self.model.now
        }

    @invariant()
    def every_mail_is_where_it_should_be(self) -> None:
        rows = Notification.objects.exclude(kind="overview").select_related("appointment")
        assert (
            Counter(
                (row.appointment_id, row.kind, "parent" if row.parent_id else "therapist", row.sequence, row.state)
                for row in rows
            )
            == self.model.mails()
        )
        sent = [row.message_id for row in rows if row.state == NotificationState.SENT]
        assert sorted(sent) == sorted(str(message.extra_headers["Message-ID"]) for message in mail.outbox)
        for row in rows.filter(kind="reminder", state=NotificationState.DUE):
            assert row.appointment is not None
            assert row.sequence == row.appointment.sequence
            assert row.appointment.state != State.CANCELLED

    @invariant()
    def the_erased_are_nobody(self) -> None:
        for row in Parent.objects.select_related("appointment"):
            known = {bool(row.name), bool(row.email), bool(row.phone), bool(row.email_hash), bool(row.phone_hash)}
            assert known == {row.appointment.erased_at is None}

    @invariant()
    def the_free_times_are_those(self) -> None:
        first = local_day(self.model.now)
        last = first + timedelta(days=4)
        found = free_time.free_slots(self.consult, first, last, zone=AMSTERDAM, now=self.model.now)

        days = [first + timedelta(days=number) for number in range(5)]
        assert [slot.start for slot in found] == [start for day in days for start in self.model.free(day)]

    def everything_due_has_ended(self) -> None:
        now = self.model.now
        outbox.deliver_due(lambda: now)
        self.model.sweep()
        waiting = Notification.objects.filter(due_at__lte=now, state__in=["due", "sending"])
        assert not waiting.exists()
        self.every_mail_is_where_it_should_be()


@pytest.fixture
def practice(settings: Any) -> None:
    settings.RATE_LIMITS = False
    make_practice()
    make_account("manager@praktijk.example", second_factor=False)
    make_type(
        make_therapist(name="Alice"),
        duration=DURATION,
        step=STEP,
        buffer_after=BUFFER,
        reminders=["2d", "3h"],
    )


def test_the_whole_is_as_the_model_says(practice: None) -> None:
    phases = [Phase.explicit, Phase.generate, *([Phase.shrink] if LONG else [])]
    run_state_machine_as_test(
        Diary,
        settings=settings(
            max_examples=LONG or 12,
            stateful_step_count=50 if LONG else 30,
            deadline=None,
            # The same examples each time in the suite, others each time where there is time to look.
            derandomize=not LONG,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )
