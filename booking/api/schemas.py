"""What goes in and comes out, as it stands in the OpenAPI description.

Only the shape is checked here. The rules for what a family fills in are those of the form on the pages
(`forms/parent.py`), so that the two never differ; lengths are read from there.
"""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from booking.forms.parent import FamilyForm, ReasonForm
from booking.models import AgeBand, Place, State

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SLUG = r"^[-a-zA-Z0-9_]+$"
_START = "2026-12-01T10:00:00+01:00"
_END = "2026-12-01T11:00:00+01:00"
_SLOT: dict[str, JsonValue] = {"start": _START, "end": _END, "therapist": "demo-therapeut"}


def _most(form: type[FamilyForm | ReasonForm], name: str) -> dict[str, Any]:
    field = form.base_fields[name]
    assert isinstance(field, forms.CharField), "only texts have a length"
    assert field.max_length is not None
    # The form says the exact length, in a sentence; what is far too long gets no further than here.
    return {"max_length": 4 * field.max_length + 100, "json_schema_extra": {"maxLength": field.max_length}}


def _local_date(value: Any) -> Any:
    """Read YYYY-MM-DD alone: Pydantic would also take a number of seconds for a date."""
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("sentence", "{sentence}", {"sentence": _("This date does not exist.")})


Slug = Annotated[str, Field(pattern=_SLUG, max_length=50)]
LocalDate = Annotated[
    date,
    BeforeValidator(_local_date),
    WithJsonSchema({"type": "string", "format": "date", "example": "2026-12-01"}),
]
Moment = Annotated[
    str,
    Field(max_length=100),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": [_START]}),
]


def _text(
    description: str,
    *,
    default: Any = ...,
    max_length: int | None = None,
    json_schema_extra: Any = None,
    **rules: Any,
) -> Any:
    return Field(
        default,
        description=description,
        max_length=max_length,
        json_schema_extra={**rules, **(json_schema_extra or {})},
    )


class Out(BaseModel):
    """An answer."""


class In(BaseModel):
    """A request. A field that is not known is refused: a misspelt `therapist` would book with anyone."""

    model_config = ConfigDict(extra="forbid")


class AppointmentTypeOut(Out):
    """What can be booked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "slug": "eerste-afspraak",
                    "name": "First consultation",
                    "description": "To get to know each other, without obligation.",
                    "duration_minutes": 60,
                    "places": ["practice"],
                }
            ]
        }
    )

    slug: str = Field(description="Its name in addresses and requests.")
    name: str = Field(description="Its name in the language of `Accept-Language`.")
    description: str = Field(description="A sentence about it, in the same language; may be empty.")
    duration_minutes: int = Field(description="How long it lasts.")
    places: list[Place] = Field(description="Where it can take place.")


class SlotOut(Out):
    """A time that can be booked at this moment."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SLOT]})

    start: datetime = Field(description="Its beginning, in the practice's zone.")
    end: datetime = Field(description="Its end, in the practice's zone.")
    therapist: str = Field(description="The slug of the therapist who is free.")


class SlotsOut(Out):
    """Free times, sorted by start; a time at which several therapists are free is there once for each."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"time_zone": "Europe/Amsterdam", "slots": [_SLOT]}]}
    )

    time_zone: str = Field(description="The practice's zone, by its name in the IANA database.")
    slots: list[SlotOut]


class SlotsQuery(BaseModel):
    """Which free times are asked for."""

    appointment_type: Slug = _text("The slug of an appointment type.", example="eerste-afspraak")
    first: LocalDate = Field(alias="from", description="The first day, a date in the practice's zone.")
    last: LocalDate = Field(
        alias="until",
        description="The last day, itself included; at most 62 days in all, so 61 days after `from`.",
    )
    therapist: Slug | None = Field(
        None, description="The slug of one therapist; without it, everyone who offers the type."
    )


class ParentIn(In):
    """The parent who books."""

    name: str = _text("First name and surname.", minLength=1, **_most(FamilyForm, "parent_name"))
    email: str = _text("Confirmation and reminders go here.", format="email", **_most(FamilyForm, "email"))
    phone: str = _text("With its country code, or as dialled in the Netherlands.", max_length=100, minLength=1)
    language: str = _text(
        "The language of the mails.", max_length=100, enum=[code for code, _name in settings.LANGUAGES]
    )


class ChildIn(In):
    """The child that the appointment is about."""

    first_name: str = _text("The first name only.", minLength=1, **_most(FamilyForm, "child_first_name"))
    age_band: str = _text(
        "From 12 on a child decides about treatment too, from 16 on alone: with `16_plus`, ask first whether the"
        " child knows about the appointment and agrees.",
        max_length=100,
        enum=list(AgeBand.values),
    )


class BookingIn(In):
    """What an appointment needs, and no more: please ask for no details about the child's problems."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "appointment_type": "eerste-afspraak",
                    "start": _START,
                    "therapist": "demo-therapeut",
                    "parent": {
                        "name": "Noor de Vries",
                        "email": "noor@example.org",
                        "phone": "+31612345678",
                        "language": "nl",
                    },
                    "child": {"first_name": "Sam", "age_band": "under_12"},
                    "remark": "",
                    "consent": True,
                }
            ]
        }
    )

    appointment_type: Slug = Field(description="The slug of an appointment type.")
    start: Moment = Field(description="One of the starts from `slots`. Any offset will do, but there must be one.")
    therapist: Slug | None = Field(None, description="The slug of a therapist; without it, whoever is free.")
    parent: ParentIn
    child: ChildIn
    remark: str = _text("Something to know beforehand.", default="", **_most(FamilyForm, "remark"))
    consent: Annotated[bool, Strict(), WithJsonSchema({"type": "boolean", "const": True})] = Field(
        description="That the parent agrees that the practice keeps these data for this appointment."
    )


