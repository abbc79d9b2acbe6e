"""Which part of the agenda an address asks for, and the addresses of the parts around it."""

from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from booking.access import Viewer
from booking.forms.fields import DayField
from booking.models import Therapist

_DAY = timedelta(days=1)
_EVERYONE = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A way to another part, and whether it is the one shown."""

    text: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What is shown: a view of the days around `day`, `first` to `last`, of `therapists` out of `choices`.

    `therapist` is the one whom the address names: None where it names nobody, "" where it names everyone.
    `problem` says what is wrong with the day that was asked for.
    """

    view: str
    day: date
    today: date
    therapists: list[Therapist]
    choices: list[Therapist]
    therapist: str | None
    problem: str

    @property
    def first(self) -> date:
        """The first day shown."""
        if self.view == "week":
            return self.day - self.day.weekday() * _DAY
        return self.day.replace(day=1) if self.view == "month" else self.day

    @property
    def last(self) -> date:
        """The last day shown."""
        if self.view == "week":
            return self.first + 6 * _DAY
        return _month_after(self.day) - _DAY if self.view == "month" else self.day

    @property
    def week(self) -> int:
        """The number of the week, by ISO 8601."""
        return self.day.isocalendar().week

    @property
    def template(self) -> str:
        """The name of the template."""
        return {"list": "coming", "month": "month"}.get(self.view, "plan")

    @property
    def holds_today(self) -> bool:
        """Whether today is among the days shown."""
        return self.first <= self.today <= self.last

    @property
    def previous(self) -> str:
        """The address of what lies before."""
        return self.address(day=self.first - _DAY)

    @property
    def next(self) -> str:
        """The address of what lies after."""
        return self.address(day=self.last + _DAY)

    @property
    def now(self) -> str:
        """The address of the same view of today."""
        return self.address(day=self.today)

    @property
    def views(self) -> list[Link]:
        """The ways to each view of the same day."""
        names = {"day": _("Day"), "week": _("Week"), "month": _("Month"), "list": _("List")}
        return [Link(name, self.address(view=view), view == self.view) for view, name in names.items()]

    @property
    def everyone(self) -> bool:
        """Whether several therapists are shown together."""
        return len(self.therapists) > 1

    def address(self, *, view: str | None = None, day: date | None = None) -> str:
        """Return the address of `view` and `day`, each as it is now where it is not given."""
        query = {"view": view or self.view, "day": f"{day or self.day:%Y-%m-%d}"}
        if self.therapist is not None:
            query["therapist"] = self.therapist
        return f"{reverse('booking:agenda')}?{urlencode(query)}"


def whereabouts(asked: QueryDict, viewer: Viewer, *, today: date) -> Whereabouts:
    """Return what the address asks for: this week, and the viewer's own agenda or everyone's, unless it says else.

    Raises Http404 for a therapist whom the viewer may not see.
    """
    view = asked.get("view", "")
    day, problem = _day(asked.get("day", ""), today)
    choices, therapist = viewer.therapists(), asked.get("therapist")
    if therapist is None and viewer.therapist:
        therapists = [viewer.therapist]
    elif therapist:
        therapists = [found for found in choices if found.slug == therapist]
        if not therapists:
            raise Http404
    else:
        therapists = choices
    shown = view if view in {"day", "week", "month", "list"} else "week"
    return Whereabouts(shown, day, today, therapists, choices, therapist, problem)


def _day(text: str, today: date) -> tuple[date, str]:
    """Return the day that `text` says, else today and what is wrong with it."""
    if not text:
        return today, ""
    try:
        day = DayField().clean(text)
    except ValidationError as error:
        return today, " ".join(error.messages)
    assert isinstance(day, date)
    return day, ""


def _month_after(day: date) -> date:
    return (day.replace(day=28) + 4 * _DAY).replace(day=1)
