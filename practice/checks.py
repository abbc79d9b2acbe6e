"""System checks for what an operator of this site can get wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ValidationError
from django.db import connections
from django.utils.translation import to_locale

from practice.models import Practice
from practice.zones import validate_zone


def check_languages(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """System check: each language of the site is one that it was translated into; English is the code's own."""
    missing = [
        code
        for code, _name in settings.LANGUAGES
        if code != "en" and not any(_catalog(Path(folder), code).exists() for folder in settings.LOCALE_PATHS)
    ]
    return [
        Warning(
            f"LANGUAGES names {code!r}, and nothing is translated into it: its readers see another language.",
            hint=f"Make locale/{to_locale(code)}/LC_MESSAGES/django.po, as docs/languages.md says.",
            id="practice.W002",
        )
        for code in missing
    ]


def _catalog(folder: Path, code: str) -> Path:
    return folder / to_locale(code) / "LC_MESSAGES" / "django.po"


def check_practice(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """System check: there is a practice, and it lives by the clocks of a place."""
    messages: list[CheckMessage] = []
    for alias in databases or []:
        if Practice._meta.db_table not in connections[alias].introspection.table_names():
            continue
        name = Practice.objects.using(alias).values_list("time_zone", flat=True).first()
        if name is None:
            messages.append(
                Warning(
                    "There is no practice yet, so no page can be shown.",
                    hint="Run `manage.py load_practice`.",
                    id="practice.W001",
                )
            )
            continue
        try:
            validate_zone(name)
        except ValidationError:
            messages.append(
                Error(
                    f"The practice's time zone {name!r} is not the name of a place.",
                    hint="Choose a named zone, such as Europe/Amsterdam, under Practice in the admin.",
                    id="practice.E001",
                )
            )
    return messages


def check_proxies(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """System check (deploy): somebody is believed who says that a visitor came by https."""
    if not settings.SECURE_SSL_REDIRECT or settings.TRUSTED_PROXIES:
        return []
    return [
        Warning(
            "HTTPS is on and TRUSTED_PROXIES names nobody, so visitors are sent on to https for ever.",
            hint="Name the proxy that brings https: TRUSTED_PROXIES=127.0.0.1 where it is on this machine.",
            id="practice.W003",
        )
    ]


def check_mail_leaves(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """System check (deploy): families' mails go to a server, and not into a folder where nobody reads them."""
    if settings.EMAIL_URL or settings.DEMO:
        return []
    return [
        Warning(
            f"Mails become files in {settings.MAIL_DIR}, so no family gets one.",
            hint="Set EMAIL_URL to the address of a mail server.",
            id="practice.W002",
        )
    ]