class CancelIn(In):
    """Why, if the parent wants to say."""

    reason: str = _text("For the therapist.", default="", **_most(ReasonForm, "reason"))


class RescheduleIn(In):
    """The new time."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"start": _START}]})

    start: Moment = Field(description="One of the starts from `slots`, with its offset.")
    therapist: Slug | None = Field(None, description="The slug of another therapist; without it, the same one.")


class BookedOut(Out):
    """A new appointment. The token stands for the parent: keep it as you would keep a password."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reference": "3f0c5b0e-6a51-4a52-9c6b-0c1f6f2a3d1e",
                    "state": "confirmed",
                    **_SLOT,
                    "appointment_type": "eerste-afspraak",
                    "manage_url": "https://praktijk.example/afspraak/beheer/PwxbDmpRSlKcawwfbyo9Hg.0.4cO…/",
                    "token": "PwxbDmpRSlKcawwfbyo9Hg.0.4cO…",
                }
            ]
        }
    )

    reference: str = Field(description="The appointment's own name; it opens nothing.")
    state: State
    start: datetime = Field(description="In the practice's zone.")
    end: datetime = Field(description="In the practice's zone.")
    therapist: str = Field(description="The therapist's slug.")
    appointment_type: str = Field(description="The type's slug.")
    manage_url: str = Field(description="The page on which the parent can see, move and cancel it.")
    token: str = Field(description="For the calls under `appointments/{token}`.")


class AppointmentOut(Out):
    """An appointment as it is now; nothing about the family."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reference": "3f0c5b0e-6a51-4a52-9c6b-0c1f6f2a3d1e",
                    "state": "confirmed",
                    **_SLOT,
                    "appointment_type": "eerste-afspraak",
                    "place": "practice",
                    "can_change_until": "2026-11-30T10:00:00+01:00",
                    "sequence": 0,
                }
            ]
        }
    )

    reference: str = Field(description="The appointment's own name; it opens nothing.")
    state: State
    start: datetime = Field(description="In the practice's zone.")
    end: datetime = Field(description="In the practice's zone.")
    therapist: str = Field(description="The therapist's slug.")
    appointment_type: str = Field(description="The type's slug.")
    place: Place = Field(description="Where it takes place.")
    can_change_until: datetime = Field(description="The last moment at which a token can move or cancel it.")
    sequence: int = Field(description="Rises with each move and with the cancellation.")
    asked_to_move_at: datetime | None = Field(
        None,
        description="Only where the practice asked the family to choose another time, and it has not done so:"
        " since when. The time it has may not stand, and no change notice keeps it from moving.",
    )


class UnconfirmedOut(Out):
    """An appointment that the parent has to confirm by the link in a mail before it is made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reference": "3f0c5b0e-6a51-4a52-9c6b-0c1f6f2a3d1e",
                    "state": "unconfirmed",
                    "expires_at": "2026-11-20T13:05:00+01:00",
                }
            ]
        }
    )

    reference: str = Field(description="The name that the appointment will have; it opens nothing.")
    state: Literal["unconfirmed"]
    expires_at: datetime = Field(
        description="Until when the parent can confirm, in the practice's zone; later where the mail is on its way"
        " for more than five minutes."
    )


class FieldErrorOut(Out):
    """What is wrong with one field."""

    field: str = Field(description="Its name, with dots: `parent.email`.")
    message: str = Field(description="A sentence that can be shown to the parent.")


class ProblemOut(Out):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="The address of a page about this type of problem; stable, so compare this.")
    title: str = Field(description="The type of problem in a few words, in the language of Accept-Language.")
    status: int = Field(description="The status of the answer.")
    detail: str = Field(description="A sentence about this very case, in the same language.")
    errors: list[FieldErrorOut] = Field([], description="With `invalid`: the fields that are not right.")
    alternatives: list[SlotOut] = Field([], description="With `slot-taken`: the nearest free times.")
