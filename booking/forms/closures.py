"""Closures from a calendar file, such as school holidays: the file in, and what a therapist ticks of it."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from booking.forms.exceptions import LONGEST_REASON
from booking.intervals import Interval, subtract
from booking.spans import in_words
from practice.uploads import LARGEST_UPLOAD


class CalendarFileForm(forms.Form):
    """A calendar file with closures."""

    file = forms.FileField(
        label=_("Calendar file (.ics)"),
        help_text=_("At most 1 MB. You see what is in it before anything is saved."),
        widget=forms.FileInput(attrs={"accept": ".ics,text/calendar"}),
        error_messages={
            "required": _("Please choose a file."),
            "invalid": _("Please choose a file."),
            "missing": _("Please choose a file."),
            "empty": _("This file is empty."),
        },
    )

    def clean_file(self) -> "UploadedFile[bytes]":
        """Refuse what is too large; the upload handler has kept nothing of it."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > LARGEST_UPLOAD:
            raise forms.ValidationError(_("This file is larger than 1 MB. Please choose a smaller one."))
        return file


@dataclass(frozen=True, slots=True)
class Closure:
    """A span (UTC) without appointments from a calendar file, with what the file calls it."""

    interval: Interval
    reason: str

    @property
    def value(self) -> str:
        """What stands for it in a form."""
        return f"{self.interval.start.isoformat()}/{self.interval.end.isoformat()}/{self.reason}"

    @classmethod
    def read(cls, value: str) -> "Closure":
        """Return the closure that `value` stands for; raises ValueError."""
        if len(value) > LONGEST_REASON + 100:
            raise ValueError(value[:100])
        start, end, reason = value.split("/", 2)
        interval = Interval(*(datetime.fromisoformat(text).astimezone(UTC) for text in (start, end)))
        if not (interval.start < interval.end and reason.isprintable() and len(reason) <= LONGEST_REASON):
            raise ValueError(value)
        return cls(interval, reason)


class ClosuresForm(forms.Form):
    """Which of the closures from a file to save; those that are `off` already are not ticked at first."""

    closures = forms.MultipleChoiceField(
        label=_("What to save as time off"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Please tick at least one.")},
    )

    def __init__(
        self, *args: Any, found: Iterable[Closure], off: Iterable[Interval] = (), zone: ZoneInfo, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        off, found = list(off), list(found)
        there = {closure for closure in found if not subtract([closure.interval], off)}
        field = self.fields["closures"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(closure.value, _label(closure, closure in there, zone)) for closure in found]
        field.initial = [closure.value for closure in found if closure not in there]

    def chosen(self) -> list[tuple[Interval, str]]:
        """Return what was ticked."""
        return [(closure.interval, closure.reason) for closure in map(Closure.read, self.cleaned_data["closures"])]


def closure_of(interval: Interval, summary: str) -> Closure:
    """Return the closure in `interval` (UTC), with what a file calls it made fit for a reason."""
    printable = "".join(letter if letter.isprintable() else " " for letter in summary)
    return Closure(interval, " ".join(printable.split())[:LONGEST_REASON])


def posted_closures(values: Iterable[str]) -> list[Closure]:
    """Return the closures that came back from the preview, without what is none."""
    found = []
    for value in values:
        with suppress(ValueError, OverflowError):
            found.append(Closure.read(value))
    return found


def _label(closure: Closure, there: bool, zone: ZoneInfo) -> str:
    text = f"{in_words(closure.interval, zone)}: {closure.reason or gettext('no name')}"
    return gettext("%(closure)s (in your list already)") % {"closure": text} if there else text
