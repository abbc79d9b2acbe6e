"""The feed that the therapist's own calendar programs read, and the page on which she rules it."""

from hashlib import sha256

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from booking import access_log, client, feed, links, rate_limits
from booking.access import Viewer, therapist_required
from booking.errors import Busy, TooManyRequests
from booking.forms.feed import FeedForm
from booking.models import Actor, FeedDetail, Therapist
from practice.requests import PracticeRequest


@require_safe
def read(request: PracticeRequest, token: str) -> HttpResponse:
    """Give the feed to whoever has its address."""
    caller, now = client.networks(request), timezone.now()
    try:
        rate_limits.refuse_exhausted(rate_limits.DEAD_LINKS, caller, now=now)
        therapist = links.therapist_of(token)
    except TooManyRequests as error:
        return HttpResponse(str(error), status=429, headers={"Retry-After": str(error.retry_after)})
    except links.DeadLink:
        rate_limits.record(rate_limits.DEAD_LINKS, caller, now=now)
        sentence = _("This calendar is not here any more.")
        return HttpResponse(sentence, status=404, content_type="text/plain; charset=utf-8")
    content = feed.feed(therapist, request.practice, now=now)
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponse(status=304)
    else:
        try:
            # One entry for all that it tells: calendar programs come back every half hour.
            told = [] if therapist.feed_detail == FeedDetail.NOTHING else [None]
            access_log.record("feed_read", told, by=Actor.THERAPIST, at=now, account=therapist.user)
        except Busy as error:
            return HttpResponse(str(error), status=503, headers={"Retry-After": "5"})
        response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
        response["Content-Disposition"] = 'inline; filename="agenda.ics"'
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    response["X-Robots-Tag"] = "noindex"
    return response


@therapist_required
@require_GET
def show(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Show whether there is a feed, its address, and what it tells."""
    therapist = _own(viewer)
    context = {
        "form": FeedForm(initial={"detail": therapist.feed_detail}),
        "on": therapist.feed_on,
        "url": links.feed_url(therapist) if therapist.feed_on else "",
        "detail": therapist.get_feed_detail_display(),
    }
    return render(request, "agenda/feed.html", context)


@therapist_required
@require_POST
def turn_on(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Switch the feed on, or change what it tells."""
    therapist, form = _own(viewer), FeedForm(request.POST)
    if not form.is_valid():
        context = {"form": form, "on": therapist.feed_on, "url": ""}
        return render(request, "agenda/feed.html", context, status=422)
    feed.turn_on(therapist, FeedDetail(form.cleaned_data["detail"]))
    messages.success(request, _("Saved. Your calendar shows it within a few hours, at the pace of its maker."))
    return redirect("booking:feed")


@therapist_required
@require_POST
def renew(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Give the feed another address."""
    feed.renew(_own(viewer))
    messages.success(request, _("The address is renewed. The one before works no more."))
    return redirect("booking:feed")


@therapist_required
@require_POST
def turn_off(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """Switch the feed off."""
    feed.turn_off(_own(viewer))
    messages.success(request, _("The feed is switched off."))
    return redirect("booking:feed")


def _own(viewer: Viewer) -> Therapist:
    """Return the viewer's own self: a feed is nobody else's, not even for a manager."""
    if viewer.therapist is None:
        raise Http404
    return viewer.therapist
