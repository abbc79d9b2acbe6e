"""Who can be booked, and what."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from practice.translations import TranslatedField


class FeedDetail(models.TextChoices):
    """How much of a family stands in the calendar that a therapist's own programs read."""

    NOTHING = "nothing", _("only that the time is taken")
    INITIALS = "initials", _("the initials of the child")
    NAMES = "names", _("the first name of the child, and the parent's name and phone number")


class Therapist(models.Model):
    """Someone at the practice whose time can be booked."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, verbose_name=_("account")
    )
    slug = models.SlugField(_("address name"), unique=True)
    name = models.CharField(_("name"), max_length=100)
    email = models.EmailField(_("mail address"))
    language = models.CharField(_("language"), max_length=10, default="nl")
    active = models.BooleanField(_("can be booked"), default=True)
    feed_on = models.BooleanField(_("calendar feed"), default=False)
    feed_detail = models.CharField(
        _("what the feed tells"), max_length=10, choices=FeedDetail.choices, default=FeedDetail.INITIALS
    )
    # Raised where every address of the feed that was given out must stop to work.
    feed_version = models.PositiveIntegerField(default=0)
    # Renewed by each change of working hours, extra openings or time off: what was expanded under an older
    # one is never used again.
    diary_version = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("therapist")
        verbose_name_plural = _("therapists")

    def __str__(self) -> str:
        return self.name

    @property
    def has_left(self) -> bool:
        """Whether the account is closed; who never had one has not left."""
        return self.user is not None and not self.user.is_active


class Place(models.TextChoices):
    PRACTICE = "practice", _("at the practice")
    PHONE = "phone", _("by phone")
    VIDEO = "video", _("by video")


class AppointmentType(models.Model):
    """What can be booked, and under which conditions."""

    slug = models.SlugField(_("address name"), unique=True)
    name = TranslatedField(_("name"))
    description = TranslatedField(_("description"), blank=True)
    therapists = models.ManyToManyField(Therapist, related_name="appointment_types", verbose_name=_("therapists"))
    duration = models.DurationField(_("duration"), default=timedelta(hours=1))
    step = models.DurationField(_("distance of starts"), default=timedelta(minutes=30))
    buffer_before = models.DurationField(_("kept free before"), default=timedelta())
    buffer_after = models.DurationField(_("kept free after"), default=timedelta())
    minimum_notice = models.DurationField(_("minimum notice"), default=timedelta(days=1))
    horizon_days = models.PositiveSmallIntegerField(
        _("days ahead"), default=60, validators=[MinValueValidator(1), MaxValueValidator(366)]
    )
    most_per_day = models.PositiveSmallIntegerField(_("most per day"), null=True, blank=True)
    most_per_week = models.PositiveSmallIntegerField(_("most per week"), null=True, blank=True)
    # How long before the start a parent can still move or cancel by the link.
    change_notice = models.DurationField(_("can be changed until"), default=timedelta(days=1))
    place = models.CharField(_("place"), max_length=10, choices=Place.choices, default=Place.PRACTICE)
    # The room that parents enter for an appointment by video.
    video_url = models.URLField(_("address of the video call"), max_length=300, blank=True)
    # Leads such as "2d" (local days, same wall time) and "3h" (real hours): notifications.py reads them.
    reminders = models.JSONField(_("reminders"), default=list, blank=True)
    visible = models.BooleanField(_("shown to parents"), default=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        ordering = ["position", "pk"]
        verbose_name = _("appointment type")
        verbose_name_plural = _("appointment types")
        constraints = [
            models.CheckConstraint(name="type_duration_positive", condition=Q(duration__gt=timedelta())),
            models.CheckConstraint(name="type_step_positive", condition=Q(step__gt=timedelta())),
            models.CheckConstraint(
                name="type_margins_not_negative",
                condition=Q(
                    buffer_before__gte=timedelta(),
                    buffer_after__gte=timedelta(),
                    minimum_notice__gte=timedelta(),
                    change_notice__gte=timedelta(),
                ),
            ),
        ]

    def __str__(self) -> str:
        return str(self.name)

    @cached_property
    def duration_minutes(self) -> int:
        """How long the appointment lasts, in whole minutes."""
        return int(self.duration.total_seconds() // 60)
