"""Fixtures that every test can use. What only one folder needs stands in that folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Let SQLite's test database be a file, as in production: one in memory locks in another way."""
    from django.db import connection

    database = connection.settings_dict
    if connection.vendor == "sqlite":
        database["TEST"]["NAME"] = str(Path(os.environ["DATA_DIR"]) / "test.sqlite3")
    elif worker := os.environ.get("PYTEST_XDIST_WORKER"):
        database["TEST"]["NAME"] = f"test_{database['NAME']}_{worker}"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a real PostgreSQL server, for tests that start processes of their own on it."""
    if os.environ.get("ENGINE") == "postgresql":
        yield os.environ["DATABASE_URL"]
        return
    url, stop = servers.start_postgresql()
    yield url
    stop()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The address of a real, empty Redis server."""
    url, stop = servers.start_redis()
    yield url
    stop()
