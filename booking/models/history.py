"""What was done with each appointment, by whom and when."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from booking.models.appointment import Actor, Appointment


class Action(models.TextChoices):
    BOOKED = "booked", _("booked")
    MOVED = "moved", _("moved")
    CANCELLED = "cancelled", _("cancelled")
    ATTENDED = "attended", _("noted: they came")
    NO_SHOW = "no_show", _("noted: nobody came")
    ASKED_TO_MOVE = "asked_to_move", _("asked for another time")
    ASK_WITHDRAWN = "ask_withdrawn", _("withdrew the request for another time")
    RESENT = "resent", _("sent the confirmation again")
    CORRECTED = "corrected", _("corrected the data")
    READDRESSED = "readdressed", _("corrected the email address")
    REMINDERS_OFF = "reminders_off", _("wants no reminders")
    REMINDERS_ON = "reminders_on", _("wants reminders again")
    LINKS_ENDED = "links_ended", _("ended the links in the mails")
    ERASE_ASKED = "erase_asked", _("asked to erase the data")
    ERASED = "erased", _("erased the data")


class HistoryEntry(models.Model):
    """Who did what with an appointment, and when. Says nothing about the family. Only history.py writes here."""

    appointment = models.ForeignKey(Appointment, models.CASCADE, related_name="history")
    at = models.DateTimeField()
    action = models.CharField(max_length=20, choices=Action.choices)
    actor = models.CharField(max_length=10, choices=Actor.choices)
    # Of the therapist or manager who did it.
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    # Where it was before a move.
    start_before = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["at", "pk"]
        verbose_name = _("history")
        verbose_name_plural = _("history")
        # The few that a day brings, among all that ever were.
        indexes = [models.Index(fields=["at"], name="history_booked_at", condition=Q(action=Action.BOOKED))]
        constraints = [
            models.CheckConstraint(
                name="history_account_is_a_therapists",
                condition=Q(account__isnull=True) | Q(actor=Actor.THERAPIST),
            )
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
