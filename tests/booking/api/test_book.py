"""Booking through the API."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from booking import guards, links, rate_limits
from booking.models import Appointment, AppointmentType, Parent, Therapist
from booking.rate_limits import Limit
from tests.booking.api.caller import ELEVEN, TEN, Caller, booking, problem, wrong_fields
from tests.booking.factories import make_appointment, make_hours, make_therapist, wall

pytestmark = [pytest.mark.django_db, pytest.mark.engines]


def test_book_answers_with_the_appointment_and_its_token(call: Caller) -> None:
    booked = call.book(booking(remark="liever niet bellen"))

    appointment, parent = Appointment.objects.get(), Parent.objects.get()
    token = links.manage_token(parent)
    assert booked.status_code == 201
    assert booked.data == {
        "reference": str(appointment.public_id),
        "state": "confirmed",
        "start": TEN,
        "end": ELEVEN,
        "therapist": "alice",
        "appointment_type": "eerste-afspraak",
        "manage_url": f"http://testserver/afspraak/beheer/{token}/",
        "token": token,
    }
    assert (parent.name, parent.phone, parent.language) == ("Noor de Vries", "+31612345678", "nl")
    assert (appointment.child_first_name, appointment.remark) == ("Sam", "liever niet bellen")
    assert appointment.notifications.count() == 4


def test_book_takes_the_language_that_is_asked_for_as_chosen(call: Caller, client: Client) -> None:
    token = call.book(booking(parent__language="nl")).data["token"]

    client.post(f"/en/afspraak/beheer/{token}/gegevens/", {"phone": "06 12345678"})

    parent = Parent.objects.get()
    assert (parent.language, parent.language_chosen) == ("nl", True)


def test_book_takes_any_offset(call: Caller) -> None:
    assert call.book(booking(start="2026-12-01T04:00:00-05:00")).data["start"] == TEN
    assert call.book(booking(start="2026-12-01T10:00Z"), key="other").data["start"] == ELEVEN


def test_book_again_with_the_same_key_answers_the_same(call: Caller) -> None:
    first, again = call.book(), call.book(dict(reversed(booking().items())))

    assert (again.status_code, again.data) == (201, first.data)
    assert Appointment.objects.count() == 1


def test_book_something_else_with_the_same_key_is_a_conflict(call: Caller) -> None:
    call.book()

    assert problem(call.book(booking(start=ELEVEN))) == (422, "idempotency-conflict")
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": ""}], ids=["none", "empty"])
def test_book_without_a_key_is_refused_before_the_body_is_looked_at(call: Caller, headers: dict[str, str]) -> None:
    assert problem(call.post("appointments", {"no": "booking"}, headers)) == (400, "idempotency-key-missing")


def test_book_with_an_endless_key_is_invalid(call: Caller) -> None:
    assert wrong_fields(call.book(key="k" * 256)) == {"Idempotency-Key"}


def test_book_what_is_taken_tells_the_nearest_free_times(call: Caller, consult: AppointmentType) -> None:
    make_appointment(consult)

    taken = call.book()

    assert problem(taken) == (409, "slot-taken")
    assert len(taken.data["alternatives"]) == 6
    assert taken.data["alternatives"][3] == {
        "start": ELEVEN,
        "end": "2026-12-01T12:00:00+01:00",
        "therapist": "alice",
    }


@pytest.mark.parametrize(
    "start",
    [
        "2026-12-01T10:00:00",
        "2026-12-01",
        "2026-12-01T10:30:00+01:00",
        "2026-12-01T12:00:00+01:00",
        "2026-11-20T09:00:00+01:00",
        "2027-06-01T09:00:00+02:00",
        "2026-11-31T10:00:00+01:00",
        "2027-03-28T02:30:00",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "tomorrow",
        "",
        "2026-12-01T10:00:00+01:00\x00",
    ],
)
def test_book_a_time_that_is_never_offered_is_invalid(call: Caller, start: str) -> None:
    assert wrong_fields(call.book(booking(start=start))) == {"start"}
    assert not Appointment.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("parent__name", "n" * 10_000, "parent.name"),
        ("parent__name", "Noor\r\nBcc: all@example.org", "parent.name"),
        ("parent__name", "Noor\x00", "parent.name"),
        ("parent__name", "\ud800", "parent.name"),
        ("parent__name", " ", "parent.name"),
        ("parent__name", 7, "parent.name"),
        ("parent__email", "noor@example.org\nBcc: all@example.org", "parent.email"),
        ("parent__email", "noor", "parent.email"),
        ("parent__phone", "12", "parent.phone"),
        ("parent__language", "tlh", "parent.language"),
        ("parent__fax", "1", "parent.fax"),
        ("child__first_name", "", "child.first_name"),
        ("child__age_band", "40", "child.age_band"),
        ("child__birthday", "2020-01-01", "child.birthday"),
        ("child", [], "child"),
        ("remark", "r" * 501, "remark"),
        ("consent", False, "consent"),
        ("consent", "yes", "consent"),
        ("therapist", 1, "therapist"),
    ],
)
def test_book_under_the_rules_of_the_form(call: Caller, field: str, value: Any, named: str) -> None:
    assert wrong_fields(call.book(booking(**{field: value}))) == {named}
    assert not Appointment.objects.exists()


def test_book_names_everything_that_is_wrong_at_once(call: Caller) -> None:
    wrong = call.book(booking(parent__email="noor", child__first_name="", start="soon"))

    assert wrong_fields(wrong) == {"parent.email", "child.first_name", "start"}


@pytest.mark.parametrize("field", ["appointment_type", "start", "parent", "child", "consent"])
def test_book_without_a_field_names_it(call: Caller, field: str) -> None:
    body = booking()
    del body[field]

    wrong = call.book(body, headers={"Accept-Language": "en"})

    assert wrong_fields(wrong) == {field}
    assert wrong.data["errors"][0]["message"] == "This field is required."


@pytest.mark.parametrize("body", [[], "text", 1, None])
def test_book_with_json_that_is_no_object_is_invalid(call: Caller, body: Any) -> None:
    content = b"null" if body is None else body
    assert problem(call.post("appointments", content, {"Idempotency-Key": "k"})) == (422, "invalid")


def test_book_with_an_unknown_type_or_therapist_is_not_found(call: Caller) -> None:
    make_therapist(slug="bob")

    assert problem(call.book(booking(appointment_type="unknown"))) == (404, "not-found")
    assert problem(call.book(booking(therapist="bob"))) == (404, "not-found")


def test_book_counts_by_mail_address(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "BOOKINGS_PER_MAIL", Limit("booking-mail", 1, timedelta(days=1)))
    call.book()

    refused = call.book(booking(start=ELEVEN, parent__email="NOOR@example.org"), key="other")

    assert problem(refused) == (429, "too-many-requests")
    assert int(refused["Retry-After"]) > 0


def test_book_counts_by_address(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "BOOKINGS", Limit("booking", 1, timedelta(hours=1)))
    call.book()

    assert problem(call.book(booking(start=ELEVEN), key="other")) == (429, "too-many-requests")


def test_book_while_the_database_is_busy_says_to_try_once_more(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(guards, "contended", lambda error: True)
    monkeypatch.setattr(Appointment.objects, "create", locked)

    busy = call.book()

    assert problem(busy) == (503, "busy")
    assert busy["Retry-After"] == "1"


def test_book_in_the_night_of_the_change(call: Caller, alice: Therapist, clock: Any) -> None:
    """02:30 comes twice on 25 October 2026: the first is booked, the second was never on offer."""
    clock.move_to(wall("2026-10-20 12:00"))
    make_hours(alice, 6, start="02:30", end="03:30", first_day=date(2026, 10, 25))

    second = call.book(booking(start="2026-10-25T02:30:00+01:00"))
    first = call.book(booking(start="2026-10-25T02:30:00+02:00"))

    assert wrong_fields(second) == {"start"}
    assert first.data["start"] == "2026-10-25T02:30:00+02:00"


@pytest.mark.parametrize("gone", ["type", "therapist"])
def test_a_repeated_request_is_answered_whatever_is_on_offer_now(call: Caller, gone: str) -> None:
    body = booking(therapist=Therapist.objects.get().slug)
    first = call.book(body)
    if gone == "type":
        AppointmentType.objects.update(visible=False)
    else:
        Therapist.objects.update(active=False)

    again = call.book(body)

    assert (again.status_code, again.data) == (201, first.data)
    assert problem(call.book(body, key="another")) == (404, "not-found")
