"""What is owed to whom: the outbox."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from booking.models.appointment import Appointment, Parent
from booking.models.offer import Therapist
from booking.models.unconfirmed import Unconfirmed


class Kind(models.TextChoices):
    CONFIRMATION = "confirmation", _("confirmation")
    REMINDER = "reminder", _("reminder")
    MOVED = "moved", _("moved")
    CANCELLED = "cancelled", _("cancelled")
    NEW_BOOKING = "new_booking", _("new booking")
    ASK_TO_MOVE = "ask_to_move", _("request to choose another time")
    ASK_WITHDRAWN = "ask_withdrawn", _("the old time stands after all")
    OVERVIEW = "overview", _("overview")
    PASSWORD_LINK = "password_link", _("link to choose a password")
    CONFIRM = "confirm", _("request to confirm")
    MANY_BOOKINGS = "many_bookings", _("many appointments at once")


ABOUT_NO_APPOINTMENT = [Kind.OVERVIEW, Kind.PASSWORD_LINK, Kind.CONFIRM, Kind.MANY_BOOKINGS]


class NotificationState(models.TextChoices):
    DUE = "due", _("due")
    SENDING = "sending", _("sending")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    MISSED = "missed", _("missed")
    VOID = "void", _("void")


class Notification(models.Model):
    """One message owed to one recipient: the outbox. `key` says what is owed, so nothing is owed twice."""

    key = models.CharField(_("key"), max_length=200, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    appointment = models.ForeignKey(
        Appointment, models.CASCADE, null=True, blank=True, related_name="notifications"
    )
    parent = models.ForeignKey(Parent, models.CASCADE, null=True, blank=True, related_name="notifications")
    therapist = models.ForeignKey(Therapist, models.CASCADE, null=True, blank=True, related_name="notifications")
    unconfirmed = models.ForeignKey(
        Unconfirmed, models.CASCADE, null=True, blank=True, related_name="notifications"
    )
    sequence = models.PositiveIntegerField(default=0)
    # An overview's own day, in the practice's zone.
    local_day = models.DateField(null=True, blank=True)
    due_at = models.DateTimeField(_("due"))
    state = models.CharField(
        _("state"), max_length=10, choices=NotificationState.choices, default=NotificationState.DUE
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    # After a try in vain, not before then. `due_at` stays what it was: by it a reminder is told to be too late.
    retry_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=100, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    message_id = models.CharField(_("Message-ID"), max_length=200, unique=True)

    class Meta:
        ordering = ["due_at", "pk"]
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        indexes = [models.Index(fields=["state", "due_at"], name="notification_state_due")]
        constraints = [
            models.CheckConstraint(
                name="notification_one_recipient",
                condition=Q(parent__isnull=True, therapist__isnull=False, unconfirmed__isnull=True)
                | Q(parent__isnull=False, therapist__isnull=True, unconfirmed__isnull=True)
                | Q(parent__isnull=True, therapist__isnull=True, unconfirmed__isnull=False),
            ),
            models.CheckConstraint(
                name="notification_about_something",
                condition=Q(kind=Kind.OVERVIEW, appointment__isnull=True, local_day__isnull=False)
                | Q(kind=Kind.PASSWORD_LINK, appointment__isnull=True, therapist__isnull=False)
                | Q(kind=Kind.CONFIRM, appointment__isnull=True, unconfirmed__isnull=False)
                | Q(kind=Kind.MANY_BOOKINGS, appointment__isnull=True, therapist__isnull=False)
                | (~Q(kind__in=ABOUT_NO_APPOINTMENT) & Q(appointment__isnull=False)),
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
