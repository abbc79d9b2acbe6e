"""What a manager fills in about a colleague."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from booking.forms.parent import single_line
from practice.fields import LengthFirst, MailAddressField


class ColleagueForm(forms.Form):
    """Somebody new at the practice."""

    name = LengthFirst(
        label=_("Name"),
        help_text=_("As parents read it."),
        max_length=100,
        validators=[single_line],
        error_messages={"required": _("Please fill in the name.")},
    )
    email = MailAddressField(
        label=_("Mail address"),
        help_text=_("To sign in with. A link to choose a password goes here."),
        max_length=150,
        error_messages={
            "required": _("Please fill in the mail address."),
        },
    )
    language = forms.ChoiceField(label=_("Language of the mails"), choices=settings.LANGUAGES)
    bookable = forms.BooleanField(label=_("Parents can book with this colleague"), required=False, initial=True)
    manager = forms.BooleanField(
        label=_("Manages the practice: sees every appointment, and can change everything"), required=False
    )
