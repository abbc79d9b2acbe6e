"""Fifty at once, over HTTP, against real servers on both engines: one wins, nobody sees an error."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.served import Served
from tests.visitor import Answer, Visitor, all_at_once

pytestmark = pytest.mark.servers

CLIENTS = 50
OVERLAPS = """
from booking.models import Appointment
from django.db.models import F
live = Appointment.objects.live()
print("counted overlaps", sum(
    live.filter(therapist=a.therapist, occupied_start__lt=a.occupied_end, occupied_end__gt=a.occupied_start)
    .exclude(pk=a.pk).count() for a in live))
print("counted live", live.count())
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def practice(request: pytest.FixtureRequest, served: Any) -> Iterator[Served]:
    with served(request.param) as practice:
        # Half-hour starts of one hour each, so that neighbours overlap without being equal.
        practice.manage(
            "shell",
            "-c",
            "from datetime import timedelta; from booking.models import AppointmentType;"
            "AppointmentType.objects.update(step=timedelta(minutes=30), duration=timedelta(minutes=60))",
        )
        yield practice


@pytest.fixture
def starts(practice: Served) -> list[str]:
    """Return three starts on one day, each half an hour after the other, far enough ahead."""
    offered = Visitor(practice.url).get("/afspraak/").starts()
    moments = {datetime.fromisoformat(start): start for start in offered}
    half = timedelta(minutes=30)
    first = next(m for m in sorted(moments) if m + half in moments and m + 2 * half in moments)
    return [moments[first + n * half] for n in range(3)]


def visitors(practice: Served) -> list[Visitor]:
    return [Visitor(practice.url, f"Ouder {number:02}") for number in range(CLIENTS)]


def counts(practice: Served) -> dict[str, int]:
    printed = practice.manage("shell", "-c", OVERLAPS)
    return {name: int(number) for name, number in re.findall(r"counted (\w+) (\d+)", printed)}


def race(practice: Served, choices: list[str]) -> list[tuple[Visitor, Answer]]:
    """Let every visitor send a form for one of `choices`, all at the same moment."""
    people = visitors(practice)
    forms = [visitor.open_form(choices[n % len(choices)]) for n, visitor in enumerate(people)]
    answers = all_at_once(
        [
            lambda visitor=visitor, form=form: visitor.post("/afspraak/gegevens/", **form)  # type: ignore[misc]
            for visitor, form in zip(people, forms, strict=True)
        ]
    )
    return list(zip(people, answers, strict=True))


def assert_friendly(visitor: Visitor, answer: Answer, lost: list[str]) -> None:
    """The loser's page: what happened, all that was typed, and other times near by."""
    for typed in (visitor.name, "06 12345678", f"Kind van {visitor.name}", f"Getypt door {visitor.name}"):
        assert typed in answer.text
    assert "net door iemand anders gekozen" in answer.text
    assert len(answer.starts()) == 6
    assert not set(answer.starts()) & set(lost)


def test_fifty_for_one_slot(practice: Served, starts: list[str]) -> None:
    results = race(practice, [starts[1]])

    assert Counter(answer.status for _, answer in results) == {302: 1, 409: CLIENTS - 1}
    for visitor, answer in results:
        if answer.status == 409:
            assert_friendly(visitor, answer, [starts[1]])
    assert counts(practice) == {"overlaps": 0, "live": 1}


def test_fifty_for_slots_that_overlap_without_being_equal(practice: Served, starts: list[str]) -> None:
    # The first and the last only touch, so both may win; the middle one overlaps either.
    results = race(practice, starts)

    won = Counter(answer.status for _, answer in results)
    assert set(won) == {302, 409}
    assert won[302] in {1, 2}
    assert counts(practice) == {"overlaps": 0, "live": won[302]}
    for visitor, answer in results:
        if answer.status == 409:
            assert_friendly(visitor, answer, [])


def test_fifty_who_want_to_hold_one_slot(practice: Served, starts: list[str]) -> None:
    people = visitors(practice)
    tokens = [visitor.get("/afspraak/").hidden("csrfmiddlewaretoken") for visitor in people]

    answers = all_at_once(
        [
            lambda visitor=visitor, token=token: visitor.post(  # type: ignore[misc]
                "/afspraak/kiezen/", csrfmiddlewaretoken=token, type="eerste-afspraak", start=starts[1]
            )
            for visitor, token in zip(people, tokens, strict=True)
        ]
    )

    assert Counter(answer.status for answer in answers) == {302: 1, 409: CLIENTS - 1}


def test_ten_appointments_that_move_to_one_slot(practice: Served, starts: list[str]) -> None:
    days = practice_days(practice, 10, avoid=starts)
    booked = [(Visitor(practice.url, f"Ouder {n}"), start) for n, start in enumerate(days)]
    pages = [
        (visitor, visitor.book(start).location.replace("gemaakt", "beheer") + "verzetten/")
        for visitor, start in booked
    ]
    forms = [(visitor, path, visitor.get(f"{path}?start={starts[1]}")) for visitor, path in pages]

    answers = all_at_once(
        [
            lambda visitor=visitor, path=path, page=page: visitor.post(  # type: ignore[misc]
                path, csrfmiddlewaretoken=page.hidden("csrfmiddlewaretoken"), start=starts[1]
            )
            for visitor, path, page in forms
        ]
    )

    assert Counter(answer.status for answer in answers) == {302: 1, 409: 9}
    assert counts(practice) == {"overlaps": 0, "live": 10}


def test_a_double_click_from_one_browser_makes_one_appointment(practice: Served, starts: list[str]) -> None:
    visitor = Visitor(practice.url)
    # The session begins with the hold, as it does for everyone who chose a time.
    token = visitor.get("/afspraak/").hidden("csrfmiddlewaretoken")
    visitor.post("/afspraak/kiezen/", csrfmiddlewaretoken=token, type="eerste-afspraak", start=starts[0])
    form = visitor.open_form(starts[0])

    answers = all_at_once([lambda: visitor.post("/afspraak/gegevens/", **form) for _ in range(5)])

    assert {answer.status for answer in answers} == {302}
    assert len({answer.location for answer in answers}) == 1
    assert counts(practice) == {"overlaps": 0, "live": 1}


def practice_days(practice: Served, number: int, *, avoid: list[str]) -> list[str]:
    """Return `number` starts that overlap neither each other nor `avoid`."""
    taken = [datetime.fromisoformat(start) for start in avoid]
    found: list[str] = []
    path = "/afspraak/"
    while len(found) < number:
        page = Visitor(practice.url).get(path)
        for start in page.starts():
            moment = datetime.fromisoformat(start)
            if all(abs(moment - other) >= timedelta(hours=2) for other in taken):
                taken.append(moment)
                found.append(start)
        path = f"/afspraak/?type=eerste-afspraak&day={max(taken).date() + timedelta(days=1)}"
    return found[:number]
