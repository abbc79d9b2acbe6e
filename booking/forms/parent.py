"""What a parent fills in. Each form takes raw input and gives domain values, or a sentence per field."""

import string
import unicodedata
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext_lazy as _
from phonenumber_field.phonenumber import PhoneNumber
from phonenumbers import PhoneNumberType, number_type

from booking import free_time, slips
from booking.appointments import Family
from booking.forms.fields import TypedDayField
from booking.models import AgeBand, AppointmentType, Place, Therapist
from practice.fields import LengthFirst, MailAddressField, PhoneField

# Raised with each change of what a parent agrees to.
CONSENT_VERSION = "2026-11"
LONGEST_KEY = 64
# "2026-12-01T10:00:00.000000+01:00" is half of it.
_LONGEST_START = 64
# The fields that are looked at one by one, when they are left.
LOOKED_AT = ("parent_name", "email", "phone", "child_first_name", "remark")
# Invisible characters that turn the reading direction: a name written with them is not what it seems.
_TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Shown as nothing, and left in what is copied: the soft hyphen, spaces without width, the byte order mark.
_WITHOUT_WIDTH = dict.fromkeys(map(ord, "\u00ad\u180e\u200b\u2060\ufeff"))
# Unicode calls these letters, and nobody sees them: the fillers of Hangul.
_BLANK_LETTERS = set("\u115f\u1160\u3164\uffa0")
# Not 088 and its like (UAN): for many the number at work, at the usual rate.
_SERVICE_NUMBERS = {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.TOLL_FREE}


def _refuse_unprintable(text: str, *, allowed: str = "") -> None:
    """Raise ValidationError where `text` holds control characters (header injection needs them) or half ones."""
    for character in text:
        unprintable = unicodedata.category(character) in {"Cc", "Cs"} or character in _TURNING
        if unprintable and character not in allowed:
            raise ValidationError(_("This contains a character that cannot be used here."), code="unprintable")


def single_line(text: str) -> None:
    """Validate that `text` is one line of readable characters."""
    _refuse_unprintable(text)


def several_lines(text: str) -> None:
    """Validate that `text` is readable; it may have line breaks."""
    _refuse_unprintable(text, allowed="\r\n\t")


def has_letter(text: str) -> None:
    """Validate that a name has at least one letter: some characters show as nothing at all."""
    if not any(character.isalpha() and character not in _BLANK_LETTERS for character in text):
        raise ValidationError(_("Please fill in a name."), code="no_letter")


def of_a_person(number: PhoneNumber) -> None:
    """Validate that calling `number` reaches somebody, and at the usual rate."""
    if number_type(number) in _SERVICE_NUMBERS:
        raise ValidationError(_("This is a service number. At which number can we reach you?"), code="service")


class NameField(LengthFirst):
    """A name as people write it; gives it composed (NFC), so that one name is one text however it was typed."""

    default_validators = [single_line, has_letter]

    def to_python(self, value: Any) -> str:
        text = unicodedata.normalize("NFC", (super().to_python(value) or "").translate(_WITHOUT_WIDTH))
        # Joiners without width shape letters in some scripts, and mean nothing at the ends.
        return text.strip("\u200c\u200d" + string.whitespace)


class SeveralLinesField(LengthFirst):
    """A text of several lines. A line break counts as one character, as in the browser, which sends two of them
    (HTML, constructing the entry list); and what is too long is said, where a browser would cut it off."""

    default_validators = [several_lines]
    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {name: value for name, value in super().widget_attrs(widget).items() if name != "maxlength"}


