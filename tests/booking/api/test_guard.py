"""What holds at every address of the API: language, limits, headers, and errors that are problems."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from booking import appointments, rate_limits
from booking.api.problems import KINDS
from booking.models import Appointment
from booking.rate_limits import Limit
from practice.models import Practice
from tests.booking.api.caller import Caller, booking, problem
from tests.booking.factories import make_appointment

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["", "unknown", "slots/", "appointments/a/b/c", "docs/", "problems/un/known"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_address_is_a_problem(client: Client, path: str, method: str) -> None:
    answer = getattr(client, method)(f"/api/v1/{path}")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("post", "slots", "GET, HEAD"),
        ("delete", "appointments/token", "GET, HEAD"),
        ("get", "appointments", "POST"),
        ("options", "appointments", "POST"),
        ("put", "appointments/token/cancel", "POST"),
        ("post", "docs", "GET, HEAD"),
        ("post", "openapi.json", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_a_problem_that_names_the_right_ones(
    client: Client, method: str, path: str, allow: str
) -> None:
    answer = getattr(client, method)(f"/api/v1/{path}")

    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
    assert answer["Allow"] == allow


def test_head_is_answered_as_get(client: Client) -> None:
    answer = client.head("/api/v1/appointment-types")

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b"[" * 100_000, b'{"a": 1' + b"0" * 5000 + b"}"])
def test_a_body_that_is_no_json_is_malformed(call: Caller, body: bytes) -> None:
    expected = (422, "invalid") if body == b"" else (400, "malformed")
    assert problem(call.post("appointments", body, {"Idempotency-Key": "k"})) == expected


def test_a_body_that_is_too_large_is_told_so(call: Caller) -> None:
    assert problem(call.book(booking(remark="r" * 300_000))) == (413, "too-large")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_body_of_another_kind_is_refused(call: Caller, kind: str) -> None:
    refused = call.post("appointments", booking(), {"Idempotency-Key": "k"}, content_type=kind)

    assert problem(refused) == (415, "unsupported-media-type")
    assert not Appointment.objects.exists()


def test_every_call_counts_by_address(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "API", Limit("api", 2, timedelta(minutes=10)))
    call.get("appointment-types")
    call.get("unknown")

    refused = call.get("appointment-types")

    assert problem(refused) == (429, "too-many-requests")
    assert 0 < int(refused["Retry-After"]) <= 601


@pytest.mark.parametrize(
    "path", ["appointment-types", "slots", "unknown", "appointments/token", "openapi.json", "docs"]
)
def test_answers_are_stored_by_nobody_and_open_to_no_other_site(client: Client, path: str) -> None:
    answer = client.get(f"/api/v1/{path}", headers={"Origin": "https://elsewhere.example"})

    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Robots-Tag"] == "noindex"
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert not answer.cookies


def test_problems_speak_the_language_of_the_caller(call: Caller) -> None:
    dutch = call.book({})
    english = call.book({}, headers={"Accept-Language": "en"})

    assert dutch.data["errors"][0]["message"] == "Dit veld is verplicht."
    assert english.data["errors"][0]["message"] == "This field is required."
    assert (dutch["Content-Language"], english["Content-Language"]) == ("nl", "en")


def test_a_fault_of_ours_is_a_problem_and_is_logged(
    call: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(appointments, "book", broken)
    call.client.raise_request_exception = False

    with caplog.at_level(logging.ERROR):
        fault = call.book()

    assert problem(fault) == (500, "fault")
    assert "a bug" not in fault.content.decode()
    assert "a bug" in caplog.text


def test_a_database_that_is_away_is_a_problem_too(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("no connection")

    monkeypatch.setattr(Practice, "load", away)
    call.client.raise_request_exception = False

    answer = call.get(
        "slots", {"appointment_type": "eerste-afspraak", "from": "2026-12-01", "until": "2026-12-01"}
    )

    assert problem(answer) == (500, "fault")


def test_nothing_personal_in_the_log(call: Caller, caplog: pytest.LogCaptureFixture, consult: Any) -> None:
    make_appointment(consult)
    with caplog.at_level(logging.DEBUG):
        call.book()
        call.book(booking(parent__email="noor"), key="other")
        call.book(booking(start="2026-12-02T10:00:00+01:00"), key="third")

    for personal in ("Noor", "noor@example.org", "noor", "12345678", "Sam"):
        assert personal not in caplog.text


@pytest.mark.parametrize("name", KINDS)
def test_every_type_of_problem_has_a_page(client: Client, name: str) -> None:
    page = client.get(f"/api/v1/problems/{name}", headers={"Accept-Language": "en"})

    assert page.status_code == 200
    assert str(KINDS[name].status) in page.content.decode()
    assert f"<code>{name}</code>" in page.content.decode()


def test_an_unknown_type_of_problem_has_no_page(call: Caller) -> None:
    assert problem(call.get("problems/unknown")) == (404, "not-found")


def test_plain_http_is_refused_where_the_site_is_https(client: Client, settings: Any) -> None:
    settings.HTTPS = settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = [r"^api/v1/(?!docs$|problems/)"]

    refused = client.get("/api/v1/appointment-types")
    people = client.get("/api/v1/docs")

    assert (refused.status_code, refused.json()["type"]) == (403, "/api/v1/problems/https-required")
    assert (people.status_code, people["Location"]) == (301, "https://testserver/api/v1/docs")
    assert client.get("/api/v1/appointment-types", secure=True).status_code == 200
