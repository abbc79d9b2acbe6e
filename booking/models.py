"""The tables of booking. Rules that must hold whoever writes stand here as constraints, and in guards.py."""

import uuid
from datetime import date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from booking.encryption import EncryptedTextField
from booking.intervals import Interval
from practice.translations import TranslatedField


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
    # Renewed by each change of working hours, extra openings or time off: what was expanded under an older
    # one is never used again.
    diary_version = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("therapist")
        verbose_name_plural = _("therapists")

    def __str__(self) -> str:
        return self.name


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


class AgeBand(models.TextChoices):
    """The ages at which Dutch law lets someone else decide about treatment (WGBO, BW 7:447 and 7:450)."""

    UNDER_12 = "under_12", _("younger than 12")
    FROM_12 = "12_15", _("12 to 15 years")
    FROM_16 = "16_plus", _("16 years or older")


class State(models.TextChoices):
    CONFIRMED = "confirmed", _("confirmed")
    CANCELLED = "cancelled", _("cancelled")
    ATTENDED = "attended", _("attended")
    NO_SHOW = "no_show", _("no-show")


class Actor(models.TextChoices):
    """Who did it."""

    PARENT = "parent", _("parent")
    THERAPIST = "therapist", _("therapist")


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def live(self) -> Self:
        """Those that claim their time: all but the cancelled."""
        return self.exclude(state=State.CANCELLED)

    def overlapping(self, interval: Interval) -> Self:
        """Those whose occupied time overlaps `interval` (UTC, half-open)."""
        return self.filter(occupied_start__lt=interval.end, occupied_end__gt=interval.start)