class StartField(forms.CharField):
    """A moment in ISO 8601 with its offset; gives an aware datetime in UTC."""

    default_error_messages = {
        "required": _("Please choose a time."),
        "invalid": _("This is not a time that can be booked. Please choose one of the times that are shown."),
    }

    def clean(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > _LONGEST_START:
            return self._refuse()
        text = super().clean(value)
        if not text:
            return None
        try:
            start = datetime.fromisoformat(text)
            # Years at the end of the calendar cannot be moved to another zone.
            return start.astimezone(UTC) if start.tzinfo else self._refuse()
        except (ValueError, OverflowError):
            return self._refuse()

    def _refuse(self) -> None:
        raise ValidationError(self.error_messages["invalid"], code="invalid")


_TYPE_WITHDRAWN = _("You cannot make this kind of appointment yourself just now. Please call us.")
THERAPIST_WITHDRAWN = _(
    "You cannot book with this therapist here any more. Please choose a time with a colleague, or call us."
)


class PlainForm(forms.Form):
    """A form that says one thing of a field at a time, however many rules its text breaks."""

    def add_error(self, field: str | None, error: Any) -> None:
        super().add_error(field, error.error_list[0] if field and isinstance(error, ValidationError) else error)


class ChooseForm(forms.Form):
    """Which days of whom the parent looks at; everything is optional."""

    type = forms.ModelChoiceField(
        AppointmentType.objects.filter(visible=True),
        to_field_name="slug",
        required=False,
        error_messages={"invalid_choice": _TYPE_WITHDRAWN},
    )
    therapist = forms.ModelChoiceField(
        Therapist.objects.filter(active=True),
        to_field_name="slug",
        required=False,
        error_messages={"invalid_choice": THERAPIST_WITHDRAWN},
    )


class DayForm(forms.Form):
    """From which day on times are shown."""

    day = TypedDayField(
        label=_("Go to a date"),
        required=False,
        error_messages={"invalid": _("This date does not exist. Please choose another one.")},
    )

    @property
    def by_month(self) -> bool:
        """Whether the days are shown on the sheet of a month; whatever else is asked for is the week."""
        return self.data.get("view") == "month"


class SlotForm(forms.Form):
    """One time of one type, with a therapist where the parent chose one.

    A type or a therapist that was on offer and is no more is an error of the whole form, and stays in
    `cleaned_data`: the page still says what it was about, and keeps what was typed.
    """

    type = forms.ModelChoiceField(
        AppointmentType.objects.all(),
        to_field_name="slug",
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": _TYPE_WITHDRAWN},
    )
    start = StartField(widget=forms.HiddenInput)
    therapist = forms.ModelChoiceField(
        Therapist.objects.all(),
        to_field_name="slug",
        required=False,
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": THERAPIST_WITHDRAWN},
    )

    def clean(self) -> dict[str, Any] | None:
        appointment_type, therapist = self.cleaned_data.get("type"), self.cleaned_data.get("therapist")
        if appointment_type and not appointment_type.visible:
            self.add_error(None, ValidationError(_TYPE_WITHDRAWN, code="type_withdrawn"))
        elif appointment_type and therapist and not free_time.offering(appointment_type, therapist).exists():
            self.add_error(None, ValidationError(THERAPIST_WITHDRAWN, code="therapist_withdrawn"))
        return self.cleaned_data

    @property
    def withdrawn(self) -> str:
        """Which of "type" and "therapist" can no longer be booked, or nothing."""
        found = (name for name in ("type", "therapist") if self.has_error(NON_FIELD_ERRORS, f"{name}_withdrawn"))
        return next(found, "")


def start_of(text: str) -> datetime | None:
    """Return the moment (UTC) that `text` names as a slot's start does, or None where it names none."""
    try:
        start: datetime | None = SlotForm.base_fields["start"].clean(text)
    except ValidationError:
        return None
    return start


def therapist_of(slug: str) -> Therapist | None:
    """Return the therapist whom `slug` names, or None where it names nobody."""
    try:
        therapist: Therapist | None = SlotForm.base_fields["therapist"].clean(slug)
    except ValidationError:
        return None
    return therapist


class CheckedField(forms.BoundField):
    """A field that is looked at when it is left, by the same rules as the whole form."""

    @property
    def checked(self) -> bool:
        """Whether it makes sense by itself, so that it can be looked at alone."""
        return self.name in LOOKED_AT

    @property
    def instead(self) -> str:
        """What was typed here may have been meant to be this; "" where nothing looks like a slip."""
        typed = str(self.data or "")
        if self.name == "email" and self.form.is_bound and not self.errors:
            return slips.meant_mail(self.form.cleaned_data.get("email", ""))
        if self.name == "phone" and typed and self.errors:
            return slips.meant_phone(typed, settings.PHONENUMBER_DEFAULT_REGION)
        return ""

    @property
    def aria_describedby(self) -> str | None:
        """The ids of all that is said about this field, the question too."""
        question = f"{self.auto_id}_question" if self.instead else ""
        return " ".join(filter(None, (super().aria_describedby, question))) or None


class FamilyForm(PlainForm):
    """The family's own data, under the same rules on pages and in the API."""

    parent_name = NameField(
        label=_("Your name"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Please fill in your name.")},
    )
    email = MailAddressField(
        label=_("Your mail address"),
        help_text=_("The confirmation goes here."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": _("Please fill in your mail address."),
        },
    )
    phone = PhoneField(
        label=_("Your phone number"),
        help_text=_("Only for when something comes up shortly before."),
        validators=[of_a_person],
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
        error_messages={
            "required": _("Please fill in your phone number."),
            "invalid": _("This phone number is not complete. An example: 06 12345678"),
        },
    )
    child_first_name = NameField(
        label=_("First name of your child"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Please fill in the first name of your child.")},
    )
    age_band = forms.ChoiceField(
        label=_("How old is your child?"),
        choices=AgeBand.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Please choose how old your child is."),
            "invalid_choice": _("Please choose one of the ages that are shown."),
        },
    )
    remark = SeveralLinesField(
        label=_("Is there something we should know beforehand?"),
        help_text=_("No details needed: you can tell those when we meet."),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    consent = forms.BooleanField(
        label=_("I agree that the practice keeps these data for this appointment."),
        error_messages={"required": _("Without your consent we cannot keep your data, and so not book.")},
    )

    def ask_for_place(self, place: str) -> None:
        """Say what the phone number is for, at an appointment at `place`."""
        if place == Place.PHONE:
            # Of the field as it is shown, which may have been made already.
            self["phone"].help_text = _("We call you at this number at the time of the appointment.")

    def clean_phone(self) -> str:
        """Return the number in E.164, as "+31612345678"."""
        return str(self.cleaned_data["phone"].as_e164)

    def family(self, language: str, *, language_chosen: bool = False) -> Family:
        """Return what was filled in as the domain's own value, for a family that reads `language`."""
        data = self.cleaned_data
        return Family(
            parent_name=data["parent_name"],
            email=data["email"],
            phone=data["phone"],
            language=language,
            child_first_name=data["child_first_name"],
            age_band=data["age_band"],
            remark=data["remark"],
            consent_version=CONSENT_VERSION,
            language_chosen=language_chosen,
        )


class BookingForm(FamilyForm):
    """The form on the page, which asks one thing more where a child decides for itself."""

    bound_field_class = CheckedField

    # From 16 on the child itself consents to treatment (BW 7:447).
    child_agrees = forms.BooleanField(
        label=_(
            "Is your child 16 or older? Then it knows about this appointment and agrees, or it is you yourself."
        ),
        required=False,
        # What was wrong about it may be put right by another age.
        widget=forms.CheckboxInput(attrs={"data-after": "age_band"}),
    )
    key = LengthFirst(max_length=LONGEST_KEY, widget=forms.HiddenInput)
    field_order = [
        "parent_name",
        "email",
        "phone",
        "child_first_name",
        "age_band",
        "child_agrees",
        "remark",
        "consent",
        "key",
    ]

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        if self.cleaned_data.get("age_band") == AgeBand.FROM_16 and not self.cleaned_data.get("child_agrees"):
            self.add_error(
                "child_agrees",
                _("From 16 on your child decides too. Please talk about it first, then tick this box."),
            )
        return data


class AddressForm(PlainForm):
    """Another mail address than the one `now` given, where that was mistyped."""

    email = FamilyForm.base_fields["email"]

    def __init__(self, data: Any = None, *, now: str) -> None:
        super().__init__(data)
        self.fields["email"].label, self.fields["email"].help_text = _("The right email address"), ""
        self.now = now

    def clean_email(self) -> str:
        """Refuse what was given before: the mail went there."""
        email: str = self.cleaned_data["email"]
        if email.casefold() == self.now.casefold():
            raise ValidationError(
                _("This is the address that you gave. Have you looked among the unwanted email there?")
            )
        return email


class ReasonForm(PlainForm):
    """Why a parent cancels, if they want to say."""

    reason = SeveralLinesField(
        label=_("Would you like to say why?"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
