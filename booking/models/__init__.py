"""The tables of booking. Rules that must hold whoever writes stand here as constraints, and in guards.py."""

from booking.models.appointment import Actor, AgeBand, Appointment, AppointmentQuerySet, Hold, Parent, State
from booking.models.notification import Kind, Notification, NotificationState
from booking.models.offer import AppointmentType, Place, Therapist
from booking.models.rate_counter import RateCounter

__all__ = [
    "Actor",
    "AgeBand",
    "Appointment",
    "AppointmentQuerySet",
    "AppointmentType",
    "Hold",
    "Kind",
    "Notification",
    "NotificationState",
    "Parent",
    "Place",
    "RateCounter",
    "State",
    "Therapist",
]
