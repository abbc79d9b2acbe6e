"""What monitoring sees of a practice that really runs."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psycopg
import pytest

from tests.served import Factory

pytestmark = pytest.mark.servers

READY = {"ready": True, "wrong": [], "oldest_due_seconds": 0}


def test_a_served_practice_is_ready_while_its_database_is_there(served: Factory, postgres_url: str) -> None:
    with served("postgresql") as practice, psycopg.connect(postgres_url, autocommit=True) as server:
        name = urlsplit(practice.database_url).path.lstrip("/")
        assert probe(practice.url, "/readyz") == (200, READY)

        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

        gone = {"ready": False, "wrong": ["database"], "oldest_due_seconds": None}
        assert probe(practice.url, "/readyz") == (503, gone)
        assert probe(practice.url, "/healthz") == (200, None)
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        assert probe(practice.url, "/readyz") == (200, READY)


def probe(url: str, path: str) -> tuple[int, Any]:
    """Ask as a machine does that knows no name, and return the status and what the JSON says."""
    try:
        with urlopen(Request(url + path, headers={"Host": "10.1.2.3"}), timeout=10) as answer:
            return answer.status, json.load(answer) if path == "/readyz" else None
    except HTTPError as error:
        with error:
            return error.code, json.load(error)
