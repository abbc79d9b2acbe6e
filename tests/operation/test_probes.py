"""What monitoring sees of a practice that really runs."""

import json
from collections import defaultdict
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.served import Factory
from tests.servers import free_port
from tests.visitor import Visitor, all_at_once

pytestmark = pytest.mark.servers

SECONDS = {"oldest_due_seconds": 0, "last_sweep_seconds": None}
READY: dict[str, Any] = {"ready": True, "wrong": [], "says": [], **SECONDS}


def test_a_served_practice_is_ready_while_its_database_is_there(served: Factory, postgres_url: str) -> None:
    with served("postgresql") as practice, psycopg.connect(postgres_url, autocommit=True) as server:
        name = urlsplit(practice.database_url).path.lstrip("/")
        assert probe(practice.url) == (200, READY)

        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

        gone = {"ready": False, "wrong": ["database"], "says": ["The database cannot be asked."]}
        gone |= dict.fromkeys(SECONDS)
        assert probe(practice.url) == (503, gone)
        assert ask(f"{practice.url}/healthz") == (200, "ok")
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        assert probe(practice.url) == (200, READY)


def test_what_all_processes_count_is_told_on_a_port_of_its_own(served: Factory) -> None:
    port = free_port()
    with served("postgresql", METRICS_PORT=str(port), WEB_CONCURRENCY="2", WEB_THREADS="1") as practice:
        shared = f"metrics-{practice.processes['web'].pid}-*"
        all_at_once([partial(Visitor(practice.url).get, "/hechting/") for _ in range(40)])
        visitor = Visitor(practice.url)
        assert visitor.book(visitor.get("/afspraak/").starts()[0]).status == 302

        # Whichever process answers.
        for _ in range(4):
            counted = scrape(port)
            assert counted['kennismaking_requests_total{view="page"}'] == 40
            assert counted['kennismaking_deeds_total{action="booked"}'] == 1
            assert counted["kennismaking_database_up"] == 1
        processes = len(set().union(*(folder.glob("counter_*.db") for folder in folders(shared))))
        assert processes >= 2

        assert visitor.get("/metrics/").status == 404
        assert ask(f"http://127.0.0.1:{port}/afspraak/") == (404, "")
        assert ask(f"http://127.0.0.1:{port}/readyz")[0] == 200
    assert folders(shared) == []


def folders(pattern: str) -> list[Path]:
    """Return the folders in which a web server shares what it counts."""
    return [folder for place in {"/dev/shm", gettempdir()} for folder in Path(place).glob(pattern)]


def scrape(port: int) -> dict[str, float]:
    """Return each value by its name and its view or action, summed over the other labels."""
    counted: dict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(ask(f"http://127.0.0.1:{port}/metrics")[1]):
        for sample in family.samples:
            first = {name: sample.labels[name] for name in ("view", "action") if name in sample.labels}
            label = "".join(f'{{{name}="{value}"}}' for name, value in first.items())
            counted[sample.name + label] += sample.value
    return counted


def probe(url: str) -> tuple[int, Any]:
    """Return the status and what the JSON says."""
    status, text = ask(f"{url}/readyz")
    return status, json.loads(text)


def ask(url: str) -> tuple[int, str]:
    """Ask as a machine does that knows no name."""
    try:
        with urlopen(Request(url, headers={"Host": "10.1.2.3"}), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
