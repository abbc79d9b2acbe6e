"""`manage.py check --deploy` finds nothing in an installation that is set up as the documentation tells."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.engines
@pytest.mark.django_db(transaction=True)
def test_production_has_nothing_to_be_warned_of() -> None:
    call_command("load_practice", verbosity=0)
    name = connection.settings_dict["NAME"]
    url = f"sqlite:///{name}"
    if connection.vendor == "postgresql":
        server = urlsplit(os.environ["DATABASE_URL"])
        with connection.cursor() as cursor:
            cursor.execute(f'DROP ROLE IF EXISTS "{name}"')
            cursor.execute(f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'of-nobody' IN ROLE pg_read_all_data")
        # As the one that compose makes: no superuser.
        url = server._replace(
            netloc=f"{name}:of-nobody@{server.netloc.rpartition('@')[2]}", path=f"/{name}"
        ).geturl()
    production = {
        "BASE_URL": "https://afspraken.praktijk.example",
        "HTTPS": "1",
        "TRUSTED_PROXIES": "10.0.0.0/8",
        "SECRET_KEY": "5XhW3mQ9tLrB7vKzN2cYdF8gJpR4sTaU6eHwMxCqVbE1iOyAkD",
        "LOOKUP_KEY": "Zt4kVq9WmC2xRb7LsYd5NfHj8GpTa3UeEoKi6DvS",
        "FIELD_KEYS": "zD0wN0z7kX1z5Vb7rW5mSx5cL9c7dEoJ3q0t4J8u2bE=",
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


RIGHT = {
    "BASE_URL": "https://afspraken.praktijk.example",
    "HTTPS": True,
    "DEMO": False,
    "DEBUG": False,
    "TRUSTED_PROXIES": ["10.0.0.0/8", "2001:db8::1"],
    "ALLOWED_HOSTS": ["afspraken.praktijk.example", "localhost"],
    "EMAIL_URL": "smtp+tls://info%40praktijk.example:secret@mail.praktijk.example:587",
    "REDIS_URL": "redis://:secret@queue.praktijk.example:6379/0",
    "API_BOOKING": "off",
}
OURS = ("practice.E", "practice.W003", "practice.W004", "booking.E01", "booking.W01")


def told(settings: Any, **changes: Any) -> set[str]:
    for name, value in {**RIGHT, **changes}.items():
        setattr(settings, name, value)
    found = {str(message.id) for message in run_checks(include_deployment_checks=True)}
    return {name for name in found if name.startswith(OURS)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"DEMO": True}, "practice.E002"),
        ({"DEMO": True, "HTTPS": False, "BASE_URL": "http://localhost:8000"}, "practice.E002"),
        ({"DEBUG": True}, "practice.E003"),
        ({"EMAIL_URL": ""}, "practice.E004"),
        ({"HTTPS": False}, "practice.E005"),
        ({"BASE_URL": "http://afspraken.praktijk.example"}, "practice.E005"),
        *(
            ({"TRUSTED_PROXIES": ["127.0.0.1", network]}, "practice.E006")
            for network in ("0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "84.0.0.0/8", "2000::/3")
        ),
        ({"ALLOWED_HOSTS": ["*"]}, "practice.E007"),
        ({"EMAIL_URL": "smtp://info:secret@mail.praktijk.example"}, "practice.E008"),
        ({"TRUSTED_PROXIES": []}, "practice.W003"),
        ({"REDIS_URL": "redis://queue.praktijk.example:6379/0"}, "practice.W004"),
        ({"API_BOOKING": "key", "API_KEYS": ["abc"]}, "booking.E010"),
        ({"API_BOOKING": "open"}, "booking.W010"),
    ],
)
def test_what_would_hurt_families_is_told(settings: Any, changes: dict[str, Any], message: str) -> None:
    assert told(settings) == set()
    assert message in told(settings, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"EMAIL_URL": "smtp://mail:1025"},
        {"EMAIL_URL": "smtp://user:secret@127.0.0.1"},
        {"EMAIL_URL": "smtp://relay.praktijk.example"},
        {"REDIS_URL": ""},
        {"TRUSTED_PROXIES": ["127.0.0.1", "192.168.0.0/16", "fd00::/8", "84.22.1.0/24"]},
        {"API_BOOKING": "key", "API_KEYS": ["Zt4kVq9WmC2xRb7LsYd5NfHj8G"]},
    ],
)
def test_what_hurts_nobody_is_not_told(settings: Any, changes: dict[str, Any]) -> None:
    assert told(settings, **changes) == set()


@pytest.mark.only("postgresql")
@pytest.mark.django_db
def test_a_superuser_for_a_role_is_told() -> None:
    found = run_checks(include_deployment_checks=True, databases=["default"])

    assert "practice.W005" in {message.id for message in found}
