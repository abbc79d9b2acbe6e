"""Addresses of the admin's lists that somebody made up: an answer, and never a broken page."""

from urllib.parse import unquote

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from tests.booking.accounts import make_account, signed_in
from tests.booking.factories import make_appointment, make_notification, make_practice, make_therapist, make_type

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

LISTS = sorted(f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry)
# Of fields that exist and of none, with values that no such field can have.
QUERIES = [
    *("start__year=9999", "start__year=0", "start__year=x", "start__year=99999999999999999999"),
    *("start__year=2026&start__month=13", "start__year=2026&start__month=2&start__day=31"),
    *("start__year=1", "start__year=9999&start__month=12", "start__year=9999&start__month=12&start__day=31"),
    *(
        "due_at__year=1",
        "due_at__year=9999&due_at__month=12",
        "start__year=2026",
        "start__month=5",
        "start__day=x",
    ),
    *("due_at__year=9999", "due_at__year=-1", "due_at__month=2&due_at__day=30&due_at__year=2026"),
    *("date_joined__year=9999", "changed_at__year=9999", "start__gte=9999-12-31", "start__gte=never"),
    *("p=99999999999999999999", "p=-1", "p=x", "all=", "o=99", "o=-.x.1", "q=%00", "q=" + "x" * 5000),
    *("e=1", "_popup=x", "_to_field=password", "nothing=1", "id__exact=x", "pk=" + "9" * 30),
    *("state__exact=%00", "therapist__id__exact=x", "therapist__id__exact=" + "9" * 30, "kind__exact=x"),
    *("is_staff__exact=x", "is_active__exact=2", "active__exact=x", "visible__exact=x", "language__exact=%00"),
    *("user__password__startswith=p", "parents__name=Noor", "state__in=", "state__isnull=x", "published__exact=x"),
]


@pytest.fixture
def manager() -> Client:
    make_practice()
    mail = make_notification(appointment=make_appointment(make_type(make_therapist())))
    assert mail.appointment
    return signed_in(make_account("bob@praktijk.example", manager=True))


@pytest.mark.parametrize("name", LISTS)
def test_silly_parameters_get_an_answer(manager: Client, name: str) -> None:
    address = reverse(f"admin:{name}_changelist")

    answers = {query: manager.get(f"{address}?{query}").status_code for query in QUERIES}

    assert {query: status for query, status in answers.items() if status not in {200, 302, 400}} == {}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("key", ["0", "x", "9" * 30, "%00", "_00"])
def test_unknown_row_leads_back_or_is_not_there(manager: Client, name: str, key: str) -> None:
    address = reverse(f"admin:{name}_change", args=["KEY"]).replace("KEY", key)

    assert manager.get(address).status_code in {302, 404}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("chosen", ["x", "%00", "9" * 30, "-1"])
def test_action_on_a_row_that_is_none_changes_nothing(manager: Client, name: str, chosen: str) -> None:
    address = reverse(f"admin:{name}_changelist")

    for action in ("delete_selected", "remove_second_factor", "nothing"):
        answer = manager.post(address, {"action": action, "_selected_action": [unquote(chosen)]})
        assert answer.status_code in {200, 302, 400, 403}
