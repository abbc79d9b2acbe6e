"""Every kind of mail about a family that is made up: what a manager looks at, what a test mail says, and what the
tests go over. Nothing here reads or writes an appointment, and no link in these mails opens anything.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from booking import emails, notifications
from booking.emails import Beside
from booking.intervals import from_wall
from booking.models import (
    Actor,
    Appointment,
    AppointmentType,
    Kind,
    Notification,
    Parent,
    Place,
    State,
    Therapist,
    Unconfirmed,
)
from practice.models import Practice
from practice.translations import Translated

# `.example` is nobody's (RFC 2606).
FAMILY, THERAPIST = "ouder@gezin.example", "therapeut@praktijk.example"
# No row has this one: they are made at random.
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Sample:
    """One kind of mail, or a telling variation of it; `name` stands in addresses."""

    name: str
    kind: Kind
    title: str | Promise
    to_therapist: bool = False
    # What is different about the appointment, about its type, whether it is with a colleague who left, and whether
    # the family was asked for another time before.
    appointment: dict[str, Any] = field(default_factory=dict)
    place: Place = Place.PRACTICE
    of_who_left: bool = False
    still_asked: bool = False


SAMPLES = [
    Sample("bevestiging", Kind.CONFIRMATION, _("Confirmation")),
    Sample("bevestiging-telefoon", Kind.CONFIRMATION, _("Confirmation of a telephone call"), place=Place.PHONE),
    Sample("herinnering", Kind.REMINDER, _("Reminder")),
    Sample("verzet", Kind.MOVED, _("Moved")),
    Sample("vraag-om-te-verzetten", Kind.ASK_TO_MOVE, _("Request to choose another time")),
    Sample("vraag-herhaald", Kind.REMINDER, _("Request to choose another time, repeated"), still_asked=True),
    Sample("vraag-ingetrokken", Kind.ASK_WITHDRAWN, _("The old time stands after all")),
    Sample("afgezegd", Kind.CANCELLED, _("Cancelled by the family"), appointment={"cancelled_by": Actor.PARENT}),
    Sample(
        "afgezegd-door-de-praktijk",
        Kind.CANCELLED,
        _("Cancelled by the practice"),
        appointment={"cancelled_by": Actor.THERAPIST},
    ),
    Sample("vraag-om-te-bevestigen", Kind.CONFIRM, _("Request to confirm")),
    Sample("nieuwe-afspraak", Kind.NEW_BOOKING, _("New appointment"), to_therapist=True),
    Sample("therapeut-verzet", Kind.MOVED, _("Moved"), to_therapist=True),
    Sample("therapeut-afgezegd", Kind.CANCELLED, _("Cancelled"), to_therapist=True),
    Sample(
        "afgezegd-bij-wie-wegging",
        Kind.CANCELLED,
        _("Cancelled, with a colleague who left"),
        to_therapist=True,
        of_who_left=True,
    ),
    Sample("overzicht", Kind.OVERVIEW, _("The appointments of a day"), to_therapist=True),
    Sample("veel-afspraken", Kind.MANY_BOOKINGS, _("Many appointments at once"), to_therapist=True),
    Sample("wachtwoord", Kind.PASSWORD_LINK, _("Link to choose a password"), to_therapist=True),
]
BY_NAME = {sample.name: sample for sample in SAMPLES}


def compose(
    sample: Sample, language: str, practice: Practice, *, now: datetime, to: str = ""
) -> EmailMultiAlternatives:
    """Return the mail of `sample` in `language` as `practice` would send it at `now` (UTC), not yet sent; to
    nobody unless `to` names somebody. Asks nothing of the database."""
    therapist = Therapist(
        slug="voorbeeld",
        name=_texts(_("Example Therapist")).in_language(language),
        email=to or THERAPIST,
        language=language,
        user=User(pk=0, email=to or THERAPIST),
    )
    appointment_type = AppointmentType(
        slug="voorbeeld",
        name=_texts(_("First appointment")),
        description=_texts(_("To get to know each other, without obligation.")),
        place=sample.place,
        duration=timedelta(hours=1),
        change_notice=timedelta(days=1),
    )
    day = _weekday_from(now.astimezone(practice.zone).date() + timedelta(days=7))
    about = _About(therapist, appointment_type, practice.zone, now)
    appointment = about.at(day, 10, **sample.appointment)
    about.settle(appointment, sample.kind)
    if sample.still_asked:
        appointment.asked_to_move_at = now - timedelta(days=3)
    others = [about.at(day, 13), about.at(day, 15)]
    beside = Beside(
        was=about.at(day - timedelta(days=1), 14).start,
        family_told=True,
        others=[] if sample.of_who_left else others,
        who_left=therapist.name if sample.of_who_left else "",
    )
    notification = Notification(
        kind=sample.kind, sequence=appointment.sequence, due_at=now, message_id=notifications.new_message_id()
    )
    if sample.kind == Kind.CONFIRM:
        notification.unconfirmed = Unconfirmed(
            public_id=_NOBODY,
            appointment_type=appointment_type,
            therapist=therapist,
            start=appointment.start,
            email=to or FAMILY,
            language=language,
            kept=True,
            asked_at=now,
            expires_at=now + Unconfirmed.LONGEST_WAY,
        )
    elif sample.kind == Kind.OVERVIEW:
        notification.therapist, notification.local_day = therapist, day
        beside = Beside(others=[appointment, *others])
    elif sample.kind in {Kind.PASSWORD_LINK, Kind.MANY_BOOKINGS}:
        notification.therapist = therapist
    else:
        notification.appointment = appointment
        if sample.to_therapist:
            notification.therapist = therapist
        else:
            notification.parent = Parent(
                public_id=_NOBODY, appointment=appointment, email=to or FAMILY, language=language
            )
    return emails.compose(notification, practice, now=now, beside=beside)


@dataclass(frozen=True, slots=True)
class _About:
    """What all appointments of a sample have in common."""

    therapist: Therapist
    appointment_type: AppointmentType
    zone: ZoneInfo
    now: datetime

    def at(self, day: date, hour: int, **fields: Any) -> Appointment:
        """Return an appointment on the local `day` at that `hour`."""
        start = from_wall(datetime.combine(day, time(hour)), self.zone)
        return Appointment(
            public_id=_NOBODY,
            appointment_type=self.appointment_type,
            therapist=self.therapist,
            start=start,
            end=start + self.appointment_type.duration,
            place=self.appointment_type.place,
            change_notice=self.appointment_type.change_notice,
            created_at=self.now,
            changed_at=self.now,
            **fields,
        )

    def settle(self, appointment: Appointment, kind: Kind) -> None:
        """Let `appointment` be what a mail of `kind` tells."""
        if kind == Kind.CANCELLED:
            appointment.state, appointment.cancelled_at = State.CANCELLED, self.now
        if kind == Kind.ASK_TO_MOVE:
            appointment.asked_to_move_at = self.now
        if kind in {Kind.CANCELLED, Kind.MOVED}:
            appointment.sequence = 1


def _weekday_from(day: date) -> date:
    """Return `day`, or the Monday after it where it is of a weekend."""
    return day + timedelta(days=7 - day.weekday()) if day.weekday() > 4 else day


def _texts(text: str | Promise) -> Translated:
    texts = Translated()
    for code, _name in settings.LANGUAGES:
        with override(code):
            texts[code] = str(text)
    return texts
