"""What stands in the database while it is measured. Runs in the practice's environment:

    python -m benchmarks.data staff             ten more therapists, and a short call that all of them offer
    python -m benchmarks.data fill FROM UNTIL   so many appointments in all, where there were FROM
    python -m benchmarks.data reminders NUMBER  so many more appointments, each with a reminder that is due
    python -m benchmarks.data statements BODY   the statements and the size of what is asked for, as JSON

Thousands of rows are written by the database itself, and the same encrypted family stands in all of them.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "practice.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from booking import diary  # noqa: E402
from booking.encryption import EncryptedTextField  # noqa: E402
from booking.hours import WorkingHours  # noqa: E402
from booking.models import Appointment, AppointmentType, Notification, Therapist  # noqa: E402
from practice.models import Practice  # noqa: E402
from practice.translations import Translated  # noqa: E402

THERAPISTS = 10
FUTURE = 240

_FAMILY = """
WITH made AS (
    INSERT INTO booking_appointment (
        public_id, appointment_type_id, therapist_id, start, "end", occupied_start, occupied_end, place,
        change_notice, state, sequence, created_at, changed_at, outcome_at, cancelled_by, cancel_reason,
        idempotency_body, child_first_name, age_band, remark
    )
    SELECT gen_random_uuid(), %(type)s, therapist, start, start + length, start, start + length, 'practice',
        interval '1 day', %(state)s, 0, now() - interval '7 days', now(),
        CASE %(state)s WHEN 'attended' THEN now() END, '', '', '', %(name)s, 'under_12', ''
    FROM ({times}) AS times
    RETURNING id, public_id, start
), parents AS (
    INSERT INTO booking_parent (
        public_id, appointment_id, name, email, email_hash, phone, phone_hash, language, consent_version,
        consented_at, booked, wants_mail, link_version
    )
    SELECT gen_random_uuid(), id, %(name)s, %(email)s, md5(id::text), %(phone)s, md5('p' || id), 'nl', '2026-11',
        now(), true, true, 0
    FROM made RETURNING id, appointment_id
)
INSERT INTO booking_notification (
    key, kind, appointment_id, parent_id, sequence, due_at, state, attempts, last_error, sent_at, message_id
)
SELECT 'reminder:2d:' || made.public_id, 'reminder', made.id, parents.id, 0, now(), %(owed)s, 0, '',
    CASE %(owed)s WHEN 'sent' THEN now() END, '<' || made.public_id || '@bench.example>'
FROM made JOIN parents ON parents.appointment_id = made.id
"""
# Dealt out to all, seven a day, from yesterday back.
_PAST = """
    SELECT staff.id AS therapist, interval '1 hour' AS length,
        date_trunc('day', now()) - (n / staff.number / 7 + 1) * interval '1 day'
            + (n / staff.number %% 7 + 5) * interval '90 minutes' AS start
    FROM generate_series(%(from)s, %(until)s - 1) AS n
    JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS number
        FROM booking_therapist) AS staff ON staff.place = n %% staff.number
"""
# Four an evening of the demo's therapist, when no working hours are: they are read, and the answer stays the same.
_FUTURE = """
    SELECT (SELECT min(id) FROM booking_therapist) AS therapist, interval '15 minutes' AS length,
        date_trunc('day', now()) + (n / 4 + 1) * interval '1 day' + interval '22 hours'
            + n %% 4 * interval '15 minutes' AS start
    FROM generate_series(%(from)s, %(until)s - 1) AS n
"""
# Over the days to come, back to back, of all but the demo's therapist.
_COMING = """
    SELECT staff.id AS therapist, interval '10 minutes' AS length,
        date_trunc('day', now()) + interval '2 days' + (n / staff.number) * interval '10 minutes' AS start
    FROM generate_series(0, %(until)s - 1) AS n
    JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS number
        FROM booking_therapist WHERE slug LIKE 'bench-%%') AS staff ON staff.place = n %% staff.number
"""


def staff() -> None:
    """Add ten therapists who work on weekdays, and a call of a quarter of an hour with any of them."""
    zone = Practice.load().zone
    call = AppointmentType.objects.create(
        slug="bench",
        name=Translated(nl="Kort gesprek", en="Short call"),
        duration=timedelta(minutes=15),
        step=timedelta(minutes=15),
        minimum_notice=timedelta(),
        reminders=["2d"],
        position=9,
    )
    for number in range(THERAPISTS):
        therapist = Therapist.objects.create(
            slug=f"bench-{number}", name=f"Therapist {number}", email=f"bench-{number}@bench.example"
        )
        call.therapists.add(therapist)
        for weekday in range(5):
            hours = WorkingHours(None, weekday, time(9), time(17), 1, date(2026, 1, 5), None)
            diary.add_working_hours(therapist, hours, zone)


def fill(so_many: int, until: int) -> None:
    """Write appointments so that there are `until`: of a diary's past, and at most 240 still to come."""
    coming, wanted = min(so_many // 10, FUTURE), min(until // 10, FUTURE)
    _write(_FUTURE, "confirmed", "sent", coming, wanted)
    _write(_PAST, "attended", "sent", so_many - coming, until - wanted)


def reminders(number: int) -> None:
    """Write `number` appointments of the coming days, each with a reminder that is due; nothing else is."""
    Appointment.objects.filter(therapist__slug__startswith="bench-", start__gt=timezone.now()).delete()
    Notification.objects.filter(state="due").delete()
    _write(_COMING, "confirmed", "due", 0, number)


def statements(body: str) -> dict[str, Any]:
    """Return the kinds of statements, and the size of the answer, to GET `body` or POST of the booking `body`."""
    client = Client(headers={"host": "127.0.0.1"})

    def ask() -> Any:
        if body.startswith("/"):
            return client.get(body)
        return client.post(
            "/api/v1/appointments", body, content_type="application/json", headers={"Idempotency-Key": "counted"}
        )

    if body.startswith("/"):
        ask()
    with CaptureQueriesContext(connection) as captured:
        answer = ask()
    assert answer.status_code in {200, 201}, answer.content
    kinds: Counter[str] = Counter()
    for query in captured.captured_queries:
        verb = query["sql"].lstrip("(").split(" ", 1)[0].lower()
        kinds["lock" if "FOR NO KEY UPDATE" in query["sql"] else verb] += 1
    return {"kinds": kinds, "bytes": len(answer.content)}


def _write(times: str, state: str, owed: str, so_many: int, until: int) -> None:
    encrypted = {
        name: EncryptedTextField().get_prep_value(text)
        for name, text in (("name", "Noor de Vries"), ("email", "noor@bench.example"), ("phone", "+31612345678"))
    }
    with connection.cursor() as cursor:
        cursor.execute(
            _FAMILY.format(times=times),
            {
                **encrypted,
                "type": AppointmentType.objects.get(slug="bench").pk,
                "state": state,
                "owed": owed,
                "from": so_many,
                "until": until,
            },
        )
        cursor.execute("VACUUM ANALYZE")


def main() -> None:
    what, *arguments = sys.argv[1:]
    if what == "statements":
        sys.stdout.write(json.dumps(statements(*arguments)))
    else:
        made: dict[str, Callable[..., None]] = {"staff": staff, "fill": fill, "reminders": reminders}
        made[what](*(int(one) for one in arguments))


if __name__ == "__main__":
    main()
