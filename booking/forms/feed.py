"""What a therapist chooses about her feed."""

from django import forms
from django.utils.translation import gettext_lazy as _

from booking.models import FeedDetail


class FeedForm(forms.Form):
    """How much of a family the feed tells."""

    detail = forms.ChoiceField(
        label=_("What may your calendar know of a family?"),
        choices=FeedDetail.choices,
        widget=forms.RadioSelect,
        help_text=_("Whoever can look at your calendar can read it, and so can the maker of the calendar."),
    )
