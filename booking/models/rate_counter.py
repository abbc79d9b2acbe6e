from django.db import models


class RateCounter(models.Model):
    """How often something was tried in one window of time, under a keyed hash of who tried it."""

    key = models.CharField(max_length=64)
    window_start = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(name="rate_counter_once", fields=["key", "window_start"])]

    def __str__(self) -> str:
        return f"{self.pk}"
