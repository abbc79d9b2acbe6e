"""GET and HEAD change nothing, whoever asks: mail scanners and browsers that look ahead follow every link."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from booking import diary, links
from booking.intervals import Interval
from booking.models import CalendarSource, Unconfirmed
from practice.models import Practice
from tests.booking.accounts import make_account, signed_in
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_hours,
    make_notification,
    make_therapist,
    make_type,
    wall,
)

pytestmark = pytest.mark.django_db

# What a visit may leave behind: counts of tries, and the visitor's own session.
LEFT_BEHIND = {"booking_ratecounter", "django_session", "usersessions_usersession"}
NOW = wall("2026-11-20 12:00")
SPAN = "appointment_type=eerste-afspraak&from=2026-12-01&until=2026-12-02"
# A part of a route, <int:pk>, or a group of a pattern, (?P<url>.*).
_PART = re.compile(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>")


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def house() -> dict[str, Any]:
    """A practice with something at every address; gives what the parts of the addresses stand for."""
    call_command("load_practice", verbosity=0)
    accounts = [make_account("alice@praktijk.example"), make_account("carol@praktijk.example", manager=True)]
    alice, carol = (
        make_therapist(slug=user.username.partition("@")[0], user=user, feed_on=True) for user in accounts
    )
    consult = make_type(alice, carol, slug="eerste-afspraak")
    appointment = make_appointment(consult, therapist=alice)
    make_hours(alice)
    span = Interval(wall("2026-12-08 09:00"), wall("2026-12-08 12:00"))
    mail = make_notification(appointment=appointment)
    calendar = CalendarSource.objects.create(therapist=alice, name="Thuis", url="https://x.example", due_at=NOW)
    assert alice.user
    parts: dict[str, Any] = {
        "token": links.manage_token(appointment.parents.get()),
        "public_id": appointment.public_id,
        "day": "2026-12-02",
        "slug": "carol",
        "name": "invalid",
        "uidb64": urlsafe_base64_encode(force_bytes(alice.user.pk)),
        "app_label": "practice",
        "content_type_id": ContentType.objects.get_for_model(Practice).pk,
        "url": "nothing",
        "id": alice.user.pk,
    }
    unconfirmed = Unconfirmed.objects.create(
        appointment_type=consult,
        therapist=alice,
        start=wall("2026-12-01 14:00"),
        expires_at=NOW + timedelta(hours=1),
    )
    hours = diary.working_hours(alice, AMSTERDAM)[0].id
    off, extra = diary.add_time_off(alice, span).id, diary.add_extra_opening(alice, span).id
    factor = Authenticator.objects.filter(user=alice.user).first()
    return parts | {
        "confirm": {"token": links.confirm_url(unconfirmed).split("/")[-2]},
        "read_feed": {"token": links.feed_url(alice).rpartition("/")[2].removesuffix(".ics")},
        "choose_password": {"token": default_token_generator.make_token(alice.user)},
        "change_appointment_type": {"slug": consult.slug},
        "page": {"slug": "privacy"},
        "retry_mail": {"pk": mail.pk},
        **{view: {"pk": hours} for view in ["change_working_hours", "end_working_hours"]},
        **{view: {"pk": off} for view in ["change_time_off", "remove_time_off"]},
        **{view: {"pk": extra} for view in ["change_extra_opening", "remove_extra_opening"]},
        **{view: {"pk": calendar.pk} for view in ["read_calendar", "remove_calendar"]},
        **{view: {"pk": factor.pk if factor else 0} for view in ["mfa_edit_webauthn", "mfa_remove_webauthn"]},
    }


def every_address(parts: dict[str, Any]) -> list[str]:
    """Return each address that there is, with something at it."""
    return [
        address
        for urlconf in (settings.ROOT_URLCONF, "booking.probe_urls")
        for address in _walk(get_resolver(urlconf), "/", parts)
    ]


def _walk(resolver: URLResolver, prefix: str, parts: dict[str, Any]) -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = "" if isinstance(entry.pattern, LocalePrefixPattern) else str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, prefix + route, parts)
            continue
        known = parts | parts.get(entry.name or "", {})
        if "object_id" in route:
            known |= {"object_id": _first_of(entry)}
        address = prefix + route
        for part in _PART.finditer(address):
            address = address.replace(part[0], str(known[part[1] or part[2]]))
        yield address.replace("^", "").rstrip("$")


def _first_of(entry: URLPattern) -> Any:
    admin = getattr(entry.callback, "model_admin", None)
    first = (admin.model if admin else Practice).objects.first()
    return quote(str(first.pk)) if first else "0"


def dump() -> dict[str, list[Any]]:
    """Return all that the database holds, but for what a visit may leave behind."""
    found = {}
    with connection.cursor() as cursor:
        for table in sorted(set(connection.introspection.table_names()) - LEFT_BEHIND):
            cursor.execute(f'SELECT * FROM "{table}"')
            found[table] = sorted(map(repr, cursor.fetchall()))
    return found


def who(name: str) -> Client:
    """Return the browser of a visitor, or of the therapist or the manager of that name."""
    browser = Client() if name == "visitor" else signed_in(User.objects.get(username=f"{name}@praktijk.example"))
    # Django's admin falls over a question that lacks its parts; that is a page as well.
    browser.raise_request_exception = False
    return browser


@pytest.mark.parametrize(("name", "pages"), [("visitor", 20), ("alice", 50), ("carol", 70)])
def test_looking_changes_nothing(house: dict[str, Any], settings: Any, name: str, pages: int) -> None:
    # More than a person asks for in ten minutes.
    settings.RATE_LIMITS = False
    browser, before = who(name), dump()
    slot = "type=eerste-afspraak&start=2026-12-01T13:00Z"
    chosen = [f"/afspraak/gegevens/?{slot}", f"/afspraak/kiezen/?{slot}", f"/agenda/afspraak/nieuw/?{slot}"]
    chosen += [f"/afspraak/beheer/{house['token']}/verzetten/?{slot}", f"/api/v1/slots?{SPAN}"]

    seen = [browser.get(address).status_code for address in every_address(house) + chosen]
    for address in every_address(house) + chosen:
        browser.head(address)

    assert dump() == before
    assert seen.count(200) >= pages
    assert seen[-2:] == [200, 200]


def test_the_walk_comes_to_every_view(house: dict[str, Any]) -> None:
    addresses = " ".join(every_address(house))

    assert "<" not in addresses
    for part in (
        "/wissen/",
        "/agenda/collegas/carol/link/",
        "/beheer/booking/appointment/1/",
        "/healthz",
        "/login/",
    ):
        assert part in addresses
