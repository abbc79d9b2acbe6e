"""Fixtures that every test can use. What only one folder needs stands in that folder."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests import served as served_module
from tests import servers
from tests.smtp_sink import Sink

# The names under which systems know a Chromium that Playwright can drive.
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Let SQLite's test database be a file, as in production: one in memory locks in another way."""
    from django.db import connection

    database = connection.settings_dict
    if connection.vendor == "sqlite":
        database["TEST"]["NAME"] = str(Path(os.environ["DATA_DIR"]) / "test.sqlite3")
    elif worker := os.environ.get("PYTEST_XDIST_WORKER"):
        database["TEST"]["NAME"] = f"test_{database['NAME']}_{worker}"


@pytest.fixture(scope="session", autouse=True)
def tables_can_be_emptied() -> None:
    """Let a test that commits empty every table at its end, the access log too; that puts the triggers back."""
    from django.db import connection
    from django.test import TransactionTestCase

    from booking import guards

    empty = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def emptied(test: TransactionTestCase) -> None:
        guards.let_log_go(connection)
        empty(test)

    TransactionTestCase._fixture_teardown = emptied  # type: ignore[attr-defined]


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


@pytest.fixture(scope="session")
def served(request: pytest.FixtureRequest) -> Iterator[served_module.Factory]:
    """Makes real installations: `with served("postgresql", worker=True, EMAIL_URL=…) as practice:`."""
    # Of this process alone, or of all that test at once.
    data = Path(os.environ["DATA_DIR"])
    shared = data.parent if "PYTEST_XDIST_WORKER" in os.environ else data
    # The server is started only once a test wants PostgreSQL.
    factory = served_module.Factory(lambda: str(request.getfixturevalue("postgres_url")), shared)
    yield factory
    factory.close()


@pytest.fixture
def smtp_sink() -> Iterator[Sink]:
    """A real SMTP server that keeps what it gets: `smtp_sink.url` is its EMAIL_URL."""
    with Sink() as sink:
        yield sink


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's own Chromium, kept from calling home: Playwright's download is not used."""
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if chromium is None:
        pytest.fail("There is no Chromium. Install one (apt-get install chromium), or name it in CHROMIUM.")
    arguments = ["--disable-gpu", "--disable-quic", "--no-first-run"]
    arguments += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    if os.geteuid() == 0:
        # Chromium's sandbox refuses to work for root, as in most containers.
        arguments.append("--no-sandbox")
    return {**browser_type_launch_args, "executable_path": chromium, "args": arguments}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A Dutch visitor's browser on a phone's screen; the machine's own zone must not matter."""
    phone = {"width": 390, "height": 844}
    return {**browser_context_args, "locale": "nl-NL", "timezone_id": "America/New_York", "viewport": phone}


@pytest.fixture
def plain_context(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[BrowserContext]:
    """A browser that runs no JavaScript."""
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    yield context
    context.close()


@pytest.fixture
def plain_page(plain_context: BrowserContext) -> Page:
    """A page in a browser that runs no JavaScript."""
    return plain_context.new_page()


@pytest.fixture(scope="session", autouse=True)
def plain_static_files() -> Iterator[None]:
    """Addresses of static files as they are written: pages rendered in this process are not collected first."""
    from django.conf import settings
    from django.test import override_settings

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": plain}):
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Passwords that are quick to check: the real ones are slow on purpose, half a second each."""
    from django.test import override_settings

    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(autouse=True)
def dutch_again() -> Iterator[None]:
    """A page in English leaves its language active in this thread, for whoever comes next."""
    from django.utils import translation

    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def no_practice_seen() -> None:
    """The pages for a broken server show the practice that this process last read, which may be another test's."""
    from practice.middleware import LastSeen

    LastSeen.practice = None


@pytest.fixture(autouse=True)
def no_page_kept() -> None:
    """What one test kept costs the next one a query more: to find that it changed since."""
    from practice.kept import KeptPagesMiddleware

    KeptPagesMiddleware.kept.clear()
