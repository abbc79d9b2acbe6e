"""What a therapist fills in. Each form takes raw input and gives domain values, or a sentence per field."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from booking.forms.parent import several_lines, single_line
from booking.hours import WorkingHours
from booking.intervals import Interval, exists, from_wall, local_days
from booking.models import AppointmentType, Place
from booking.notifications import lead
from practice.forms import TranslatedFormField, TranslatedWidget
from practice.translations import Translated

_LONGEST_NAME = 100
_EARLIEST, _LATEST = date(2000, 1, 1), date(2100, 12, 31)
_COMMON_LEADS = ["7d", "3d", "2d", "1d", "12h", "6h", "3h", "2h", "1h"]
_NEVER = _("In that night the clock skips this time. Please choose another one.")


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


class WorkingHoursForm(forms.Form):
    """One window of the week."""

    weekday = forms.TypedChoiceField(
        label=_("Day of the week"), coerce=int, choices=[(day, capfirst(name)) for day, name in WEEKDAYS.items()]
    )
    start = WallTimeField(label=_("From"))
    end = WallTimeField(label=_("Until"))
    every_weeks = forms.TypedChoiceField(
        label=_("How often"),
        coerce=int,
        widget=forms.RadioSelect,
        choices=[(1, _("every week")), (2, _("every other week"))],
        initial=1,
    )
    first_day = DayField(
        label=_("From which day on"),
        help_text=_("Every other week is counted from the first such day of the week on or after this one."),
    )
    last_day = DayField(label=_("Until which day"), help_text=_("Leave this empty if it goes on."), required=False)

    def clean(self) -> dict[str, Any]:
        """Check that the window ends after it begins, at midnight at the latest, and the series too."""
        data = super().clean() or self.cleaned_data
        if "start" in data and "end" in data and time() != data["end"] <= data["start"]:
            self.add_error("end", _("The end must come after the beginning."))
        if data.get("first_day") and data.get("last_day") and data["last_day"] < data["first_day"]:
            self.add_error("last_day", _("The last day must not lie before the first one."))
        return data

    def hours(self, pk: int | None = None) -> WorkingHours:
        """Return what was filled in, as a change of the hours `pk` or as new ones."""
        return WorkingHours(id=pk, **self.cleaned_data)


class _SpanForm(forms.Form):
    """A form that gives an interval, read on the clocks of `zone`."""

    def __init__(self, *args: Any, zone: ZoneInfo, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone, self.now = zone, now

    def span(self, start: datetime | None, end: datetime | None, last_field: str) -> Interval | None:
        """Return the interval from `start` to `end` (UTC); None, with a sentence, where it cannot be."""
        if not (start and end):
            return None
        if end <= start:
            self.add_error("end", _("The end must come after the beginning."))
        elif end <= self.now:
            self.add_error(last_field, _("This lies in the past. Is the year right?"))
        return Interval(start, end)

    def moment(self, field: str, day: date, at: time) -> datetime | None:
        """Return the moment (UTC) of `at` on `day`; None, with a sentence at `field`, where it never comes."""
        wall = datetime.combine(day, at)
        if exists(wall, self.zone):
            return from_wall(wall, self.zone)
        self.add_error(field, _NEVER)
        return None


class TimeOffForm(_SpanForm):
    """A span without appointments: whole days unless times are given."""

    first_day = DayField(label=_("First day"))
    start = WallTimeField(
        label=_("From"), help_text=_("Leave this empty to take off the whole day."), required=False
    )
    last_day = DayField(label=_("Last day"), help_text=_("Leave this empty for a single day."), required=False)
    end = WallTimeField(
        label=_("Until"), help_text=_("Leave this empty to take off the whole day."), required=False
    )
    reason = forms.CharField(
        label=_("What for"),
        help_text=_("For yourself; parents do not see it."),
        max_length=100,
        required=False,
        validators=[single_line],
    )

    def clean(self) -> dict[str, Any]:
        """Add the `interval` (UTC), or the sentence that says why there is none."""
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        first, last = data["first_day"], data["last_day"] or data["first_day"]
        if last < first:
            self.add_error("last_day", _("The last day must not lie before the first one."))
            return data
        days = local_days(first, last, self.zone)
        start = self.moment("start", first, data["start"]) if data["start"] else days.start
        end = self.moment("end", last, data["end"]) if data["end"] else days.end
        data["interval"] = self.span(start, end, "first_day")
        return data


class ExtraOpeningForm(_SpanForm):
    """A span with appointments outside the weekly hours."""

    day = DayField(label=_("Day"))
    start = WallTimeField(label=_("From"))
    end = WallTimeField(label=_("Until"))

    def clean(self) -> dict[str, Any]:
        """Add the `interval` (UTC), or the sentence that says why there is none."""
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        start = self.moment("start", data["day"], data["start"])
        end = self.moment("end", data["day"], data["end"])
        data["interval"] = self.span(start, end, "day")
        return data


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


class _LabelledTexts(TranslatedWidget):
    """Shows above each text which language it is in: a placeholder is gone once there is a text."""

    template_name = "agenda/parts/translated.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        for text, (_code, language) in zip(context["widget"]["subwidgets"], settings.LANGUAGES, strict=True):
            text["language"] = language
        return context


class AppointmentTypeForm(forms.ModelForm):  # type: ignore[type-arg]
    """A type of appointment, in minutes, hours and days; on the agenda and in the admin."""

    name = TranslatedFormField(label=_("Name"), required=True, rows=1)
    description = TranslatedFormField(label=_("Description"), required=False, rows=3)
    duration = AmountField(timedelta(minutes=1), least=5, most=480, label=_("Length, in minutes"))
    step = AmountField(
        timedelta(minutes=1),
        least=5,
        most=480,
        label=_("Distance between the times that can be chosen, in minutes"),
        help_text=_("With 30, parents see 9:00, 9:30, 10:00 and so on."),
    )
    buffer_before = AmountField(timedelta(minutes=1), most=240, label=_("Kept free before, in minutes"))
    buffer_after = AmountField(timedelta(minutes=1), most=240, label=_("Kept free after, in minutes"))
    minimum_notice = AmountField(
        timedelta(hours=1), most=24 * 60, label=_("Can be booked until so many hours before")
    )
    change_notice = AmountField(
        timedelta(hours=1), most=24 * 60, label=_("Parents can move or cancel until so many hours before")
    )
    horizon_days = forms.IntegerField(label=_("Can be booked so many days ahead"), min_value=1, max_value=366)
    most_per_day = forms.IntegerField(
        label=_("At most so many a day"),
        help_text=_("Leave this empty for no limit."),
        required=False,
        min_value=1,
        max_value=100,
    )
    most_per_week = forms.IntegerField(
        label=_("At most so many a week"),
        help_text=_("Leave this empty for no limit."),
        required=False,
        min_value=1,
        max_value=500,
    )
    place = forms.ChoiceField(label=_("Where"), choices=Place.choices, widget=forms.RadioSelect)
    reminders = forms.MultipleChoiceField(
        label=_("Reminders to parents"),
        help_text=_("Only for appointments booked or moved from now on."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    visible = forms.BooleanField(label=_("Parents can book this"), required=False)

    class Meta:
        model = AppointmentType
        fields = [
            "name",
            "description",
            "duration",
            "step",
            "buffer_before",
            "buffer_after",
            "minimum_notice",
            "change_notice",
            "horizon_days",
            "most_per_day",
            "most_per_week",
            "place",
            "reminders",
            "visible",
            "therapists",
        ]
        widgets = {"therapists": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # A new one opens with what a type is unless said otherwise.
        kwargs["instance"] = kwargs.get("instance") or AppointmentType()
        super().__init__(*args, **kwargs)
        self.fields["name"].widget = _LabelledTexts(rows=1)
        self.fields["description"].widget = _LabelledTexts(rows=3)
        leads = {*_COMMON_LEADS, *(self.instance.reminders or [])}
        field = self.fields["reminders"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(text, lead_in_words(text)) for text in _longest_first(leads)]

    def clean_name(self) -> Translated:
        """Return the name in one line per language, since it stands in the subject of mails."""
        name = Translated({code: " ".join(text.split()) for code, text in self.cleaned_data["name"].items()})
        for text in name.values():
            single_line(text)
            if len(text) > _LONGEST_NAME:
                raise ValidationError(_("A name has at most 100 characters."), code="max_length")
        return name


def lead_in_words(text: str) -> str:
    """Return the lead `text`, as "2d" or "3h", in words."""
    number, unit = lead(text)
    if unit == "d":
        return ngettext("%(number)d day before", "%(number)d days before", number) % {"number": number}
    return ngettext("%(number)d hour before", "%(number)d hours before", number) % {"number": number}


def _longest_first(leads: Iterable[str]) -> list[str]:
    return sorted(leads, key=lambda text: _hours(*lead(text)), reverse=True)


def _hours(number: int, unit: str) -> int:
    return number * (24 if unit == "d" else 1)
