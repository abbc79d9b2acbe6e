"""The tables of booking. Rules that must hold whoever writes stand here as constraints, and in guards.py."""

from booking.models.access import AccessEntry
from booking.models.appointment import (
    Actor,
    AgeBand,
    Appointment,
    AppointmentQuerySet,
    Hold,
    Parent,
    State,
)
from booking.models.draft import Draft
from booking.models.history import Action, HistoryEntry
from booking.models.imports import CalendarSource, Doubt, FetchFailure, ImportedBusy
from booking.models.installation import Installation
from booking.models.notification import Kind, Notification, NotificationState
from booking.models.offer import AppointmentType, FeedDetail, Place, Therapist
from booking.models.rate_counter import RateCounter
from booking.models.unconfirmed import Unconfirmed

__all__ = [
    "AccessEntry",
    "Action",
    "Actor",
    "AgeBand",
    "Appointment",
    "AppointmentQuerySet",
    "AppointmentType",
    "CalendarSource",
    "Doubt",
    "Draft",
    "FeedDetail",
    "FetchFailure",
    "HistoryEntry",
    "Hold",
    "ImportedBusy",
    "Installation",
    "Kind",
    "Notification",
    "NotificationState",
    "Parent",
    "Place",
    "RateCounter",
    "State",
    "Therapist",
    "Unconfirmed",
]
