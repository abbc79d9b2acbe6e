"""What is read from a therapist's own calendars: when she is busy there, and nothing else."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from booking.encryption import EncryptedTextField
from booking.models.offer import Therapist


class FetchFailure(models.TextChoices):
    """Why a calendar could not be read."""

    UNREACHABLE = "unreachable", _("The address cannot be reached.")
    REFUSED = "refused", _("The other side refuses it: the address may have been renewed.")
    FORBIDDEN = "forbidden", _("This address is not on the public internet.")
    TOO_LARGE = "too_large", _("This calendar is too large.")
    TOO_SLOW = "too_slow", _("The other side answers too slowly.")
    NOT_A_CALENDAR = "not_a_calendar", _("What is there is not a calendar.")
    CUT_SHORT = "cut_short", _("This calendar stops halfway.")
    TOO_MUCH = "too_much", _("This calendar has more appointments than can be read.")


class Doubt(models.TextChoices):
    """Why an event was not understood, and what is taken because of it."""

    DAY = (
        "day",
        _("It cannot be read when this is. The days that it names are closed, and if it names none, all days."),
    )
    END = "end", _("It cannot be read when this ends. The whole day is closed.")
    ZONE = "zone", _("Its time zone is unknown. It is closed for as long as it may last anywhere in the world.")
    RULE = "rule", _("It cannot be read on which days this comes again. All days on which it may are closed.")
    OFTEN = "often", _("This comes again so often that all the time between is closed too.")
    EXCEPTION = "exception", _("It cannot be read which of its times were moved or cancelled. They stay closed.")
    AVAILABLE = "available", _("It cannot be read when you are available. That time is closed.")


class CalendarSource(models.Model):
    """A calendar of the therapist elsewhere, whose times are taken here. What was last read stays until it is
    read again, so a failing source opens nothing."""

    therapist = models.ForeignKey(Therapist, models.CASCADE, related_name="calendar_sources")
    name = models.CharField(_("name"), max_length=60)
    # Who has it can read the whole calendar.
    url = EncryptedTextField(_("address"))
    read_at = models.DateTimeField(_("last read"), null=True, blank=True)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    failure = models.CharField(max_length=20, choices=FetchFailure.choices, blank=True)
    # Google and Outlook mark whole days as free unless told otherwise.
    free_is_busy = models.BooleanField(default=False)
    # On any day, of those that were read last; to see whether this is the right calendar.
    events = models.PositiveIntegerField(null=True, blank=True)
    # Names in her own calendar, which she alone is shown: see calendars.Doubts.
    doubts = EncryptedTextField(blank=True, default="")
    # Claimed by the worker that reads it, so that no two read the same one at once.
    due_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("calendar elsewhere")
        verbose_name_plural = _("calendars elsewhere")
        constraints = [
            models.CheckConstraint(
                name="calendar_source_failure_has_moment",
                condition=Q(failure="", failing_since__isnull=True)
                | (~Q(failure="") & Q(failing_since__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ImportedBusy(models.Model):
    """A span (UTC) in which a calendar elsewhere says that the therapist is busy."""

    source = models.ForeignKey(CalendarSource, models.CASCADE, related_name="busy")
    start = models.DateTimeField()
    end = models.DateTimeField()

    class Meta:
        ordering = ["start"]
        indexes = [models.Index(fields=["source", "start"], name="imported_busy_time")]
        constraints = [models.CheckConstraint(name="imported_busy_order", condition=Q(start__lt=F("end")))]

    def __str__(self) -> str:
        return f"{self.pk}"
