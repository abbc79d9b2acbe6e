"""All that an installation holds, as one file that either engine can read: JSON lines, compressed.

What is encrypted in the database stays encrypted in the file, and the keys are not in it.
"""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management.color import no_style
from django.db import OperationalError, connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import ExpressionWrapper, F
from django.utils.duration import duration_iso_string

from booking import access_log, encryption, guards, version_triggers
from booking.encryption import lookup_hash
from booking.models import Appointment, Therapist

Model = type[models.Model]
if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
else:
    _Field = models.Field
FORMAT = 1
# Of minutes or hours, or renewed by triggers: who comes back signs in and chooses again.
_LEFT_OUT = {
    *("sessions.Session", "usersessions.UserSession", "booking.Hold", "booking.RateCounter"),
    "practice.Version",
}
# Written to, never emptied.
_GROWS = "booking_accessentry"
_BATCH = 500
_KNOWN = "kennismaking"


class Refused(Exception):
    """The backup cannot be restored here; the message is a sentence for whoever typed the command."""


@dataclass(frozen=True, slots=True)
class Restored:
    """When the backup was made (UTC), and how many rows it held."""

    made_at: datetime
    rows: int


def write(file: IO[bytes], *, now: datetime) -> int:
    """Write everything as it is at one moment into `file`, and return the number of rows. Nobody waits for it."""
    written = 0
    with gzip.open(file, "wt", encoding="utf-8") as out, _snapshot():
        out.write(_line(_header(now)))
        for model in _kept():
            fields = _fields(model)
            out.write(_line({"table": model._meta.db_table, "columns": list(fields)}))
            # As the columns have it: the models' own fields would decrypt.
            plain = [ExpressionWrapper(F(name), output_field=field) for name, field in fields.items()]
            for row in model._base_manager.order_by("pk").values_list(*plain).iterator(chunk_size=_BATCH):
                out.write(_line(row))
                written += 1
        out.write(_line({"rows": written}))
    return written


def read(file: IO[bytes], *, overwrite: bool = False, asked: dict[UUID, datetime] | None = None) -> Restored:
    """Put what `file` holds into this database: all of it or, with any error, nothing.

    `asked` are the erasures that were asked for (the appointment's public id, and when, UTC), as
    `erasure.asked_for` gives them: what is restored of those families goes again. Raises Refused, also where
    appointments or accounts are here already, unless `overwrite` lets them go.
    """
    if missing := guards.missing(connection):
        raise Refused(f"This database lacks {', '.join(sorted(missing))}. Run `manage.py migrate` first.")
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines, transaction.atomic(durable=True):
            restored = _load(map(json.loads, lines), overwrite)
            for public_id, moment in (asked or {}).items():
                erasable = Appointment.objects.filter(public_id=public_id, erased_at=None)
                erasable.update(erase_requested_at=moment)
            return restored
    except OperationalError as error:
        if guards.contended(error):
            raise Refused("Somebody is writing in this database. Stop the web server and the workers.") from error
        raise
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise Refused(f"This file is no whole backup ({type(error).__name__}).") from error


def _load(lines: Iterator[Any], overwrite: bool) -> Restored:
    header = next(lines, None)
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise Refused("This file is no backup of this program.")
    _check_version(header)
    _check_keys(header)
    if not overwrite and any(model._base_manager.exists() for model in (User, Therapist, Appointment)):
        raise Refused("This database holds a practice already. `--overwrite` replaces all of it.")
    tables = {model._meta.db_table: model for model in _kept()}
    # Who saw what only grows: what this database has of it stays beside what the backup brings.
    tables_emptied = [table for table in tables if table != _GROWS]
    gone = [*tables_emptied, *(apps.get_model(label)._meta.db_table for label in _LEFT_OUT - {"practice.Version"})]
    names = [connection.ops.quote_name(table) for table in gone]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Who reads may go on; what somebody wrote meanwhile would stand beside what is restored.
            cursor.execute(f"LOCK TABLE {', '.join(names)} IN EXCLUSIVE MODE")
        with version_triggers.suspended(connection):
            for name in names:
                cursor.execute(f"DELETE FROM {name}")  # noqa: S608 - a name of ours
            rows = _insert(cursor, lines, tables)
            # An older version wrote down from which network a family came.
            access_log.forget_networks()
            for statement in connection.ops.sequence_reset_sql(no_style(), list(tables.values())):
                cursor.execute(statement)
            # Rows came in any order; now each must find those that it points at.
            connection.check_constraints()
    return Restored(datetime.fromisoformat(header["made_at"]), rows)


