"""Every form of the site, found by walking it, filled in with what nobody means well by: an answer, never a fault.

Each page is opened as a visitor and as the manager; what is typed comes back as text or not at all, and what is
refused has written nothing. How many were tried is told in its log, and kept in the test's properties.
"""

import logging
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import time_machine
from django.db import connection, transaction
from django.test import Client

from tests.forms import Form, forms
from tests.house import LEFT_BEHIND, NOW, browser_of, every_route, make_house

pytestmark = pytest.mark.django_db

# As bytes where no text can say it: a lone surrogate, and half a sign.
NASTY: dict[str, str | bytes] = {
    "null": "a\x00b",
    "right to left": "\u202egnp.exe\u200b\u2066\ufeff",
    "emoji": "\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308",
    "long": "x" * 1_000_000,
    "rather long": "y" * 20_000,
    "header": "a\r\nBcc: all@elsewhere.example\r\n\r\nbody",
    "template": "{{ 7|add:7 }}{% load static %}{% now 'Y' %}${7*7}",
    "formula": "=cmd|' /C calc'!A0",
    "sum": "@SUM(1+9)*cmd",
    "markup": "\"'><script>alert(1)</script><img src=x onerror=alert(1)>",
    "surrogate": b"a\xed\xa0\x80b",
    "half": b"\xff\xfe\xc3",
    "calendar": "x\r\nATTENDEE:mailto:all@elsewhere.example\r\nEND:VEVENT",
    "statement": "'; DROP TABLE booking_parent; --",
    "number": "99999999999999999999999999",
    "below": "-1",
    "file": "../../../etc/passwd",
    "date": "9999-12-31",
    "empty": "",
}
# By itself in each field too: together with others it might be refused for another field's sake.
ALONE = ("null", "date")
# What is tried where only therapists type: each page there takes its time, and the rest differs little.
BEHIND_TWO_FACTORS = ("null", "long", "header", "markup", "surrogate", "number", "date")
# gunicorn's limit_request_line: a longer address never arrives.
LONGEST_ADDRESS = 4094
QUERY = "type=eerste-afspraak&start=2026-12-01T13:00Z"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def house(settings: Any) -> dict[str, Any]:
    settings.RATE_LIMITS = False
    settings.ACCOUNT_RATE_LIMITS = False
    return make_house()


def every_form(browser: Client, house: dict[str, Any]) -> list[Form]:
    """Return each form that this browser is shown anywhere, once."""
    addresses = [route.address for route in every_route(house, "practice.urls") if "logout" not in route.name]
    addresses += [f"/afspraak/gegevens/?{QUERY}", f"/agenda/afspraak/nieuw/?{QUERY}"]
    addresses += [f"/afspraak/beheer/{house['token']}/verzetten/?{QUERY}"]
    found: dict[object, Form] = {}
    for address in addresses:
        page = browser.get(address)
        if page.status_code == 200 and page.headers["Content-Type"].startswith("text/html"):
            for form in forms(address, page.content.decode()):
                # The same form on another row is the same form.
                path = re.sub(r"\d+", "0", urlsplit(form.action).path.removeprefix("/en"))
                found.setdefault((path, form.method, tuple(sorted(form.values))), form)
    return list(found.values())


def cases(form: Form) -> Iterator[tuple[str, dict[str, str | bytes]]]:
    """Yield what to send, and by which name to speak of it."""
    open_to_all = "/afspraak/" in form.action and "/agenda/" not in form.action
    for name, value in NASTY.items():
        if not open_to_all and name not in BEHIND_TWO_FACTORS:
            continue
        yield name, {**form.values, **dict.fromkeys(form.typed, value)}
    for field in form.typed if open_to_all and len(form.typed) > 1 else []:
        for name in ALONE:
            yield f"{name} in {field}", {**form.values, field: NASTY[name]}


def send(browser: Client, form: Form, values: dict[str, str | bytes]) -> tuple[Any, list[str]]:
    """Return the answer, and which tables were written to; all of it is undone again."""
    written: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = re.match(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', sql, re.IGNORECASE)
        written.extend({found[1]} - LEFT_BEHIND if found else ())
        return execute(sql, params, many, context)

    body, address = urlencode(values), form.action.partition("#")[0]
    cookies, point = deepcopy(browser.cookies), transaction.savepoint()
    with connection.execute_wrapper(watch):
        if form.method == "GET":
            answer = browser.get(f"{address.partition('?')[0]}?{body}"[:LONGEST_ADDRESS])
        else:
            answer = browser.post(address, body, content_type="application/x-www-form-urlencoded")
    transaction.savepoint_rollback(point)
    browser.cookies = cookies
    return answer, written


@pytest.mark.parametrize(
    ("name", "least"), [pytest.param("visitor", 100, marks=pytest.mark.engines), ("carol", 300)]
)
def test_every_form_answers_whatever_is_typed(
    house: dict[str, Any], name: str, least: int, record_property: Callable[[str, object], None]
) -> None:
    browser, tried, wrong = browser_of(name), 0, []
    shown = every_form(browser, house)
    if name != "visitor":
        # Those that everyone is shown have been tried as everyone.
        open_to_all = {(form.action, form.method) for form in every_form(browser_of("visitor"), house)}
        shown = [form for form in shown if (form.action, form.method) not in open_to_all]
    for form in shown:
        if "logout" in form.action:
            continue
        for case, values in cases(form):
            answer, written = send(browser, form, values)
            tried += 1
            spot = f"{form.method} {urlsplit(form.action).path}: {case}"
            if answer.status_code >= 500:
                wrong.append(f"{spot}: {answer.status_code}")
            if b"<script>alert(1)" in answer.content or b"<img src=x" in answer.content:
                wrong.append(f"{spot}: shown as markup")
            if any("elsewhere.example" in value and header != "Location" for header, value in answer.items()):
                wrong.append(f"{spot}: in a header")
            if answer.status_code >= 400 and written:
                wrong.append(f"{spot}: {answer.status_code}, and wrote {sorted(set(written))}")
    record_property("cases", tried)
    logging.getLogger(__name__).warning("%s: %d cases tried", name, tried)

    assert not wrong, f"{tried} tried\n" + "\n".join(wrong)
    assert tried >= least
