"""A practice in which every page has something to show, in each of its states, around the moment of now.

Run inside a served practice: `practice.manage("shell", "-c", "from tests.browser import everything; …")`.
"""

import json
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY, record_authentication
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.shortcuts import render
from django.test import Client, RequestFactory
from django.utils import timezone, translation

from booking import access_log, appointments, diary, erasure, links, notifications
from booking.errors import TooManyRequests
from booking.intervals import Interval, from_wall
from booking.models import (
    Actor,
    Appointment,
    AppointmentType,
    CalendarSource,
    Hold,
    ImportedBusy,
    NotificationState,
    Therapist,
    Unconfirmed,
)
from booking.views import answers
from booking.views.times import value_of
from practice import views
from practice.links import absolute
from practice.middleware import LastSeen
from practice.models import Practice
from practice.translations import Translated
from practice.uploads import UnaskedFile
from tests.booking.accounts import make_account
from tests.booking.factories import (
    make_appointment,
    make_family,
    make_hours,
    make_notification,
    make_therapist,
    make_type,
)

REMARK = "Sam slaapt slecht, al een half jaar. Wij weten niet meer wat wij kunnen doen. "
REMARK += (
    "https://school.example/:w:/r/sites/groep7/Gedeelde%20documenten/Verslag%20van%20het%20gesprek.docx?d=w0f3a"
)


def fill() -> dict[str, Any]:
    """Make it all, and return what the parts of the addresses in stops.py stand for."""
    now = timezone.now()
    practice = Practice.load()
    today = now.astimezone(practice.zone).date()
    # All of next week lies ahead.
    monday = today + timedelta(days=7 - today.weekday())
    demo, consult = Therapist.objects.get(), AppointmentType.objects.get(slug="eerste-afspraak")
    colleague = make_account("collega@demo.example", second_factor=False)
    other = make_therapist(slug="tweede", name="Tweede Therapeut", email="collega@demo.example", user=colleague)
    secured = make_account("stap@demo.example", manager=True)
    make_therapist(slug="derde", name="Derde Therapeut", email="stap@demo.example", user=secured, active=False)
    keyed = make_account("sleutel@demo.example", second_factor=False)
    make_therapist(slug="vijfde", name="Vijfde Therapeut", email="sleutel@demo.example", user=keyed, active=False)
    closed = make_account("dicht@demo.example", second_factor=False)
    User.objects.filter(pk=closed.pk).update(is_active=False)
    make_therapist(slug="vierde", name="Vierde Therapeut", email="dicht@demo.example", user=closed, active=False)
    consult.therapists.add(other)
    make_hours(other, 0, 1)
    later = make_therapist(slug="later", name="Latere Therapeut", email="later@demo.example")
    make_hours(later, first_day=today + timedelta(days=70))
    make_type(later, slug="later", name=Translated(nl="Gesprek later", en="Talk later on"), position=2)
    never = make_therapist(slug="nooit", name="Therapeut zonder uren", email="nooit@demo.example")
    make_type(never, slug="nooit", name=Translated(nl="Gesprek ooit", en="Talk some day"), position=3)
    make_type(demo, slug="weg", visible=False, name=Translated(nl="Vroeger", en="Formerly"), position=4)

    def at(day: date, hour: int, minute: int = 0) -> datetime:
        return from_wall(datetime.combine(day, time(hour, minute)), practice.zone)

    def booked(day: date, clock: str, **fields: Any) -> Appointment:
        start = f"{day} {clock}"
        appointment = make_appointment(consult, therapist=demo, start=start, remark=REMARK, **fields)
        make_notification(appointment=appointment, state=NotificationState.SENT, sent_at=appointment.created_at)
        notifications.plan_booked(appointment, zone=practice.zone, now=now)
        return appointment

    _week(demo, other, consult, monday, at, now)
    coming = booked(monday + timedelta(days=21), "18:00")
    asked = booked(monday + timedelta(days=21), "20:00", asked_to_move_at=now)
    stuck = make_appointment(
        AppointmentType.objects.get(slug="nooit"), start=f"{monday} 20:00", asked_to_move_at=now
    )
    quiet = booked(monday + timedelta(days=22), "18:00")
    quiet.parents.update(wants_reminders=False)
    slipped = booked(monday + timedelta(days=23), "07:00")
    parent = slipped.parents.get()
    parent.email = "noor@gmial.com"
    parent.save(update_fields=["email"])
    in_an_hour = (now + timedelta(hours=1)).astimezone(practice.zone)
    soon = booked(in_an_hour.date(), f"{in_an_hour:%H:%M}")
    past = booked(today - timedelta(days=3), "10:00")
    came = booked(today - timedelta(days=4), "10:00")
    appointments.mark_attended(came, now=now)
    cancelled = booked(monday + timedelta(days=24), "18:00")
    appointments.cancel(cancelled, by=Actor.PARENT, reason="Het lukt toch niet.", now=now)
    erasing = booked(monday + timedelta(days=25), "18:00")
    erasure.erase(erasing, by=Actor.PARENT, now=now)
    erased = booked(today - timedelta(days=10), "10:00")
    erasure.erase(erased, by=Actor.PARENT, now=now)
    unsent = booked(monday + timedelta(days=26), "18:00")
    make_notification(appointment=unsent, state=NotificationState.FAILED, last_error="550", due_at=now)
    for appointment in (coming, past):
        access_log.record("seen", [appointment.public_id], by=Actor.THERAPIST, at=now, account=demo.user)

    unread = [("rule", "Koor", f"{today}"), ("day", "", "")]
    for name, failure in (("Thuis", "unreachable"), ("School", "")):
        CalendarSource.objects.create(
            therapist=demo,
            name=name,
            url="https://calendar.example/x.ics",
            read_at=now,
            failure=failure,
            failing_since=now if failure else None,
            events=12,
            doubts="" if failure else json.dumps({"listed": unread, "more": 3}),
            free_is_busy=not failure,
            due_at=now + timedelta(days=365),
        )
    day_off = monday + timedelta(days=30)
    off = diary.add_time_off(demo, Interval(at(day_off, 9), at(day_off, 12)), "Tandarts")
    extra_day = monday + timedelta(days=31)
    extra = diary.add_extra_opening(demo, Interval(at(extra_day, 19), at(extra_day, 21)))
    waiting = Unconfirmed.objects.create(
        request="waiting",
        appointment_type=consult,
        therapist=other,
        start=at(monday + timedelta(days=7), 14),
        email="noor@example.org",
        language="nl",
        kept=True,
        asked_at=now,
        expires_at=now + timedelta(days=1),
        typed=json.dumps(asdict(make_family())),
    )
    passkey = Authenticator.objects.create(
        user=keyed, type=Authenticator.Type.WEBAUTHN, data={"name": "Telefoon", "credential": {}}
    )
    tokens = {
        name: links.manage_token(appointment.parents.get())
        for name, appointment in {
            "coming": coming,
            "asked": asked,
            "stuck": stuck,
            "quiet": quiet,
            "slipped": slipped,
            "soon": soon,
            "past": past,
            "cancelled": cancelled,
            "erasing": erasing,
        }.items()
    }
    references = {
        f"{name}_id": str(appointment.public_id)
        for name, appointment in {
            "coming": coming,
            "asked": asked,
            "past": past,
            "came": came,
            "cancelled": cancelled,
            "erased": erased,
            "unsent": unsent,
        }.items()
    }
    sessions = {
        "manager": _session(User.objects.get(username=settings.DEMO_EMAIL)),
        "colleague": _session(colleague),
        "secured": _session(secured),
        "keyed": _session(keyed),
    }
    # Signing in ends such a link, so it comes after the sessions.
    password = links.password_url(Therapist.objects.get(pk=other.pk)).removeprefix(absolute("/"))
    return {
        **tokens,
        **references,
        "confirm": links.confirm_url(waiting).split("/")[-2],
        "choose_password": password,
        "monday": f"{monday}",
        "sunday": f"{monday + timedelta(days=6)}",
        "busy_day": f"{monday + timedelta(days=21)}",
        "day_off": f"{day_off}",
        "evening": value_of(coming.start),
        "free_start": value_of(at(monday + timedelta(days=7), 11)),
        "open_day": f"{monday + timedelta(days=14)}",
        "hours": diary.working_hours(demo, practice.zone)[0].id,
        "off": off.id,
        "extra": extra.id,
        "passkey": passkey.pk,
        "sessions": sessions,
        # Each is booked by another while it stands on the page.
        "lost": {
            language: value_of(at(monday + timedelta(days=10), 9 + 4 * number))
            for number, (language, _name) in enumerate(settings.LANGUAGES)
        },
        "broken": {language: _broken(language, practice) for language, _name in settings.LANGUAGES},
    }


