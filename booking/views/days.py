"""How the agenda lists appointments: by local day, with the ways to reach each family."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from phonenumber_field.phonenumber import to_python
from phonenumbers import region_code_for_number

from booking.models import Appointment, Parent


@dataclass(frozen=True, slots=True)
class Contact:
    """A parent as the agenda shows one: the number as it is dialled here, and as a phone takes it."""

    name: str
    email: str
    phone: str
    phone_shown: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One appointment in a list."""

    appointment: Appointment
    contacts: list[Contact]


@dataclass(frozen=True, slots=True)
class Day:
    """A local day, what is said of it ("today") and its appointments."""

    day: date
    word: str
    entries: list[Entry]


def days(listed: Iterable[Appointment], now: datetime) -> list[Day]:
    """Group appointments, sorted by start, by the local day they begin on."""
    today = timezone.localtime(now).date()
    words = {today: _("Today"), today + timedelta(days=1): _("Tomorrow")}
    by_day = groupby(listed, key=lambda found: timezone.localtime(found.start).date())
    return [Day(day, words.get(day, ""), [entry(found) for found in of_day]) for day, of_day in by_day]


def entry(appointment: Appointment) -> Entry:
    """Return `appointment` with its contacts; one that was erased has none left."""
    return Entry(appointment, [_contact(parent) for parent in appointment.parents.all() if parent.name])


def _contact(parent: Parent) -> Contact:
    return Contact(parent.name, parent.email, parent.phone, _as_dialled(parent.phone))


def _as_dialled(phone: str) -> str:
    """Return the number `phone` (E.164) as one dials it in the practice's country."""
    number = to_python(phone)
    if not number or not number.country_code:
        return phone
    at_home = region_code_for_number(number) == settings.PHONENUMBER_DEFAULT_REGION
    return str(number.as_national if at_home else number.as_international)
