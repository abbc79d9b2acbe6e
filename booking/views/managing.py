"""A parent comes back by the manage link from the mail: look, move, cancel, erase."""

from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, get_language_info
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from booking import (
    appointments,
    client,
    erasure,
    family_data,
    free_time,
    invitations,
    links,
    notifications,
    rate_limits,
    slips,
)
from booking.errors import (
    AlreadyCancelled,
    AlreadyChanged,
    BookingError,
    Busy,
    TooLateToChange,
    TooManyRequests,
)
from booking.forms.parent import AddressForm, DayForm, ReasonForm, StartField, start_of, therapist_of
from booking.models import Actor, Appointment, Parent, State
from booking.views import just_booked
from booking.views.answers import View, busy, first_error, private, status_of, too_many, with_error
from booking.views.times import around, free_times, value_of, ways
from practice.requests import PracticeRequest


def with_parent(view: View) -> View:
    """Turn the token in the address into its Parent; every token that opens nothing gets one neutral page.

    TooManyRequests and Busy that `view` raises are answered as well.
    """

    @wraps(view)
    def opened(request: PracticeRequest, token: str) -> HttpResponse:
        now, caller = timezone.now(), client.networks(request)
        try:
            rate_limits.refuse_exhausted(rate_limits.DEAD_LINKS, caller, now=now)
            try:
                parent = links.parent_of(token)
            except links.DeadLink:
                rate_limits.count(rate_limits.DEAD_LINKS, caller, now=now)
                return render(request, "booking/dead_link.html", status=404)
            if request.method == "POST" and "language" not in request.POST:
                # Whoever does something here does it in a language that they read; to look changes nothing, and
                # where the page asks for the language, what is answered there counts.
                appointments.write_in(parent, str(get_language()))
            if not just_booked.is_own(request, parent):
                family_data.note_link_opened(parent, now=now)
            return view(request, parent, token, now)
        except TooManyRequests as error:
            return too_many(request, error)
        except Busy:
            return busy(request)

    return private(opened)


