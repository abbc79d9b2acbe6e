"""How tests call the API: as other software would, in JSON."""

import json
from copy import deepcopy
from typing import Any

from django.test import Client

TEN = "2026-12-01T10:00:00+01:00"
ELEVEN = "2026-12-01T11:00:00+01:00"
BOOKING: dict[str, Any] = {
    "appointment_type": "eerste-afspraak",
    "start": TEN,
    "parent": {"name": "Noor de Vries", "email": "noor@example.org", "phone": "06 12345678", "language": "nl"},
    "child": {"first_name": "Sam", "age_band": "under_12"},
    "consent": True,
}


def booking(**changes: Any) -> dict[str, Any]:
    """Return a request to book at ten on 1 December; `parent__email=…` changes a field of a part."""
    body = deepcopy(BOOKING)
    for name, value in changes.items():
        *parts, last = name.split("__")
        target = body
        for part in parts:
            target = target[part]
        target[last] = value
    return body


class Caller:
    """Calls addresses under /api/v1/; each answer has the parsed body as `data`."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get(self, path: str, query: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Any:
        return self._parsed(self.client.get(f"/api/v1/{path}", query, headers=headers))

    def post(self, path: str, body: Any = None, headers: dict[str, str] | None = None, **more: Any) -> Any:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = more.pop("content_type", "application/json")
        return self._parsed(
            self.client.post(f"/api/v1/{path}", content, content_type=kind, headers=headers, **more)
        )

    def book(self, body: Any = None, key: str = "a-key", headers: dict[str, str] | None = None) -> Any:
        sent = booking() if body is None else body
        return self.post("appointments", sent, {"Idempotency-Key": key, **(headers or {})})

    def _parsed(self, response: Any) -> Any:
        response.data = json.loads(response.content) if "json" in response["Content-Type"] else None
        return response


def problem(response: Any) -> tuple[int, str]:
    """Return the status and the name of the problem that `response` is."""
    assert response["Content-Type"] == "application/problem+json"
    assert response.data["status"] == response.status_code
    assert response.data["title"]
    assert response.data["detail"]
    return response.status_code, response.data["type"].removeprefix("/api/v1/problems/")


def wrong_fields(response: Any) -> set[str]:
    """Return the names of the fields that an `invalid` names."""
    assert problem(response) == (422, "invalid")
    assert all(error["message"] for error in response.data["errors"])
    return {error["field"] for error in response.data["errors"]}
