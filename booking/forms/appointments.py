"""What a therapist fills in about an appointment."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from booking.forms.moments import MomentForm
from booking.forms.parent import SeveralLinesField
from booking.models import Appointment


def _tell_family(appointment: Appointment) -> forms.BooleanField | None:
    """Return the question whether to mail the family; None where nobody can be reached by mail."""
    reachable = [parent for parent in appointment.parents.all() if parent.email]
    if not reachable:
        return None
    return forms.BooleanField(
        label=_("Mail the family about it"),
        required=False,
        initial=any(parent.wants_mail for parent in reachable),
    )


class CancelForm(forms.Form):
    """Why the therapist cancels, and whether the family gets a mail about it."""

    reason = SeveralLinesField(
        label=_("Reason"),
        help_text=_("For yourself; the mail to the family does not mention it."),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, appointment: Appointment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if question := _tell_family(appointment):
            self.fields["tell_parents"] = question


class MoveForm(MomentForm):
    """Where an appointment goes to, as it was looked at: someone else may have moved it since."""

    sequence = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, appointment: Appointment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if question := _tell_family(appointment):
            self.fields["tell_parents"] = question
