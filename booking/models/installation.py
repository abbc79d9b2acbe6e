from django.db import models
from django.db.models import Q


class Installation(models.Model):
    """What this installation must know of itself, in one row: under which keys it writes (keys.py), and when a
    worker last looked for what is due (readiness.py)."""

    THE_ONE = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=THE_ONE, editable=False)
    # A known text under FIELD_KEYS, under LOOKUP_KEY and under SECRET_KEY: neither says anything about the keys.
    field_keys = models.TextField()
    lookup_key = models.CharField(max_length=64)
    secret_key = models.CharField(max_length=100)
    swept_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(name="installation_exactly_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"{self.pk}"
