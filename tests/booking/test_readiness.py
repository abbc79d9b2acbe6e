"""Ready means: a booking would be kept, and mailed. One thing after the other is taken away, for real."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from booking import keys, readiness, tasks
from booking.models import Notification, NotificationState
from tests.booking.factories import make_appointment, make_notification, make_practice, wall

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

NOW = wall("2026-11-20 12:00")
READY: dict[str, Any] = {
    "ready": True,
    "wrong": [],
    "says": [],
    "oldest_due_seconds": 0,
    "last_sweep_seconds": None,
}


@pytest.fixture
def due(time_machine: Any) -> Notification:
    time_machine.move_to(NOW, tick=False)
    make_practice()
    return make_notification(appointment=make_appointment(start="2026-12-01 14:00"), due_at=NOW)


def wrong(client: Client) -> Any:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    said = answer.json()
    assert [readiness.SENTENCES[name] for name in said["wrong"]] == said["says"]
    return said["wrong"]


def test_an_empty_practice_is_ready(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    client.get("/readyz")

    # Two for the migrations; the mails, the last sweep and the keys.
    with django_assert_num_queries(5):
        answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, READY)


def test_a_probe_needs_no_name_no_https_and_no_practice(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["praktijk.example"]

    for path in ("/healthz", "/readyz"):
        answer = client.get(path, headers={"host": "10.1.2.3:8000"})
        assert (answer.status_code, answer.cookies) == (200, {})
        assert answer["Content-Length"] == str(len(answer.content))
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_mail_that_nobody_claims_makes_it_late(client: Client, due: Notification, time_machine: Any) -> None:
    time_machine.move_to(NOW + timedelta(minutes=5), tick=False)
    assert client.get("/readyz").json() == {**READY, "oldest_due_seconds": 300}

    time_machine.move_to(NOW + timedelta(minutes=5, seconds=1), tick=False)
    assert wrong(client) == ["mail"]

    Notification.objects.update(state=NotificationState.SENT, sent_at=NOW)
    assert client.get("/readyz").json() == READY


@pytest.mark.parametrize(
    ("state", "field", "minutes"),
    [(NotificationState.DUE, "retry_at", 60), (NotificationState.SENDING, "lease_until", 5)],
    ids=["tried again later", "under way"],
)
def test_a_mail_that_somebody_sees_to_is_late_only_after_that(
    client: Client, due: Notification, time_machine: Any, state: NotificationState, field: str, minutes: int
) -> None:
    Notification.objects.update(**{"state": state, field: NOW + timedelta(hours=1, minutes=minutes)})

    time_machine.move_to(NOW + timedelta(hours=1), tick=False)
    assert client.get("/readyz").json() == READY

    time_machine.move_to(NOW + timedelta(hours=1, minutes=minutes + 11), tick=False)
    assert wrong(client) == ["mail"]


def test_a_sweep_that_is_long_ago_is_named(client: Client, due: Notification, time_machine: Any) -> None:
    Notification.objects.all().delete()
    tasks.sweep()
    time_machine.move_to(NOW + timedelta(minutes=5), tick=False)
    assert client.get("/readyz").json() == {**READY, "last_sweep_seconds": 300}

    time_machine.move_to(NOW + timedelta(minutes=5, seconds=1), tick=False)
    assert wrong(client) == ["sweep"]

    tasks.sweep()
    assert client.get("/readyz").json() == {**READY, "last_sweep_seconds": 0}


def test_a_sweep_by_a_clock_that_ran_ahead_is_none(client: Client, due: Notification, time_machine: Any) -> None:
    time_machine.move_to(NOW + timedelta(days=3), tick=False)
    tasks.sweep()

    time_machine.move_to(NOW, tick=False)
    assert wrong(client) == ["sweep"]

    tasks.sweep()
    assert client.get("/readyz").json() == {**READY, "last_sweep_seconds": 0}


@pytest.mark.parametrize(
    "changed",
    [
        {"FIELD_KEYS": [Fernet.generate_key().decode()]},
        {"FIELD_KEYS": ["abc"]},
        {"LOOKUP_KEY": "another-one-of-that-kind"},
        {"SECRET_KEY": "another-one-of-that-kind"},
    ],
    ids=["other FIELD_KEYS", "rubbish", "other LOOKUP_KEY", "other SECRET_KEY"],
)
def test_keys_that_are_not_those_of_the_database_are_named(
    client: Client, due: Notification, settings: Any, changed: dict[str, Any]
) -> None:
    keys.remember(renew=True)
    assert client.get("/readyz").json() == READY

    for name, value in changed.items():
        setattr(settings, name, value)
    assert wrong(client) == ["keys"]


def test_a_migration_that_was_not_applied_is_named(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'booking'")

    assert wrong(client) == ["migrations"]


def test_a_queue_that_is_gone_is_named(client: Client, settings: Any, redis_url: str, tmp_path: Path) -> None:
    settings.REDIS_URL = redis_url
    assert client.get("/readyz").json() == READY

    settings.REDIS_URL = "redis://:hush@127.0.0.1:1/0"
    assert wrong(client) == ["broker"]

    settings.REDIS_URL = ""
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_out": str(tmp_path / "gone")}
    assert wrong(client) == ["broker"]
