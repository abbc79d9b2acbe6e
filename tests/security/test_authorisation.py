"""Who may what, route by route: each is asked by GET and POST as everyone there is.

The table is compared with the URL confs themselves, so a new route without a row fails, and so does a row
without a route. Whoever is refused must have changed nothing: the statements that write are counted.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from booking.models import Therapist
from tests.booking.factories import make_appointment, make_type
from tests.house import LEFT_BEHIND, NOW, Route, browser_of, every_route, make_house

pytestmark = pytest.mark.django_db

URLCONFS = ("practice.urls", "booking.probe_urls", "booking.metrics_urls")
# "half" is Alice, whose session has shown her password alone; Nora never set the second step up. The appointment,
# the hours and the rest in the addresses are Alice's.
ROLES = ("visitor", "half", "nora", "charlie", "alice", "carol")

# What each of ROLES finds: "in", or how it is refused. "sign-in" and "step" lead to signing in and to the second
# step; "nothing" is answered like an old button's second click, and takes nothing away. "a/b" is GET's and POST's.
EVERYONE = ("in", "in", "in", "in", "in", "in")
NOBODY = ("404", "404", "404", "404", "404", "404")
WITH_A_KEY = ("401", "401", "401", "401", "401", "401")
ACCOUNT = ("sign-in", "step", "in", "in", "in", "in")
# Looked at by whoever is in; others are signed out by whoever has just shown who that is.
SESSIONS = ("sign-in", "step", "in/step", "in/step", "in/step", "in/step")
SIGNED_IN = ("sign-in", "in", "in", "in", "in", "in")
SIGNED_IN_WITH_A_CODE = ("sign-in", "in", "step", "in", "in", "in")
# Who can turn the second step off, or change it, has just shown it: here an hour ago is too long.
SHOWN_NOW = ("sign-in", "step", "step", "step", "step", "step")
SHOWN_NOW_OF_A_SECOND_STEP = ("sign-in", "step", "404", "step", "step", "step")
THERAPISTS = ("sign-in", "step", "step", "in", "in", "in")
OWN = ("sign-in", "step", "step", "404", "in", "in")
# Alice offers it, and so does Carol: only who manages the practice changes it.
SHARED = ("sign-in", "step", "step", "404", "403", "in")
# A therapist's own days and calendars are asked for by therapist: a manager opens them as hers.
HERS = ("sign-in", "step", "step", "404", "in", "404")
HERS_TO_REMOVE = ("sign-in", "step", "step", "nothing", "in", "nothing")
MANAGERS = ("sign-in", "step", "step", "403", "403", "in")
ADMIN = ("sign-in", "sign-in", "sign-in", "sign-in", "sign-in", "in")
ADMIN_DOOR = ("sign-in", "403", "403", "403", "403", "in")
ADMIN_NOT = ("sign-in", "sign-in", "sign-in", "sign-in", "sign-in", "403")
ADMIN_READS = ("sign-in", "sign-in", "sign-in", "sign-in", "sign-in", "in/403")
ADMIN_NOWHERE = ("sign-in", "sign-in", "sign-in", "sign-in", "sign-in", "404")

TABLE = {
    EVERYONE: """
        favicon robots security_txt sitemap picture home page /healthz /readyz
        api:docs api:problem api:openapi-json api:appointment_types api:slots
        api:appointment api:cancel api:reschedule
        booking:choose booking:hold booking:details booking:look_at_field booking:mailed booking:confirm
        booking:erased booking:booked
        booking:manage booking:family_data booking:correct_data booking:download_data
        booking:readdress booking:mail_language
        booking:reschedule booking:cancel booking:reminders booking:erase booking:calendar_file booking:read_feed
        booking:forgotten_password booking:choose_password account_login account_logout account_inactive
        admin:logout
    """,
    WITH_A_KEY: "api:book",
    NOBODY: "api:api-root api:/api/v1/ /metrics",
    SIGNED_IN: "mfa_authenticate mfa_login_webauthn",
    SIGNED_IN_WITH_A_CODE: "mfa_reauthenticate",
    ACCOUNT: "mfa_index mfa_list_webauthn account_change_password account_reauthenticate",
    SESSIONS: "booking:sessions",
    SHOWN_NOW: """
        mfa_reauthenticate_webauthn
        mfa_activate_totp mfa_generate_recovery_codes mfa_add_webauthn mfa_remove_webauthn mfa_edit_webauthn
    """,
    SHOWN_NOW_OF_A_SECOND_STEP: "mfa_deactivate_totp mfa_view_recovery_codes mfa_download_recovery_codes",
    THERAPISTS: """
        booking:agenda booking:agenda_past booking:book_by_hand booking:go_to_day booking:numbers
        booking:download_numbers booking:working_hours booking:add_working_hours booking:time_off
        booking:add_time_off booking:add_extra_opening booking:open_holiday booking:close_holiday
        booking:import_closures booking:save_closures booking:day_hours booking:back_to_the_week booking:feed
        booking:turn_feed_on booking:renew_feed booking:turn_feed_off booking:calendars
        booking:appointment_types booking:add_appointment_type
    """,
    OWN: """
        booking:agenda_appointment booking:agenda_cancel booking:agenda_move booking:agenda_send_again
        booking:agenda_withdraw_ask
        booking:agenda_end_links booking:agenda_ask_to_move booking:agenda_erase booking:agenda_attended
        booking:agenda_correct booking:agenda_download
        booking:agenda_no_show booking:retry_mail booking:many_bookings
    """,
    SHARED: "booking:change_appointment_type",
    HERS: """
        booking:change_working_hours booking:change_time_off booking:change_extra_opening
        booking:read_calendar booking:choose_calendar booking:remove_calendar
    """,
    HERS_TO_REMOVE: "booking:end_working_hours booking:remove_time_off booking:remove_extra_opening",
    MANAGERS: """
        booking:colleagues booking:add_colleague booking:let_book_colleague booking:stop_booking_colleague
        booking:open_colleague booking:close_colleague booking:make_manager booking:unmake_manager
        booking:send_password_link booking:forget_second_factor booking:access_log booking:download_access_log
        booking:mails booking:mail_preview booking:mail_html
    """,
    ADMIN: """
        admin:index admin:password_change admin:password_change_done admin:jsi18n admin:app_list
        admin:practice_practice_changelist admin:practice_practice_history admin:practice_practice_change
        admin:/beheer/practice/practice/<path:object_id>/
        admin:practice_page_changelist admin:practice_page_add admin:practice_page_history
        admin:practice_page_delete admin:practice_page_change admin:/beheer/practice/page/<path:object_id>/
        admin:practice_page_preview
        admin:practice_picture_changelist admin:practice_picture_add admin:practice_picture_history
        admin:practice_picture_delete admin:practice_picture_change
        admin:/beheer/practice/picture/<path:object_id>/
        admin:auth_user_password_change admin:auth_user_changelist admin:auth_user_add admin:auth_user_history
        admin:auth_user_delete admin:auth_user_change admin:/beheer/auth/user/<path:object_id>/
        admin:booking_therapist_changelist admin:booking_therapist_add admin:booking_therapist_history
        admin:booking_therapist_change admin:/beheer/booking/therapist/<path:object_id>/
        admin:booking_appointmenttype_changelist admin:booking_appointmenttype_add
        admin:booking_appointmenttype_history admin:booking_appointmenttype_delete
        admin:booking_appointmenttype_change admin:/beheer/booking/appointmenttype/<path:object_id>/
        admin:booking_appointment_changelist admin:booking_appointment_history
        admin:/beheer/booking/appointment/<path:object_id>/
        admin:booking_notification_changelist admin:booking_notification_history
        admin:/beheer/booking/notification/<path:object_id>/
    """,
    ADMIN_DOOR: "admin:login",
    ADMIN_READS: "admin:booking_appointment_change admin:booking_notification_change",
    ADMIN_NOT: """
        admin:practice_practice_add admin:practice_practice_delete admin:booking_therapist_delete
        admin:booking_appointment_add admin:booking_appointment_delete
        admin:booking_notification_add admin:booking_notification_delete admin:autocomplete
    """,
    ADMIN_NOWHERE: "admin:view_on_site admin:/beheer/(?P<url>.*)$",
}
ROWS = [(name, expected) for expected, names in TABLE.items() for name in names.split()]
_WRITES = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM|REPLACE INTO)\s+"?(\w+)', re.IGNORECASE)


class Writes:
    """Which tables were written to: a wrapper of the database's own statements."""

    def __init__(self) -> None:
        self.tables: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if (found := _WRITES.match(sql)) and found[1] not in LEFT_BEHIND:
            self.tables.append(found[1])
        return execute(sql, params, many, context)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def house(settings: Any) -> dict[str, Any]:
    # More than a person asks for in ten minutes.
    settings.RATE_LIMITS = False
    settings.ACCOUNT_RATE_LIMITS = False
    return make_house()


