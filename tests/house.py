"""A practice with something at every address there is, and the walk that comes to all of them."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from booking import diary, links
from booking.intervals import Interval
from booking.models import CalendarSource, Kind, Unconfirmed
from practice.models import Practice
from tests.booking.accounts import make_account, signed_in
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_family,
    make_hours,
    make_notification,
    make_therapist,
    make_type,
    wall,
)
from tests.practice.factories import make_page, make_picture

NOW = wall("2026-11-20 12:00")
# What a visit may leave behind: counts of tries, who saw what, and the visitor's own session.
LEFT_BEHIND = {"booking_accessentry", "booking_ratecounter", "django_session", "usersessions_usersession"}
# A part of a route, <int:pk>, or a group of a pattern, (?P<url>.*).
_PART = re.compile(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Route:
    """One route of a URL conf: its name (or its pattern, where it has none), and an address that leads to it."""

    name: str
    address: str


def make_house() -> dict[str, Any]:
    """Make the practice, at NOW; return what the parts of the addresses stand for, by name of part and of route.

    Alice is the therapist whose appointment, hours, time off and calendar they name; Charlie is another one,
    Carol the manager, Nora a therapist who has not set up the second step yet.
    """
    call_command("load_practice", verbosity=0)
    nora = make_account("nora@praktijk.example", second_factor=False)
    accounts = [make_account(f"{name}@praktijk.example") for name in ("alice", "charlie")]
    accounts += [make_account("carol@praktijk.example", manager=True), nora]
    alice, charlie, carol, _nora = (
        make_therapist(slug=user.username.partition("@")[0], user=user, feed_on=True) for user in accounts
    )
    consult = make_type(alice, carol, slug="eerste-afspraak")
    make_type(charlie, slug="gesprek")
    appointment = make_appointment(consult, therapist=alice)
    make_hours(alice)
    span = Interval(wall("2026-12-08 09:00"), wall("2026-12-08 12:00"))
    mail = make_notification(appointment=appointment)
    told = make_notification(Kind.MANY_BOOKINGS, therapist=alice, due_at=NOW)
    calendar = CalendarSource.objects.create(therapist=alice, name="Thuis", url="https://x.example", due_at=NOW)
    assert alice.user
    picture = make_picture()
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
        asked_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        typed=json.dumps(asdict(make_family())),
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
        "practice_page_delete": {"object_id": make_page("over-ons").pk},
        "picture": {"digest": picture.digest},
        **{view: {"sample": "herinnering", "language": "nl"} for view in ["mail_preview", "mail_html"]},
        **{view: {"slug": "alice"} for view in ["open_colleague", "close_colleague", "forget_second_factor"]},
        "retry_mail": {"pk": mail.pk},
        "many_bookings": {"pk": told.pk},
        **{view: {"pk": hours} for view in ["change_working_hours", "end_working_hours"]},
        **{view: {"pk": off} for view in ["change_time_off", "remove_time_off"]},
        **{view: {"pk": extra} for view in ["change_extra_opening", "remove_extra_opening"]},
        **{view: {"pk": calendar.pk} for view in ["read_calendar", "choose_calendar", "remove_calendar"]},
        **{view: {"pk": factor.pk if factor else 0} for view in ["mfa_edit_webauthn", "mfa_remove_webauthn"]},
    }


def every_route(parts: dict[str, Any], *urlconfs: str) -> list[Route]:
    """Return each route of `urlconfs` (the site's and the probes' where none is named), in their order."""
    return [
        route
        for urlconf in urlconfs or (settings.ROOT_URLCONF, "booking.probe_urls")
        for route in _walk(get_resolver(urlconf), "/", "", parts)
    ]


def every_address(parts: dict[str, Any]) -> list[str]:
    """Return each address that there is, with something at it."""
    return [route.address for route in every_route(parts)]


def browser_of(name: str, **options: Any) -> Client:
    """Return the browser of a visitor, or of who has the account of that name."""
    # Django's admin falls over a question that lacks its parts; that is a page as well.
    if name == "visitor":
        return Client(raise_request_exception=False, headers={"accept-language": "en"}, **options)
    browser = signed_in(User.objects.get(username=f"{name}@praktijk.example"))
    browser.raise_request_exception = False
    return browser


def _walk(resolver: URLResolver, prefix: str, namespace: str, parts: dict[str, Any]) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        # The languages' own prefix: an English page is the same page.
        route = "" if isinstance(entry.pattern, LocalePrefixPattern) else str(entry.pattern)
        if isinstance(entry, URLResolver):
            inside = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, prefix + route, inside, parts)
            continue
        first = {"object_id": _first_of(entry)} if "object_id" in route else {}
        known = parts | first | parts.get(entry.name or "", {})
        address = prefix + route
        name = namespace + (entry.name or address)
        for part in _PART.finditer(address):
            address = address.replace(part[0], str(known[part[1] or part[2]]))
        yield Route(name, address.replace("^", "").rstrip("$"))


def _first_of(entry: URLPattern) -> Any:
    admin = getattr(entry.callback, "model_admin", None)
    first = (admin.model if admin else Practice).objects.first()
    return quote(str(first.pk)) if first else "0"
