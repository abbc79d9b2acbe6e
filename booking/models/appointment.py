"""What is booked, by whom, and what is kept free while a form is filled in."""

import uuid
from datetime import date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from booking.encryption import EncryptedTextField
from booking.intervals import Interval
from booking.models.offer import AppointmentType, Place, Therapist


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
    SYSTEM = "system", _("by itself")


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def live(self) -> Self:
        """Those that claim their time: all but the cancelled."""
        return self.exclude(state=State.CANCELLED)

    def awaiting_other_time(self, now: datetime) -> Self:
        """Those ahead whose family was asked to choose another time, and has not done so."""
        # By the end too, for the index.
        ahead = self.filter(state=State.CONFIRMED, start__gt=now, occupied_end__gt=now)
        return ahead.filter(asked_to_move_at__isnull=False)

    def overlapping(self, interval: Interval) -> Self:
        """Those whose occupied time overlaps `interval` (UTC, half-open)."""
        return self.filter(occupied_start__lt=interval.end, occupied_end__gt=interval.start)


class Appointment(models.Model):
    """A booked slot of one family. Only appointments.py writes here; guards.py refuses what must never be."""

    public_id = models.UUIDField(_("reference"), default=uuid.uuid4, unique=True, editable=False)
    appointment_type = models.ForeignKey(
        AppointmentType, models.PROTECT, related_name="appointments", verbose_name=_("appointment type")
    )
    therapist = models.ForeignKey(
        Therapist, models.PROTECT, related_name="appointments", verbose_name=_("therapist")
    )
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    # With the buffers of the type as they were when this was booked, and so are the place and the notice: the
    # family was told them.
    occupied_start = models.DateTimeField()
    occupied_end = models.DateTimeField()
    place = models.CharField(_("place"), max_length=10, choices=Place.choices)
    change_notice = models.DurationField()
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.CONFIRMED)
    # Rises with each move and with the cancellation: what was owed under an older one is void.
    sequence = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(_("booked at"))
    changed_at = models.DateTimeField(_("changed at"))
    outcome_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    cancelled_by = models.CharField(_("cancelled by"), max_length=10, choices=Actor.choices, blank=True)
    cancel_reason = EncryptedTextField(blank=True)
    # HMACs of the key and of the request that it came with, for 24 hours.
    idempotency_key = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001
    idempotency_body = models.CharField(max_length=64, blank=True, editable=False)
    child_first_name = EncryptedTextField(_("first name of the child"), blank=True)
    age_band = models.CharField(_("age of the child"), max_length=10, choices=AgeBand.choices, blank=True)
    remark = EncryptedTextField(_("remark"), blank=True)
    # Since when the family is asked to choose another time; until then no notice keeps it from moving.
    asked_to_move_at = models.DateTimeField(null=True, blank=True)
    erase_requested_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        ordering = ["start"]
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        indexes = [
            # By the end: what is asked for lies ahead, and the years behind it are passed over.
            models.Index(fields=["therapist", "occupied_end", "occupied_start"], name="appointment_therapist_end"),
            models.Index(fields=["start"], name="appointment_start"),
            # The few whose family is not erased yet, among all that ever were.
            models.Index(fields=["end"], name="appointment_not_erased", condition=Q(erased_at=None)),
        ]
        constraints = [
            models.CheckConstraint(
                name="appointment_order_of_times",
                condition=Q(occupied_start__lte=F("start"), start__lt=F("end"), end__lte=F("occupied_end")),
            ),
            models.CheckConstraint(name="appointment_known_state", condition=Q(state__in=list(State.values))),
            models.CheckConstraint(name="appointment_known_place", condition=Q(place__in=list(Place.values))),
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
    def awaits_other_time(self) -> bool:
        """Whether the family was asked to choose another time and has not done so: the time it has is not to be
        told as one that stands."""
        return self.asked_to_move_at is not None and self.state == State.CONFIRMED

    @property
    def can_change_until(self) -> datetime:
        """The last moment (UTC) at which a parent can move or cancel this by the link: the very start, where
        the practice itself asked for another time."""
        if self.asked_to_move_at:
            return self.start
        return self.start - self.change_notice

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
    # Chosen by the family: then no button on a page in another language changes it.
    language_chosen = models.BooleanField(default=False, db_default=False)
    consent_version = models.CharField(max_length=20, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    booked = models.BooleanField(default=True)
    # Someone who booked by phone may want no confirmation and no reminders.
    wants_mail = models.BooleanField(_("gets mail"), default=True)
    # Looked at when a reminder is due: its row stays, so that who changes their mind is reminded after all.
    wants_reminders = models.BooleanField(_("gets reminders"), default=True, db_default=True)
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
