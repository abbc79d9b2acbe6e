"""Who may see what at /agenda/: a therapist the own appointments, a manager all of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from booking import access_log, calendars
from booking.errors import Busy
from booking.models import (
    Actor,
    Appointment,
    AppointmentQuerySet,
    AppointmentType,
    CalendarSource,
    Kind,
    Notification,
    Therapist,
)
from practice import second_factor

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is signed in: a therapist, a manager, or both. `everyone` is all therapists for a manager.

    `calendar_fails` says whether a calendar of the therapist cannot be read, `awaits_answer` whether a family that
    the viewer may see was asked to choose another time and has not done so.
    """

    therapist: Therapist | None
    manager: bool
    everyone: Sequence[Therapist]
    calendar_fails: bool
    awaits_answer: bool

    @property
    def failing_calendars(self) -> QuerySet[CalendarSource]:
        """The viewer's own calendars elsewhere that cannot be read; asks only where there is one."""
        if self.therapist and self.calendar_fails:
            return calendars.failing(self.therapist)
        return CalendarSource.objects.none()

    @property
    def without_second_factor(self) -> bool:
        """Whether this installation lets viewers in by their password alone, as only a demo may."""
        return not settings.SECOND_FACTOR

    def appointments(self) -> AppointmentQuerySet:
        """Return the appointments that this viewer may see."""
        everything = Appointment.objects.all()
        return everything if self.manager else everything.filter(therapist=self.therapist)

    def notifications(self) -> QuerySet[Notification]:
        """Return the mails about those appointments, and those about days and hours that this viewer gets."""
        if self.manager:
            return Notification.objects.all()
        own = Q(kind__in=[Kind.OVERVIEW, Kind.MANY_BOOKINGS], therapist=self.therapist)
        return Notification.objects.filter(Q(appointment__therapist=self.therapist) | own)

    def therapists(self) -> list[Therapist]:
        """Return those whose hours this viewer may change, the viewer first."""
        if not self.manager:
            return [self.therapist] if self.therapist else []
        return sorted(self.everyone, key=lambda therapist: therapist != self.therapist)

    def appointment_types(self) -> QuerySet[AppointmentType]:
        """Return the types that this viewer sees in the list: for a therapist those she offers."""
        return (
            AppointmentType.objects.all()
            if self.manager
            else AppointmentType.objects.filter(therapists=self.therapist)
        )

    def changeable_types(self, *, now: datetime) -> QuerySet[AppointmentType]:
        """Return the types that this viewer may change at `now` (UTC): for a therapist those of her own alone.

        A type that a colleague offers too, or still has an appointment of, is for a manager to change: its length,
        its video call and its reminders are the colleague's as well.
        """
        if self.manager:
            return AppointmentType.objects.all()
        offers = AppointmentType.therapists.through.objects.filter(appointmenttype=OuterRef("pk"))
        keeps = Appointment.objects.live().filter(appointment_type=OuterRef("pk"), end__gt=now)
        return self.appointment_types().filter(
            ~Exists(offers.exclude(therapist=self.therapist)), ~Exists(keeps.exclude(therapist=self.therapist))
        )

    def orders_types(self) -> bool:
        """Return whether this viewer says in which order parents see the types: a therapist does where all of them
        are hers."""
        return self.manager or not AppointmentType.objects.exclude(therapists=self.therapist).exists()


def account_of(request: HttpRequest) -> User:
    """Return the account that is signed in; only behind `therapist_required`."""
    assert isinstance(request.user, User)
    return request.user


def note(request: HttpRequest, action: str, found: Iterable[Appointment]) -> None:
    """Write into the access log who is about to see the families of `found`; only behind `therapist_required`.

    Those that were erased have nothing left to see. Raises Busy where it cannot be written: nothing is shown then.
    """
    seen = [appointment.public_id for appointment in found if appointment.erased_at is None]
    access_log.record(action, seen, by=Actor.THERAPIST, at=timezone.now(), account=account_of(request))


def note_about_log(request: HttpRequest, action: str) -> None:
    """Write into the access log that somebody reads it; only behind `therapist_required`."""
    access_log.record(action, [None], by=Actor.THERAPIST, at=timezone.now(), account=account_of(request))


def therapist_required(view: View) -> View:
    """Call `view(request, viewer, …)` for a therapist or manager who came in with both factors.

    Others are led to sign-in or to setting up the second factor, or refused. What is shown is kept out of
    caches and search engines.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = _admit(request, view, args, kwargs)
        add_never_cache_headers(response)
        response["X-Robots-Tag"] = "noindex"
        return response

    return guarded


def _admit(request: HttpRequest, view: View, args: Any, kwargs: Any) -> HttpResponseBase:
    user = request.user
    if not user.is_authenticated:
        if request.method not in {"GET", "HEAD"}:
            messages.warning(
                request,
                _("You had been signed out, so what you did last was not saved. Please do it once more."),
            )
        return redirect_to_login(_back_to(request))
    # A manager's pages need all of them, so that one query does for both.
    failing = calendars.failing(OuterRef("pk"))
    own_factors = Authenticator.objects.filter(user=user.pk)
    awaiting = Appointment.objects.awaiting_other_time(timezone.now()).filter(therapist=OuterRef("pk"))
    therapists = Therapist.objects.annotate(
        calendar_fails=Exists(failing), viewer_has_factor=Exists(own_factors), awaits_answer=Exists(awaiting)
    )
    everyone = list(therapists if user.is_staff else therapists.filter(user=user))
    # Who cannot be booked, on leave for instance, still sees her own agenda: the account says who gets in.
    therapist = next((found for found in everyone if found.user_id == user.pk), None)
    if not therapist and not user.is_staff:
        raise PermissionDenied
    has_factor = everyone[0].viewer_has_factor if everyone else own_factors.exists()
    if settings.SECOND_FACTOR and not has_factor:
        messages.info(request, _("Before you see data of families, please set up the second step of signing in."))
        return redirect("mfa_activate_totp")
    if second_factor.is_owed(request):
        # Signed in before the second step was set up, elsewhere or here: the password alone opens nothing.
        return second_factor.ask(_back_to(request))
    awaits_answer = any(one.awaits_answer for one in everyone)
    fails = therapist is not None and therapist.calendar_fails
    viewer = Viewer(therapist, user.is_staff, everyone, fails, awaits_answer)
    request.viewer = viewer  # type: ignore[attr-defined] # for the templates
    try:
        return view(request, viewer, *args, **kwargs)
    except Busy:
        response = render(request, "503.html", status=503)
        response["Retry-After"] = "5"
        return response


def _back_to(request: HttpRequest) -> str:
    """Return where to go on after signing in: to the page asked for, or the one on which a button was pressed."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    try:
        here = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        here = urlsplit("")
    path = here.path + (f"?{here.query}" if here.query else "")
    known = here.netloc == request.get_host() and here.path.startswith(reverse("booking:agenda"))
    return path if known else reverse("booking:agenda")