@with_parent
@require_safe
def booked(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Say what was booked and what happens next; once that is no longer what happens next, what is."""
    appointment = parent.appointment
    settled = appointment.sequence or appointment.awaits_other_time
    if appointment.state != State.CONFIRMED or settled or now >= appointment.start:
        return redirect("booking:manage", token)
    form = AddressForm(now=parent.email) if _may_readdress(request, parent, now) else None
    return render(request, "booking/booked.html", _about_booked(request, parent, token, now) | {"form": form})


@with_parent
@require_http_methods(["GET", "HEAD", "POST"])
def readdress(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Send the confirmation to another address: for the browser that booked a moment ago, and nobody else."""
    if request.method != "POST" or not _may_readdress(request, parent, now):
        return redirect("booking:booked", token)
    form, status, error = AddressForm(request.POST, now=parent.email), 422, ""
    if form.is_valid():
        try:
            rate_limits.count(rate_limits.BOOKINGS, client.networks(request), now=now)
            corrected = family_data.readdress(parent, form.cleaned_data["email"], now=now)
        except BookingError as refusal:
            status, error = status_of(refusal), str(refusal)
        else:
            just_booked.remember(request, corrected)
            messages.success(request, _("The confirmation is on its way to the new address."))
            return redirect("booking:booked", links.manage_token(corrected))
    context = {"form": form, "error": error, "call": True}
    page = _about_booked(request, parent, token, now) | context
    return render(request, "booking/booked.html", page, status=status)


@with_parent
@require_safe
def manage(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Show the appointment, and what can still be done with it."""
    context = _about(request, parent, token, now) | _about_reminders(parent, now)
    return render(request, "booking/manage.html", context)


@with_parent
@require_http_methods(["GET", "HEAD", "POST"])
def reschedule(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Show other times; ask once about the chosen one; move on POST."""
    appointment = parent.appointment
    if request.method == "POST":
        return _reschedule(request, parent, token, now)
    if not _changeable(appointment, now):
        return redirect("booking:manage", token)
    if "start" in request.GET:
        return _ask_about_move(request, parent, token, now)
    return _reschedule_page(request, parent, token, now)


@with_parent
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Ask once, cancel on POST; cancelling again changes nothing."""
    appointment = parent.appointment
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            appointments.cancel(appointment, by=Actor.PARENT, reason=form.cleaned_data["reason"], now=now)
        except BookingError as error:
            return _manage_with_error(request, parent, token, now, error)
        return redirect("booking:manage", token)
    if not _changeable(appointment, now):
        return redirect("booking:manage", token)
    status = 422 if form.is_bound else 200
    return render(
        request, "booking/cancel.html", {**_about(request, parent, token, now), "form": form}, status=status
    )


@with_parent
@require_POST
def reminders(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Switch the reminders off, or on again. On POST only: mail programs open links by themselves."""
    rate_limits.count(rate_limits.LOGGED, str(parent.public_id), now=now)
    wanted = request.POST.get("wanted") == "yes"
    if not _ahead(parent.appointment, now):
        return redirect("booking:manage", token)
    try:
        if not wanted and request.POST.get("wanted") != "no":
            raise BookingError
        appointments.want_reminders(parent, wanted=wanted, now=now)
    except BookingError as error:
        return _manage_with_error(request, parent, token, now, error)
    said = _("We remind you again.") if wanted else _("You get no more reminders.")
    messages.success(request, said)
    return redirect("booking:manage", token)


@with_parent
@require_POST
def language(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Let mails be in the language that the parent chooses, whatever the language of the pages."""
    chosen = request.POST.get("language", "")
    if chosen not in dict(settings.LANGUAGES):
        return _manage_with_error(request, parent, token, now, BookingError())
    appointments.write_in(parent, chosen, chosen=True)
    messages.success(request, _("Our mails to you are in this language from now on."))
    return redirect("booking:manage", token)


@with_parent
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Ask once, then erase the family's data (AVG article 17); a coming appointment is cancelled with it."""
    if request.method != "POST":
        return render(request, "booking/erase.html", _about(request, parent, token, now))
    try:
        erasure.erase(parent.appointment, by=Actor.PARENT, now=now)
    except BookingError as error:
        return _manage_with_error(request, parent, token, now, error)
    return redirect("booking:erased")


@require_safe
def erased(request: PracticeRequest) -> HttpResponse:
    """Say that the data go, without saying whose."""
    return render(request, "booking/erased.html")


@with_parent
@require_safe
def calendar_file(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    """Give the appointment as an .ics file for the parent's own calendar."""
    content = invitations.calendar_file(parent.appointment, parent, request.practice, now=now)
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="afspraak.ics"'
    return response


def _about(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> dict[str, Any]:
    """Return what every page behind the manage link shows; nothing of it is about the family."""
    appointment = parent.appointment
    return {
        "appointment": appointment,
        "token": token,
        "can_change": _changeable(appointment, now),
        "cancelled": appointment.state == State.CANCELLED,
        "past": now >= appointment.start,
        "asked": appointment.awaits_other_time and now < appointment.start,
        "erased_on": appointment.erased_on(request.practice.zone),
        "erasing": appointment.erase_requested_at is not None,
        "mail_language": parent.language,
        "mail_languages": _languages(),
    }


def _about_booked(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> dict[str, Any]:
    reminded = parent.wants_reminders and notifications.reminders_ahead(parent)
    return _about(request, parent, token, now) | {"reminded": reminded, "slip": _slip(parent)}


def _languages() -> list[tuple[str, str]]:
    """Return the languages that mails can be in: code, and name in that language."""
    return [(code, get_language_info(code)["name_local"].capitalize()) for code, _name in settings.LANGUAGES]


def _about_reminders(parent: Parent, now: datetime) -> dict[str, Any]:
    """Return what the page says about reminders: nothing once the appointment is over or off, or where there never
    were any. Their mails lead there, the last one too."""
    if not _ahead(parent.appointment, now):
        return {}
    moments = notifications.reminders_ahead(parent)
    shown = bool(moments) or notifications.was_reminded(parent)
    return {"reminders": moments, "reminders_shown": shown, "reminders_wanted": parent.wants_reminders}


def _may_readdress(request: PracticeRequest, parent: Parent, now: datetime) -> bool:
    return just_booked.is_own(request, parent) and family_data.may_readdress(parent, now=now)


def _slip(parent: Parent) -> dict[str, str] | None:
    """Return where the mail goes and where it was likely meant to go, None where nothing looks like a slip. What
    stands before the @ is nobody's business who sees this page."""
    meant = slips.meant_mail(parent.email)
    return {"typed": parent.email.rpartition("@")[2], "meant": meant.rpartition("@")[2]} if meant else None


def _ahead(appointment: Appointment, now: datetime) -> bool:
    return appointment.state == State.CONFIRMED and now < appointment.start


def _changeable(appointment: Appointment, now: datetime) -> bool:
    return _ahead(appointment, now) and now <= appointment.can_change_until


def _reschedule(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    start = start_of(request.POST.get("start", ""))
    if not start:
        sentence = str(StartField.default_error_messages["invalid"])
        return _reschedule_page(request, parent, token, now, error=sentence, status=422)
    try:
        rate_limits.count(rate_limits.BOOKINGS, client.networks(request), now=now)
        moved = appointments.reschedule(
            parent.appointment,
            start,
            by=Actor.PARENT,
            zone=request.practice.zone,
            now=now,
            therapist=therapist_of(request.POST.get("therapist", "")),
            visitor=client.known_visitor(request),
        )
    except (AlreadyCancelled, AlreadyChanged, TooLateToChange) as error:
        return _manage_with_error(request, parent, token, now, error)
    except BookingError as error:
        status = status_of(error)
        page = _reschedule_page(request, parent, token, now, error=str(error), status=status, near=start)
        return with_error(page, error)
    if moved.sequence != parent.appointment.sequence:
        messages.success(request, _("Your appointment was moved. You get a mail about it."))
    return redirect("booking:manage", token)


def _ask_about_move(request: PracticeRequest, parent: Parent, token: str, now: datetime) -> HttpResponse:
    appointment, start = parent.appointment, start_of(request.GET.get("start", ""))
    if not start:
        sentence = str(StartField.default_error_messages["invalid"])
        return _reschedule_page(request, parent, token, now, error=sentence, status=422)
    if start == appointment.start:
        # Back in the browser, after moving there.
        return redirect("booking:manage", token)
    asked: dict[str, Any] = {
        "zone": request.practice.zone,
        "now": now,
        "therapist": appointments.moves_with(appointment),
        "moving": appointment,
    }
    visitor = client.known_visitor(request)
    slot = free_time.slot_at(appointment.appointment_type, start, visitor=visitor, **asked)
    if not slot:
        why = free_time.refusal(appointment.appointment_type, start, **asked)
        return _reschedule_page(request, parent, token, now, error=str(why), status=status_of(why), near=start)
    context = {**_about(request, parent, token, now), "slot": slot, "value": value_of(slot.start)}
    day_form = DayForm(request.GET)
    if day_form.is_valid():
        # The way back leads to the days that were looked at.
        context["looked_at"] = {"day": day_form.cleaned_data.get("day"), "by_month": day_form.by_month}
    return render(request, "booking/reschedule_confirm.html", context)


def _reschedule_page(
    request: PracticeRequest,
    parent: Parent,
    token: str,
    now: datetime,
    *,
    error: str = "",
    status: int = 200,
    near: datetime | None = None,
) -> HttpResponse:
    """Render the list of times to move to; where the moment `near` (UTC) was lost, with those around it."""
    appointment, day_form = parent.appointment, DayForm(request.POST or request.GET)
    if not day_form.is_valid():
        error, status = error or first_error(day_form), 422
    context = _about(request, parent, token, now) | {"error": error, "day_form": day_form}
    therapist, from_day = appointments.moves_with(appointment), day_form.cleaned_data.get("day")
    if near:
        nearest = around(request, appointment.appointment_type, near, now, therapist=therapist, moving=appointment)
        from_day, context["nearest"] = from_day or nearest.day, nearest.days
    context |= free_times(
        request,
        appointment.appointment_type,
        therapist,
        from_day,
        now,
        moving=appointment,
        by_month=day_form.by_month,
    )
    context |= ways(reverse("booking:reschedule", args=[token]), by_month=day_form.by_month)
    return render(request, "booking/reschedule.html", context, status=status)


def _manage_with_error(
    request: PracticeRequest, parent: Parent, token: str, now: datetime, error: BookingError
) -> HttpResponse:
    parent.appointment.refresh_from_db()
    context = {**_about(request, parent, token, now), **_about_reminders(parent, now), "error": str(error)}
    page = render(request, "booking/manage.html", context, status=status_of(error))
    return with_error(page, error)
