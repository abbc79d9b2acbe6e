"""Changing someone's diary: whose it is, and what is asked before a change hits booked appointments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from booking import agenda, diary
from booking.access import Viewer
from booking.models import Therapist
from booking.views.days import days
from practice.requests import PracticeRequest


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose hours a page is about, and the query that keeps it about them."""

    therapist: Therapist
    others: list[Therapist]
    query: str


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
) -> HttpResponse:
    """Ask, check, and carry out `change`; where it hits appointments, list them and ask once more."""
    context: dict[str, Any] = {"form": form, "whose": whose, "title": title, "back": reverse(back) + whose.query}
    if request.method == "POST" and form.is_valid():
        zone, now = request.practice.zone, timezone.now()
        try:
            hit = agenda.change_diary(whose.therapist, change, accepted=_accepted(request), zone=zone, now=now)
        except diary.NotInDiary as error:
            messages.info(request, str(error))
            return redirect(context["back"])
        except diary.DiaryError as error:
            form.add_error(None, str(error))
        else:
            if hit:
                context["days"] = days(hit, now)
                return render(request, "agenda/confirm_change.html", context, status=409)
            messages.success(request, _("Saved."))
            return redirect(context["back"])
    return render(request, "agenda/diary_form.html", context, status=422 if form.is_bound else 200)


def _accepted(request: PracticeRequest) -> set[UUID]:
    """Return the appointments that the page before listed, and that stay booked all the same."""
    accepted = set()
    for text in request.POST.getlist("accepted"):
        try:
            accepted.add(UUID(text))
        except ValueError:
            continue
    return accepted
