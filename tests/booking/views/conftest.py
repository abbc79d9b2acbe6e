"""The cast: Alice is a therapist, Charlie another one, Bob the manager; Dana has an account and nothing more."""

import pytest
from django.test import Client

from booking.models import Therapist
from tests.booking.accounts import make_account, signed_in
from tests.booking.factories import make_therapist


@pytest.fixture
def alice() -> Therapist:
    return make_therapist(name="Alice", slug="alice", user=make_account("alice@praktijk.example"))


@pytest.fixture
def charlie() -> Therapist:
    return make_therapist(name="Charlie", slug="charlie", user=make_account("charlie@praktijk.example"))


@pytest.fixture
def browsers(alice: Therapist, charlie: Therapist) -> dict[str, Client]:
    assert alice.user is not None
    assert charlie.user is not None
    return {
        "alice": signed_in(alice.user),
        "bob": signed_in(make_account("bob@praktijk.example", manager=True)),
        "charlie": signed_in(charlie.user),
        "dana": signed_in(make_account("dana@praktijk.example")),
        "anonymous": Client(headers={"accept-language": "en"}),
    }