class Appointment(models.Model):
    """A booked slot of one family. Only appointments.py writes here; guards.py refuses what must never be."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    appointment_type = models.ForeignKey(
        AppointmentType, models.PROTECT, related_name="appointments", verbose_name=_("appointment type")
    )
    therapist = models.ForeignKey(
        Therapist, models.PROTECT, related_name="appointments", verbose_name=_("therapist")
    )
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    # With the buffers of the type as they were when this was booked.
    occupied_start = models.DateTimeField()
    occupied_end = models.DateTimeField()
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.CONFIRMED)
    # Rises with each move and with the cancellation: what was owed under an older one is void.
    sequence = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(_("booked at"))
    changed_at = models.DateTimeField(_("changed at"))
    outcome_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.CharField(max_length=10, choices=Actor.choices, blank=True)
    cancel_reason = EncryptedTextField(blank=True)
    # HMACs of the key and of the request that it came with, for 24 hours.
    idempotency_key = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001
    idempotency_body = models.CharField(max_length=64, blank=True, editable=False)
    child_first_name = EncryptedTextField(_("first name of the child"), blank=True)
    age_band = models.CharField(_("age of the child"), max_length=10, choices=AgeBand.choices, blank=True)
    remark = EncryptedTextField(_("remark"), blank=True)
    erase_requested_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        ordering = ["start"]
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        indexes = [
            models.Index(fields=["therapist", "occupied_start"], name="appointment_therapist_time"),
            models.Index(fields=["start"], name="appointment_start"),
        ]
        constraints = [
            models.CheckConstraint(
                name="appointment_order_of_times",
                condition=Q(occupied_start__lte=F("start"), start__lt=F("end"), end__lte=F("occupied_end")),
            ),
            models.CheckConstraint(name="appointment_known_state", condition=Q(state__in=list(State.values))),
            models.CheckConstraint(
                name="appointment_cancelled_has_moment",
                condition=Q(state=State.CANCELLED, cancelled_at__isnull=False)
                | (~Q(state=State.CANCELLED) & Q(cancelled_at__isnull=True)),
            ),
            # Whether a family came is known only once it could have come.
            models.CheckConstraint(
                name="appointment_outcome_after_start",
                condition=Q(
                    state__in=[State.ATTENDED, State.NO_SHOW],
                    outcome_at__isnull=False,
                    outcome_at__gte=F("start"),
                )
                | Q(state__in=[State.CONFIRMED, State.CANCELLED], outcome_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id}"

    @property
    def can_change_until(self) -> datetime:
        """The last moment (UTC) at which a parent can move or cancel this by the link."""
        return self.start - self.appointment_type.change_notice

    def erased_on(self, zone: ZoneInfo) -> date:
        """Return the day in `zone` on which the family's data goes by itself: a set number of days after the
        end or the cancellation, whichever comes first."""
        ended = min(self.end, self.cancelled_at or self.end)
        return (ended + timedelta(days=settings.ERASE_AFTER_DAYS)).astimezone(zone).date()


class Parent(models.Model):
    """A parent of the family that an appointment is for, with what is needed to reach them."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    appointment = models.ForeignKey(Appointment, models.CASCADE, related_name="parents")
    name = EncryptedTextField(_("name"), blank=True)
    email = EncryptedTextField(_("mail address"), blank=True)
    email_hash = models.CharField(max_length=64, blank=True, db_index=True, editable=False)
    phone = EncryptedTextField(_("phone number"), blank=True)
    phone_hash = models.CharField(max_length=64, blank=True, db_index=True, editable=False)
    language = models.CharField(_("language"), max_length=10, default="nl")
    consent_version = models.CharField(max_length=20, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    booked = models.BooleanField(default=True)
    # Raised where every manage link that was mailed before must stop to work.
    link_version = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("parent")
        verbose_name_plural = _("parents")

    def __str__(self) -> str:
        return f"{self.public_id}"


class Hold(models.Model):
    """A claim on a slot for the minutes in which a form is filled in."""

    therapist = models.ForeignKey(Therapist, models.CASCADE, related_name="holds")
    appointment_type = models.ForeignKey(AppointmentType, models.CASCADE, related_name="holds")
    start = models.DateTimeField()
    occupied_start = models.DateTimeField()
    occupied_end = models.DateTimeField()
    expires_at = models.DateTimeField()
    # HMACs: of the browser session's own key, and of the address it came from.
    visitor = models.CharField(max_length=64, unique=True)
    address = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        indexes = [models.Index(fields=["therapist", "occupied_start"], name="hold_therapist_time")]

    def __str__(self) -> str:
        return f"{self.pk}"


class Kind(models.TextChoices):
    CONFIRMATION = "confirmation", _("confirmation")
    REMINDER = "reminder", _("reminder")
    MOVED = "moved", _("moved")
    CANCELLED = "cancelled", _("cancelled")
    NEW_BOOKING = "new_booking", _("new booking")
    OVERVIEW = "overview", _("overview")


class NotificationState(models.TextChoices):
    DUE = "due", _("due")
    SENDING = "sending", _("sending")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    MISSED = "missed", _("missed")
    VOID = "void", _("void")


class Notification(models.Model):
    """One message owed to one recipient: the outbox. `key` says what is owed, so nothing is owed twice."""

    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    appointment = models.ForeignKey(
        Appointment, models.CASCADE, null=True, blank=True, related_name="notifications"
    )
    parent = models.ForeignKey(Parent, models.CASCADE, null=True, blank=True, related_name="notifications")
    therapist = models.ForeignKey(Therapist, models.CASCADE, null=True, blank=True, related_name="notifications")
    sequence = models.PositiveIntegerField(default=0)
    # An overview's own day, in the practice's zone.
    local_day = models.DateField(null=True, blank=True)
    due_at = models.DateTimeField(_("due"))
    state = models.CharField(
        _("state"), max_length=10, choices=NotificationState.choices, default=NotificationState.DUE
    )
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=100, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    message_id = models.CharField(max_length=200, unique=True)

    class Meta:
        ordering = ["due_at", "pk"]
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        indexes = [models.Index(fields=["state", "due_at"], name="notification_state_due")]
        constraints = [
            models.CheckConstraint(
                name="notification_one_recipient",
                condition=Q(parent__isnull=True, therapist__isnull=False)
                | Q(parent__isnull=False, therapist__isnull=True),
            ),
            models.CheckConstraint(
                name="notification_about_something",
                condition=Q(kind=Kind.OVERVIEW, appointment__isnull=True, local_day__isnull=False)
                | (~Q(kind=Kind.OVERVIEW) & Q(appointment__isnull=False)),
            ),
            models.CheckConstraint(
                name="notification_known_state", condition=Q(state__in=list(NotificationState.values))
            ),
            models.CheckConstraint(
                name="notification_sent_has_moment",
                condition=Q(state=NotificationState.SENT, sent_at__isnull=False)
                | (~Q(state=NotificationState.SENT) & Q(sent_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="notification_sending_has_lease",
                condition=Q(state=NotificationState.SENDING, lease_until__isnull=False)
                | (~Q(state=NotificationState.SENDING) & Q(lease_until__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return self.key


class RateCounter(models.Model):
    """How often something was tried in one window of time, under a keyed hash of who tried it."""

    key = models.CharField(max_length=64)
    window_start = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(name="rate_counter_once", fields=["key", "window_start"])]

    def __str__(self) -> str:
        return f"{self.pk}"