def enter(name: str) -> Client:
    if name != "half":
        return browser_of(name)
    browser = Client(raise_request_exception=False, headers={"accept-language": "en"})
    alice = User.objects.get(username="alice@praktijk.example")
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    return browser


def told(answer: Any) -> str | None:
    """Return what `answer` says of who asked, and None where it only says that this is no way to ask."""
    if answer.status_code == 405:
        return None
    if answer.status_code in {301, 302}:
        place = answer["Location"].partition("?")[0]
        if place in {reverse("account_login"), reverse("admin:login")}:
            return "sign-in"
        steps = ("account_reauthenticate", "mfa_activate_totp", "mfa_reauthenticate")
        return "step" if place in map(reverse, steps) else "in"
    return str(answer.status_code) if answer.status_code in {401, 403, 404, 500} else "in"


def ask(browser: Client, method: str, route: Route) -> tuple[str | None, list[str]]:
    """Return what `browser` is told at `route`, and which tables that wrote to; all of it is undone again."""
    cookies, point, writes = deepcopy(browser.cookies), transaction.savepoint(), Writes()
    with connection.execute_wrapper(writes):
        answer: HttpResponse = browser.generic(method, route.address)  # type: ignore[assignment]
        if answer.status_code == 301 and answer["Location"] == f"{route.address}/":
            answer = browser.generic(method, f"{route.address}/")  # type: ignore[assignment]
    transaction.savepoint_rollback(point)
    browser.cookies = cookies
    return told(answer), writes.tables