def _week(
    demo: Therapist, other: Therapist, consult: AppointmentType, monday: date, at: Any, now: datetime
) -> None:
    """Put everything that a day can hold into the Monday of next week."""
    make_appointment(consult, therapist=demo, start=f"{monday} 10:00", asked_to_move_at=now)
    make_appointment(consult, therapist=demo, start=f"{monday} 17:30", child_first_name="Tijn")
    make_appointment(consult, therapist=other, start=f"{monday} 10:00", child_first_name="Noor")
    Hold.objects.create(
        therapist=demo,
        appointment_type=consult,
        start=at(monday, 9),
        occupied_start=at(monday, 9),
        occupied_end=at(monday, 10),
        expires_at=now + timedelta(hours=3),
        visitor="visitor",
        address="address",
    )
    source = CalendarSource.objects.create(
        therapist=demo, name="Werk", url="https://calendar.example/w.ics", due_at=now + timedelta(days=365)
    )
    ImportedBusy.objects.create(source=source, start=at(monday, 13), end=at(monday, 14, 30))
    diary.add_time_off(demo, Interval(at(monday, 15), at(monday, 16)), "Tandarts")


def _session(user: User) -> str:
    """Return the cookie of a session in which `user` has just shown password and second step."""
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    request = HttpRequest()
    request.session, request.user = client.session, user
    record_authentication(request, user, "password")
    if Authenticator.objects.filter(user=user).exists():
        record_authentication(request, user, "mfa", type="totp")
    # A walk takes longer than it is believed for.
    for record in request.session[AUTHENTICATION_METHODS_SESSION_KEY]:
        record["at"] += 3600
    request.session.save()
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _broken(language: str, practice: Practice) -> dict[str, str]:
    """Return the pages that no address leads to: what the handlers answer where something is wrong."""
    request: Any = RequestFactory().get(f"/{language}/")
    request.practice, request.user = practice, User()
    # As in a process that has answered before.
    LastSeen.practice = practice
    with translation.override(language):
        pages = {
            "400": views.bad_request(request, ValueError()),
            "400 of a file": views.bad_request(request, UnaskedFile()),
            "403 of a form": views.csrf_failure(request),
            "413": render(request, "413.html"),
            "429": answers.too_many(request, TooManyRequests(60)),
            "500": views.server_error(request),
            "503": render(request, "503.html"),
        }
    return {name: page.content.decode() for name, page in pages.items()}
