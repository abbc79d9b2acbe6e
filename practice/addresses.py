"""Where pages are and where they were, and whether an address that somebody wrote leads anywhere."""

import re
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils.translation import get_language_from_path, override
from django.utils.translation import gettext as _

from practice.mail_addresses import NotAMailAddress, canonical
from practice.models import OldAddress, Page, Picture, Practice
from practice.pages import links_of

_PHONE = re.compile(r"\+?[0-9-]{3,20}")
_is_whole = URLValidator(schemes=["https"])


@transaction.atomic
def move(slug: str, to: str) -> None:
    """Move the page at `slug`, in all its languages, to the address name `to`; the old address leads there.

    Whoever came by a still older address is led straight to `to` as well.
    """
    Page.objects.filter(slug=slug).update(slug=to)
    take(to)
    OldAddress.objects.filter(leads_to=slug).update(leads_to=to)
    OldAddress.objects.create(slug=slug, leads_to=to)


def take(slug: str) -> None:
    """Let the page at `slug` have this address, wherever it led before."""
    OldAddress.objects.filter(slug=slug).delete()


def led_to(slug: str, language: str) -> Page | None:
    """Return the page to which the old address name `slug` leads in `language`; None where it leads nowhere."""
    now = OldAddress.objects.filter(slug=slug).values("leads_to")
    return Page.objects.published().filter(slug__in=now, language=language).first()


def leading_to(page: Page) -> list[Page | Practice]:
    """Return whose texts have a link that shows `page`, by an old address of it too; never itself."""
    slugs = {page.slug, *OldAddress.objects.filter(leads_to=page.slug).values_list("slug", flat=True)}
    led = {(slug, page.language) for slug in slugs}
    if page.language == settings.LANGUAGE_CODE:
        written = set(Page.objects.filter(slug=page.slug).values_list("language", flat=True))
        led |= {(page.slug, language) for language, _name in settings.LANGUAGES if language not in written}
    others = Page.objects.published().exclude(slug=page.slug, language=page.language)
    texts: list[tuple[Page | Practice, list[str]]] = [(other, [other.body]) for other in others]
    texts += [(practice, [*practice.first_consult.values()]) for practice in Practice.objects.all()]
    return [one for one, said in texts if any(_page_at(link) in led for text in said for link in links_of(text))]


def wrong_with(link: str, draft: Page | None = None) -> str | None:
    """Return what is wrong with `link` in a text, as a sentence; None where it leads on.

    `draft`, the page with the text, counts as there. Of other sites only the address is looked at: nothing is
    fetched.
    """
    try:
        parts = urlsplit(link)
    except ValueError:
        return _("“%s” is no address.") % link
    own = parts.netloc == urlsplit(settings.BASE_URL).netloc
    if parts.scheme == "mailto":
        return None if _is_mail(unquote(parts.path)) else _("“%s” is no mail address.") % unquote(parts.path)
    if parts.scheme == "tel":
        sentence = _("“%s” is no phone number. Write it as tel:+31612345678.")
        return None if _PHONE.fullmatch(parts.path) else sentence % parts.path
    if (parts.scheme or parts.netloc) and not own:
        sentence = _("“%s” is no address of another site. Write it whole, beginning with https://.")
        return None if _is_web(link) else sentence % link
    if not own and not link.startswith("/"):
        return _(
            "“%s” leads nowhere. Begin with / for a page of this site, such as /contact/, and with https:// for "
            "another one."
        ) % unquote(link)
    if parts.fragment:
        return _("“%s” leads to a place within a page, which there is not. Leave out what stands behind #.") % link
    if _is_there(unquote(parts.path) or "/", draft):
        return None
    return _("“%s” leads to nothing: there is no such page on this site.") % unquote(link)


def _is_there(path: str, draft: Page | None) -> bool:
    """Return whether a visitor would find something at `path` of this site."""
    match, language = _found_at(path)
    if match is None:
        return False
    if match.url_name == "picture":
        return Picture.objects.filter(**match.kwargs).exists()
    if match.url_name not in {"home", "page"}:
        return True
    slug = match.kwargs.get("slug", "")
    written = dict(Page.objects.filter(slug=slug).values_list("language", "published"))
    if draft and draft.slug == slug:
        written[draft.language] = True
    # As the view has it: who reads a language that the page was never written in finds it in the first one.
    shown = language if language in written else settings.LANGUAGE_CODE
    return written.get(shown, False) or led_to(slug, language) is not None


def _page_at(link: str) -> tuple[str, str] | None:
    """Return the slug and the language of the page that `link` would lead to; None where that is no page."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    own = parts.netloc == urlsplit(settings.BASE_URL).netloc
    match, language = _found_at(unquote(parts.path) or "/")
    if not match or match.url_name not in {"home", "page"} or not (own or link.startswith("/")):
        return None
    return match.kwargs.get("slug", ""), language


def _found_at(path: str) -> tuple[ResolverMatch | None, str]:
    """Return what answers at `path` of this site, None where nothing does, and the language of the address."""
    language = get_language_from_path(path) or settings.LANGUAGE_CODE
    with override(language):
        try:
            # As for visitors: without its last slash an address is found too.
            return resolve(path if path.endswith("/") or "." in path else f"{path}/"), language
        except Resolver404:
            return None, language


def _is_mail(address: str) -> bool:
    try:
        canonical(address)
    except NotAMailAddress:
        return False
    return True


def _is_web(address: str) -> bool:
    try:
        _is_whole(address)
    except ValidationError:
        return False
    return True
