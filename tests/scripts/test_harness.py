"""The harness itself: which database the tests run on, and that its secrets serve."""

import os

import pytest
from django.conf import settings
from django.db import connection

from booking.encryption import EncryptedTextField


@pytest.mark.engines
@pytest.mark.django_db
def test_tests_run_on_the_engine_that_was_asked_for() -> None:
    assert connection.vendor == os.environ.get("ENGINE", "sqlite")
    assert connection.settings_dict["NAME"] not in {":memory:", "postgres"}


def test_secrets_of_the_tests_encrypt_and_decrypt() -> None:
    field = EncryptedTextField()

    stored = field.get_prep_value("Anna")

    assert stored != "Anna"
    assert field.from_db_value(stored, None, None) == "Anna"
    assert settings.BASE_URL == "http://testserver"
