"""The OpenAPI description and the documentation that is made from it."""

import re
from typing import Any

import pytest
from django.test import Client

from booking.api.problems import KINDS
from tests.booking.api.caller import Caller, booking, problem
from tests.booking.factories import make_appointment

pytestmark = pytest.mark.django_db


@pytest.fixture
def description(call: Caller) -> dict[str, Any]:
    data: dict[str, Any] = call.get("openapi.json").data
    return data


def operations(description: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation
        for methods in description["paths"].values()
        for operation in methods.values()
    }


def test_description_is_openapi_3_1_with_the_six_calls(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    assert {(path, *methods) for path, methods in description["paths"].items()} == {
        ("/api/v1/appointment-types", "get"),
        ("/api/v1/slots", "get"),
        ("/api/v1/appointments", "post"),
        ("/api/v1/appointments/{token}", "get"),
        ("/api/v1/appointments/{token}/cancel", "post"),
        ("/api/v1/appointments/{token}/reschedule", "post"),
    }


def test_every_operation_field_and_answer_is_described(description: dict[str, Any]) -> None:
    for operation in operations(description).values():
        assert operation["summary"]
        assert operation["description"]
        assert all(parameter["description"] for parameter in operation["parameters"])
        assert all(answer["description"] for answer in operation["responses"].values())
    for name, schema in description["components"]["schemas"].items():
        assert schema.get("description") or "enum" in schema, name


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    names = set(re.findall(r"#/components/schemas/(\w+)", str(description)))

    assert names <= set(description["components"]["schemas"])


def test_problems_are_documented_as_they_are_sent(description: dict[str, Any], call: Caller, consult: Any) -> None:
    make_appointment(consult)
    documented = operations(description)["book"]["responses"]["409"]["content"]["application/problem+json"]

    taken = call.book(headers={"Accept-Language": "en"})

    assert problem(taken) == (409, "slot-taken")
    example = documented["examples"]["slot-taken"]["value"]
    assert {**taken.data, "detail": "", "alternatives": []} == {**example, "detail": "", "alternatives": []}


def test_the_example_of_a_booking_can_be_sent(description: dict[str, Any], call: Caller, alice: Any) -> None:
    example = description["components"]["schemas"]["BookingIn"]["examples"][0]

    assert call.book({**example, "therapist": alice.slug}).status_code == 201
    assert example.keys() == booking(therapist="", remark="").keys()


def test_every_problem_is_documented_somewhere(description: dict[str, Any]) -> None:
    documented = set(re.findall(r"/api/v1/problems/([\w-]+)", str(description)))

    # A wrong method is no operation, so none can document it.
    assert documented == set(KINDS) - {"method-not-allowed"}


def test_documentation_shows_every_call_in_english_from_this_host_alone(client: Client, description: Any) -> None:
    page = client.get("/api/v1/docs")

    content = page.content.decode()
    assert page.status_code == 200
    assert '<html lang="en">' in content
    for name, operation in operations(description).items():
        assert f'id="{name}"' in content
        assert operation["summary"] in content
    for field in ("parent.email", "child.age_band", "Idempotency-Key", "appointment_type"):
        assert f"<code>{field}</code>" in content
    assert not re.search(r"<script(?![^>]*src=\"/)|<style|style=|\son\w+=\"", content)
    assert not re.search(r"(?:src|href)=\"(?!/|#)(?!http://testserver|mailto:|tel:)", content.split("<main")[0])
