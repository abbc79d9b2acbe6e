from django.db import models
from django.utils.translation import gettext_lazy as _

from booking.encryption import EncryptedTextField


class Draft(models.Model):
    """What a visitor typed into the form and keeps for minutes, to choose another moment: drafts.py."""

    # The HMAC of the browser session's own key, as of a hold.
    visitor = models.CharField(max_length=64, unique=True)
    # By field, as JSON.
    typed = EncryptedTextField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("unfinished form")
        verbose_name_plural = _("unfinished forms")

    def __str__(self) -> str:
        return f"{self.pk}"
