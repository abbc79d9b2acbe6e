"""Every page in each of its states, looked at as everyone may look at it: nothing stands in anybody's way.

The suite takes a lean walk: what families meet, in Dutch, in the two ways that differ most. `make accessibility`
takes the whole one, past every stop, in each language and way, and writes down what it found.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser

from tests.browser.accessibility import COMPLETE, LEAN, findings
from tests.browser.stops import STOPS, Stop
from tests.browser.walk import Walk
from tests.served import Served

pytestmark = [pytest.mark.servers, pytest.mark.browser]

# Where the whole walk writes down what it found, a line of JSON for each stop.
LEDGER = os.environ.get("ACCESSIBILITY")
WAYS = COMPLETE if LEDGER else LEAN
# What is shown to whom is signed in has its own tests, but for these pages.
_HERS = {
    *("Agenda: week", "Agenda: day of everyone", "Agenda: month", "Agenda: list", "Agenda: the last 30 days"),
    *("Working hours", "Time off", "Appointment types"),
}
# The languages differ in words alone, so that a few pages of the second one do.
_IN_ENGLISH = {"Home", "Choose a time: week", "Your details: errors"}
_OTHERS = {"API", "Sign in", "Forgotten password", "Choose a password"}

LEAN_WALK = [
    *((stop, "nl") for stop in STOPS if (not stop.who and stop.page not in _OTHERS) or str(stop) in _HERS),
    *((stop, "en") for stop in STOPS if str(stop) in _IN_ENGLISH),
]
WHOLE_WALK = [(stop, language) for language, _name in settings.LANGUAGES for stop in STOPS]


@pytest.fixture(scope="module")
def practice(served: Any) -> Iterator[Served]:
    with served("sqlite") as practice:
        yield practice


@pytest.fixture(scope="module")
def walk(practice: Served, browser: Browser, browser_context_args: Any) -> Iterator[Walk]:
    fill = "import json; from tests.browser import everything; print(json.dumps(everything.fill()))"
    parts = json.loads(practice.manage("shell", "-v", "0", "-c", fill).splitlines()[-1])
    walk = Walk(browser, browser_context_args, practice.url, parts)
    yield walk
    walk.close()


@pytest.mark.parametrize(
    ("stop", "language"),
    WHOLE_WALK if LEDGER else LEAN_WALK,
    ids=lambda value: str(value).replace("/", "-"),
)
def test_nothing_stands_in_the_way(walk: Walk, stop: Stop, language: str) -> None:
    found = findings(walk.open(stop, language), WAYS)

    if LEDGER:
        ways = [way.name for way in WAYS]
        line = {"number": STOPS.index(stop), "page": stop.page, "state": stop.state, "language": language}
        line |= {"ways": ways, "found": found}
        with Path(LEDGER).open("a", encoding="utf-8") as ledger:
            ledger.write(json.dumps(line) + "\n")
    assert found == []
