"""What a therapist fills in about an appointment."""

from django import forms
from django.utils.translation import gettext_lazy as _

from booking.forms.parent import several_lines


class CancelForm(forms.Form):
    """Why the therapist cancels."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("For yourself; the mail to the family does not mention it."),
        required=False,
        max_length=300,
        validators=[several_lines],
        widget=forms.Textarea(attrs={"rows": 2}),
    )
