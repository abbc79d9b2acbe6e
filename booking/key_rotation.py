"""Moving what is encrypted, and the hashes by which it is found, to the newest keys while everyone works on."""

from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import models, transaction
from django.db.models import ExpressionWrapper, F, QuerySet, TextField, Value

from booking import encryption, keys
from booking.appointments import email_hash, phone_hash
from booking.encryption import EncryptedTextField
from booking.models import Parent

Model = type[models.Model]
_BATCH = 500
_HASHES = {"email": ("email_hash", email_hash), "phone": ("phone_hash", phone_hash)}
# What of a second factor our adapter encrypts.
_SECRETS = {"secret", "seed"}


class Unreadable(Exception):
    """None of FIELD_KEYS reads a row; the message names it by table and number."""


def rotate() -> int:
    """Bring every row to the first of FIELD_KEYS and to LOOKUP_KEY, and return how many had to be written. Then
    these, and SECRET_KEY, are the keys of this database.

    Nothing that somebody writes meanwhile is lost: a row is only written as long as it is what was read. Raises
    Unreadable; what was done until then stays done, and the next call goes on from there.
    """
    written = _rotate_second_factors()
    for model in apps.get_models():
        names = [field.attname for field in model._meta.local_fields if isinstance(field, EncryptedTextField)]
        while names:
            rows, missed = _rotate(model, names)
            written += rows
            if not missed:
                break
    # Last, when nothing needs the older ones any more: from now on no other keys start.
    keys.remember(renew=True)
    return written


def give_up_unreadable() -> int:
    """Empty every column of a row that none of FIELD_KEYS reads, for good, and return how many rows that were.

    The appointment stays, and names no one, as an erased one; a second factor goes, and is set up once more.
    """
    given_up = 0
    for model in apps.get_models():
        names = [field.attname for field in model._meta.local_fields if isinstance(field, EncryptedTextField)]
        as_stored = {f"stored_{name}": ExpressionWrapper(F(name), output_field=TextField()) for name in names}
        rows = _each(model._base_manager.annotate(**as_stored), [*as_stored]) if names else iter(())
        for pk, row in rows:
            lost = [name for name in names if row[f"stored_{name}"] and not _reads(row[f"stored_{name}"])]
            hashes = [_hashes(model)[name][0] for name in lost if name in _hashes(model)]
            if lost:
                given_up += model._base_manager.filter(pk=pk).update(**dict.fromkeys([*lost, *hashes], ""))
    for one in Authenticator.objects.all():
        if not all(_reads(one.data[name]) for name in _SECRETS & one.data.keys()):
            one.delete()
            given_up += 1
    return given_up


def _reads(token: str) -> bool:
    try:
        encryption.decrypted(token)
    except InvalidToken:
        return False
    return True


def _rotate(model: Model, names: list[str]) -> tuple[int, int]:
    """Return how many rows of `model` were written, and how many had changed before they could be."""
    as_stored = {f"stored_{name}": ExpressionWrapper(F(name), output_field=TextField()) for name in names}
    rows = model._base_manager.annotate(**as_stored)
    written = missed = 0
    for pk, row in _each(rows, [*as_stored, *(column for column, _of in _hashes(model).values())]):
        stored = {name: row[f"stored_{name}"] for name in names}
        try:
            changes = _changes(stored, row, _hashes(model))
        except InvalidToken as error:
            raise Unreadable(f"{model._meta.db_table} {pk}") from error
        if changes:
            unchanged = rows.filter(pk=pk, **{f"stored_{name}": token for name, token in stored.items()})
            if unchanged.update(**changes):
                written += 1
            else:
                missed += 1
    return written, missed


def _changes(stored: dict[str, str], row: dict[str, Any], hashes: dict[str, Any]) -> dict[str, Any]:
    tokens = {name: encryption.renewed(token) for name, token in stored.items() if token}
    changes: dict[str, Any] = {
        # As it is: the field itself would encrypt it once more.
        name: Value(token, output_field=TextField())
        for name, token in tokens.items()
        if token != stored[name]
    }
    for name, (column, keyed) in hashes.items():
        if stored[name] and row[column] != (found := keyed(encryption.decrypted(stored[name]))):
            changes[column] = found
    return changes


def _hashes(model: Model) -> dict[str, Any]:
    return _HASHES if model is Parent else {}


def _each(rows: QuerySet[Any], columns: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and the `columns` of each row, a batch at a time: none is open while a row is written."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk").values("pk", *columns)[:_BATCH]):
        for row in batch:
            yield row["pk"], row
        last = batch[-1]["pk"]


def _rotate_second_factors() -> int:
    written = 0
    for pk in Authenticator.objects.values_list("pk", flat=True):
        with transaction.atomic():
            # Beside the secret stands which codes were used: nobody may write that between reading and writing.
            one = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if one is None:
                continue
            try:
                secrets = {name: encryption.renewed(one.data[name]) for name in _SECRETS & one.data.keys()}
            except InvalidToken as error:
                raise Unreadable(f"{Authenticator._meta.db_table} {pk}") from error
            if any(one.data[name] != secret for name, secret in secrets.items()):
                one.data.update(secrets)
                one.save(update_fields=["data"])
                written += 1
    return written
