import uuid
from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from booking.encryption import EncryptedTextField
from booking.models.offer import AppointmentType, Therapist


class Unconfirmed(models.Model):
    """What a family typed, until it presses the button in a mail or its term is over: by_mail.py."""

    # How long a family has after the mail went out, which is taken to go out within minutes; and how long a mail
    # may be on its way at most.
    TERM, SOON, LONGEST_WAY = timedelta(hours=1), timedelta(minutes=5), timedelta(days=1)

    # The reference of the appointment that this may become.
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # HMACs of the request's key and of what it sent: the double click is one request, the changed form is another.
    request = models.CharField(max_length=64, unique=True)
    body = models.CharField(max_length=64, blank=True)
    appointment_type = models.ForeignKey(AppointmentType, models.CASCADE, related_name="+")
    # Whom the family chose; nobody where it is whoever is free.
    therapist = models.ForeignKey(Therapist, models.CASCADE, related_name="+", null=True, blank=True)
    start = models.DateTimeField()
    email = EncryptedTextField()
    language = models.CharField(max_length=10)
    # All of it, as JSON.
    typed = EncryptedTextField()
    # Whether a hold keeps the time so long: past the limits of holds it may be gone by then.
    kept = models.BooleanField(default=False)
    # To how many addresses the mail went: one, and each that was put right.
    addresses = models.PositiveSmallIntegerField(default=1)
    asked_at = models.DateTimeField()
    # When the mail went out; until then the row waits for it, for a day at most.
    sent_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("unconfirmed booking")
        verbose_name_plural = _("unconfirmed bookings")
        constraints = [
            models.CheckConstraint(name="unconfirmed_order_of_times", condition=Q(asked_at__lt=F("expires_at")))
        ]

    def __str__(self) -> str:
        return f"{self.public_id}"

    def until(self, sent_at: datetime) -> datetime:
        """Return until when (UTC) the family can confirm, where the mail goes out at `sent_at` (UTC): an hour, and
        the same moment for all that go out within minutes."""
        return max(self.asked_at + self.SOON, sent_at) + self.TERM

    @property
    def answer_by(self) -> datetime:
        """Until when (UTC) the family can confirm, as far as is known by now."""
        return self.until(self.sent_at or self.asked_at)
