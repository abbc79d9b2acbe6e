"""A stolen database shows no family."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from booking.encryption import Unreadable, lookup_hash
from booking.models import Appointment, Parent
from tests.booking.factories import make_appointment

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

FAMILY = {"Zonnebloemski", "zonnebloemski@example.org", "+31612121212", "Pimpelmees", "een geheim"}


def everything() -> str:
    """Return all rows of all tables as the database keeps them."""
    texts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            texts.append(str(cursor.fetchall()))
    return "".join(texts)


@pytest.fixture
def appointment() -> Appointment:
    appointment = make_appointment(child_first_name="Pimpelmees", remark="een geheim", cancel_reason="een geheim")
    appointment.parents.all().delete()
    Parent.objects.create(
        appointment=appointment, name="Zonnebloemski", email="zonnebloemski@example.org", phone="+31612121212"
    )
    return appointment


def test_no_table_shows_the_family(appointment: Appointment) -> None:
    dump = everything()

    assert str(appointment.pk) in dump
    assert not [word for word in FAMILY if word.casefold() in dump.casefold()]


def test_it_reads_back_as_it_was_written(appointment: Appointment) -> None:
    fresh = Appointment.objects.get()

    assert (fresh.child_first_name, fresh.remark) == ("Pimpelmees", "een geheim")
    assert fresh.parents.get().email == "zonnebloemski@example.org"


def test_a_new_key_writes_and_the_old_one_still_reads(appointment: Appointment, settings: Any) -> None:
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_KEYS]
    assert Appointment.objects.get().remark == "een geheim"
    Appointment.objects.update(remark="nieuw")
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]

    assert Appointment.objects.values_list("remark", flat=True).get() == "nieuw"
    assert isinstance(Parent.objects.get().name, Unreadable)


def test_what_no_key_reads_is_a_word_for_people_and_written_back_as_it_was(
    appointment: Appointment, settings: Any
) -> None:
    before, keys = everything(), settings.FIELD_KEYS
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]

    parent = Parent.objects.get()
    assert (parent.name, str(parent.email)) == ("(onleesbaar)", "(onleesbaar)")
    parent.save()
    Parent.objects.bulk_update([parent], ["name", "phone"])

    assert everything() == before
    settings.FIELD_KEYS = keys
    assert Parent.objects.get().name == "Zonnebloemski"


def test_an_empty_text_stays_empty() -> None:
    make_appointment()

    with connection.cursor() as cursor:
        cursor.execute("SELECT remark FROM booking_appointment")
        assert cursor.fetchone() == ("",)


def test_a_lookup_hash_depends_on_the_key_and_on_where_its_parts_end(settings: Any) -> None:
    first = lookup_hash("email", "a")

    assert lookup_hash("email", "a") == first
    assert lookup_hash("emaila", "") != first
    settings.LOOKUP_KEY = "another"
    assert lookup_hash("email", "a") != first
