"""A practice that is served already gets the newest tables, and keeps what it has."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from schedule.models import Event

from booking import diary, guards
from booking.intervals import Interval
from booking.models import AccessEntry, Actor, Appointment, AppointmentType, Therapist
from practice.models import SITE, Practice, Version
from practice.translations import Translated
from tests.booking.factories import make_appointment, make_practice, make_therapist, make_type, wall
from tests.booking.test_access_log import make_old_entry
from tests.booking.test_guards import refused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engines]


def migrate(*to: str) -> None:
    # Between two versions there are no guards, which the check would mention.
    call_command("migrate", *to, verbosity=0, skip_checks=True)


@pytest.fixture
def newest_again() -> Iterator[None]:
    """After the test the tables are the newest, whatever becomes of it."""
    yield
    migrate()


def test_what_was_booked_before_keeps_the_place_and_notice_of_its_type(newest_again: None) -> None:
    by_phone = make_type(make_therapist(), place="phone", change_notice=timedelta(days=2))
    here = make_type(make_therapist(), place="practice", change_notice=timedelta(hours=3))
    booked = make_appointment(by_phone, place="video", change_notice=timedelta(0))
    other = make_appointment(here, place="video", change_notice=timedelta(0))

    migrate("booking", "0014")
    migrate()

    kept = Appointment.objects.in_bulk()
    assert kept.keys() == {booked.pk, other.pk}
    assert (kept[booked.pk].place, kept[booked.pk].change_notice) == ("phone", timedelta(days=2))
    assert (kept[other.pk].place, kept[other.pk].change_notice) == ("practice", timedelta(hours=3))
    assert kept[booked.pk].parents.get().email == booked.parents.get().email


def test_what_was_said_of_time_off_is_in_the_first_language_of_the_site(newest_again: None) -> None:
    alice = make_therapist()
    for day, notice in (("2026-12-01", Translated(nl="Even weg.")), ("2026-12-03", None)):
        diary.add_time_off(alice, Interval(wall(f"{day} 09:00"), wall(f"{day} 12:00")), notice=notice)
    migrate("booking", "0015")
    # As it was written then: a sentence, in no language in particular.
    Event.objects.exclude(description="").update(description="Even “weg”.")

    migrate()

    off = diary.time_off(alice, wall("2026-11-30 00:00"))
    assert [one.notice for one in off] == [Translated(**{settings.LANGUAGE_CODE: "Even “weg”."}), Translated()]


def test_a_practice_gets_reminders_and_its_types_keep_theirs(newest_again: None) -> None:
    make_practice(city="Eindhoven", reminders=[])
    types = [make_type(make_therapist(), reminders=leads) for leads in ([], ["1h"])]
    migrate("practice", "0003")

    migrate()

    practice = Practice.load()
    assert (practice.city, practice.reminders) == ("Eindhoven", ["2d", "3h"])
    assert [AppointmentType.objects.get(pk=one.pk).reminders for one in types] == [[], ["1h"]]
    before = Version.read(SITE)
    Practice.objects.update(city="Veldhoven")
    assert Version.read(SITE) != before


def test_of_who_booked_before_nobody_has_chosen_a_language(newest_again: None) -> None:
    booked = make_appointment(make_type(make_therapist()))
    booked.parents.update(language="en")
    migrate("booking", "0016")

    migrate()

    parent = booked.parents.get()
    assert (parent.language, parent.language_chosen, parent.email) == ("en", False, "noor@example.org")


def test_guards_stand_again_after_each(newest_again: None) -> None:
    migrate("booking", "0013")
    # The other half of the way makes the table of the appointments anew on SQLite.
    migrate()

    assert not guards.missing(connection)


def test_networks_of_families_are_emptied_and_the_log_is_guarded_again(newest_again: None) -> None:
    migrate("booking", "0016")
    # The guard as it was then: it refused every change.
    with connection.cursor() as cursor:
        on = "" if connection.vendor == "sqlite" else " ON booking_accessentry"
        cursor.execute(f"DROP TRIGGER IF EXISTS access_log_changed{on}")
        cursor.execute(
            "CREATE TRIGGER access_log_changed BEFORE UPDATE ON booking_accessentry"
            " BEGIN SELECT RAISE(ABORT, 'access_log_changed'); END"
            if connection.vendor == "sqlite"
            else "CREATE TRIGGER access_log_changed BEFORE UPDATE ON booking_accessentry FOR EACH ROW"
            " EXECUTE FUNCTION booking_refuse()"
        )
    entries = {actor: make_old_entry(actor) for actor in Actor}

    migrate("booking", "0021")

    for entry in entries.values():
        entry.refresh_from_db()
    assert [entries[actor].network for actor in Actor] == ["", "203.0.113.0/24", ""]
    with refused("access_log_changed"):
        AccessEntry.objects.update(action="listed")


def test_whoever_signs_in_has_the_address_that_the_form_gives(newest_again: None) -> None:
    migrate("booking", "0016")
    for name in ("alice@b\u00fccher.example", "bob@example.org", "Bo\u200eb@example.org", '"eve"@example.org', ""):
        User.objects.create(username=name, email=name)
    make_therapist(email="alice@b\u00fccher.example")

    migrate()

    names = {"alice@xn--bcher-kva.example", "bob@example.org", "Bo\u200eb@example.org", '"eve"@example.org', ""}
    assert {user.username for user in User.objects.all()} == {user.email for user in User.objects.all()} == names
    assert [one.email for one in Therapist.objects.all()] == ["alice@xn--bcher-kva.example"]
