"""What a manager may ask of the log of who saw what."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from booking.forms.fields import DayField


class _Accounts(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, account: Any) -> str:
        therapist = getattr(account, "therapist", None)
        return str(therapist.name if therapist else account.email)


class LookupForm(forms.Form):
    """By appointment, by colleague, up to and with a day; each may stay empty."""

    about = forms.UUIDField(
        label=_("Reference of the appointment"),
        required=False,
        error_messages={"invalid": _("This is no reference. It stands in the address of the appointment's page.")},
    )
    who = _Accounts(
        label=_("Colleague"),
        queryset=User.objects.select_related("therapist").order_by("pk"),
        required=False,
        empty_label=_("Everyone"),
        error_messages={"invalid_choice": _("This colleague is not known here.")},
    )
    until = DayField(label=_("Up to and with"), required=False)
    page = forms.IntegerField(required=False, min_value=1, max_value=100_000, widget=forms.HiddenInput)

    def chosen(self) -> dict[str, str]:
        """Return what was asked for, as it stands in the address, but for the page."""
        return {name: self.data[name] for name in ("about", "who", "until") if self.data.get(name)}
