"""Small makers of what a test needs. Times are wall-clock readings in the practice's zone."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from booking import diary
from booking.appointments import Family, email_hash, phone_hash
from booking.hours import WorkingHours
from booking.intervals import from_wall
from booking.models import (
    AgeBand,
    Appointment,
    AppointmentType,
    Kind,
    Notification,
    Parent,
    Therapist,
)
from practice.models import Practice
from practice.translations import Translated

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EASTER = date(2027, 3, 28)
_number = count(1)


def wall(text: str, zone: ZoneInfo = AMSTERDAM) -> datetime:
    """Return the moment (UTC) at which clocks in `zone` show `text`, as "2026-10-25 09:00"."""
    return from_wall(datetime.fromisoformat(text), zone)


def make_practice(**fields: Any) -> Practice:
    """Make (or change) the one practice, with the data of the demo."""
    defaults = {
        "name": "Duim Voor Jou",
        "description": Translated(nl="praktijk voor psychosociale kinder- en jeugdtherapie", en="child therapy"),
        "street": "Platanenlaan 21",
        "postal_code": "5507 ME",
        "city": "Veldhoven",
        "phone": "+31651001943",
        "email": "info@duimvoorjou.nl",
        "time_zone": "Europe/Amsterdam",
    }
    return Practice.objects.update_or_create(pk=1, defaults={**defaults, **fields})[0]


def make_therapist(**fields: Any) -> Therapist:
    """Make a therapist who can be booked; without an account unless `user` is given."""
    number = next(_number)
    defaults = {
        "slug": f"therapist-{number}",
        "name": f"Therapist {number}",
        "email": f"therapist{number}@example.org",
    }
    return Therapist.objects.create(**{**defaults, **fields})


def make_type(*therapists: Therapist, **fields: Any) -> AppointmentType:
    """Make an appointment type of an hour, on the half hour, without notice or buffers unless given."""
    number = next(_number)
    defaults: dict[str, Any] = {
        "slug": f"type-{number}",
        "name": Translated(nl="Eerste afspraak", en="First consultation"),
        "duration": timedelta(hours=1),
        "step": timedelta(minutes=30),
        "minimum_notice": timedelta(),
        "change_notice": timedelta(days=1),
        "reminders": ["2d", "3h"],
    }
    appointment_type = AppointmentType.objects.create(**{**defaults, **fields})
    appointment_type.therapists.set(therapists)
    return appointment_type


def make_hours(
    therapist: Therapist,
    *weekdays: int,
    start: str = "09:00",
    end: str = "17:00",
    first_day: date = date(2026, 1, 5),
    last_day: date | None = None,
    every_weeks: int = 1,
    zone: ZoneInfo = AMSTERDAM,
) -> None:
    """Give `therapist` working hours on `weekdays` (Monday is 0), every day where none is named.

    They hold on Easter Sunday of 2027 too: the day on which the clock goes forward.
    """
    diary.work_on_holiday(therapist, EASTER, zone, works=True)
    for weekday in weekdays or range(7):
        hours = WorkingHours(
            id=None,
            weekday=weekday,
            start=time.fromisoformat(start),
            end=time.fromisoformat(end),
            every_weeks=every_weeks,
            first_day=first_day,
            last_day=last_day,
        )
        diary.add_working_hours(therapist, hours, zone)


def make_family(**fields: Any) -> Family:
    """Return what a parent might fill in."""
    defaults = {
        "parent_name": "Noor de Vries",
        "email": "noor@example.org",
        "phone": "+31612345678",
        "language": "nl",
        "child_first_name": "Sam",
        "age_band": AgeBand.UNDER_12,
        "remark": "",
        "consent_version": "2026-11",
    }
    return Family(**{**defaults, **fields})


def make_appointment(
    appointment_type: AppointmentType | None = None, *, start: str = "2026-12-01 10:00", **fields: Any
) -> Appointment:
    """Write an appointment with one parent straight to the tables, as if booked a week before its start."""
    therapist = fields.pop("therapist", None)
    if appointment_type is None:
        therapist = therapist or make_therapist()
        appointment_type = make_type(therapist)
    therapist = therapist or appointment_type.therapists.get()
    begins = wall(start)
    ends = begins + appointment_type.duration
    defaults: dict[str, Any] = {
        "start": begins,
        "end": ends,
        "occupied_start": begins - appointment_type.buffer_before,
        "occupied_end": ends + appointment_type.buffer_after,
        "place": appointment_type.place,
        "change_notice": appointment_type.change_notice,
        "created_at": begins - timedelta(days=7),
        "changed_at": begins - timedelta(days=7),
        "child_first_name": "Sam",
        "age_band": AgeBand.UNDER_12,
    }
    appointment = Appointment.objects.create(
        appointment_type=appointment_type, therapist=therapist, **{**defaults, **fields}
    )
    make_parent(appointment)
    return appointment


def make_parent(appointment: Appointment, **fields: Any) -> Parent:
    """Add a parent to `appointment`."""
    defaults: dict[str, Any] = {"name": "Noor de Vries", "email": "noor@example.org", "phone": "+31612345678"}
    values = {**defaults, **fields}
    return Parent.objects.create(
        appointment=appointment,
        email_hash=email_hash(values["email"]),
        phone_hash=phone_hash(values["phone"]),
        consented_at=appointment.created_at,
        **values,
    )


def make_notification(kind: Kind = Kind.CONFIRMATION, **fields: Any) -> Notification:
    """Write a notification that is due; to the appointment's parent unless a therapist is given."""
    appointment = fields.get("appointment")
    if appointment and "therapist" not in fields:
        fields.setdefault("parent", appointment.parents.first())
    if appointment:
        fields.setdefault("sequence", appointment.sequence)
    defaults = {
        "key": f"test:{uuid4()}",
        "due_at": datetime(2026, 11, 1, tzinfo=UTC),
        "message_id": f"<{uuid4().hex}@example.org>",
    }
    return Notification.objects.create(kind=kind, **{**defaults, **fields})
