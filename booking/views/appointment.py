"""One appointment on the agenda, with all that can be done with it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from booking import appointments, by_hand, erasure
from booking.access import Viewer, account_of, note, therapist_required
from booking.errors import AlreadyChanged, BookingError
from booking.forms.appointments import CancelForm, MoveForm
from booking.forms.parent import DayForm
from booking.models import Actor, Appointment, HistoryEntry, State
from booking.views import moments
from booking.views.answers import status_of
from booking.views.days import entry
from booking.views.times import free_times, value_of
from practice.requests import PracticeRequest


@therapist_required
@require_GET
def show(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Show one appointment, how to reach the family, what was done and mailed, and what can be done."""
    return _page(request, found_by(viewer, public_id))


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Move the appointment: to a free time, or to any other; a manager also to a colleague who offers the type."""
    found, now = found_by(viewer, public_id), timezone.now()
    try:
        appointments.must_be_changeable(found, Actor.THERAPIST, now)
    except BookingError as error:
        return _page(request, found, error=error.to_therapist(), status=409)
    offering = set(found.appointment_type.therapists.exclude(user__is_active=False))
    therapists = [one for one in viewer.therapists() if one == found.therapist or one in offering]
    slug = request.GET.get("therapist", found.therapist.slug)
    chosen = next((one for one in therapists if one.slug == slug), None)
    if chosen is None:
        raise Http404
    whom = {"therapist": chosen, "therapists": therapists}
    if request.method == "POST":
        return _move(request, viewer, found, whom, now)
    initial = {"sequence": found.sequence, **_wall(found.start)}
    return _move_page(request, viewer, found, whom, _form(request, found, now, initial=initial), now)


@therapist_required
@require_POST
def cancel(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Cancel the appointment; whether the family gets a mail is for the therapist to say."""
    found = found_by(viewer, public_id)
    form = CancelForm(request.POST, appointment=found)
    if not form.is_valid():
        return _page(request, found, form=form, status=422)
    tell_parents = form.cleaned_data.get("tell_parents", False)
    done = _("The appointment is cancelled. The family gets a mail.")
    if not tell_parents:
        done = _("The appointment is cancelled. The family gets no mail: please call them.")
    return _act(
        request,
        found,
        lambda now: appointments.cancel(
            found,
            by=Actor.THERAPIST,
            now=now,
            reason=form.cleaned_data["reason"],
            account=account_of(request),
            tell_parents=tell_parents,
        ),
        done,
    )


