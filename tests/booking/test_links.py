"""The manage link opens one appointment, and a broken one tells nothing."""

import pytest
from django.core.signing import Signer

from booking import links
from booking.models import Appointment, Parent
from tests.booking.factories import make_appointment

pytestmark = pytest.mark.django_db


@pytest.fixture
def parent() -> Parent:
    return make_appointment().parents.get()


def test_a_token_opens_its_own_parent(parent: Parent) -> None:
    make_appointment(start="2026-12-02 10:00")

    assert links.parent_of(links.manage_token(parent)) == parent


def test_each_kind_of_token_is_signed_for_its_own_purpose() -> None:
    signers = [value for value in vars(links).values() if isinstance(value, Signer)]

    assert len({signer.salt for signer in signers}) == len(signers) == 3


def test_a_move_leaves_it_alive(parent: Parent) -> None:
    token = links.manage_token(parent)
    Appointment.objects.update(sequence=3)

    assert links.parent_of(token) == parent


def test_a_raised_version_ends_it(parent: Parent) -> None:
    token = links.manage_token(parent)
    Parent.objects.update(link_version=1)

    with pytest.raises(links.DeadLink):
        links.parent_of(token)


def test_an_erased_appointment_ends_it(parent: Parent) -> None:
    Appointment.objects.update(erased_at=parent.appointment.created_at)

    with pytest.raises(links.DeadLink):
        links.parent_of(links.manage_token(parent))


@pytest.mark.parametrize(
    "broken",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.replace(".0.", ".1."),
        lambda token: "x" * 10_000,
        lambda token: "\x00",
        lambda token: Signer(salt="another purpose", sep=".").sign(token.rsplit(".", 1)[0]),
        lambda token: Signer(sep=".").sign(token.rsplit(".", 1)[0]),
        lambda token: Signer(salt="booking.feed", sep=".").sign(token.rsplit(".", 1)[0]),
        lambda token: Signer(salt="booking.manage-link", sep=".", key="another house").sign(
            token.rsplit(".", 1)[0]
        ),
        lambda token: Signer(salt="booking.manage-link", sep=".").sign("not-an-id.0"),
        lambda token: Signer(salt="booking.manage-link", sep=".").sign("é.0"),
    ],
    ids=[
        *("empty", "cut", "changed", "version", "long", "null"),
        *("salt", "no salt", "a feed's", "key", "no id", "no base64"),
    ],
)
def test_every_other_token_is_equally_dead(parent: Parent, broken: "object") -> None:
    with pytest.raises(links.DeadLink):
        links.parent_of(broken(links.manage_token(parent)))  # type: ignore[operator]
