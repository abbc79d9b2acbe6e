import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from booking.encryption import EncryptedTextField
from booking.models.offer import AppointmentType, Therapist


class Unconfirmed(models.Model):
    """What a family typed, until it presses the button in a mail or the hour is over: by_mail.py."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # HMACs of the form's key and of what it sent: the double click is one request, the mended form is another.
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
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("unconfirmed booking")
        verbose_name_plural = _("unconfirmed bookings")

    def __str__(self) -> str:
        return f"{self.public_id}"
