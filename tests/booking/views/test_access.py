"""Who looks at a family's data is written down before it is shown."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.test import Client

from booking import access_log, erasure, feed, links
from booking.models import AccessEntry, Action, Actor, Appointment, FeedDetail, Therapist
from practice.models import Practice
from tests.booking.factories import make_appointment, make_practice, make_type, wall

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

NOON = wall("2026-11-25 12:00")


@pytest.fixture(autouse=True)
def at_noon(time_machine: Any) -> None:
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def practice() -> Practice:
    return make_practice()


def entries(**wanted: Any) -> list[tuple[str, str]]:
    return [(entry.actor, entry.action) for entry in AccessEntry.objects.filter(**wanted)]


@pytest.fixture
def appointment(practice: Practice, alice: Therapist) -> Appointment:
    return make_appointment(make_type(alice), start="2026-11-26 09:00")


def seen_of(appointment: Appointment) -> list[tuple[str, str]]:
    return entries(appointment=appointment.public_id)


def test_a_list_a_week_and_a_page_that_show_a_family(
    browsers: dict[str, Client], appointment: Appointment, alice: Therapist
) -> None:
    browser = browsers["alice"]
    for address in (
        "/agenda/?view=list",
        "/agenda/?view=week&day=2026-11-26",
        "/agenda/?view=month&day=2026-11-26",
        f"/agenda/afspraak/{appointment.public_id}/",
    ):
        assert browser.get(address, REMOTE_ADDR="198.51.100.9").status_code == 200

    found = AccessEntry.objects.filter(account=alice.user, appointment=appointment.public_id)
    assert sorted(entry.action for entry in found) == ["listed", "listed", "seen"]
    assert {entry.network for entry in found} == {"198.51.100.0/24"}


def test_nothing_of_whom_one_may_not_see(browsers: dict[str, Client], appointment: Appointment) -> None:
    assert browsers["charlie"].get(f"/agenda/afspraak/{appointment.public_id}/").status_code == 404

    assert ("therapist", "seen") not in seen_of(appointment)


def test_one_statement_for_any_number(appointment: Appointment, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        access_log.record("listed", [uuid4() for _ in range(50)], by=Actor.THERAPIST, at=NOON)
    with django_assert_num_queries(0):
        access_log.record("listed", [], by=Actor.THERAPIST, at=NOON)


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_written_down_is_not_shown(browsers: dict[str, Client], appointment: Appointment) -> None:
    locked = OperationalError()
    locked.__cause__ = type("Locked", (Exception,), {"sqlite_errorname": "SQLITE_BUSY", "sqlstate": "55P03"})()

    def refuse(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith('INSERT INTO "booking_accessentry"'):
            raise locked
        return execute(sql, *rest)

    family = Client()
    own = f"/en/afspraak/beheer/{links.manage_token(appointment.parents.get())}/gegevens/"
    assert family.post(own, {"phone": "06 12345678"}).status_code == 302

    with connection.execute_wrapper(refuse):
        answers = [browsers["alice"].get(f"/en/agenda/afspraak/{appointment.public_id}/"), family.get(own)]

    assert [(answer.status_code, answer["Retry-After"]) for answer in answers] == [(503, "5")] * 2
    assert not [answer for answer in answers if "Sam" in answer.content.decode()]


def test_the_feed_where_it_tells_of_families(appointment: Appointment, alice: Therapist) -> None:
    for detail in (FeedDetail.INITIALS, FeedDetail.NOTHING):
        feed.turn_on(alice, detail)
        assert Client().get(links.feed_url(alice)).status_code == 200

    assert entries(action="feed_read") == [("therapist", "feed_read")]


def test_every_change_which_outlives_the_family(appointment: Appointment) -> None:
    erasure.erase(appointment, by=Actor.PARENT, now=NOON)
    Appointment.objects.filter(pk=appointment.pk).delete()

    # All at one moment, so in no order.
    assert {action for _actor, action in seen_of(appointment)} >= {Action.CANCELLED, Action.ERASE_ASKED}
