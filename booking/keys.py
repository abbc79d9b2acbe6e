"""Whether FIELD_KEYS, LOOKUP_KEY and SECRET_KEY are keys at all, and those under which this database was written.

With others everything starts and looks well, and then new rows are written that the right keys do not read. So
one row (models.Installation) holds a known text under each of them, and the newest and the oldest row of each
encrypted column are tried too.
"""

from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.core.signing import Signer
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models import ExpressionWrapper, F, Q, TextField

from booking import encryption
from booking.appointments import email_hash, phone_hash
from booking.encryption import EncryptedTextField
from booking.models import Appointment, CalendarSource, Installation, Parent

_KNOWN = "kennismaking"
# What stands in examples, and in files that nobody has filled in yet.
_PLACEHOLDERS = ("change", "secret", "placeholder", "example", "insecure", "password", "only-for")
# Fewer than these no machine draws; the keys that this program makes are twice as long.
_SHORTEST, _FEWEST_DIFFERENT = 20, 8
_COPY = "Restore it from the copy that was kept apart from the backups (docs/operation.md)."
_FOREIGN = {
    "FIELD_KEYS": "FIELD_KEYS does not hold the key that the families' data in this database is encrypted with:"
    f" nothing could be read, and what is booked now would be lost with it. {_COPY}",
    "LOOKUP_KEY": "LOOKUP_KEY is not the one that this database was written with: nobody would be found by email"
    f" address or phone number. {_COPY} Where it was changed on purpose, run `manage.py reencrypt`.",
    "SECRET_KEY": "SECRET_KEY is not the one that signed the links in emails that went out: all would be dead."
    f" {_COPY} Where it was changed on purpose, put the old one into OLD_SECRET_KEYS; where the old links are to"
    " be dead, run `manage.py reencrypt`.",
}


def malformed() -> dict[str, str]:
    """Return for each setting that holds no key a sentence that says so; never what it holds."""
    wrong = {}
    if not settings.FIELD_KEYS or not all(map(_is_fernet, settings.FIELD_KEYS)):
        wrong["FIELD_KEYS"] = (
            "FIELD_KEYS must be keys of Fernet, separated by commas, each 44 characters that were drawn by chance;"
            " docs/configuration.md says how to make one."
        )
    for name in ("LOOKUP_KEY", "SECRET_KEY"):
        key = getattr(settings, name)
        if len(key) < _SHORTEST or len(set(key)) < _FEWEST_DIFFERENT or not key.isprintable():
            wrong[name] = (
                f"{name} must be at least {_SHORTEST} characters that were drawn by chance;"
                " docs/configuration.md says how to make one."
            )
    return wrong


def guessable() -> dict[str, str]:
    """Return for each setting whose key somebody made up, and which others can so guess, a sentence about it."""
    wrong = {}
    if any(_is_fernet(key) and urlsafe_b64decode(key).isascii() for key in settings.FIELD_KEYS):
        # One in four thousand million of those that are drawn by chance.
        wrong["FIELD_KEYS"] = "FIELD_KEYS holds a text that somebody made up, and no key that was drawn by chance."
    for name in ("LOOKUP_KEY", "SECRET_KEY"):
        key = getattr(settings, name).casefold()
        if len(key) < 32 or len(set(key)) < 12 or any(word in key for word in _PLACEHOLDERS):
            wrong[name] = f"{name} looks made up: take one of at least 32 characters that was drawn by chance."
    if settings.LOOKUP_KEY == settings.SECRET_KEY:
        wrong["LOOKUP_KEY"] = "LOOKUP_KEY and SECRET_KEY are the same: whoever learns one has both."
    return wrong


