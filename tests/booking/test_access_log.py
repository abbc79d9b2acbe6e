"""Who saw or changed a family's data: written before it is shown, and never changed."""

from datetime import timedelta
from io import BytesIO
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.db import connection, transaction
from django.utils import timezone

from booking import access_log, backups, guards
from booking.models import AccessEntry, Actor
from tests.booking.factories import make_practice
from tests.booking.test_guards import refused

pytestmark = [pytest.mark.django_db, pytest.mark.engines]


def written(*, days_ago: int = 0, by: Actor = Actor.THERAPIST) -> AccessEntry:
    access_log.record("seen", [uuid4()], by=by, at=timezone.now() - timedelta(days=days_ago))
    return AccessEntry.objects.latest("at") if not days_ago else AccessEntry.objects.earliest("at")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("unknown", ""),
    ],
)
def test_only_the_network_of_an_address_is_written(address: str, network: str) -> None:
    with access_log.calling_from(address):
        assert written().network == network
    assert written().network == ""


@pytest.mark.parametrize("actor", [Actor.PARENT, Actor.SYSTEM])
def test_of_a_family_no_network_is_written(actor: Actor) -> None:
    """What the program does by itself may be what a parent has just asked for: an erasure, say."""
    with access_log.calling_from("203.0.113.77"):
        assert written(by=actor).network == ""


def make_old_entry(actor: Actor, network: str = "203.0.113.0/24") -> AccessEntry:
    """Write an entry as an older version did, with the network of whoever called."""
    moment = timezone.now()
    return AccessEntry.objects.create(
        at=moment,
        actor=actor,
        action="seen",
        appointment=uuid4(),
        network=network,
        kept_until=moment + timedelta(days=9),
    )


def test_networks_of_families_that_came_from_elsewhere_are_emptied() -> None:
    old = {actor: make_old_entry(actor) for actor in Actor}

    assert access_log.forget_networks() == 2
    assert access_log.forget_networks() == 0

    for entry in old.values():
        entry.refresh_from_db()
    assert {actor: entry.network for actor, entry in old.items()} == {
        Actor.PARENT: "",
        Actor.SYSTEM: "",
        Actor.THERAPIST: "203.0.113.0/24",
    }


class TestTheDatabaseItself:
    @pytest.mark.parametrize("field", [field.name for field in AccessEntry._meta.concrete_fields])
    def test_lets_nothing_but_the_network_of_a_family_become_empty(self, field: str) -> None:
        entry = make_old_entry(Actor.PARENT)
        other = {
            "id": uuid4(),
            "at": entry.at + timedelta(seconds=1),
            "actor": Actor.SYSTEM,
            "account": User.objects.create(username="bob"),
            "action": "listed",
            "appointment": None,
            "network": "198.51.100.0/24",
            "kept_until": entry.kept_until - timedelta(days=1),
        }

        with refused("access_log_changed"):
            AccessEntry.objects.filter(pk=entry.pk).update(**{"network": "", field: other[field]})

    def test_keeps_the_network_of_a_therapist(self) -> None:
        entry = make_old_entry(Actor.THERAPIST)

        with refused("access_log_changed"):
            AccessEntry.objects.filter(pk=entry.pk).update(network="")

    def test_refuses_every_change(self) -> None:
        entry = written()

        with refused("access_log_changed"):
            AccessEntry.objects.filter(pk=entry.pk).update(action="listed")

    def test_refuses_to_delete_what_is_within_its_term(self) -> None:
        written()

        with refused("access_log_kept"), connection.cursor() as cursor:
            cursor.execute("DELETE FROM booking_accessentry")

    def test_lets_go_what_is_past_its_term(self) -> None:
        written(days_ago=1827)
        kept = written()

        assert access_log.forget_old(now=timezone.now()) == 1
        assert list(AccessEntry.objects.all()) == [kept]

    def test_keeps_a_row_that_is_written_over(self) -> None:
        entry = written()
        columns = "id, at, actor, action, network, kept_until"
        over = "INSERT OR REPLACE" if connection.vendor == "sqlite" else "INSERT"
        end = "" if connection.vendor == "sqlite" else "ON CONFLICT (id) DO UPDATE SET actor = excluded.actor"
        statement = (
            f"{over} INTO booking_accessentry ({columns})"
            f" SELECT id, at, 'system', action, network, kept_until FROM booking_accessentry WHERE true {end}"
        )

        def write_over() -> None:
            with connection.cursor() as cursor:
                cursor.execute(statement)

        if connection.vendor == "sqlite":
            write_over()
        else:
            with refused("access_log_changed"):
                write_over()

        entry.refresh_from_db()
        assert entry.actor == Actor.THERAPIST

    def test_refuses_to_empty_the_table(self) -> None:
        if connection.vendor == "sqlite":
            # It has no TRUNCATE; a DELETE without a condition is refused above.
            return
        written()

        with refused("access_log_emptied"), connection.cursor() as cursor:
            cursor.execute("TRUNCATE booking_accessentry")

    def test_does_not_serve_without_its_guards(self) -> None:
        with transaction.atomic():
            guards.let_log_go(connection)
            said = [message for message in run_checks(databases=["default"]) if message.id == "booking.E001"]
            transaction.set_rollback(True)

        assert "access_log_changed" in said[0].msg


@pytest.mark.django_db(transaction=True)
def test_a_restore_takes_nothing_away() -> None:
    make_practice()
    before, file = written(), BytesIO()
    backups.write(file, now=timezone.now())
    since = written()

    backups.read(BytesIO(file.getvalue()), overwrite=True)

    assert set(AccessEntry.objects.all()) == {before, since}


@pytest.mark.django_db(transaction=True)
def test_a_backup_of_an_older_version_brings_back_no_network_of_a_family() -> None:
    make_practice()
    entry, file = make_old_entry(Actor.PARENT), BytesIO()
    backups.write(file, now=timezone.now())
    guards.let_log_go(connection)
    AccessEntry.objects.all().delete()
    guards.install(connection)

    backups.read(BytesIO(file.getvalue()), overwrite=True)

    assert AccessEntry.objects.get(pk=entry.pk).network == ""
