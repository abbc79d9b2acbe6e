"""What a therapist fills in about what can be booked."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import chain, count
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from booking.forms.fields import AmountField, LabelledTexts
from booking.forms.parent import single_line
from booking.models import AppointmentType, Place
from booking.notifications import lead
from practice.forms import TranslatedFormField
from practice.models import Practice
from practice.translations import Translated

_LONGEST_NAME = 100
LAST_POSITION = 1000
_COMMON_LEADS = ["7d", "3d", "2d", "1d", "12h", "6h", "3h", "2h", "1h"]


class RemindersField(forms.MultipleChoiceField):
    """When parents are reminded, to tick."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.CheckboxSelectMultiple, **kwargs)

    def offer(self, chosen: Iterable[str]) -> None:
        """Let the usual moments be ticked, and those that are `chosen` already."""
        self.choices = [(text, lead_in_words(text)) for text in _longest_first({*_COMMON_LEADS, *chosen})]


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
    video_url = forms.URLField(
        label=_("Address of the video call"),
        help_text=_("Only for appointments by video. It stands in the mails to the family."),
        required=False,
        max_length=300,
        assume_scheme="https",
    )
    reminders = RemindersField(
        label=_("Reminders to parents"),
        help_text=_("Only for appointments booked or moved from now on."),
    )
    visible = forms.BooleanField(label=_("Parents can book this"), required=False)

    position = forms.IntegerField(
        label=_("Place in the list"),
        help_text=_("The lowest number comes first, and is what parents see at once."),
        min_value=0,
        max_value=LAST_POSITION,
    )

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
            "video_url",
            "reminders",
            "visible",
            "position",
            "therapists",
        ]
        widgets = {"therapists": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # A new one opens with what a type is unless said otherwise, and with the practice's own reminders.
        kwargs["instance"] = kwargs.get("instance") or AppointmentType(reminders=Practice.load().reminders)
        super().__init__(*args, **kwargs)
        self.fields["name"].widget = LabelledTexts(rows=1)
        self.fields["description"].widget = LabelledTexts(rows=3)
        field = self.fields["reminders"]
        assert isinstance(field, RemindersField)
        field.offer(self.instance.reminders or [])

    def clean_name(self) -> Translated:
        """Return the name in one line per language, since it stands in the subject of mails."""
        name = Translated({code: " ".join(text.split()) for code, text in self.cleaned_data["name"].items()})
        for text in name.values():
            single_line(text)
            if len(text) > _LONGEST_NAME:
                raise ValidationError(_("A name has at most 100 characters."), code="max_length")
        return name

    def clean(self) -> dict[str, Any]:
        """Ask for the address of the call where there is to be one."""
        data = super().clean() or self.cleaned_data
        if data.get("place") == Place.VIDEO and not data.get("video_url") and "video_url" not in self.errors:
            self.add_error("video_url", _("Please fill in the address at which the family can enter the call."))
        return data

    def save(self, commit: bool = True) -> AppointmentType:
        """Save the type; a new one gets an address of its own, made from its name."""
        if not self.instance.slug:
            self.instance.slug = _unused_slug(str(self.instance.name.get(settings.LANGUAGE_CODE)))
        saved: AppointmentType = super().save(commit)
        return saved


def _unused_slug(name: str) -> str:
    """Return an address made from `name` that no type has."""
    # The page that adds types is at the address of that word.
    base = slugify(name)[:40].strip("-") or "afspraak"
    candidates = chain([base], (f"{base}-{number}" for number in count(2)))
    taken = set(AppointmentType.objects.filter(slug__startswith=base).values_list("slug", flat=True)) | {"nieuw"}
    return next(slug for slug in candidates if slug not in taken)


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
