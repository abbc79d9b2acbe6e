from datetime import time, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone, translation

from booking import diary
from booking.accounts import create_account
from booking.hours import WorkingHours
from booking.models import AppointmentType, Place, Therapist
from practice.models import Practice
from practice.translations import Translated

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = range(4)
# Made up, as the therapist is: the practice's own hours are not known. Weekday, from, until, every so many weeks.
HOURS = [
    (MONDAY, time(9), time(12), 1),
    (MONDAY, time(13), time(17), 1),
    (TUESDAY, time(9), time(12, 30), 1),
    (TUESDAY, time(13, 30), time(16), 1),
    (WEDNESDAY, time(18, 30), time(21), 2),
    (THURSDAY, time(9), time(12), 1),
    (THURSDAY, time(13), time(17), 1),
]


class Command(BaseCommand):
    help = "Fill the demo with a made-up therapist, her hours and what she offers, where they are missing."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This is not a demo (DEMO is off), so nothing made up is put into it.")
        if not settings.DEMO_PASSWORD:
            raise CommandError("DEMO_PASSWORD is not set: the demo therapist needs a password to sign in with.")
        zone = Practice.load().zone
        therapist, made = Therapist.objects.get_or_create(
            slug="demo-therapeut", defaults={"name": "Demo Therapeut", "email": settings.DEMO_EMAIL}
        )
        if made:
            therapist.user = _account()
            therapist.save(update_fields=["user"])
            today = timezone.localdate(timezone=zone)
            for weekday, start, end, every_weeks in HOURS:
                hours = WorkingHours(
                    id=None,
                    weekday=weekday,
                    start=start,
                    end=end,
                    every_weeks=every_weeks,
                    first_day=today,
                    last_day=None,
                )
                diary.add_working_hours(therapist, hours, zone)
        for slug, fields in (("eerste-afspraak", _first_consult()), ("telefoongesprek", _telephone_call())):
            appointment_type, made = AppointmentType.objects.get_or_create(slug=slug, defaults=fields)
            if made:
                appointment_type.therapists.add(therapist)
        if options["verbosity"]:
            self.stdout.write(f"{therapist.name} signs in with {settings.DEMO_EMAIL}.")


def _account() -> User:
    """Return the demo therapist's account, made where it is missing. Who runs the demo may see all of it."""
    account = User.objects.filter(username=settings.DEMO_EMAIL.lower()).first()
    if account:
        return account
    # The settings are in English, as is all that a command says of them.
    with translation.override("en"):
        try:
            return create_account(email=settings.DEMO_EMAIL, password=settings.DEMO_PASSWORD, manager=True)
        except ValidationError as error:
            raise CommandError(f"DEMO_EMAIL or DEMO_PASSWORD will not do. {' '.join(error.messages)}") from error


def _first_consult() -> dict[str, Any]:
    return {
        "name": Translated(nl="Eerste afspraak", en="First appointment"),
        "description": Translated(
            nl="Een vrijblijvende kennismaking: u vertelt wat er speelt, en we kijken samen wat kan helpen.",
            en="To get to know each other, without obligation: you tell what is going on, "
            "and together we see what may help.",
        ),
        "duration": timedelta(minutes=60),
        "step": timedelta(minutes=30),
        "buffer_before": timedelta(),
        "buffer_after": timedelta(minutes=15),
        "minimum_notice": timedelta(hours=24),
        "horizon_days": 60,
        "change_notice": timedelta(hours=24),
        "reminders": Practice.load().reminders,
    }


def _telephone_call() -> dict[str, Any]:
    return {
        "name": Translated(nl="Telefoongesprek", en="Telephone call"),
        "description": Translated(
            nl="Een kort gesprek van een kwartier, vrijblijvend. De praktijk belt u.",
            en="A short talk of a quarter of an hour, without obligation. The practice calls you.",
        ),
        "duration": timedelta(minutes=15),
        "step": timedelta(minutes=15),
        "buffer_before": timedelta(),
        "buffer_after": timedelta(minutes=15),
        "minimum_notice": timedelta(hours=12),
        "horizon_days": 60,
        "most_per_day": 4,
        "change_notice": timedelta(hours=4),
        "place": Place.PHONE,
        "reminders": ["1d"],
        "position": 1,
    }