@therapist_required
@require_POST
def attended(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Write down that the family came."""
    found, account = found_by(viewer, public_id), account_of(request)
    done = _("Noted: they came.")
    return _act(request, found, lambda now: appointments.mark_attended(found, now=now, account=account), done)


@therapist_required
@require_POST
def no_show(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Write down that the family did not come."""
    found, account = found_by(viewer, public_id), account_of(request)
    done = _("Noted: nobody came.")
    return _act(request, found, lambda now: appointments.mark_no_show(found, now=now, account=account), done)


@therapist_required
@require_POST
def send_again(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Send the confirmation once more."""
    found, account = found_by(viewer, public_id), account_of(request)
    done = _("The confirmation is sent again.")
    return _act(request, found, lambda now: by_hand.send_confirmation_again(found, account=account, now=now), done)


@therapist_required
@require_POST
def end_links(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """End the links in the mails that the family has."""
    found, account = found_by(viewer, public_id), account_of(request)
    done = _("The links in earlier mails no longer work.")
    return _act(request, found, lambda now: by_hand.end_links(found, account=account, now=now), done)


@therapist_required
@require_POST
def ask_to_move(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Ask the family to choose another time."""
    found, account = found_by(viewer, public_id), account_of(request)
    done = _("The family gets a mail with a link to choose another time.")
    return _act(request, found, lambda now: by_hand.ask_to_move(found, account=account, now=now), done)


@therapist_required
@require_POST
def withdraw_ask(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Take back that the family was asked to choose another time."""
    found, account = found_by(viewer, public_id), account_of(request)
    done = _("The time stays as it was. The family gets a mail about it.")
    if not any(parent.email for parent in found.parents.all()):
        done = _("The time stays as it was. The family gets no mail: please call them.")
    return _act(request, found, lambda now: by_hand.withdraw_ask(found, account=account, now=now), done)


@therapist_required
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: PracticeRequest, viewer: Viewer, public_id: UUID) -> HttpResponse:
    """Ask once, then erase the family's data; an appointment that lies ahead is cancelled by it."""
    found, now = found_by(viewer, public_id), timezone.now()
    if request.method != "POST":
        ahead = found.state == State.CONFIRMED and found.start > now
        reachable = any(parent.email for parent in found.parents.all())
        context = {"appointment": found, "ahead": ahead, "reachable": reachable}
        return render(request, "agenda/erase.html", context)
    done = _("The data of the family are erased, or will be as soon as the last mail is out.")
    return _act(
        request,
        found,
        lambda now: erasure.erase(found, by=Actor.THERAPIST, now=now, account=account_of(request)),
        done,
    )


def found_by(viewer: Viewer, public_id: UUID) -> Appointment:
    """Return the appointment, where the viewer may see it; raises Http404 else."""
    visible = viewer.appointments().select_related("appointment_type", "therapist").prefetch_related("parents")
    return get_object_or_404(visible, public_id=public_id)


def _act(
    request: PracticeRequest, found: Appointment, act: Callable[[datetime], object], done: str
) -> HttpResponse:
    try:
        act(timezone.now())
    except BookingError as error:
        found.refresh_from_db()
        return _page(request, found, error=_in_her_words(found, error), status=status_of(error))
    messages.success(request, done)
    return redirect("booking:agenda_appointment", found.public_id)


def _move(
    request: PracticeRequest, viewer: Viewer, found: Appointment, whom: dict[str, Any], now: datetime
) -> HttpResponse:
    data = {**request.POST.dict(), **moments.chosen(request, request.POST)}
    form = _form(request, found, now, data=data)
    if not form.is_valid():
        return _move_page(request, viewer, found, whom, form, now, status=422)
    start = form.cleaned_data["start"]
    tell_parents = form.cleaned_data.get("tell_parents", False)
    try:
        moved = by_hand.move(
            found,
            start,
            sequence=form.cleaned_data["sequence"],
            tell_parents=tell_parents,
            account=account_of(request),
            zone=request.practice.zone,
            now=now,
            therapist=whom["therapist"],
            all_the_same=request.POST.get("all_the_same") == value_of(start),
        )
    except BookingError as error:
        found.refresh_from_db()
        return _move_page(request, viewer, found, whom, form, now, error=error, status=status_of(error))
    # Who was still to hear of it at all is told in any case.
    mailed = moved.notifications.filter(parent__isnull=False, due_at=now).exists()
    messages.success(
        request,
        _("The appointment is moved. The family gets a mail.")
        if mailed
        else _("The appointment is moved. The family gets no mail: please call them."),
    )
    return redirect("booking:agenda_appointment", found.public_id)


def _move_page(
    request: PracticeRequest,
    viewer: Viewer,
    found: Appointment,
    whom: dict[str, Any],
    form: MoveForm,
    now: datetime,
    *,
    error: BookingError | None = None,
    status: int = 200,
) -> HttpResponse:
    start = form.cleaned_data.get("start") if form.is_bound else None
    day_form = DayForm({"day": request.GET.get("from", "")})
    from_day = day_form.cleaned_data.get("day") if day_form.is_valid() else None
    appointment_type, therapist = found.appointment_type, whom["therapist"]
    context = {
        **free_times(request, appointment_type, therapist, from_day, now, moving=found, by_hand=True),
        **whom,
        "appointment": found,
        "form": form,
        # Of the appointment as it is now: who saves after reading what changed means that one.
        "sequence": found.sequence,
        "value": start and value_of(start),
        **moments.answer(request, viewer, appointment_type, therapist, start, now, error, moving=found),
    }
    if isinstance(error, AlreadyChanged):
        context["error"] = _in_her_words(found, error)
    return render(request, "agenda/move.html", context, status=status)


def _form(request: PracticeRequest, found: Appointment, now: datetime, **filled_in: Any) -> MoveForm:
    return MoveForm(appointment=found, zone=request.practice.zone, now=now, **filled_in)


def _wall(start: datetime) -> dict[str, str]:
    local = timezone.localtime(start)
    return {"day": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M}"}


def _in_her_words(found: Appointment, error: BookingError) -> str:
    """Return what `error` says to a therapist: what changed meanwhile, where something did."""
    last = found.history.select_related("account__therapist").last()
    if not isinstance(error, AlreadyChanged) or last is None:
        return error.to_therapist()
    sentence = _("Meanwhile this appointment was changed by %(who)s: it is now on %(when)s. Is that right?")
    when = timezone.localtime(found.start)
    return sentence % {"who": _who(last), "when": date_format(when, _("j F Y, H:i"))}


def _who(done: HistoryEntry) -> str:
    """Return who did it, as the therapist knows them."""
    if done.account is None:
        return done.get_actor_display()
    therapist = getattr(done.account, "therapist", None)
    return therapist.name if therapist else done.account.email


def _page(
    request: PracticeRequest,
    found: Appointment,
    *,
    form: CancelForm | None = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    note(request, "seen", [found])
    begun = now >= found.start
    standing = found.state == State.CONFIRMED and not begun
    reachable = any(parent.email for parent in found.parents.all())
    done = found.history.select_related("account__therapist")
    context = {
        "entry": entry(found),
        "appointment": found,
        "history": [(one, _who(one)) for one in done],
        "mails": found.notifications.select_related("parent", "therapist").order_by("due_at", "pk"),
        "form": form or CancelForm(appointment=found),
        "error": error,
        "can_change": standing,
        "can_mail": standing and reachable,
        "can_mark": found.state != State.CANCELLED and begun,
        "can_erase": found.erase_requested_at is None and found.erased_at is None,
        "erased_on": found.erased_on(request.practice.zone),
    }
    return render(request, "agenda/appointment.html", context, status=status)
