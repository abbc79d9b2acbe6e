"""The information pages, what robots read, and the pages for when something is wrong."""

import logging
from datetime import UTC, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseServerError
from django.shortcuts import redirect, render
from django.template.loader import render_to_string, select_template
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, get_language_from_path, override
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from practice import addresses, structured_data, style_guide
from practice.kept import for_everyone
from practice.links import absolute, languages
from practice.middleware import LastSeen, without_practice
from practice.models import FIXED_SLUGS, Page, Picture
from practice.pages import to_html
from practice.pictures import shown_in
from practice.sitemaps import listed
from practice.uploads import UnaskedFile

security = logging.getLogger("security")


@require_safe
@for_everyone
def page(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Show the published page `slug` in the language of the address, or lead to where it is now.

    Who reads a language that the page was never written in finds it in the site's first one.
    """
    written = {version.language: version for version in Page.objects.filter(slug=slug)}
    versions = {language: version for language, version in written.items() if version.published}
    language = str(get_language())
    if language in versions:
        return HttpResponse(page_as_shown(request, versions[language], set(versions)))
    if moved := addresses.led_to(slug, language):
        query = f"?{request.META['QUERY_STRING']}" if request.META.get("QUERY_STRING") else ""
        response = redirect(moved.get_absolute_url() + query, permanent=True)
        # Browsers would remember it for good, and never see a new page that takes this address.
        response["Cache-Control"] = "public, max-age=3600"
        return response
    if language not in written and settings.LANGUAGE_CODE in versions:
        return HttpResponse(page_as_shown(request, versions[settings.LANGUAGE_CODE], set(versions)))
    raise Http404


def page_as_shown(request: HttpRequest, shown: Page, written_in: set[str], **more: Any) -> str:
    """Return `shown`, a page of the site or a draft of one, as it looks in the language of the moment.

    `written_in` are the languages that it is there in; `more` goes into its template as well.
    """
    practice = request.practice  # type: ignore[attr-defined]
    data = structured_data.of_page(shown, practice, reverse("booking:choose"))
    passage = str(practice.first_consult)
    pictures = shown_in(shown.body, passage)
    context: dict[str, Any] = {
        "page": shown,
        "body": to_html(shown.body, pictures),
        "passage": to_html(passage, pictures),
        "alternates": [one for one in languages(request) if one.code in written_in],
        "structured_data": [structured_data.script(entry) for entry in data],
    }
    own = [f"pages/{shown.slug or 'home'}.html"] if shown.slug in FIXED_SLUGS else []
    template = select_template([*own, "pages/page.html"])
    return str(template.render(context | more, request))


@require_safe
@without_practice
@cache_control(max_age=31536000, public=True, immutable=True)
def picture(request: HttpRequest, digest: str) -> HttpResponse:
    """Give a picture of the practice's own. Another one has another address, so it may be kept for ever."""
    content = Picture.objects.filter(digest=digest).values_list("content", flat=True).first()
    if content is None:
        raise Http404
    return HttpResponse(bytes(content), content_type="image/webp")


@require_safe
@cache_control(max_age=3600, public=True)
@without_practice
def robots(request: HttpRequest) -> HttpResponse:
    """Tell robots what is not for them, and where the sitemap is."""
    closed = [reverse("admin:index"), "/account/", "/agenda/", "/api/"]
    prefixes = ["", *(f"/{code}" for code, _ in settings.LANGUAGES[1:])]
    # Calendar services that keep to this file may read the feeds, whose addresses nobody can guess and whose
    # header says that they are not to be indexed. First, for robots that take the first line that fits.
    lines = ["User-agent: *", *(f"Allow: {prefix}/agenda/abonnement/" for prefix in prefixes)]
    lines += [f"Disallow: {prefix}{path}" for prefix in prefixes for path in closed]
    lines += ["", f"Sitemap: {absolute(reverse('sitemap'))}", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(max_age=86400, public=True)
def security_txt(request: HttpRequest) -> HttpResponse:
    """Tell whoever found a hole where to say so (RFC 9116); it ends after half a year."""
    practice = request.practice  # type: ignore[attr-defined]
    ends = (timezone.now() + timedelta(days=180)).astimezone(UTC).replace(microsecond=0)
    lines = [
        f"Contact: mailto:{practice.email}",
        f"Expires: {ends.strftime('%Y-%m-%dT%H:%M:%SZ')}",
        f"Preferred-Languages: {', '.join(code for code, _name in settings.LANGUAGES)}",
        f"Canonical: {absolute(reverse('security_txt'))}",
        "",
    ]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(max_age=3600, public=True)
def sitemap(request: HttpRequest) -> HttpResponse:
    """List every page in every language, each with its translations (sitemaps.org, and Google's hreflang)."""
    return render(request, "pages/sitemap.xml", {"addresses": listed()}, content_type="application/xml")


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers; it asks nothing of the database."""
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@require_safe
@without_practice
def favicon(request: HttpRequest) -> HttpResponse:
    """Lead browsers that look in the old place, as they do on pages of the admin, to the drawing."""
    return redirect(static("favicon.svg"), permanent=True)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for an address that leads nowhere, or to what is somebody else's."""
    match = request.resolver_match
    # None where the request was refused before anyone looked at its session.
    user = getattr(request, "user", None)
    if match and user and user.is_authenticated:
        security.warning("account %s found nothing: %s", user.pk, match.view_name)
    return render(request, "404.html", status=404)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for someone who is signed in, but not for this."""
    match = request.resolver_match
    security.warning("account %s refused: %s", request.user.pk, match.view_name if match else "")
    return render(request, "403.html", status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form that came without its cookie: usually one that stood open for long."""
    # The sentence names what was missing, and no value of it; where it came from may be an address with a token.
    security.warning("form refused: %s", reason.partition(" - ")[0])
    return render(request, "403_csrf.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for a request that no browser of ours would send; it asks nothing of the database."""
    # It can be refused before anything has looked at its language.
    with override(get_language_from_path(request.path_info) or settings.LANGUAGE_CODE):
        file = isinstance(exception, UnaskedFile | TooManyFilesSent)
        return HttpResponseBadRequest(render_to_string("400.html", {"practice": LastSeen.practice, "file": file}))


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for a fault of ours. It asks nothing of the database, which may be what is broken."""
    return HttpResponseServerError(render_to_string("500.html", {"practice": LastSeen.practice}))


@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """Show every part of the design system; mounted only where DEBUG is on."""
    return render(request, "pages/style.html", style_guide.context())
