"""A backup is all of one moment, reads nothing aloud, and comes back whole or not at all."""

import gzip
import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from booking import backups, erasure, guards
from booking.models import (
    Actor,
    Appointment,
    AppointmentType,
    Notification,
    NotificationState,
    Parent,
    State,
    Unconfirmed,
)
from booking.version_triggers import therapists_own
from practice.models import SITE, OldAddress, Picture, Practice, Version
from tests.booking.accounts import make_account
from tests.booking.factories import make_appointment, make_family, wall
from tests.booking.steps import NOW, book
from tests.practice.factories import make_picture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engines]


@pytest.fixture(autouse=True)
def at_noon(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def booked(consult: AppointmentType) -> Appointment:
    make_account("alice@praktijk.example")
    return book(consult, "2026-12-01 10:00", family=make_family(remark="Slaapt slecht"))


def backup() -> bytes:
    file = io.BytesIO()
    backups.write(file, now=NOW)
    return file.getvalue()


def restore(content: bytes, **how: Any) -> backups.Restored:
    return backups.read(io.BytesIO(content), **how)


def rows_of(content: bytes) -> list[str]:
    """Return all lines but the first, which is about the backup itself."""
    return gzip.decompress(content).decode().splitlines()[1:]


def test_everything_comes_back_as_it_was(booked: Appointment) -> None:
    content = backup()
    Appointment.objects.update(state=State.CANCELLED, cancelled_at=NOW, cancelled_by=Actor.PARENT, sequence=1)
    Parent.objects.update(name="Somebody else")
    Notification.objects.all().delete()

    restored = restore(content, overwrite=True)

    assert rows_of(backup()) == rows_of(content)
    assert (restored.made_at, restored.rows) == (NOW, len(rows_of(content)) - 1 - len(backups._kept()))
    assert Parent.objects.get().name == "Noor de Vries"
    assert guards.missing(connection) == set()


def test_pictures_and_old_addresses_come_back_too(booked: Appointment, client: Any) -> None:
    picture, before = make_picture(), versions()
    OldAddress.objects.create(slug="vroeger", leads_to="hechting")
    content = backup()
    Picture.objects.all().delete()
    OldAddress.objects.all().delete()

    restore(content, overwrite=True)

    assert client.get(picture.get_absolute_url()).content == bytes(picture.content)
    assert OldAddress.objects.get().leads_to == "hechting"
    assert versions()[SITE] != before[SITE]


def test_what_comes_after_a_restore_gets_numbers_of_its_own(booked: Appointment) -> None:
    restore(backup(), overwrite=True)

    assert book(booked.appointment_type, "2026-12-02 10:00").pk > booked.pk


def test_nothing_that_was_worked_out_before_is_shown_after_a_restore(booked: Appointment) -> None:
    content, before = backup(), versions()

    restore(content, overwrite=True)

    restored = versions()
    assert all(restored[name] != before[name] for name in (SITE, therapists_own(booked.therapist_id)))
    book(booked.appointment_type, "2026-12-02 10:00")
    changed = {name for name, value in versions().items() if value != restored[name]}
    assert changed == {therapists_own(booked.therapist_id)}


def versions() -> dict[str, UUID]:
    return dict(Version.objects.values_list("name", "value"))


def test_a_restore_does_not_begin_while_somebody_writes(booked: Appointment) -> None:
    content, writing, done = backup(), Event(), Event()

    def write() -> None:
        with transaction.atomic():
            Practice.objects.update(name="Another")
            writing.set()
            assert done.wait(20)

    writer = Thread(target=in_another_connection, args=[write])
    writer.start()
    try:
        assert writing.wait(20)
        with connection.cursor() as cursor:
            postgresql = connection.vendor == "postgresql"
            cursor.execute("SET lock_timeout = 100" if postgresql else "PRAGMA busy_timeout = 100")
        with pytest.raises(backups.Refused, match="Somebody is writing"):
            restore(content, overwrite=True)
    finally:
        done.set()
        writer.join(20)
        connection.close()

    assert Practice.load().name == "Another"
    assert Appointment.objects.exists()


def test_names_stay_encrypted_and_no_session_is_kept(booked: Appointment, client: Any, settings: Any) -> None:
    client.force_login(make_account("bob@praktijk.example"), backend=settings.AUTHENTICATION_BACKENDS[0])
    text = gzip.decompress(backup()).decode()

    for secret in ("Noor", "noor@", "12345678", "Slaapt", *settings.FIELD_KEYS, settings.LOOKUP_KEY):
        assert secret not in text
    assert client.session.session_key not in text


def test_a_backup_is_of_one_moment_and_nobody_waits_for_it(
    booked: Appointment, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, kept = rows_of(backup()), backups._kept

    def while_somebody_books() -> Any:
        in_another_connection(lambda: book(booked.appointment_type, "2026-12-02 10:00"))
        return kept()

    # After the backup's first query, and before it reads any table.
    monkeypatch.setattr(backups, "_kept", while_somebody_books)

    assert rows_of(backup()) == before
    assert Appointment.objects.count() == 2


def in_another_connection(act: Callable[[], Any]) -> None:
    done: list[bool] = []

    def run() -> None:
        try:
            act()
            done.append(True)
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    thread.join(20)
    assert done


def other_keys(settings: Any) -> str:
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    return "FIELD_KEYS does not hold the key of this backup"


def other_lookup_key(settings: Any) -> str:
    settings.LOOKUP_KEY = "another"
    return "LOOKUP_KEY is not that of this backup"


@pytest.mark.parametrize("change", [other_keys, other_lookup_key])
def test_a_backup_under_other_keys_is_refused(
    booked: Appointment, settings: Any, change: Callable[[Any], str]
) -> None:
    content = backup()
    sentence = change(settings)

    with pytest.raises(backups.Refused, match=sentence):
        restore(content, overwrite=True)


def test_a_key_that_only_reads_is_enough(booked: Appointment, settings: Any) -> None:
    content = backup()
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_KEYS]

    restore(content, overwrite=True)

    assert Parent.objects.get().name == "Noor de Vries"


def of_another_version(lines: list[str]) -> None:
    header = json.loads(lines[0])
    lines[0] = json.dumps({**header, "migrations": header["migrations"][1:]})


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (list.pop, "is no whole backup"),
        (lambda lines: lines.pop(-2), "is no whole backup"),
        (lambda lines: lines.insert(0, "{}"), "is no backup of this program"),
        (of_another_version, "is of another version"),
    ],
    ids=["without its end", "without a row", "of something else", "of another version"],
)
def test_a_spoilt_backup_changes_nothing(
    booked: Appointment, spoil: Callable[[list[str]], Any], sentence: str
) -> None:
    content = backup()
    lines = gzip.decompress(content).decode().splitlines()
    spoil(lines)

    with pytest.raises(backups.Refused, match=sentence):
        restore(gzip.compress("\n".join(lines).encode()), overwrite=True)

    assert rows_of(backup()) == rows_of(content)


