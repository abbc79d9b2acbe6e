"""What a therapist fills in about her calendars elsewhere."""

from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

from booking.forms.parent import single_line

_SCHEMES = ["https", "http", "webcal"]


class FreeForm(forms.Form):
    """Whether what a calendar marks as free is closed too."""

    free_is_busy = forms.BooleanField(required=False)


class CalendarForm(forms.Form):
    """The secret address of a calendar, and what she calls it."""

    name = forms.CharField(
        label=_("What do you call this calendar?"),
        max_length=60,
        validators=[single_line],
        error_messages={"required": _("Please give it a name.")},
    )
    url = forms.CharField(
        label=_("Secret address of the calendar"),
        help_text=_("It begins with https:// or webcal:// and often ends in .ics."),
        max_length=2000,
        widget=forms.URLInput(attrs={"autocomplete": "off", "inputmode": "url"}),
        error_messages={"required": _("Please paste the address of the calendar.")},
    )
    free_is_busy = forms.BooleanField(
        label=_("Close what is marked as free too"),
        help_text=_("Google and Outlook mark whole days as free, unless you choose otherwise."),
        required=False,
    )

    def clean_url(self) -> str:
        """Refuse what is no address; whether a calendar is there shows when it is read."""
        url: str = self.cleaned_data["url"].strip()
        try:
            if urlsplit(url).scheme not in _SCHEMES or not urlsplit(url).hostname:
                raise ValueError

            URLValidator(schemes=_SCHEMES)(url)
        except (ValueError, ValidationError) as error:
            raise ValidationError(
                _("This is not the address of a calendar. It begins with https:// or webcal://"), code="invalid"
            ) from error
        return url
