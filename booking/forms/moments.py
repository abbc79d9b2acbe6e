"""Any moment at all, as the therapist chooses one for an appointment."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from booking.forms.fields import DayField, WallTimeField
from booking.intervals import exists, from_wall


class MomentForm(forms.Form):
    """A day and a time on the clock of the practice; gives `start` (UTC)."""

    day = DayField(label=_("Day"))
    time = WallTimeField(label=_("Time"))

    def __init__(self, *args: Any, zone: ZoneInfo, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone, self.now = zone, now

    def clean(self) -> dict[str, Any]:
        """Add `start` (UTC); a time that the clock skips, or that has been, gets a sentence."""
        data = super().clean() or self.cleaned_data
        if "day" in data and "time" in data:
            wall = datetime.combine(data["day"], data["time"])
            if not exists(wall, self.zone):
                self.add_error("time", _("In that night the clock skips this time. Please choose another one."))
                return data
            data["start"] = from_wall(wall, self.zone)
            if data["start"] < self.now:
                self.add_error("day", _("This lies in the past. Please choose a time to come."))
        return data
