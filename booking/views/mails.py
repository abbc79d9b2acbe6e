"""Every mail that the practice sends, for managers to look at: about made-up families, and sent to nobody."""

from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp, csp_update
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailMultiAlternatives
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language_info
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from booking import emails, mail_samples
from booking.access import Viewer, therapist_required
from booking.mail_samples import SAMPLES, Sample
from practice.requests import PracticeRequest

# Mails carry their styles in themselves; all else is off in the frame, scripts and links that lead away included.
_MAILS_OWN_POLICY: dict[str, Any] = {
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": True,
}


@therapist_required
@require_GET
def show(request: PracticeRequest, viewer: Viewer) -> HttpResponse:
    """List the kinds of mail, in each language."""
    _must_manage(viewer)
    groups = [[sample for sample in SAMPLES if sample.to_therapist == therapists] for therapists in (False, True)]
    return render(request, "agenda/mails.html", {"groups": groups, "languages_of_mails": _languages()})


@csp_update({"frame-src": [SELF]})
@therapist_required
@require_GET
def preview(request: PracticeRequest, viewer: Viewer, sample: str, language: str) -> HttpResponse:
    """Show one mail as its recipient finds it: what a list of mails says, the mail itself, its text form."""
    _must_manage(viewer)
    found, message = _composed(request, sample, language)
    context = {
        "sample": found,
        "language": language,
        "languages_of_mails": _languages(),
        "message": message,
        "preheader": emails.preheader(message),
        "answers_to": message.reply_to[0],
        "recipient": message.to[0],
    }
    return render(request, "agenda/mail.html", context)


@therapist_required
@require_GET
def html(request: PracticeRequest, viewer: Viewer, sample: str, language: str) -> HttpResponseBase:
    """Give the HTML of one mail, for the frame, under a policy of its own: mails are styled in themselves."""
    _must_manage(viewer)
    _found, message = _composed(request, sample, language)
    content = emails.html(message)
    # The links of a made-up family lead nowhere: the sandbox opens no window, so that a click does nothing.
    content = content.replace("<head>", '<head>\n<base target="_blank">', 1)

    # Of the mail alone: who is refused gets a page of ours, under our policy.
    @xframe_options_sameorigin
    @csp(_MAILS_OWN_POLICY)
    def mail(request: HttpRequest) -> HttpResponse:
        return HttpResponse(content)

    return mail(request)


def _must_manage(viewer: Viewer) -> None:
    if not viewer.manager:
        raise PermissionDenied


def _composed(request: PracticeRequest, name: str, language: str) -> tuple[Sample, EmailMultiAlternatives]:
    sample = mail_samples.BY_NAME.get(name)
    if not sample or language not in dict(settings.LANGUAGES):
        raise Http404
    return sample, mail_samples.compose(sample, language, request.practice, now=timezone.now())


def _languages() -> list[tuple[str, str]]:
    """Return the languages of mails: code, and name in that language."""
    return [(code, get_language_info(code)["name_local"].capitalize()) for code, _name in settings.LANGUAGES]
