"""Which time zones a practice can live in."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def named_zone(name: str) -> ZoneInfo:
    """Return the zone `name`, such as Europe/Amsterdam.

    Raises ValidationError for anything that is not a place: a fixed offset has no change of the clock, so
    working hours would drift by an hour twice a year, and django-scheduler cannot expand rules in one.
    """
    if "/" not in name or name.startswith("Etc/") or name not in _known():
        raise ValidationError(
            _("%(zone)s is not a named time zone, such as Europe/Amsterdam."),
            code="zone",
            params={"zone": name},
        )
    return ZoneInfo(name)


def validate_zone(name: str) -> None:
    """Raise ValidationError unless `name` is a named zone."""
    named_zone(name)