def foreign(using: str = DEFAULT_DB_ALIAS, *, rows_too: bool = True) -> dict[str, str]:
    """Return for each setting that is not the one under which the database was written a sentence that says what
    to restore; nothing where no family is in the database yet. Costs one query where all is well and `rows_too`
    is not asked for."""
    wrong = set()
    ours = Installation.objects.using(using).values("field_keys", "lookup_key", "secret_key")
    # A database of an older version has rows, and nothing yet that remembers their keys.
    if remembered := ours.first() if not rows_too or has_table(using) else None:
        wrong = {name for name, is_known in _known(remembered).items() if not is_known}
    elif rows_too and not _finds_a_parent(using):
        wrong = {"LOOKUP_KEY"}
    if rows_too and not all(map(_reads, _samples(using))):
        wrong.add("FIELD_KEYS")
    return {name: _FOREIGN[name] for name in sorted(wrong)} if wrong and _holds_data(using) else {}


def remember(using: str = DEFAULT_DB_ALIAS, *, renew: bool = False) -> None:
    """Write down under which keys this database is written, unless that is known; `renew` in any case.

    Known ones stay, but for a SECRET_KEY whose older one is among OLD_SECRET_KEYS. Where the rows tell of other
    keys nothing is written.
    """
    if malformed():
        return
    now = {
        "field_keys": encryption.encrypted(_KNOWN),
        "lookup_key": encryption.lookup_hash(_KNOWN),
        "secret_key": _signature(settings.SECRET_KEY),
    }
    ours = Installation.objects.using(using)
    if not renew and (known := ours.values(*now).first()):
        if all(_known(known).values()):
            ours.exclude(secret_key=now["secret_key"]).update(secret_key=now["secret_key"])
            return
        renew = not _holds_data(using)
    elif not renew:
        renew = not foreign(using)
    if renew:
        ours.update_or_create(id=Installation.THE_ONE, defaults=now)


def _known(remembered: Mapping[str, Any]) -> dict[str, bool]:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return {
        "FIELD_KEYS": _reads(remembered["field_keys"]),
        "LOOKUP_KEY": remembered["lookup_key"] == encryption.lookup_hash(_KNOWN),
        "SECRET_KEY": remembered["secret_key"] in map(_signature, secrets),
    }


def _signature(secret: str) -> str:
    return Signer(key=secret, salt="booking.keys").signature(_KNOWN)


def _is_fernet(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return len(set(urlsafe_b64decode(key))) >= _FEWEST_DIFFERENT


def _reads(token: str) -> bool:
    try:
        encryption.decrypted(token)
    except (InvalidToken, ValueError):
        return False
    return True


def _holds_data(using: str) -> bool:
    return any(model._base_manager.using(using).exists() for model in (Appointment, CalendarSource, Authenticator))


def _samples(using: str) -> Iterator[str]:
    """Yield what stands in the newest and in the oldest row of each encrypted column, as it is stored."""
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, EncryptedTextField):
                yield from _ends(model, field.attname, using)
    for data in Authenticator.objects.using(using).order_by("pk").values_list("data", flat=True)[:100]:
        yield from (data[name] for name in ("secret", "seed") if name in data)


def _ends(model: type[models.Model], name: str, using: str) -> Iterator[str]:
    as_stored = ExpressionWrapper(F(name), output_field=TextField())
    rows = model._base_manager.using(using).annotate(as_stored=as_stored).exclude(as_stored="")
    tokens = rows.exclude(as_stored=None).values_list("as_stored", flat=True)
    yield from chain(tokens.order_by("-pk")[:1], tokens.order_by("pk")[:1])


def _finds_a_parent(using: str) -> bool:
    """Return whether one of the newest parents is found by what is known of them, or there is none to ask."""
    hashed = Parent.objects.using(using).filter(Q(email_hash__gt="") | Q(phone_hash__gt="")).order_by("-pk")[:20]
    newest = [
        one
        for one in hashed.only("email", "email_hash", "phone", "phone_hash")
        if not any(isinstance(text, encryption.Unreadable) for text in (one.email, one.phone))
    ]
    return not newest or any(
        one.email_hash == email_hash(one.email) or one.phone_hash == phone_hash(one.phone) for one in newest
    )


def has_table(using: str, model: type[models.Model] = Installation) -> bool:
    """Return whether the database has the table of `model` already."""
    return model._meta.db_table in connections[using].introspection.table_names()
