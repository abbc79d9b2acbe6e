"""Where pages are and where they were, and whether an address that somebody wrote leads anywhere."""

import re
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.db import transaction
from django.urls import Resolver404, resolve
from django.utils.translation import get_language_from_path, override
from django.utils.translation import gettext as _

from practice.models import OldAddress, Page, Picture

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


def wrong_with(link: str, draft: Page) -> str | None:
    """Return what is wrong with `link` in the text of the page `draft`, as a sentence; None where it leads on.

    `draft` itself counts as there. Of other sites only the address is looked at: nothing is fetched.
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


def _is_there(path: str, draft: Page) -> bool:
    """Return whether a visitor would find something at `path` of this site."""
    language = get_language_from_path(path) or settings.LANGUAGE_CODE
    with override(language):
        try:
            # As for visitors: without its last slash an address is found too.
            match = resolve(path if path.endswith("/") or "." in path else f"{path}/")
        except Resolver404:
            return False
    if match.url_name == "picture":
        return Picture.objects.filter(**match.kwargs).exists()
    if match.url_name not in {"home", "page"}:
        return True
    slug = match.kwargs.get("slug", "")
    if (slug, language) == (draft.slug, draft.language):
        return True
    published = Page.objects.published().filter(slug=slug, language=language)
    return published.exists() or led_to(slug, language) is not None


def _is_mail(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return True


def _is_web(address: str) -> bool:
    try:
        _is_whole(address)
    except ValidationError:
        return False
    return True
