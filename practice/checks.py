"""System checks for what an operator of this site can get wrong."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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


def check_deployed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """System check (deploy): nothing is left from trying out that would hurt real families."""
    address = urlsplit(settings.BASE_URL)
    wide = [network for network in settings.TRUSTED_PROXIES if _is_everybody(network)]
    mail = urlsplit(settings.EMAIL_URL)
    wrong = {
        "E002": settings.DEMO
        and "DEMO is on: a made-up therapist can be booked, whose password stands in a file, and a password alone"
        " opens the agenda. Take DEMO out, and begin with an empty data folder (docs/live.md).",
        "E003": settings.DEBUG
        and "DEBUG is on: whoever meets an error is shown code, settings and what the family typed. Take it out.",
        "E004": not settings.EMAIL_URL
        and f"Emails become files in {settings.MAIL_DIR}, so no family gets one. Set EMAIL_URL to the address of a"
        " mail server.",
        "E005": not (settings.HTTPS and address.scheme == "https")
        and "HTTPS and BASE_URL must both say https: what families type would go in the open, or the links in"
        " emails lead nowhere. Set HTTPS=1 and BASE_URL=https://…",
        "E006": wide
        and f"TRUSTED_PROXIES holds {', '.join(wide)}: anybody may say who they are, and limits count nobody. Name"
        " the address of your own proxy alone.",
        "E007": "*" in settings.ALLOWED_HOSTS
        and "ALLOWED_HOSTS takes any name: links in emails could be made to lead elsewhere. Name your own alone.",
        "E008": mail.scheme == "smtp"
        and bool(mail.password)
        and not _is_near(mail.hostname)
        and "EMAIL_URL sends the password of the mail server, and every email, unencrypted. Write smtp+tls:// or"
        " smtp+ssl://.",
    }
    likely = {
        "W003": not settings.TRUSTED_PROXIES
        and "TRUSTED_PROXIES names no proxy: behind one, every page leads to itself, and limits count all visitors"
        " as one. Set it to the address of your proxy.",
        "W004": settings.REDIS_URL
        and not urlsplit(settings.REDIS_URL).password
        and "REDIS_URL has no password: whoever reaches Redis can fill the queue, and empty the limits. Set one"
        " (REDIS_PASSWORD).",
    }
    return [
        *(Error(says, id=f"practice.{number}") for number, says in wrong.items() if says),
        *(Warning(says, id=f"practice.{number}") for number, says in likely.items() if says),
    ]


def _is_everybody(network: str) -> bool:
    """Return whether `network` holds a large part of the internet."""
    try:
        known = ip_network(network, strict=False)
    except ValueError:
        return False
    if known.prefixlen < 8:
        return True
    return not known.network_address.is_private and known.num_addresses > 2 ** (known.max_prefixlen // 2)


def _is_near(host: str | None) -> bool:
    """Return whether `host` is this machine, or one of a network of our own."""
    try:
        return ip_address(host or "").is_private
    except ValueError:
        return host is None or host == "localhost" or "." not in host


def check_role(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """System check (deploy): who gets into this database by us does not get all of the server with it."""
    messages: list[CheckMessage] = []
    for alias in databases or []:
        if connections[alias].vendor != "postgresql":
            continue
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            if cursor.fetchone() == (True,):
                messages.append(
                    Warning(
                        "The role of DATABASE_URL is a superuser: it can read files of the server and switch off"
                        " every guard.",
                        hint="Use one that owns this database alone, as deploy/postgresql-role.sh makes.",
                        id="practice.W005",
                    )
                )
    return messages
