"""Keys that are lost, new or rubbish are said before anything is written under them."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection

from booking import backups, keys
from booking.encryption import EncryptedTextField
from booking.models import Appointment, AppointmentType, Installation, Therapist
from practice.starting import refuse_wrong_keys
from tests import house
from tests.booking.accounts import make_account, signed_in
from tests.booking.factories import make_family
from tests.booking.steps import NOW, book
from tests.servers import free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engines]

ROOT = Path(__file__).resolve().parents[2]
OTHER = "another-key-of-that-kind"
NAMES = ["FIELD_KEYS", "LOOKUP_KEY", "SECRET_KEY"]


@pytest.fixture(autouse=True)
def at_noon(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def booked(consult: AppointmentType) -> Appointment:
    return book(consult, "2026-12-01 10:00", family=make_family(remark="Slaapt slecht"))


def other(name: str) -> Any:
    return [Fernet.generate_key().decode()] if name == "FIELD_KEYS" else OTHER


def found() -> set[str | None]:
    return {one.id for one in run_checks(databases=["default"])}


class TestTheirForm:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("FIELD_KEYS", []),
            ("FIELD_KEYS", ["abc"]),
            ("FIELD_KEYS", ["build"]),
            ("FIELD_KEYS", [""]),
            ("FIELD_KEYS", ["é" * 44]),
            ("FIELD_KEYS", ["A" * 43 + "="]),
            ("FIELD_KEYS", [Fernet.generate_key().decode(), "abc"]),
            ("FIELD_KEYS", [Fernet.generate_key().decode()[:-4]]),
            *(
                (name, value)
                for name in NAMES[1:]
                for value in ("x", "changeme", "0" * 64, "abcd" * 16, "\0" * 40)
            ),
        ],
    )
    def test_what_is_no_key_is_refused_and_not_told(self, settings: Any, name: str, value: Any) -> None:
        assert "booking.E006" not in found()

        setattr(settings, name, value)

        assert "booking.E006" in found()
        with pytest.raises(ImproperlyConfigured, match=name) as refused:
            refuse_wrong_keys()
        assert not any(len(part) > 3 and part in str(refused.value) for part in value)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("FIELD_KEYS", ["b25seSBmb3IgdGVzdHMsIG5ldmVyIGVsc2V3aGVyZS4="]),
            *((name, value) for name in NAMES[1:] for value in ("Een Lange Zin Van De Praktijk", "change-me" * 8)),
        ],
    )
    def test_one_that_somebody_made_up_is_told_by_the_check(self, settings: Any, name: str, value: Any) -> None:
        settings.FIELD_KEYS = [Fernet.generate_key().decode()]
        settings.LOOKUP_KEY, settings.SECRET_KEY = (Fernet.generate_key().decode() for _ in range(2))

        def told() -> set[str | None]:
            return {one.id for one in run_checks(include_deployment_checks=True)}

        assert "booking.E008" not in told()
        setattr(settings, name, value)
        assert "booking.E008" in told()

    def test_one_key_for_two_things_is_told(self, settings: Any) -> None:
        settings.LOOKUP_KEY = settings.SECRET_KEY = Fernet.generate_key().decode()

        assert "LOOKUP_KEY" in keys.guessable()


class TestWhatTheDatabaseWasWrittenWith:
    @pytest.mark.parametrize("name", NAMES)
    def test_another_one_stops_the_start_and_says_what_to_restore(
        self, booked: Appointment, settings: Any, name: str
    ) -> None:
        keys.remember()
        refuse_wrong_keys()
        setattr(settings, name, other(name))

        with pytest.raises(ImproperlyConfigured, match=f"{name} .*Restore it from the copy"):
            refuse_wrong_keys()
        # Whoever makes the tables is refused too, and nothing learns the wrong ones.
        with pytest.raises(SystemCheckError, match=name):
            call_command("migrate", skip_checks=False, verbosity=0)
        keys.remember()
        assert "booking.E007" in found()

    @pytest.mark.parametrize("name", NAMES[:2])
    def test_in_an_older_database_the_rows_tell(self, booked: Appointment, settings: Any, name: str) -> None:
        Installation.objects.all().delete()
        setattr(settings, name, other(name))

        assert list(keys.foreign()) == [name]
        keys.remember()
        assert not Installation.objects.exists()

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE booking_parent SET phone = 'gAAAAA-of-another-key'",
            "UPDATE booking_appointment SET remark = 'gAAAAA-of-another-key'",
            "UPDATE booking_appointment SET child_first_name = 'no token at all'",
        ],
    )
    def test_a_row_that_no_key_reads_stops_the_start(self, booked: Appointment, statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

        with pytest.raises(ImproperlyConfigured, match="FIELD_KEYS does not hold the key"):
            refuse_wrong_keys()

    def test_a_second_step_under_another_key_stops_the_start_too(self, settings: Any) -> None:
        make_account("alice@praktijk.example")
        Installation.objects.all().delete()
        settings.FIELD_KEYS = other("FIELD_KEYS")

        assert list(keys.foreign()) == ["FIELD_KEYS"]

    @pytest.mark.parametrize("name", NAMES)
    def test_where_no_family_is_new_ones_are_taken(self, settings: Any, name: str) -> None:
        keys.remember()
        setattr(settings, name, other(name))

        refuse_wrong_keys()
        keys.remember()

        refuse_wrong_keys()
        assert not keys.foreign()

    def test_a_database_that_cannot_be_asked_stops_nothing(self, settings: Any, monkeypatch: Any) -> None:
        def gone(*args: Any) -> Any:
            from django.db import OperationalError

            raise OperationalError

        monkeypatch.setattr(connection.introspection, "table_names", gone)
        refuse_wrong_keys()


class TestChangingThem:
    def test_each_step_of_the_handbook_starts(self, booked: Appointment, settings: Any) -> None:
        keys.remember()
        [old], new = settings.FIELD_KEYS, Fernet.generate_key().decode()
        for held in ([old, new], [new, old]):
            settings.FIELD_KEYS = held
            refuse_wrong_keys()
        call_command("reencrypt", stdout=io.StringIO())

        settings.FIELD_KEYS = [new]
        refuse_wrong_keys()
        settings.FIELD_KEYS = [old]
        assert list(keys.foreign()) == ["FIELD_KEYS"]

    def test_without_reencrypt_the_old_one_cannot_be_left_out(self, booked: Appointment, settings: Any) -> None:
        keys.remember()
        settings.FIELD_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_KEYS]
        keys.remember()

        settings.FIELD_KEYS = settings.FIELD_KEYS[:1]

        assert list(keys.foreign()) == ["FIELD_KEYS"]

    def test_a_lookup_key_is_changed_by_reencrypt(self, booked: Appointment, settings: Any) -> None:
        keys.remember()
        settings.LOOKUP_KEY = OTHER
        assert list(keys.foreign()) == ["LOOKUP_KEY"]

        call_command("reencrypt", stdout=io.StringIO())

        refuse_wrong_keys()

    def test_a_secret_key_is_changed_beside_the_old_one(self, booked: Appointment, settings: Any) -> None:
        keys.remember()
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OTHER, [settings.SECRET_KEY]
        refuse_wrong_keys()
        keys.remember()

        settings.SECRET_KEY_FALLBACKS = []
        refuse_wrong_keys()

    def test_a_secret_key_that_is_lost_is_given_up_by_reencrypt(self, booked: Appointment, settings: Any) -> None:
        keys.remember()
        settings.SECRET_KEY = OTHER
        assert list(keys.foreign()) == ["SECRET_KEY"]

        call_command("reencrypt", stdout=io.StringIO())

        refuse_wrong_keys()

    def test_what_no_key_reads_can_be_given_up_so_that_it_starts(self, booked: Appointment, settings: Any) -> None:
        keys.remember()
        make_account("alice@praktijk.example")
        settings.FIELD_KEYS = other("FIELD_KEYS")
        later = book(booked.appointment_type, "2026-12-02 10:00", family=make_family(email="iris@example.org"))
        assert list(keys.foreign()) == ["FIELD_KEYS"]

        call_command("reencrypt", "--give-up-unreadable", stdout=io.StringIO())

        refuse_wrong_keys()
        lost = booked.parents.get()
        assert (lost.name, lost.email, lost.email_hash, lost.phone_hash) == ("", "", "", "")
        assert later.parents.get().email == "iris@example.org"
        assert not Authenticator.objects.exists()

    def test_a_restored_backup_is_read_by_its_own_keys(self, booked: Appointment, settings: Any) -> None:
        keys.remember()
        file = io.BytesIO()
        backups.write(file, now=NOW)
        Appointment.objects.all().delete()
        Installation.objects.all().delete()

        file.seek(0)
        backups.read(file, overwrite=True)

        refuse_wrong_keys()
        settings.SECRET_KEY = OTHER
        assert list(keys.foreign()) == ["SECRET_KEY"]


def test_the_agenda_shows_a_row_that_no_key_reads_and_all_the_others(booked: Appointment) -> None:
    account = make_account("alice@praktijk.example")
    Therapist.objects.filter(pk=booked.therapist_id).update(user=account)
    book(booked.appointment_type, "2026-12-01 11:00", family=make_family(child_first_name="Bodine"))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE booking_appointment SET child_first_name = 'of another key' WHERE id = %s", [booked.pk]
        )
        cursor.execute("UPDATE booking_parent SET name = 'of another key' WHERE appointment_id = %s", [booked.pk])

    browser = signed_in(account)
    week = browser.get("/agenda/?day=2026-12-01").content.decode()
    one = browser.get(f"/agenda/afspraak/{booked.public_id}/", follow=True).content.decode()

    assert "Bodine" in week
    assert "(onleesbaar)" in week
    assert "(onleesbaar)" in one


def test_no_page_breaks_where_no_key_reads_anything(time_machine: Any) -> None:
    time_machine.move_to(house.NOW, tick=False)
    parts = house.make_house()
    with connection.cursor() as cursor:
        for model in apps.get_models():
            for field in model._meta.local_fields:
                if isinstance(field, EncryptedTextField):
                    cursor.execute(f"UPDATE {model._meta.db_table} SET {field.column} = 'of another key'")

    broken = {
        (name, address, status)
        for name in ("visitor", "alice")
        for address in set(house.every_address(parts)) - {"/readyz"}
        if (status := house.browser_of(name).get(address).status_code) >= 500
    }

    assert broken == set()


@pytest.mark.servers
@pytest.mark.parametrize(
    "command",
    [["-m", "gunicorn", "practice.wsgi:application"], ["-m", "celery", "--quiet", "-A", "celery_app", "worker"]],
    ids=["web server", "worker"],
)
@pytest.mark.parametrize("keys_given", ["abc", Fernet.generate_key().decode()], ids=["rubbish", "another"])
def test_nothing_serves_under_other_keys(
    booked: Appointment, tmp_path: Path, command: list[str], keys_given: str
) -> None:
    keys.remember()
    name = connection.settings_dict["NAME"]
    url = f"sqlite:///{name}"
    if connection.vendor == "postgresql":
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    (tmp_path / "queue").mkdir()
    env = {**os.environ, "DATA_DIR": str(tmp_path), "DATABASE_URL": url, "FIELD_KEYS": keys_given}
    env["PORT"] = str(free_port())

    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode != 0
    assert "FIELD_KEYS" in done.stderr
    assert "Traceback" not in done.stderr
