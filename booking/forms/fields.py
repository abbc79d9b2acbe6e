"""Fields that several of the therapist's forms share: a day, a time on the clock, an amount of time, a text in
each language."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from practice.forms import TranslatedWidget

_EARLIEST, _LATEST = date(2000, 1, 1), date(2100, 12, 31)


class DayField(forms.DateField):
    """A day, as the browser's own date field gives it."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def __init__(self, **kwargs: Any) -> None:
        sentence = _("Please choose a day between 2000 and 2100.")
        super().__init__(
            input_formats=["%Y-%m-%d"],
            validators=[MinValueValidator(_EARLIEST, sentence), MaxValueValidator(_LATEST, sentence)],
            error_messages={
                "required": _("Please choose a day."),
                "invalid": _("This day does not exist. Please choose another one."),
            },
            **kwargs,
        )


class WallTimeField(forms.TimeField):
    """A time on the clock of the practice, as the browser's own time field gives it."""

    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            input_formats=["%H:%M", "%H:%M:%S"],
            error_messages={
                "required": _("Please fill in a time."),
                "invalid": _("This time does not exist. An example: 09:30"),
            },
            **kwargs,
        )


class AmountField(forms.IntegerField):
    """A whole number of one unit of time; gives a timedelta."""

    def __init__(self, unit: timedelta, *, least: int = 0, most: int, **kwargs: Any) -> None:
        super().__init__(min_value=least, max_value=most, **kwargs)
        self.unit = unit

    def prepare_value(self, value: Any) -> Any:
        return int(value / self.unit) if isinstance(value, timedelta) else value

    def clean(self, value: Any) -> Any:
        number = super().clean(value)
        return None if number is None else number * self.unit

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class LabelledTexts(TranslatedWidget):
    """Shows above each text which language it is in: a placeholder is gone once there is a text."""

    template_name = "agenda/parts/translated.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        for text, (_code, language) in zip(context["widget"]["subwidgets"], settings.LANGUAGES, strict=True):
            text["language"] = language
            del text["attrs"]["placeholder"]
        return context
