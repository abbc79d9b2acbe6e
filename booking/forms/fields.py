"""Fields that several of the therapist's forms share: a day, a time on the clock, an amount of time, a text in
each language."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from booking.typed import Ambiguous, Unreadable, read_day, read_time
from practice.forms import TranslatedWidget

_EARLIEST, _LATEST = date(2000, 1, 1), date(2100, 12, 31)


class TypedDayField(forms.DateField):
    """A day, as the browser's own date field gives it or as people type one."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def to_python(self, value: Any) -> date | None:
        if not isinstance(value, str) or not value.strip():
            return super().to_python(value if isinstance(value, date) else None)
        # In English the month comes first for some, and the day for others.
        month_may_come_first = get_language() != "nl"
        try:
            return read_day(value, today=timezone.localdate(), month_may_come_first=month_may_come_first)
        except Ambiguous as error:
            one, other = (
                date_format(day, gettext("j F Y")) for day in (error.one, error.other) if isinstance(day, date)
            )
            raise _asked(one, other) from error
        except Unreadable as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class DayField(TypedDayField):
    """A day for the diary, in this century."""

    def __init__(self, **kwargs: Any) -> None:
        sentence = _("Please choose a day between 2000 and 2100.")
        super().__init__(
            validators=[MinValueValidator(_EARLIEST, sentence), MaxValueValidator(_LATEST, sentence)],
            error_messages={
                "required": _("Please choose a day."),
                "invalid": _("This day does not exist. Please choose another one."),
            },
            **kwargs,
        )


class WallTimeField(forms.TimeField):
    """A time on the clock of the practice, as the browser's own time field gives it or as people type one.

    With `is_end` it is where something ends: then midnight is the end of that day (`end_of`), "24:00" too.
    """

    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")

    def __init__(self, *, is_end: bool = False, **kwargs: Any) -> None:
        self.is_end = is_end
        super().__init__(
            error_messages={
                "required": _("Please fill in a time."),
                "invalid": _("This time does not exist. An example: 09:30"),
            },
            **kwargs,
        )

    def to_python(self, value: Any) -> time | None:
        if not isinstance(value, str) or not value.strip():
            return super().to_python(value if isinstance(value, time) else None)
        try:
            return read_time(value, is_end=self.is_end)
        except Ambiguous as error:
            raise _asked(f"{error.one:%H:%M}", f"{error.other:%H:%M}") from error
        except Unreadable as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


def _asked(one: str, other: str) -> ValidationError:
    sentence = _("Is this %(one)s or %(other)s? Please write it so that it can be only one of them.")
    return ValidationError(sentence, code="ambiguous", params={"one": one, "other": other})


def end_of(day: date, at: time) -> datetime:
    """Return the naive moment at which something ends that lasts until `at` on `day`: midnight is the end of that
    day, in every form."""
    return datetime.combine(day + timedelta(days=at == time()), at)


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
