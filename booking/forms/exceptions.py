"""What a therapist fills in about days that differ from the week: raw input in, intervals or a sentence per field
out."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from booking import diary
from booking.forms.fields import DayField, LabelledTexts, WallTimeField, end_of
from booking.forms.parent import single_line
from booking.intervals import Interval, exists, from_wall, local_days
from practice.forms import TranslatedFormField
from practice.translations import Translated

MOST_ROWS = 12
LONGEST_REASON = 100
_LONGEST_NOTICE = 200
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

    def moment(self, field: str, wall: datetime) -> datetime | None:
        """Return the moment (UTC) of the naive `wall`; None, with a sentence at `field`, where it never comes."""
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
        is_end=True, label=_("Until"), help_text=_("Leave this empty to take off the whole day."), required=False
    )
    reason = forms.CharField(
        label=_("What for"),
        help_text=_("For yourself; parents do not see it."),
        max_length=LONGEST_REASON,
        required=False,
        validators=[single_line],
    )
    notice = TranslatedFormField(
        label=_("What parents read"),
        help_text=_("Stands above the free times. For example: We are away until 4 January."),
        required=False,
        rows=2,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["notice"].widget = LabelledTexts(rows=2)

    def clean_notice(self) -> Translated:
        """Return what parents read, in one line per language."""
        notice = Translated({code: " ".join(text.split()) for code, text in self.cleaned_data["notice"].items()})
        for text in notice.values():
            single_line(text)
            if len(text) > _LONGEST_NOTICE:
                raise ValidationError(
                    _("Please use at most %(most)d characters.") % {"most": _LONGEST_NOTICE}, code="max_length"
                )
        return notice

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
        # Midnight is a time, however little it looks like one.
        at, until = data["start"], data["end"]
        start = days.start if at is None else self.moment("start", datetime.combine(first, at))
        end = days.end if until is None else self.moment("end", end_of(last, until))
        data["interval"] = self.span(start, end, "first_day")
        return data

    def written(self) -> dict[str, Any]:
        """Return what was filled in, as the diary takes it."""
        return {name: self.cleaned_data[name] for name in ("interval", "reason", "notice")}


def time_off_initial(off: diary.TimeOff, zone: ZoneInfo) -> dict[str, Any]:
    """Return what TimeOffForm begins with to change `off`; whole days have no times."""
    start, end = off.interval.start.astimezone(zone), off.interval.end.astimezone(zone)
    until_midnight = end.time() == time()
    return {
        "first_day": start.date(),
        "start": None if start.time() == time() else start.time(),
        "last_day": end.date() - timedelta(days=until_midnight),
        "end": None if until_midnight else end.time(),
        "reason": off.reason,
        "notice": off.notice,
    }


class ExtraOpeningForm(_SpanForm):
    """A span with appointments outside the weekly hours."""

    day = DayField(label=_("Day"))
    start = WallTimeField(label=_("From"))
    end = WallTimeField(is_end=True, label=_("Until"))

    def clean(self) -> dict[str, Any]:
        """Add the `interval` (UTC), or the sentence that says why there is none."""
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        start = self.moment("start", datetime.combine(data["day"], data["start"]))
        end = self.moment("end", end_of(data["day"], data["end"]))
        data["interval"] = self.span(start, end, "day")
        return data


def extra_opening_initial(opening: diary.ExtraOpening, zone: ZoneInfo) -> dict[str, Any]:
    """Return what ExtraOpeningForm begins with to change `opening`."""
    start, end = opening.interval.start.astimezone(zone), opening.interval.end.astimezone(zone)
    return {"day": start.date(), "start": start.time(), "end": end.time()}


class DayHoursForm(forms.Form):
    """The hours of one day: as many lines from–until as there are `rows`, or none at all.

    On a day with hours, ticking "closed" says enough; on one without (`was_closed`) hours beside the tick leave
    open which of them is meant.
    """

    closed = forms.BooleanField(label=_("Closed this day"), required=False)
    rows = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=MOST_ROWS)

    def __init__(self, *args: Any, rows: int, was_closed: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.was_closed = was_closed
        self.count = rows = min(max(rows, 1), MOST_ROWS)
        self.initial["rows"] = rows
        for number in range(rows):
            for field, label in (("start", gettext("From (%(number)d)")), ("end", gettext("Until (%(number)d)"))):
                name = label % {"number": number + 1}
                is_end = field == "end"
                self.fields[f"{field}_{number}"] = WallTimeField(is_end=is_end, label=name, required=False)

    @property
    def lines(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The fields of each line, from and until."""
        return [(self[f"start_{number}"], self[f"end_{number}"]) for number in range(self.count)]

    def clean(self) -> dict[str, Any]:
        """Add the `windows` (wall-clock), or the sentences that say what is wrong with them."""
        data = super().clean() or self.cleaned_data
        closed, filled, windows = data["closed"], False, []
        for number in range(self.count):
            start, end = data.get(f"start_{number}"), data.get(f"end_{number}")
            filled = filled or not (start is None and end is None)
            if closed or self.errors or (start is None and end is None):
                continue
            if start is None or end is None:
                empty = f"start_{number}" if start is None else f"end_{number}"
                self.add_error(empty, _("Please fill in a time."))
            elif time() != end <= start:
                self.add_error(f"end_{number}", _("The end must come after the beginning."))
            else:
                windows.append((start, end))
        if closed and filled and self.was_closed:
            self.add_error("closed", _("You have filled in hours as well. Please untick this, or clear them."))
        if not (closed or filled or self.errors):
            self.add_error("closed", _("Please fill in hours, or tick that the day is closed."))
        data["windows"] = windows
        return data
