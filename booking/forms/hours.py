"""What a therapist fills in about her weekly hours: raw input in, domain values or a sentence per field out."""

from datetime import date, time, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from booking.forms.fields import DayField, WallTimeField
from booking.hours import WorkingHours


class WorkingHoursForm(forms.Form):
    """One window of the week."""

    weekday = forms.TypedChoiceField(
        label=_("Day of the week"), coerce=int, choices=[(day, capfirst(name)) for day, name in WEEKDAYS.items()]
    )
    start = WallTimeField(label=_("From"))
    end = WallTimeField(is_end=True, label=_("Until"))
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


class ChangeHoursForm(WorkingHoursForm):
    """The window `hours` of the week as it is to be from a day on, not before `earliest`.

    It begins with the first day of the week in which the window recurs next, so that none is left out on another
    weekday. As long as she leaves that day as it is, every other week stays that week.
    """

    def __init__(self, data: QueryDict | None, *, hours: WorkingHours, earliest: date) -> None:
        next_day = hours.next_day(earliest) or hours.first_day
        monday = next_day - timedelta(days=next_day.weekday())
        initial = {name: getattr(hours, name) for name in self.base_fields}
        initial["first_day"] = max(monday, earliest, hours.first_day)
        super().__init__(data, initial=initial)
        self.earliest = earliest
        first_day = self.fields["first_day"]
        kept, counted = gettext("The days before this one stay as they were."), str(first_day.help_text)
        if hours.every_weeks == 2:
            counted = gettext(
                "Every other week is still counted from the week of %(day)s. If you choose another day here, it "
                "is counted from the first such day of the week on or after that day."
            ) % {"day": date_format(next_day, gettext("j F Y"))}
        first_day.help_text = f"{kept} {counted}"

    @property
    def same_weeks(self) -> bool:
        """Whether she left the first day as it was filled in, so that every other week stays the one it was."""
        return "first_day" not in self.changed_data

    def clean_first_day(self) -> date:
        """Refuse to change what has been."""
        first_day: date = self.cleaned_data["first_day"]
        if first_day < self.earliest:
            raise forms.ValidationError(_("What has been stays as it was. Please choose today or a later day."))
        return first_day
