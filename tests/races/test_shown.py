"""Whichever process makes a change, all of them show it in their next answer."""

import json
from typing import Any

import pytest

from tests.served import Served
from tests.visitor import Visitor

pytestmark = pytest.mark.servers

TIME_OFF = """
from datetime import datetime, timedelta
from booking import diary
from booking.intervals import Interval
from booking.models import Therapist
from django.utils import timezone
start = datetime.fromisoformat("{start}").astimezone(timezone.get_default_timezone())
diary.add_time_off(Therapist.objects.get(), Interval(start, start + timedelta(minutes=30)))
"""


def starts(practice: Served, day: str) -> list[set[str]]:
    """Return what is free on `day`, asked often enough, each time by a new connection, to hear both processes."""
    path = f"/api/v1/slots?appointment_type=eerste-afspraak&from={day}&until={day}"
    answers = [json.loads(Visitor(practice.url).get(path).text) for _ in range(12)]
    return [{slot["start"] for slot in answer["slots"]} for answer in answers]


def test_a_change_of_one_process_is_shown_by_all(served: Any) -> None:
    with served("postgresql", WEB_CONCURRENCY="2") as practice:
        visitor = Visitor(practice.url)
        chosen = visitor.get("/afspraak/").starts()
        day = chosen[-1][:10]
        before = starts(practice, day)
        assert all(found == before[0] for found in before)
        first, last = min(before[0]), max(before[0])

        assert visitor.book(chosen[-1]).status == 302
        assert not any(last in found for found in starts(practice, day))
        assert all(first in found for found in starts(practice, day))
        practice.manage("shell", "-c", TIME_OFF.format(start=first))

        assert not any(first in found for found in starts(practice, day))