def _insert(cursor: Any, lines: Iterator[Any], tables: dict[str, Model]) -> int:
    """Insert every row of `lines` and return how many they were. Raises Refused where the end is missing."""
    statement, rows = "", 0
    fields: list[_Field] = []
    batch: list[list[Any]] = []
    for line in lines:
        if isinstance(line, list):
            pairs = zip(fields, line, strict=True)
            batch.append([field.get_db_prep_save(field.to_python(value), connection) for field, value in pairs])
            rows += 1
        if batch and (len(batch) == _BATCH or isinstance(line, dict)):
            cursor.executemany(statement, batch)
            batch = []
        if isinstance(line, dict):
            if "rows" in line:
                if line["rows"] != rows:
                    raise ValueError("rows are missing")
                return rows
            statement, fields = _statement(line, tables)
    raise EOFError


def _statement(line: dict[str, Any], tables: dict[str, Model]) -> tuple[str, list[_Field]]:
    ours = _fields(tables[line["table"]])
    names = ", ".join(map(connection.ops.quote_name, line["columns"]))
    table, values = connection.ops.quote_name(line["table"]), ", ".join(["%s"] * len(line["columns"]))
    # Only names that are our own fields' get this far.
    fields = [ours[name] for name in line["columns"]]
    again = " ON CONFLICT DO NOTHING" if line["table"] == _GROWS else ""
    return f"INSERT INTO {table} ({names}) VALUES ({values}){again}", fields  # noqa: S608


@contextmanager
def _snapshot() -> Iterator[None]:
    """Let every query inside see the database as it is at the first of them, and nobody wait for that."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with transaction.atomic(durable=True):
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                yield
            return
        # Django's own transactions take the lock of those who write.
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def _kept() -> list[Model]:
    """Return the model of each table that is worth keeping."""
    every = apps.get_models(include_auto_created=True)
    return [model for model in every if model._meta.managed and model._meta.label not in _LEFT_OUT]


def _fields(model: Model) -> dict[str, _Field]:
    """Return for each column of `model` one of Django's own fields, which reads and writes it as it is."""
    return {str(field.column): _plain(field) for field in model._meta.local_concrete_fields}


def _plain(field: Any) -> _Field:
    while field.is_relation:
        field = field.target_field
    plain: _Field = getattr(models, field.get_internal_type())()
    return plain


def _header(now: datetime) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "made_at": now,
        "migrations": _migrations(),
        "field_keys": encryption.encrypted(_KNOWN),
        "lookup_key": lookup_hash(_KNOWN),
    }


def _migrations() -> list[str]:
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def _check_version(header: dict[str, Any]) -> None:
    if differing := sorted(set(header["migrations"]) ^ set(_migrations())):
        raise Refused(
            "This backup is of another version of the program: restore it with that one, and upgrade then. "
            f"What differs: {', '.join(differing)}"
        )


def _check_keys(header: dict[str, Any]) -> None:
    try:
        encryption.decrypted(header["field_keys"])
    except InvalidToken:
        raise Refused("FIELD_KEYS does not hold the key of this backup: nothing in it could be read.") from None
    if header["lookup_key"] != lookup_hash(_KNOWN):
        raise Refused("LOOKUP_KEY is not that of this backup: nobody could be found by mail address or phone.")


def _line(value: Any) -> str:
    return json.dumps(value, default=_as_text, ensure_ascii=False, separators=(",", ":")) + "\n"


def _as_text(value: Any) -> str:
    """Return what fields read back, without loss: the encoders at hand cut microseconds off."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_iso_string(value)
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    raise TypeError(type(value).__name__)
