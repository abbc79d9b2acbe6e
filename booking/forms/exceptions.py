"""What a therapist fills in about days that differ from the week: raw input in, intervals or a sentence per field
out."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from booking.forms.fields import DayField, WallTimeField
from booking.forms.parent import single_line
from booking.intervals import Interval, exists, from_wall, local_days

_NEVER = _("In that night the clock skips this time. Please choose another one.")


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
