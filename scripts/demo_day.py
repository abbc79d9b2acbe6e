"""A demo practice on a day of its own: for pictures that come out the same whenever they are made.

It lives in a folder that goes again, is served by the process that asks for it, and has made-up families.
"""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import time_machine

from scripts import run
from tests.servers import free_port

ZONE = ZoneInfo("Europe/Amsterdam")
# A Monday, and a Tuesday nine weeks later.
OPENED = datetime(2027, 1, 4, 8, 0, tzinfo=ZONE)
TODAY = datetime(2027, 3, 9, 8, 40, tzinfo=ZONE)
EMAIL, PASSWORD = "therapeut@demo.example", "drie groene fietsen"

FAMILIES = [
    ("Fatima El Amrani", "Yasmin", "under_12"),
    ("Daan Peters", "Lotte", "12_15"),
    ("Joyce Hendriks", "Milan", "under_12"),
    ("Emre Yilmaz", "Deniz", "under_12"),
    ("Marieke Jansen", "Fleur", "16_plus"),
    ("Tom van den Berg", "Thijs", "under_12"),
    ("Anna Kowalska", "Zofia", "12_15"),
]
# Within the demo's hours, in days after a Monday; and what became of them, week after week: they came, did not
# come (n), or cancelled (x).
_WEEK = [(0, time(9)), (0, time(13)), (1, time(9)), (3, time(10, 30)), (3, time(15))]
_OUTCOMES = ["", "c", "ccn", "cxcc", "ccnc", "ccccc", "cxccc", "cccnc", "ccccx"]
_COMING = [
    *[(8, 9, 0), (8, 10, 30), (8, 14, 0)],
    *[(9, 10, 0), (9, 13, 30)],
    *[(11, 9, 0), (11, 10, 30), (11, 15, 0)],
    *[(15, 9, 0), (15, 13, 0), (16, 9, 0), (18, 13, 30), (18, 15, 0), (22, 14, 30), (23, 10, 30), (30, 9, 0)],
]


@contextmanager
def served() -> Iterator[str]:
    """Yield the address of the practice while it serves. This process keeps the environment that it gets."""
    with tempfile.TemporaryDirectory() as folder, time_machine.travel(OPENED, tick=True) as clock:
        run.make_data_dir(Path(folder))
        port = free_port()
        url = f"http://localhost:{port}"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        os.environ.clear()
        # Nothing of whoever makes the pictures may show in them.
        os.environ.update(kept, **run.fresh_keys(), DATA_DIR=folder, PORT=str(port), BASE_URL=url, DEMO="1")
        os.environ.update(DEMO_EMAIL=EMAIL, DEMO_PASSWORD=PASSWORD, SECOND_FACTOR="1", LOG_LEVEL="ERROR")
        # Django reads the environment when it is imported.
        from scripts.prepare import prepare

        os.environ["DJANGO_SETTINGS_MODULE"] = "practice.settings"
        prepare()
        _fill()
        clock.move_to(TODAY)
        _deliver()
        with _serving(port):
            yield url


def code(secret: str) -> str:
    """Return what an app for codes that was given `secret` shows on the demo's day."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time

    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))


def _fill() -> None:
    """Write the families down, as they would have booked one by one, and the holiday of May."""
    from booking import appointments, diary
    from booking.intervals import local_days
    from booking.models import Actor, AgeBand, Appointment, AppointmentType, Therapist
    from practice.translations import Translated

    kind = AppointmentType.objects.get(slug="eerste-afspraak")
    number = 0

    def book(day: date, at: time) -> Appointment:
        nonlocal number
        number += 1
        parent, child, band = FAMILIES[number % len(FAMILIES)]
        family = appointments.Family(
            parent_name=parent,
            email=f"{parent.split()[0].lower()}{number}@example.org",
            phone=f"+3161234{number:04}",
            language="nl",
            child_first_name=child,
            age_band=AgeBand(band),
            remark="",
            consent_version="2026-11",
        )
        start = datetime.combine(day, at, ZONE)
        booked = min(start - timedelta(days=4 + number % 4), TODAY - timedelta(hours=number))
        return appointments.book(kind, start, family=family, zone=ZONE, now=booked)

    for week, outcomes in enumerate(_OUTCOMES):
        for (days, at), outcome in zip(_WEEK, outcomes, strict=False):
            made = book(OPENED.date() + timedelta(weeks=week, days=days), at)
            if outcome == "x":
                appointments.cancel(made, by=Actor.PARENT, now=made.start - timedelta(days=2))
            elif outcome == "n":
                appointments.mark_no_show(made, now=made.end)
            else:
                appointments.mark_attended(made, now=made.end)
    for day, hour, minute in _COMING:
        book(date(2027, 3, day), time(hour, minute))
    diary.add_time_off(
        Therapist.objects.get(),
        local_days(date(2027, 4, 24), date(2027, 5, 9), ZONE),
        reason="Meivakantie",
        notice=Translated(nl="Van 24 april tot en met 9 mei is de praktijk dicht."),
    )


def _deliver() -> None:
    """Send, into the demo's folder, what was owed from the opening until today, each when it was due."""
    from booking import outbox

    moment = OPENED
    while moment < TODAY:
        moment += timedelta(hours=2)
        outbox.deliver_due(lambda at=moment: at)  # type: ignore[misc]


@contextmanager
def _serving(port: int) -> Iterator[None]:
    """Serve from this process, since its clock alone stands on the day of the pictures."""
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadedWSGIServer(("127.0.0.1", port), Quiet)
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
