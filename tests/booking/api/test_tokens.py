"""Seeing, moving and cancelling an appointment by its token."""

from datetime import timedelta
from typing import Any

import pytest

from booking import links, rate_limits
from booking.models import Actor, Appointment, AppointmentType, Parent, State, Therapist
from booking.rate_limits import Limit
from tests.booking.api.caller import ELEVEN, TEN, Caller, problem, wrong_fields
from tests.booking.factories import make_appointment, make_hours, make_therapist, wall

pytestmark = [pytest.mark.django_db, pytest.mark.engines]


def test_appointment_says_nothing_about_the_family(call: Caller) -> None:
    booked = call.book().data

    seen = call.get(f"appointments/{booked['token']}")

    assert seen.status_code == 200
    assert seen.data == {
        "reference": booked["reference"],
        "state": "confirmed",
        "start": TEN,
        "end": ELEVEN,
        "therapist": "alice",
        "appointment_type": "eerste-afspraak",
        "place": "practice",
        "can_change_until": "2026-11-30T10:00:00+01:00",
        "sequence": 0,
    }


def test_appointment_says_since_when_another_time_is_asked_for(call: Caller) -> None:
    token = call.book().data["token"]
    Appointment.objects.update(asked_to_move_at=wall("2026-11-20 12:00"))

    seen = call.get(f"appointments/{token}").data

    assert seen["asked_to_move_at"] == "2026-11-20T12:00:00+01:00"
    assert seen["can_change_until"] == TEN
    cancelled = call.post(f"appointments/{token}/cancel").data
    assert "asked_to_move_at" not in cancelled


def test_token_of_another_version_or_an_erased_family_is_not_found(call: Caller) -> None:
    token = call.book().data["token"]
    Parent.objects.update(link_version=1)
    other = links.manage_token(Parent.objects.get())
    Appointment.objects.update(erased_at=wall("2026-11-20 12:00"))

    for dead in [token, other, token[:-1], "broken", "a.b.c", "%00", "é", "0" * 5000]:
        assert problem(call.get(f"appointments/{dead}")) == (404, "not-found")
        assert problem(call.post(f"appointments/{dead}/cancel")) == (404, "not-found")
        assert problem(call.post(f"appointments/{dead}/reschedule", {"start": TEN})) == (404, "not-found")


def test_dead_tokens_are_counted_and_then_no_token_opens(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    token = call.book().data["token"]
    monkeypatch.setattr(rate_limits, "DEAD_LINKS", Limit("dead-link", 2, timedelta(hours=1)))
    for _ in range(2):
        call.get("appointments/guessed")

    assert problem(call.get(f"appointments/{token}")) == (429, "too-many-requests")


def test_cancel_twice_is_one_cancellation(call: Caller) -> None:
    token = call.book().data["token"]

    first = call.post(f"appointments/{token}/cancel", {"reason": "ziek"})
    again = call.post(f"appointments/{token}/cancel", {"reason": "iets anders"})

    assert (first.status_code, first.data["state"], first.data["sequence"]) == (200, "cancelled", 1)
    assert (again.status_code, again.data) == (200, first.data)
    made = Appointment.objects.get()
    assert (made.cancel_reason, made.cancelled_by) == ("ziek", Actor.PARENT)


@pytest.mark.parametrize("body", [{"reason": "r" * 301}, {"reason": "\x00"}, {"reason": 1}])
def test_cancel_with_a_reason_that_cannot_be_kept_is_invalid(call: Caller, body: dict[str, Any]) -> None:
    token = call.book().data["token"]

    assert wrong_fields(call.post(f"appointments/{token}/cancel", body)) == {"reason"}
    assert Appointment.objects.get().state == State.CONFIRMED


def test_reschedule_moves_and_raises_the_sequence(call: Caller) -> None:
    token = call.book().data["token"]

    moved = call.post(f"appointments/{token}/reschedule", {"start": "2026-12-01T10:00Z"})

    assert moved.status_code == 200
    assert (moved.data["start"], moved.data["sequence"]) == (ELEVEN, 1)
    assert moved.data["can_change_until"] == "2026-11-30T11:00:00+01:00"
    assert call.get(f"appointments/{token}").data == moved.data


def test_reschedule_to_another_therapist(call: Caller, consult: AppointmentType) -> None:
    bob = make_therapist(slug="bob")
    make_hours(bob, start="13:00", end="14:00")
    consult.therapists.add(bob)
    token = call.book().data["token"]
    to_bob = {"start": "2026-12-01T13:00:00+01:00", "therapist": "bob"}

    assert wrong_fields(call.post(f"appointments/{token}/reschedule", {"start": to_bob["start"]})) == {"start"}
    assert call.post(f"appointments/{token}/reschedule", to_bob).data["therapist"] == "bob"


def test_reschedule_with_its_own_therapist_who_takes_no_new_families(call: Caller) -> None:
    token = call.book().data["token"]
    own = call.get(f"appointments/{token}").data["therapist"]
    Therapist.objects.update(active=False)

    moved = call.post(f"appointments/{token}/reschedule", {"start": ELEVEN, "therapist": own})

    assert (moved.status_code, moved.data["therapist"]) == (200, own)


def test_reschedule_to_what_is_taken_tells_the_nearest_free_times(call: Caller, consult: AppointmentType) -> None:
    make_appointment(consult, start="2026-12-01 11:00")
    token = call.book().data["token"]

    taken = call.post(f"appointments/{token}/reschedule", {"start": ELEVEN})

    assert problem(taken) == (409, "slot-taken")
    # Its own time would be free again, had it moved.
    assert TEN in [slot["start"] for slot in taken.data["alternatives"]]


@pytest.mark.parametrize("body", [{"start": "2026-12-01T10:00"}, {"start": "2026-12-01T10:30+01:00"}, {}])
def test_reschedule_to_what_is_never_offered_is_invalid(call: Caller, body: dict[str, str]) -> None:
    token = call.book().data["token"]

    assert wrong_fields(call.post(f"appointments/{token}/reschedule", body)) == {"start"}


def test_reschedule_with_an_unknown_therapist_is_not_found(call: Caller) -> None:
    token = call.book().data["token"]

    refused = call.post(f"appointments/{token}/reschedule", {"start": ELEVEN, "therapist": "unknown"})

    assert problem(refused) == (404, "not-found")


def test_too_late_to_change(call: Caller, clock: Any) -> None:
    token = call.book().data["token"]
    clock.move_to(wall("2026-11-30 10:01"))

    assert problem(call.post(f"appointments/{token}/cancel")) == (409, "too-late")
    assert problem(call.post(f"appointments/{token}/reschedule", {"start": ELEVEN})) == (409, "too-late")


def test_reschedule_of_what_was_cancelled(call: Caller) -> None:
    token = call.book().data["token"]
    call.post(f"appointments/{token}/cancel")

    assert problem(call.post(f"appointments/{token}/reschedule", {"start": ELEVEN})) == (409, "cancelled")
