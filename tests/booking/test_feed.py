"""The feed: what a therapist's own calendar reads, and how much of a family stands in it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.signing import Signer
from icalendar import Calendar

from booking import appointments, feed, links
from booking.links import DeadLink
from booking.models import Actor, FeedDetail, State, Therapist
from practice.models import Practice
from tests.booking.accounts import make_account
from tests.booking.factories import make_appointment, make_practice, make_therapist, make_type, wall

pytestmark = pytest.mark.django_db

NOW = wall("2026-10-20 09:00")


@pytest.fixture
def practice() -> Practice:
    return make_practice()


@pytest.fixture
def alice() -> Therapist:
    return make_therapist(feed_on=True, language="nl")


def events(therapist: Therapist, practice: Practice) -> list[Any]:
    calendar = Calendar.from_ical(feed.feed(therapist, practice, now=NOW))
    return list(calendar.walk("VEVENT"))


def summaries(therapist: Therapist, practice: Practice) -> list[str]:
    return [str(event["SUMMARY"]) for event in events(therapist, practice)]


def test_a_time_that_the_family_was_asked_to_leave_is_not_certain(alice: Therapist, practice: Practice) -> None:
    make_appointment(therapist=alice, start="2026-12-01 10:00", asked_to_move_at=NOW)
    make_appointment(therapist=alice, start="2026-12-02 10:00")

    assert [str(event["STATUS"]) for event in events(alice, practice)] == ["TENTATIVE", "CONFIRMED"]


@pytest.mark.parametrize(
    ("detail", "summary"),
    [
        (FeedDetail.NOTHING, "Afspraak"),
        (FeedDetail.INITIALS, "Eerste afspraak (S.)"),
        (FeedDetail.NAMES, "Eerste afspraak: Sam, Noor de Vries (+31612345678)"),
    ],
)
def test_it_tells_as_much_of_a_family_as_she_chose(
    alice: Therapist, practice: Practice, detail: FeedDetail, summary: str
) -> None:
    make_appointment(therapist=alice, remark="Slaapt slecht")
    feed.turn_on(alice, detail)

    assert summaries(alice, practice) == [summary]
    content = feed.feed(alice, practice, now=NOW).decode()
    assert [word for word in ("Slaapt", "noor@example.org", "under_12") if word in content] == []
    if detail != FeedDetail.NAMES:
        assert [word for word in ("Sam", "Noor", "612345678") if word in content] == []


def test_unless_she_chose_it_tells_initials(alice: Therapist, practice: Practice) -> None:
    make_appointment(therapist=alice)

    assert summaries(alice, practice) == ["Eerste afspraak (S.)"]


@pytest.mark.parametrize("day", ["2026-10-25", "2027-03-28"])
def test_times_are_right_on_the_days_that_the_clock_changes(
    alice: Therapist, practice: Practice, day: str
) -> None:
    appointment = make_appointment(make_type(alice), start=f"{day} 10:00")

    (event,) = events(alice, practice)
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (appointment.start, appointment.end)


def test_it_holds_what_stands_from_a_month_back_on(alice: Therapist, practice: Practice) -> None:
    consult = make_type(alice)
    make_appointment(consult, start="2026-09-19 10:00")
    kept = [
        make_appointment(consult, start="2026-09-21 10:00", state=State.ATTENDED, outcome_at=NOW),
        make_appointment(consult, start="2026-11-02 10:00"),
    ]
    make_appointment(consult, start="2026-11-03 10:00", state=State.CANCELLED, cancelled_at=NOW)
    make_appointment(start="2026-11-04 10:00")

    assert [event["DTSTART"].dt for event in events(alice, practice)] == [found.start for found in kept]


def test_a_move_keeps_the_entry_and_a_cancellation_takes_it_out(alice: Therapist, practice: Practice) -> None:
    appointment = make_appointment(therapist=alice)
    (before,) = events(alice, practice)

    moved = appointments.move_to(appointment, appointment.start + timedelta(hours=2), alice, now=NOW)
    (after,) = events(alice, practice)
    assert (after["UID"], after["SEQUENCE"]) == (before["UID"], 1)
    assert after["DTSTAMP"].dt == NOW

    appointments.cancel(moved, by=Actor.PARENT, now=NOW)
    assert events(alice, practice) == []


def test_what_was_erased_is_a_time_and_no_more(alice: Therapist, practice: Practice) -> None:
    make_appointment(therapist=alice, child_first_name="", erased_at=NOW)
    feed.turn_on(alice, FeedDetail.NAMES)

    assert summaries(alice, practice) == ["Afspraak"]


def test_it_is_a_calendar_by_the_book(alice: Therapist, practice: Practice) -> None:
    make_appointment(therapist=alice)
    content = feed.feed(alice, practice, now=NOW)
    calendar = Calendar.from_ical(content)

    # RFC 5545: §3.1 lines of at most 75 octets that end in CRLF, §3.6 and §3.6.1 what must be there.
    assert content.endswith(b"END:VCALENDAR\r\n")
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert {"PRODID", "VERSION"} <= set(calendar)
    assert calendar.errors == []
    for event in calendar.walk("VEVENT"):
        assert {"UID", "DTSTAMP", "DTSTART", "DTEND"} <= set(event)
        assert event.errors == []


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "Asia/Tokyo", "Africa/Nairobi"])
def test_without_appointments_it_is_a_calendar_by_the_book_too(alice: Therapist, zone: str) -> None:
    calendar = Calendar.from_ical(feed.feed(alice, make_practice(time_zone=zone), now=NOW))

    # RFC 5545 §3.6: one component at least; §3.6.5: a zone has one rule at least.
    (component,) = calendar.subcomponents
    assert (component.name, str(component["TZID"])) == ("VTIMEZONE", zone)
    assert component.subcomponents
    assert calendar.errors == component.errors == []


def test_the_same_calendar_is_the_same_bytes(alice: Therapist, practice: Practice) -> None:
    make_appointment(therapist=alice)

    assert feed.feed(alice, practice, now=NOW) == feed.feed(alice, practice, now=NOW + timedelta(minutes=30))


class TestItsAddress:
    def test_it_opens_the_feed_of_one_therapist(self, alice: Therapist) -> None:
        assert links.therapist_of(token_of(alice)) == alice

    def test_a_renewed_one_takes_the_place_of_the_first(self, alice: Therapist) -> None:
        first = token_of(alice)
        feed.renew(alice)

        assert links.therapist_of(token_of(alice)) == alice
        with pytest.raises(DeadLink):
            links.therapist_of(first)

    def test_switched_off_it_is_dead_for_good(self, alice: Therapist) -> None:
        first = token_of(alice)
        feed.turn_off(alice)
        with pytest.raises(DeadLink):
            links.therapist_of(first)

        feed.turn_on(alice, FeedDetail.NOTHING)
        with pytest.raises(DeadLink):
            links.therapist_of(first)

    def test_it_opens_nothing_for_who_left(self) -> None:
        dana = make_therapist(feed_on=True, user=make_account("dana@praktijk.example"))
        assert links.therapist_of(token_of(dana)) == dana
        User.objects.update(is_active=False)

        with pytest.raises(DeadLink):
            links.therapist_of(token_of(dana))

    def test_one_that_was_never_switched_on_opens_nothing(self) -> None:
        with pytest.raises(DeadLink):
            links.therapist_of(token_of(make_therapist()))

    @pytest.mark.parametrize("salt", [None, "booking.manage-link"], ids=["none", "a family's"])
    def test_one_that_was_signed_for_something_else_opens_nothing(
        self, alice: Therapist, salt: str | None
    ) -> None:
        signed, _dot, _signature = token_of(alice).rpartition(".")

        with pytest.raises(DeadLink):
            links.therapist_of(Signer(salt=salt, sep=".").sign(signed))

    def test_another_detail_leaves_it_good(self, alice: Therapist) -> None:
        first = token_of(alice)
        feed.turn_on(alice, FeedDetail.NOTHING)

        assert links.therapist_of(first) == alice

    @pytest.mark.parametrize("token", ["", "x", "therapist-00000001.0", "therapist-00000001.0.forged", "\x00"])
    def test_a_made_up_one_opens_nothing(self, alice: Therapist, token: str) -> None:
        with pytest.raises(DeadLink):
            links.therapist_of(token)

    def test_a_familys_token_opens_no_feed_and_the_other_way_round(self, alice: Therapist) -> None:
        appointment = make_appointment(therapist=alice)
        with pytest.raises(DeadLink):
            links.therapist_of(links.manage_token(appointment.parents.get()))
        with pytest.raises(DeadLink):
            links.parent_of(token_of(alice))


def token_of(therapist: Therapist) -> str:
    return links.feed_url(therapist).rpartition("/")[2].removesuffix(".ics")
