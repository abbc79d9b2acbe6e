"""What a therapist fills in for a family on the phone."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from booking.appointments import Family
from booking.forms.parent import LONGEST_KEY, FamilyForm


class ByHandForm(FamilyForm):
    """The family's data, as it tells them on the phone; a mail address is welcome and not asked for."""

    language = forms.ChoiceField(choices=settings.LANGUAGES)
    wants_mail = forms.BooleanField(
        label=_("Mail the family a confirmation and reminders"), required=False, initial=True
    )
    key = forms.CharField(max_length=LONGEST_KEY, widget=forms.HiddenInput)
    field_order = [
        "parent_name",
        "phone",
        "email",
        "wants_mail",
        "language",
        "child_first_name",
        "age_band",
        "remark",
        "consent",
        "key",
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ask_the_therapist(self)
        self.fields["email"].required = False
        self.fields["email"].help_text = _("Leave this empty where there is none: then no mail goes out.")

    def family(self, language: str = "", *, language_chosen: bool = True) -> Family:
        """Return what was filled in as the domain's own value."""
        return super().family(language or self.cleaned_data["language"], language_chosen=language_chosen)


def ask_the_therapist(form: FamilyForm) -> None:
    """Put what `form` asks to the therapist, who fills it in for the family."""
    for name, label in {
        "parent_name": _("Name of the parent"),
        "email": _("Mail address"),
        "phone": _("Phone number"),
        "language": _("Language of the mails"),
        "child_first_name": _("First name of the child"),
        "age_band": _("How old is the child?"),
        "remark": _("Is there something to know beforehand?"),
        "consent": _(
            "The family agrees that the practice keeps these data for this appointment. "
            "From 16 on the child knows of it and agrees too."
        ),
    }.items():
        if name in form.fields:
            form.fields[name].label = label
    for name, sentence in {
        "parent_name": _("Please fill in the name of the parent."),
        "email": _("Please fill in the mail address."),
        "phone": _("Please fill in the phone number."),
        "child_first_name": _("Please fill in the first name of the child."),
        "age_band": _("Please choose how old the child is."),
        "consent": _("Without the family's consent their data cannot be kept."),
    }.items():
        if name in form.fields:
            form.fields[name].error_messages["required"] = sentence
    for name in ("email", "phone", "remark"):
        form.fields[name].help_text = ""