@pytest.mark.parametrize("role", ROLES)
def test_each_route_admits_whom_the_table_names_and_nobody_else(house: dict[str, Any], role: str) -> None:
    browser, rows, wrong = enter(role), dict(ROWS), []
    for route in every_route(house, *URLCONFS):
        expected = rows[route.name]
        # What is open to all has nobody to refuse.
        if role != "visitor" and expected == EVERYONE:
            continue
        wanted = expected[ROLES.index(role)]
        answers = 0
        for method, want in zip(("GET", "POST"), (wanted.split("/") * 2)[:2], strict=True):
            found, written = ask(browser, method, route)
            if found is None:
                continue
            answers += 1
            # The second click renews the version of the clicker's own diary, and that is all.
            allowed = set(written) if want == "in" else {"booking_therapist"} if want == "nothing" else set()
            if found != want.replace("nothing", "in") or set(written) - allowed:
                wrong.append((route.name, method, want, found, written))
        if not answers:
            wrong.append((route.name, "neither", wanted, "405", []))

    assert "\n".join(map(str, wrong)) == ""


def test_the_table_and_the_addresses_are_the_same(house: dict[str, Any]) -> None:
    routes = {route.name for route in every_route(house, *URLCONFS)}
    named = [name for name, _ in ROWS]

    assert sorted(named) == sorted(routes)


# Alice and Carol offer the first, Charlie the second, Alice alone the other two; of the last one Charlie still has
# an appointment.
TYPES = {
    "eerste-afspraak": {"charlie": "404", "alice": "403", "carol": "in"},
    "gesprek": {"charlie": "in", "alice": "404", "carol": "in"},
    "eigen": {"charlie": "404", "alice": "in", "carol": "in"},
    "was-gedeeld": {"charlie": "404", "alice": "403", "carol": "in"},
}


@pytest.mark.parametrize("slug", TYPES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_type_is_changed_by_whom_it_alone_concerns(house: dict[str, Any], method: str, slug: str) -> None:
    alice, charlie = (Therapist.objects.get(slug=name) for name in ("alice", "charlie"))
    make_type(alice, slug="eigen")
    make_appointment(make_type(alice, slug="was-gedeeld"), therapist=charlie, start="2026-12-01 14:00")
    address = reverse("booking:change_appointment_type", args=[slug])

    asked = {role: ask(enter(role), method, Route("", address)) for role in TYPES[slug]}

    assert {role: found for role, (found, _written) in asked.items()} == TYPES[slug]
    assert [tables for _found, tables in asked.values() if tables] == []
