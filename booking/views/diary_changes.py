"""Changing someone's diary: whose it is, and what is asked before a change hits booked appointments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from booking import diary, diary_changes
from booking.access import Viewer, note
from booking.errors import Busy
from booking.models import Therapist
from booking.views.answers import status_of
from booking.views.days import Day, Entry, days
from practice.requests import PracticeRequest


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose hours a page is about, and the query that keeps it about them."""

    therapist: Therapist
    others: list[Therapist]
    query: str


@dataclass(frozen=True, slots=True)
class Hit:
    """An appointment in the way: whether a mail can reach the family, and whether one is to go."""

    entry: Entry
    reachable: bool
    ask: bool


@dataclass(frozen=True, slots=True)
class HitDay:
    """A local day with appointments in the way."""

    day: Day
    hits: list[Hit]


def whose_of(request: PracticeRequest, viewer: Viewer) -> Whose:
    """Return the therapist whom the address names, else the viewer's own self, else the first one."""
    allowed = viewer.therapists()
    slug = request.GET.get("therapist", "")
    therapist = next((found for found in allowed if slug in {"", found.slug}), None)
    if therapist is None:
        raise Http404
    query = f"?{urlencode({'therapist': therapist.slug})}" if slug else ""
    return Whose(therapist, [found for found in allowed if found != therapist], query)


def change_diary(
    request: PracticeRequest,
    whose: Whose,
    form: forms.Form,
    change: Callable[[], object],
    *,
    title: str,
    back: str,
    template: str = "agenda/diary_form.html",
    context: dict[str, Any] | None = None,
) -> HttpResponse:
    """Ask, check, and carry out `change`; where it hits appointments, list them and ask once more.

    `back` is the name of the page to return to; `template`, with `context`, asks.
    """
    context = {
        "form": form,
        "whose": whose,
        "title": title,
        "back": reverse(back) + whose.query,
        **(context or {}),
    }
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                return _carried_out(request, whose, change, context)
            except diary.NotInDiary as error:
                messages.info(request, str(error))
                return redirect(context["back"])
            except (diary.DiaryError, Busy) as error:
                form.add_error(None, str(error))
                status = status_of(error)
    return render(request, template, context, status=status)


def _carried_out(
    request: PracticeRequest, whose: Whose, change: Callable[[], object], context: dict[str, Any]
) -> HttpResponse:
    accepted, ask, now = _listed(request, "accepted"), _listed(request, "ask"), timezone.now()
    assert isinstance(request.user, User)  # the guard let nobody else in
    outcome = diary_changes.carry_out(
        whose.therapist,
        change,
        accepted=accepted,
        ask=ask,
        account=request.user,
        zone=request.practice.zone,
        now=now,
    )
    if outcome.hit:
        note(request, "listed", outcome.hit)
        context["days"] = [_hit_day(day, accepted, ask) for day in days(outcome.hit, now)]
        return render(request, "agenda/confirm_change.html", context, status=409)
    messages.success(request, _saved(outcome.mailed))
    return redirect(context["back"])


def _saved(mailed: int) -> str:
    if not mailed:
        return _("Saved.")
    sentence = ngettext(
        "Saved. %(count)d parent gets a mail with a link to choose another time.",
        "Saved. %(count)d parents get a mail with a link to choose another time.",
        mailed,
    )
    return sentence % {"count": mailed}


def _hit_day(day: Day, accepted: set[UUID], ask: set[UUID]) -> HitDay:
    """Return `day` with each family ticked as it was the time before, and at first where it wants mail."""
    hits = []
    for entry in day.entries:
        parents = [parent for parent in entry.appointment.parents.all() if parent.email]
        wanted = any(parent.wants_mail for parent in parents)
        known = entry.appointment.public_id in accepted
        ticked = entry.appointment.public_id in ask if known else wanted
        hits.append(Hit(entry, bool(parents), ticked))
    return HitDay(day, hits)


def _listed(request: PracticeRequest, field: str) -> set[UUID]:
    """Return the appointments that the page before listed in `field`."""
    listed = set()
    for text in request.POST.getlist(field):
        try:
            listed.add(UUID(text))
        except ValueError:
            continue
    return listed
