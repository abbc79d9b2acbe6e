"""Keys are changed while everyone works: nothing is lost, and at the end nothing needs the older ones."""

import io
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.core.signing import Signer

from booking import appointments, encryption, key_rotation, links
from booking.models import Appointment, AppointmentType, CalendarSource, Parent
from tests.booking.accounts import code, make_account
from tests.booking.factories import make_family
from tests.booking.steps import NOW, book

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engines]


@pytest.fixture(autouse=True)
def at_noon(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def booked(consult: AppointmentType) -> Appointment:
    make_account("alice@praktijk.example")
    appointment = book(consult, "2026-12-01 10:00", family=make_family(remark="Slaapt slecht"))
    address = "https://kalender.example/geheim.ics"
    CalendarSource.objects.create(therapist=appointment.therapist, name="Thuis", url=address, due_at=NOW)
    return appointment


def reencrypt() -> str:
    said = io.StringIO()
    call_command("reencrypt", stdout=said)
    return said.getvalue()


def test_after_it_the_old_key_is_needed_no_more(booked: Appointment, settings: Any) -> None:
    new = Fernet.generate_key().decode()
    settings.FIELD_KEYS = [new, *settings.FIELD_KEYS]
    codes = RecoveryCodes(Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES))
    unused = codes.get_unused_codes()
    codes.validate_code(unused[0])

    # The appointment, its parent, the calendar, the app's secret and the seed of the recovery codes.
    assert reencrypt() == "5 rows were under older keys.\n"

    settings.FIELD_KEYS = [new]
    assert reencrypt() == "0 rows were under older keys.\n"
    parent = Parent.objects.get()
    assert (parent.name, parent.email, parent.phone) == ("Noor de Vries", "noor@example.org", "+31612345678")
    booked.refresh_from_db()
    assert (booked.child_first_name, booked.remark) == ("Sam", "Slaapt slecht")
    assert CalendarSource.objects.get().url == "https://kalender.example/geheim.ics"
    assert TOTP(Authenticator.objects.get(type=Authenticator.Type.TOTP)).validate_code(code())
    codes = RecoveryCodes(Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES))
    assert codes.get_unused_codes() == unused[1:]


def test_families_are_found_under_the_new_lookup_key(booked: Appointment, settings: Any) -> None:
    settings.LOOKUP_KEY = "another"

    assert key_rotation.rotate() == 1

    parent = Parent.objects.get()
    assert parent.email_hash == appointments.email_hash("noor@example.org")
    assert parent.phone_hash == appointments.phone_hash("+31612345678")


def test_what_somebody_writes_meanwhile_stays(
    booked: Appointment, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = settings.FIELD_KEYS[0], Fernet.generate_key().decode()
    settings.FIELD_KEYS, renewed = [new, old], encryption.renewed

    def while_a_process_with_the_old_settings_writes(token: str) -> str:
        monkeypatch.setattr(encryption, "renewed", renewed)
        settings.FIELD_KEYS = [old]
        Parent.objects.update(name="Noor Jansen")
        settings.FIELD_KEYS = [new, old]
        return renewed(token)

    Authenticator.objects.all().delete()
    CalendarSource.objects.all().delete()
    # So that the parent's name is the first to be read.
    Appointment.objects.update(child_first_name="", remark="")
    monkeypatch.setattr(encryption, "renewed", while_a_process_with_the_old_settings_writes)

    assert key_rotation.rotate() == 1

    settings.FIELD_KEYS = [new]
    assert Parent.objects.get().name == "Noor Jansen"


def test_a_row_that_no_key_reads_is_named_by_its_number(booked: Appointment, settings: Any) -> None:
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    Authenticator.objects.all().delete()

    with pytest.raises(CommandError, match=rf"reads the row booking_appointment {booked.pk}\."):
        reencrypt()


def test_more_rows_than_a_batch_are_all_reached(
    booked: Appointment, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(booked.appointment_type, "2026-12-02 10:00", family=make_family(email="b@example.org"))
    book(booked.appointment_type, "2026-12-03 10:00", family=make_family(email="c@example.org"))
    User.objects.all().delete()
    monkeypatch.setattr(key_rotation, "_BATCH", 2)
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_KEYS]

    assert key_rotation.rotate() == 3 + 3 + 1


def test_links_in_mails_outlive_the_key_that_signed_them(booked: Appointment, settings: Any) -> None:
    parent = Parent.objects.get()
    token = links.manage_token(parent)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another" * 8

    # As a process does that starts with these settings.
    assert Signer(salt="booking.manage-link", sep=".").unsign(token) == token.rpartition(".")[0]
