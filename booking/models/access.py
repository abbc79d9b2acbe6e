"""Who saw or changed the data of which family."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from booking.models.appointment import Actor
from booking.models.history import Action

# What is done without changing anything; what changes something is called as in the history.
LOOKS = [
    ("listed", _("saw it in a list")),
    ("seen", _("saw the data")),
    ("feed_read", _("a calendar program read the feed")),
    ("downloaded", _("downloaded the data")),
    ("refused", _("gave a wrong answer")),
    ("log_seen", _("looked at this log")),
    ("log_exported", _("downloaded this log")),
]


class AccessEntry(models.Model):
    """One look at a family's data or one change of it, in the spirit of NEN 7513.

    Names nobody, and outlives the family's data: so it points at nothing that can go. Only access_log.py writes
    here; guards.py refuses the rest.
    """

    # Random, so that what a restore brings back finds its place among what was written since the backup.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField()
    actor = models.CharField(max_length=10, choices=Actor.choices)
    # Of the therapist or manager; stays as it is when the account goes, since nothing here is ever changed.
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, blank=True, db_constraint=False, related_name="+"
    )
    action = models.CharField(max_length=20, choices=[*LOOKS, *Action.choices])
    # The appointment's public id; none where it is about all of a therapist's at once.
    appointment = models.UUIDField(null=True, blank=True)
    # Of a therapist or manager alone, truncated. That of anybody else may still become empty: an older version
    # kept it.
    network = models.CharField(max_length=50, blank=True)
    kept_until = models.DateTimeField()

    class Meta:
        ordering = ["-at", "pk"]
        verbose_name = _("access")
        verbose_name_plural = _("who saw what")
        indexes = [
            models.Index(fields=["-at"], name="access_at"),
            models.Index(fields=["appointment", "-at"], name="access_appointment"),
            models.Index(fields=["account", "-at"], name="access_account"),
            models.Index(fields=["kept_until"], name="access_kept_until"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