@pytest.mark.parametrize("content", [b"", b"no such thing", b"cut"])
def test_what_is_no_backup_is_refused(booked: Appointment, content: bytes) -> None:
    with pytest.raises(backups.Refused, match="backup"):
        restore(backup()[:-20] if content == b"cut" else content, overwrite=True)

    assert Appointment.objects.exists()


def test_a_database_in_use_is_not_overwritten_by_mistake(booked: Appointment) -> None:
    content = backup()

    with pytest.raises(backups.Refused, match="holds a practice already"):
        restore(content)


def test_an_erased_family_does_not_come_back(booked: Appointment, tmp_path: Path) -> None:
    file, listed = tmp_path / "backup", tmp_path / "erasures"
    past = make_appointment(booked.appointment_type, start="2026-11-19 10:00")
    term = make_appointment(booked.appointment_type, start="2026-10-01 10:00")
    call_command("backup", file, stdout=io.StringIO())
    for appointment in (booked, past):
        erasure.erase(appointment, by=Actor.PARENT, now=NOW)
    with listed.open("w") as out:
        call_command("erasures", stdout=out)
    # As after a disk that broke: nobody here knows any more who asked.
    Appointment.objects.update(erase_requested_at=None)

    said = io.StringIO()
    call_command("restore", file, overwrite=True, erasures=[listed], stdout=said)

    assert f"{booked.public_id} {NOW.isoformat()}" in listed.read_text()
    assert "Families erased since, erased again: 3." in said.getvalue()
    assert set(Parent.objects.values_list("name", "email", "phone")) == {("", "", "")}
    for appointment in (booked, past, term):
        appointment.refresh_from_db()
        assert appointment.erased_at == NOW
    assert booked.state == State.CANCELLED
    assert not Notification.objects.filter(state=NotificationState.DUE, parent__isnull=False).exists()


def test_the_database_that_is_replaced_knows_who_asked(booked: Appointment, tmp_path: Path) -> None:
    call_command("backup", tmp_path / "backup", stdout=io.StringIO())
    erasure.erase(booked, by=Actor.PARENT, now=NOW)

    call_command("restore", tmp_path / "backup", overwrite=True, stdout=io.StringIO())

    assert Parent.objects.get().name == ""


def test_what_was_not_confirmed_within_its_hour_does_not_come_back(booked: Appointment, tmp_path: Path) -> None:
    Unconfirmed.objects.create(
        request="an hour ago",
        appointment_type=booked.appointment_type,
        therapist=booked.therapist,
        start=booked.start,
        email="noor@example.org",
        language="nl",
        typed="{}",
        asked_at=NOW - timedelta(hours=1),
        expires_at=NOW,
    )
    call_command("backup", tmp_path / "backup", stdout=io.StringIO())

    call_command("restore", tmp_path / "backup", overwrite=True, stdout=io.StringIO())

    assert not Unconfirmed.objects.exists()


def test_asked_erasures_are_written_down_with_the_rows_themselves(booked: Appointment) -> None:
    # Should the command die in between, the hourly erasure does the rest.
    restore(backup(), overwrite=True, asked={booked.public_id: NOW - timedelta(hours=24)})

    assert Parent.objects.get().name == "Noor de Vries"
    assert erasure.erase_past_term(now=NOW) == 1
    assert Parent.objects.get().name == ""


def test_a_backup_is_for_its_owner_and_replaces_no_other(booked: Appointment, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    call_command("backup", file, stdout=io.StringIO())
    first = file.read_bytes()

    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", file, stdout=io.StringIO())

    assert (file.stat().st_mode & 0o777, file.read_bytes(), len(list(tmp_path.iterdir()))) == (0o600, first, 1)
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("backup", tmp_path / "nowhere" / "backup", stdout=io.StringIO())
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("restore", tmp_path / "nowhere", stdout=io.StringIO())
    file.with_name("list").write_text("noor@example.org\n")
    with pytest.raises(CommandError, match="is no list"):
        call_command("restore", file, erasures=[file.with_name("list")], stdout=io.StringIO())


def test_the_practice_itself_comes_back(booked: Appointment) -> None:
    content = backup()
    Practice.objects.update(name="Another")

    restore(content, overwrite=True)

    assert Practice.load().name == "Duim Voor Jou"
    assert wall("2026-12-01 10:00") == Appointment.objects.get().start
