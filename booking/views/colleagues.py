"""Who works at the practice, and gets in: for managers."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from booking import accounts
from booking.access import Viewer, therapist_required
from booking.forms.colleagues import ColleagueForm
from booking.models import State, Therapist
from practice.requests import PracticeRequest


@therapist_required
@require_GET
def show(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """List who works here, and what a manager can do for each."""
    _must_manage(viewer)
    return render(request, "agenda/colleagues.html", _page(request))


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Add a colleague, who gets a mail with a link to choose a password."""
    _must_manage(viewer)
    form = ColleagueForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            accounts.add_colleague(**form.cleaned_data, now=timezone.now())
        except ValidationError as error:
            for field, errors in error.message_dict.items():
                form.add_error(field if field in form.fields else None, errors)
        else:
            messages.success(request, _("Added. A mail with a link to choose a password is on its way."))
            return redirect("booking:colleagues")
    return render(request, "agenda/add_colleague.html", {"form": form}, status=422 if form.is_bound else 200)


@therapist_required
@require_POST
def set_bookable(request: PracticeRequest, viewer: Viewer, slug: str, bookable: bool) -> HttpResponse:
    """Let parents book with a colleague who has not left, or not for now."""
    _must_manage(viewer)
    there = Therapist.objects.exclude(user__is_active=False) if bookable else Therapist.objects.all()
    found = get_object_or_404(there, slug=slug)
    Therapist.objects.filter(pk=found.pk).update(active=bookable)
    messages.success(request, _("Saved. What was booked before stays as it was."))
    return redirect("booking:colleagues")


@therapist_required
@require_POST
def set_open(request: PracticeRequest, viewer: Viewer, slug: str, open: bool) -> HttpResponse:
    """Close the account of a colleague who left, or open it again."""
    user = _account_of_another(request, viewer, slug)
    if open:
        done = _(
            "The account is open again, and a mail with a link to choose a password is on its way. "
            "Parents can book again once you let them."
        )
        return _act(request, lambda: accounts.open_again(user, now=timezone.now()), done)
    done = _("The account is closed, and parents do not book any more. What was booked stays booked.")
    return _act(request, lambda: accounts.set_open(user, open=False), done)


@therapist_required
@require_POST
def set_manager(request: PracticeRequest, viewer: Viewer, slug: str, manager: bool) -> HttpResponse:
    """Let a colleague manage the practice, or not any more."""
    user = _account(viewer, slug)
    response = _act(request, lambda: accounts.set_manager(user, manager=manager), _("Saved."))
    # Who gives up managing has no use for this page any more.
    given_up = not manager and user.pk == request.user.pk and response.status_code == 302
    return redirect("booking:agenda") if given_up else response


@therapist_required
@require_POST
def send_link(request: PracticeRequest, viewer: Viewer, slug: str) -> HttpResponse:
    """Mail a colleague a link to choose a password."""
    _must_manage(viewer)
    therapist = get_object_or_404(Therapist, slug=slug, user__is_active=True)
    accounts.send_password_link(therapist, now=timezone.now())
    messages.success(request, _("A mail with a link to choose a password is on its way."))
    return redirect("booking:colleagues")


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def forget_second_factor(request: PracticeRequest, viewer: Viewer, slug: str) -> HttpResponse:
    """Ask once, then forget the second factor of a colleague who lost it."""
    user = _account_of_another(request, viewer, slug)
    if request.method != "POST":
        context = {"colleague": get_object_or_404(Therapist, slug=slug)}
        return render(request, "agenda/forget_second_factor.html", context)
    done = _("Forgotten. The second step is set up anew at the next sign-in.")
    return _act(request, lambda: accounts.forget_second_factor(user), done)


def _must_manage(viewer: Viewer) -> None:
    if not viewer.manager:
        raise PermissionDenied


def _account(viewer: Viewer, slug: str) -> User:
    """Return the account of the colleague `slug`, for a manager."""
    _must_manage(viewer)
    return get_object_or_404(User, therapist__slug=slug)


def _account_of_another(request: PracticeRequest, viewer: Viewer, slug: str) -> User:
    """Return the account of the colleague `slug`: nobody shuts oneself out, or gets around the own second step."""
    user = _account(viewer, slug)
    if user.pk == request.user.pk:
        raise PermissionDenied
    return user


def _act(request: PracticeRequest, act: Callable[[], object], done: str) -> HttpResponse:
    try:
        act()
    except ValidationError as error:
        context = {**_page(request), "error": " ".join(error.messages)}
        return render(request, "agenda/colleagues.html", context, status=409)
    messages.success(request, done)
    return redirect("booking:colleagues")


def _page(request: PracticeRequest) -> dict[str, Any]:
    """Return all who work here, with what still stands for each and whether the second step is set up."""
    coming = Q(appointments__state=State.CONFIRMED, appointments__start__gt=timezone.now())
    both = Authenticator.objects.filter(user=OuterRef("user"), type__in=["totp", "webauthn"])
    colleagues = Therapist.objects.select_related("user").annotate(
        coming=Count("appointments", filter=coming),
        second_factor=Exists(both),
        own=Q(user=request.user.pk),
    )
    return {"colleagues": colleagues}
