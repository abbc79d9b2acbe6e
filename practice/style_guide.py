"""What stands on the page that shows the design system."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class SampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label=_("Your name"), max_length=100)
    email = forms.EmailField(label=_("Mail address"), help_text=_("The confirmation goes to this address."))
    language = forms.ChoiceField(label=_("Language"), choices=[("nl", _("Dutch")), ("en", _("English"))])
    age = forms.ChoiceField(
        label=_("Age of the child"),
        widget=forms.RadioSelect,
        choices=[("a", _("younger than 12")), ("b", _("12 to 15 years")), ("c", _("16 years or older"))],
    )
    remark = forms.CharField(
        label=_("Remark"), widget=forms.Textarea(attrs={"rows": 3}), required=False, min_length=2
    )
    consent = forms.BooleanField(label=_("I agree that the practice keeps this for the appointment."))


def context() -> dict[str, Any]:
    """Return a form, the same form filled in wrongly, and the template of every drawing."""
    templates = settings.BASE_DIR / "templates"
    return {
        "form": SampleForm(),
        "wrong": SampleForm({"email": "x", "remark": "x"}, prefix="wrong"),
        "drawings": sorted(str(path.relative_to(templates)) for path in templates.glob("parts/drawings/*.html")),
    }
