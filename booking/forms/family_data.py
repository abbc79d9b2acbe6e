"""What is asked before a family's data is shown, and what of it can be put right."""

from dataclasses import asdict, replace
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from booking.appointments import Family
from booking.encryption import Unreadable
from booking.forms.by_hand import ask_the_therapist
from booking.forms.parent import FamilyForm, PlainForm
from practice.fields import PhoneField


class AnswerForm(PlainForm):
    """The phone number that the family gave: a link in a mail may have come to somebody else."""

    phone = PhoneField(
        label=_("The phone number that you gave for this appointment"),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
        error_messages={
            "required": _("Please fill in your phone number."),
            "invalid": _("This phone number is not complete. An example: 06 12345678"),
        },
    )

    def clean_phone(self) -> str:
        """Return the number in E.164."""
        return str(self.cleaned_data["phone"].as_e164)


class _Correction(FamilyForm):
    """What is kept of a family, to be put right. Consent is not: it was given, or it was not.

    It carries what it was opened with, so that of two who correct at once neither undoes what the other did.
    """

    language = forms.ChoiceField(
        label=_("Language of our mails"),
        choices=settings.LANGUAGES,
        error_messages={"invalid_choice": _("Please choose one of the languages.")},
    )
    consent = None  # type: ignore[assignment] # Django's way to leave out a field
    field_order = ["parent_name", "email", "phone", "language", "child_first_name", "age_band", "remark"]

    def __init__(self, data: Any = None, *, now: Family) -> None:
        # The word that stands for what no key reads is nobody's name: its field is empty, and left so it changes
        # nothing.
        unreadable = {name for name, value in asdict(now).items() if isinstance(value, Unreadable)}
        super().__init__(data, initial={**asdict(now), **dict.fromkeys(unreadable, "")})
        self.now, self.unreadable = now, unreadable
        for field in self.fields.values():
            field.show_hidden_initial = True
        self.leave_unreadable()

    def leave_unreadable(self) -> None:
        """Let what no key reads stay as it is where nothing is typed, and say so."""
        for name in self.unreadable & self.fields.keys():
            self.fields[name].required = False
            self.fields[name].help_text = _(
                "What is kept here cannot be read just now. Left empty, it stays as it is."
            )

    def clean_phone(self) -> str:
        """Return the number in E.164, or nothing where the one that is kept cannot be read."""
        return super().clean_phone() if self.cleaned_data["phone"] else ""

    def corrected(self) -> Family:
        """Return the family's data as they should be: as they are now, but for what was changed here."""
        changed = [
            name
            for name in self.fields
            if (name in self.changed_data or self.add_initial_prefix(name) not in self.data)
            and not (name in self.unreadable and not self.cleaned_data[name])
        ]
        corrected = replace(self.now, **{name: self.cleaned_data[name] for name in changed})
        return replace(corrected, language_chosen=self.now.language_chosen or "language" in changed)


class CorrectForm(_Correction):
    """What a parent can put right: all but the mail address, to which the link came."""

    email = None  # type: ignore[assignment]

    def corrected(self) -> Family:
        """Return the family's data as they should be; a parent who leaves the language as it is wants it so."""
        return replace(super().corrected(), language_chosen=True)


class CorrectByHandForm(_Correction):
    """What the therapist can put right for a family that phones; one without a mail address may stay so."""

    def __init__(self, data: Any = None, *, now: Family) -> None:
        super().__init__(data, now=now)
        ask_the_therapist(self)
        self.fields["email"].required = bool(now.email)
        self.leave_unreadable()
