"""The numbers of the practice: as a plot with a table beneath, and as a file for a spreadsheet."""

from dataclasses import dataclass
from typing import cast

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from booking import numbers
from booking.access import Viewer, therapist_required
from booking.models import Therapist
from booking.numbers import By, Numbers
from booking.views import spreadsheets
from practice.requests import PracticeRequest

# The plot, in its own units: so high, a bar and the space beside it so wide, a line of words so high.
_HEIGHT, _BAR, _SPACE, _LEFT, _LINE = 200, 40, 24, 40, 20


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar: `kind` says what it stands for."""

    kind: str
    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Label:
    """A word or number beside the plot."""

    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """The numbers as bars, one a period."""

    segments: list[Segment]
    lines: list[Label]
    labels: list[Label]
    width: int
    height: int


@therapist_required
@require_GET
def show(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Show the last twelve weeks or months."""
    by, therapists, therapist = _asked(request, viewer)
    found = numbers.numbers(therapists, by, zone=request.practice.zone, now=timezone.now())
    rows = [(_name(row, by), row) for row in found]
    context = {
        "by": by,
        "rows": rows,
        "plot": _plot(rows, by),
        "therapist": therapist,
        "therapists": viewer.therapists(),
    }
    return render(request, "agenda/numbers.html", context)


@therapist_required
@require_GET
def download(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Give the same numbers as a CSV file; nobody is named in it."""
    by, therapists, _therapist = _asked(request, viewer)
    found = numbers.numbers(therapists, by, zone=request.practice.zone, now=timezone.now())
    head = [
        _("First day"),
        _("Last day"),
        _("Booked"),
        _("Came"),
        _("Did not come"),
        _("Cancelled"),
        _("Open"),
        _("Days booked ahead"),
        _("Offered time taken, in per cent"),
    ]
    rows = [
        [
            row.first.isoformat(),
            row.last.isoformat(),
            row.booked,
            row.kept,
            row.no_show,
            row.cancelled,
            row.open,
            row.lead_days,
            row.used,
        ]
        for row in found
    ]
    response = HttpResponse(spreadsheets.lines([head, *rows]), content_type=spreadsheets.CONTENT_TYPE)
    name = _("numbers")
    response["Content-Disposition"] = f'attachment; filename="{name}-{by}.csv"'
    return response


def _asked(request: PracticeRequest, viewer: Viewer) -> tuple[By, list[Therapist], Therapist | None]:
    """Return whether weeks or months are asked for, and of whom: all that the viewer may see, or just one."""
    by, slug, allowed = request.GET.get("by", "week"), request.GET.get("therapist", ""), viewer.therapists()
    if by not in {"week", "month"}:
        raise Http404
    if not slug:
        return cast(By, by), allowed, None
    one = next((therapist for therapist in allowed if therapist.slug == slug), None)
    if one is None:
        raise Http404
    return cast(By, by), [one], one


def _name(row: Numbers, by: By) -> str:
    # How a language writes a short date is for its translation to say: no capital in a Dutch month.
    return date_format(row.first, _("j M") if by == "week" else _("M Y"))


def _plot(rows: list[tuple[str, Numbers]], by: By) -> Plot:
    """Return the bars: from the ground up who came, what is open, who did not come, what was cancelled.

    A month with its year is wider than its bar, so that the words stand below each other.
    """
    most = max([4, *(row.booked for _name, row in rows)])
    step = -(-most // 4)
    unit = _HEIGHT / (4 * step)
    segments, labels = [], []
    for number, (name, row) in enumerate(rows):
        x, below = _LEFT + number * (_BAR + _SPACE), 0
        for kind in ("kept", "open", "no_show", "cancelled"):
            amount = getattr(row, kind)
            if amount:
                top = below + amount
                segments.append(
                    Segment(kind, x, round(_HEIGHT - top * unit), round(top * unit) - round(below * unit))
                )
                below = top
        words = name.split() if by == "month" else [name]
        labels += [Label(x + _BAR // 2, _HEIGHT + 24 + line * _LINE, word) for line, word in enumerate(words)]
    lines = [Label(0, round(_HEIGHT - amount * unit), str(amount)) for amount in range(0, 4 * step + 1, step)]
    # With half a line above the highest number, and below the lowest word.
    height = max(label.y for label in labels) + 24
    return Plot(segments, lines, labels, _LEFT + len(rows) * (_BAR + _SPACE), height)
