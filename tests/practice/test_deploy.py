"""`manage.py check --deploy` finds nothing in an installation that is set up as the documentation tells."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import connection

from practice.checks import check_proxies

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.engines
@pytest.mark.django_db(transaction=True)
def test_production_has_nothing_to_be_warned_of() -> None:
    call_command("load_practice", verbosity=0)
    name = connection.settings_dict["NAME"]
    url = f"sqlite:///{name}"
    if connection.vendor == "postgresql":
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    production = {
        "BASE_URL": "https://afspraken.praktijk.example",
        "HTTPS": "1",
        "TRUSTED_PROXIES": "10.0.0.0/8",
        "SECRET_KEY": "5XhW3mQ9tLrB7vKzN2cYdF8gJpR4sTaU6eHwMxCqVbE1iOyAkD",
        "API_BOOKING": "off",
        "DATABASE_URL": url,
        "REDIS_URL": "redis://:secret@queue.praktijk.example:6379/0",
        "EMAIL_URL": "smtp+tls://info%40praktijk.example:secret@mail.praktijk.example:587",
        "FROM_EMAIL": "Praktijk <info@praktijk.example>",
    }
    # What the tests themselves need is nothing for production.
    tests = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}

    command = ["manage.py", "check", "--deploy", "--database", "default", "--fail-level", "WARNING"]
    done = subprocess.run(
        [sys.executable, "-W", "error", *command],
        cwd=ROOT,
        env={**tests, **production},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues" in done.stdout


@pytest.mark.parametrize(("https", "proxies", "said"), [(True, [], 1), (True, ["10.0.0.1"], 0), (False, [], 0)])
def test_https_without_a_proxy_is_warned_of(settings: Any, https: bool, proxies: list[str], said: int) -> None:
    settings.SECURE_SSL_REDIRECT, settings.TRUSTED_PROXIES = https, proxies

    assert len(check_proxies(None)) == said
