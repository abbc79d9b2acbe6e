"""What stands on the page that shows the design system."""

from typing import Any

from django import forms
from django.conf import settings


class SampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label="Your name", max_length=100)
    email = forms.EmailField(label="Mail address", help_text="The confirmation goes to this address.")
    language = forms.ChoiceField(label="Language", choices=[("nl", "Dutch"), ("en", "English")])
    age = forms.ChoiceField(
        label="Age of the child",
        widget=forms.RadioSelect,
        choices=[("a", "younger than 12"), ("b", "12 to 15 years"), ("c", "16 years or older")],
    )
    remark = forms.CharField(
        label="Remark", widget=forms.Textarea(attrs={"rows": 3}), required=False, min_length=2
    )
    consent = forms.BooleanField(label="I agree that the practice keeps this for the appointment.")


def context() -> dict[str, Any]:
    """Return a form, the same form filled in wrongly, and the template of every drawing."""
    templates = settings.BASE_DIR / "templates"
    return {
        "form": SampleForm(),
        "wrong": SampleForm({"email": "x", "remark": "x"}, prefix="wrong"),
        "drawings": sorted(str(path.relative_to(templates)) for path in templates.glob("parts/drawings/*.html")),
    }
