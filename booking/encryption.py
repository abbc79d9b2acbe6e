"""Columns that a stolen database does not give away, and the keyed hashes by which they are found again."""

import hashlib
import hmac
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _current() -> MultiFernet:
    return _fernet(tuple(settings.FIELD_KEYS))


if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class Unreadable(str):
    """Stands for a text that none of FIELD_KEYS reads, so that one row does not take a whole page with it.

    It is a word that says so, for people; written back it is `token` again, as the database has it.
    """

    token: str

    @classmethod
    def of(cls, token: str) -> "Unreadable":
        """Return what stands for `token`, in the language of whoever is being answered."""
        one = cls(_("(unreadable)"))
        one.token = token
        return one


class EncryptedTextField(_TextField):
    """Text that the database only ever sees encrypted; an empty text stays empty, and what no key reads is
    Unreadable.

    Nothing can be looked up in such a column: keep a `lookup_hash` beside it where that is needed.
    """

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        try:
            return decrypted(value) if value else value
        except InvalidToken:
            return Unreadable.of(str(value))

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Unreadable):
            return value.token
        text = super().get_prep_value(value)
        return encrypted(text) if text else text


def encrypted(text: str) -> str:
    """Return `text` under the first of FIELD_KEYS."""
    return _current().encrypt(text.encode()).decode()


def decrypted(token: str) -> str:
    """Return the text that `token` holds; raises InvalidToken where none of FIELD_KEYS reads it."""
    return _current().decrypt(token.encode()).decode()


def renewed(token: str) -> str:
    """Return `token` under the first of FIELD_KEYS: itself, where it is. Raises what `decrypted` does."""
    try:
        _fernet((settings.FIELD_KEYS[0],)).decrypt(token.encode())
    except InvalidToken:
        return _current().rotate(token.encode()).decode()
    return token


def lookup_hash(*parts: str) -> str:
    """Return a keyed hash (HMAC-SHA-256, hex) of `parts`, the same each time and useless without the key."""
    message = "\x1f".join(parts).encode()
    return hmac.new(settings.LOOKUP_KEY.encode(), message, hashlib.sha256).hexdigest()
