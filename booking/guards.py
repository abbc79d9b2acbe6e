"""What the database itself refuses, whoever writes: page, API, admin, shell or another program.

PostgreSQL has an exclusion constraint and triggers, SQLite triggers alone. Django drops SQLite's triggers
when it remakes a table, so `install` is run after every migrate as well, and a system check asks for them.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error
from django.db import DEFAULT_DB_ALIAS, IntegrityError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from booking import version_triggers

# The one name by which a violation is told from any other error.
NO_OVERLAP = "appointment_no_overlap"
_CONSTRAINT = re.compile(r'CONSTRAINT "(\w+)"')

# SQLite compares times as texts: a row written in any other form than Django's would slip past the comparison.
_SQLITE_TIME = (
    "strftime('%Y-%m-%d %H:%M:%S', {column}) IS NOT substr({column}, 1, 19)"
    " OR NOT (substr({column}, 20) = '' OR substr({column}, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]')"
)
_SQLITE_TIMES = " OR ".join(
    _SQLITE_TIME.format(column=f"NEW.{name}") for name in ("occupied_start", "start", '"end"', "occupied_end")
)

_SQLITE_OVERLAP = """
CREATE TRIGGER {name} BEFORE {event} ON booking_appointment
WHEN NEW.state <> 'cancelled'
BEGIN
    SELECT RAISE(ABORT, 'appointment_time_format') WHERE {times};
    SELECT RAISE(ABORT, 'appointment_no_overlap') WHERE EXISTS (
        SELECT 1 FROM booking_appointment AS other
        WHERE other.therapist_id = NEW.therapist_id AND other.state <> 'cancelled' {not_itself}
          AND other.occupied_start < NEW.occupied_end AND other.occupied_end > NEW.occupied_start
    );
END
"""

# Shared by both engines: a condition on OLD and NEW under which an update is refused.
_REFUSED_UPDATES = {
    "appointment_state_follows": (
        "booking_appointment",
        "(OLD.state = 'cancelled' AND NEW.state <> 'cancelled')"
        " OR (OLD.state IN ('attended', 'no_show') AND NEW.state IN ('confirmed', 'cancelled'))",
    ),
    "appointment_sequence_rises": (
        "booking_appointment",
        "NEW.sequence < OLD.sequence"
        ' OR (NEW.sequence = OLD.sequence AND (OLD.start <> NEW.start OR OLD."end" <> NEW."end"))',
    ),
    "notification_state_follows": (
        "booking_notification",
        "OLD.state IN ('sent', 'void', 'missed') AND NEW.state <> OLD.state",
    ),
    # The scheduler sets rule_id to NULL when a rule is deleted, and a series of years becomes one single day.
    "event_stays_series": ("schedule_event", "OLD.rule_id IS NOT NULL AND NEW.rule_id IS NULL"),
}

# The log of who saw what only grows; what is past its term, by the database's own clock, may go. The network of an
# entry that no therapist made may become empty; nothing else may change.
_LOG = "booking_accessentry"
_LOG_STAYS = ("id", "at", "actor", "account_id", "action", "appointment", "kept_until")


def _log_changed(same: str) -> str:
    """Return the condition under which an update of the log is refused; `same` is how the engine compares values
    of which both may be NULL."""
    stays = " AND ".join(f"NEW.{column} {same} OLD.{column}" for column in _LOG_STAYS)
    return f"NOT (NEW.network = '' AND OLD.actor <> 'therapist' AND {stays})"


_SQLITE_LOG = {
    # Before anything else: "INSERT OR REPLACE" would take the row away without a trigger for deletions.
    "access_log_replaced": f"BEFORE INSERT ON {_LOG} WHEN NEW.id IN (SELECT id FROM {_LOG})"  # noqa: S608
    " BEGIN SELECT RAISE(IGNORE); END",
    "access_log_changed": f"BEFORE UPDATE ON {_LOG} WHEN {_log_changed('IS')}"
    " BEGIN SELECT RAISE(ABORT, 'access_log_changed'); END",
    "access_log_kept": f"BEFORE DELETE ON {_LOG} WHEN OLD.kept_until > strftime('%Y-%m-%d %H:%M:%f', 'now')"
    " BEGIN SELECT RAISE(ABORT, 'access_log_kept'); END",
}
_POSTGRESQL_LOG = {
    "access_log_changed": f"BEFORE UPDATE ON {_LOG} FOR EACH ROW WHEN ({_log_changed('IS NOT DISTINCT FROM')})",
    "access_log_kept": f"BEFORE DELETE ON {_LOG} FOR EACH ROW WHEN (OLD.kept_until > now())",
    "access_log_emptied": f"BEFORE TRUNCATE ON {_LOG} FOR EACH STATEMENT",
}


def _sqlite_triggers() -> dict[str, str]:
    triggers = {
        f"{NO_OVERLAP}_insert": _SQLITE_OVERLAP.format(
            name=f"{NO_OVERLAP}_insert", event="INSERT", times=_SQLITE_TIMES, not_itself=""
        ),
        f"{NO_OVERLAP}_update": _SQLITE_OVERLAP.format(
            name=f"{NO_OVERLAP}_update",
            event="UPDATE",
            times=_SQLITE_TIMES,
            not_itself="AND other.id <> OLD.id",
        ),
    }
    for name, (table, condition) in _REFUSED_UPDATES.items():
        triggers[name] = (
            f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{name}'); END"
        )
    return triggers


_POSTGRESQL_OVERLAP = f"""
ALTER TABLE booking_appointment ADD CONSTRAINT {NO_OVERLAP} EXCLUDE USING gist (
    therapist_id WITH =, tstzrange(occupied_start, occupied_end, '[)') WITH &&
) WHERE (state <> 'cancelled')
"""

_POSTGRESQL_REFUSE = """
CREATE OR REPLACE FUNCTION booking_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'integrity_constraint_violation', MESSAGE = TG_NAME, CONSTRAINT = TG_NAME;
END $$
"""


def install(connection: BaseDatabaseWrapper) -> None:
    """Put every guard in place that `connection`'s database lacks; harmless to repeat.

    On SQLite this must run outside a table's remaking: after a migrate, as `install_after_migrate` does.
    """
    tables = set(connection.introspection.table_names())
    if not {"booking_appointment", "booking_notification", "schedule_event"} <= tables:
        return
    version_triggers.install(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name, statement in _sqlite_triggers().items():
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
                cursor.execute(statement)
            if _LOG in tables:
                for name, rest in _SQLITE_LOG.items():
                    cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
                    cursor.execute(f"CREATE TRIGGER {name} {rest}")
            return
        cursor.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        cursor.execute(_POSTGRESQL_REFUSE)
        # One that is there, and is not what it was when it was made, is as good as none.
        if NO_OVERLAP in _missing_on_postgresql(cursor, {NO_OVERLAP}):
            cursor.execute(f"ALTER TABLE booking_appointment DROP CONSTRAINT IF EXISTS {NO_OVERLAP}")
            cursor.execute(_POSTGRESQL_OVERLAP)
        for name, (table, condition) in _REFUSED_UPDATES.items():
            cursor.execute(
                f"CREATE OR REPLACE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({condition}) "
                "EXECUTE FUNCTION booking_refuse()"
            )
        if _LOG in tables:
            for name, rest in _POSTGRESQL_LOG.items():
                cursor.execute(f"CREATE OR REPLACE TRIGGER {name} {rest} EXECUTE FUNCTION booking_refuse()")
        _seal(cursor)


# What guards on PostgreSQL, each as the server itself writes it, with whether it is in force.
_POSTGRESQL_GUARDS = """
SELECT tgname, 'TRIGGER ' || quote_ident(tgname) || ' ON ' || tgrelid::regclass,
    pg_get_triggerdef(trigger.oid), obj_description(trigger.oid, 'pg_trigger'), tgenabled IN ('O', 'A')
FROM pg_trigger AS trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
UNION ALL
SELECT conname, 'CONSTRAINT ' || quote_ident(conname) || ' ON ' || conrelid::regclass,
    pg_get_constraintdef(con.oid), obj_description(con.oid, 'pg_constraint'),
    convalidated AND indisvalid AND indisready
FROM pg_constraint AS con JOIN pg_index ON indexrelid = conindid
WHERE contype = 'x' AND conrelid = to_regclass('booking_appointment')
UNION ALL
SELECT proname, 'FUNCTION ' || proc.oid::regprocedure, prosrc, obj_description(proc.oid, 'pg_proc'), true
FROM pg_proc AS proc WHERE pronamespace = current_schema()::regnamespace
"""
_FUNCTIONS = {"booking_refuse", *version_triggers.FUNCTIONS}


def _seal(cursor: Any) -> None:
    """Write beside each guard of ours, as its comment, a hash of what it is now: a later change shows."""
    ours = _ours_on_postgresql()
    cursor.execute(_POSTGRESQL_GUARDS)
    statements = [
        f"COMMENT ON {what} IS '{_hash(definition)}'"
        for name, what, definition, seal, _in_force in cursor.fetchall()
        if name in ours and seal != _hash(definition)
    ]
    if statements:
        cursor.execute("; ".join(statements))


def _missing_on_postgresql(cursor: Any, expected: set[str], *, as_now: bool = True) -> set[str]:
    """Return which of `expected` are not there, not in force or, where it is to be `as_now`, not what they were
    when they were made."""
    cursor.execute(_POSTGRESQL_GUARDS)
    whole = {
        name
        for name, _what, definition, seal, in_force in cursor.fetchall()
        if in_force and (not as_now or seal == _hash(definition))
    }
    return expected - whole


def _ours_on_postgresql() -> set[str]:
    triggers = {name for name, _statement in version_triggers.on_postgresql()}
    return {NO_OVERLAP, *_REFUSED_UPDATES, *_POSTGRESQL_LOG, *triggers, *_FUNCTIONS}


def _hash(definition: str) -> str:
    return hashlib.sha256(definition.encode()).hexdigest()


def _switched_off(connection: BaseDatabaseWrapper) -> set[str]:
    """Return what else lets rows pass that a table of ours refuses: constraints that are gone or not looked at,
    rules that rewrite, triggers of foreign keys that are off."""
    every = apps.get_models(include_auto_created=True)
    models = [model for model in every if model._meta.app_label in {"booking", "practice"}]
    tables = {model._meta.db_table for model in models} & set(connection.introspection.table_names())
    declared = {
        constraint.name
        for model in models
        if model._meta.db_table in tables
        for constraint in model._meta.constraints
    }
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
            rows = cursor.fetchall()
            there = {name for name, _sql in rows} | {
                name for _table, sql in rows for name in _CONSTRAINT.findall(sql)
            }
            return declared - there
        named = sorted(tables)
        cursor.execute(
            """
            SELECT conname FROM pg_constraint WHERE convalidated AND conrelid = ANY(%s::regclass[])
            UNION SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                WHERE indisvalid AND indisready AND indisunique AND indrelid = ANY(%s::regclass[])
            """,
            [named, named],
        )
        off = declared - {name for (name,) in cursor.fetchall()}
        cursor.execute(
            """
            SELECT conname FROM pg_constraint WHERE NOT convalidated AND conrelid = ANY(%s::regclass[])
            UNION SELECT 'rule ' || rulename FROM pg_rewrite WHERE ev_class = ANY(%s::regclass[])
            UNION SELECT 'foreign key ' || conname
                FROM pg_trigger JOIN pg_constraint AS con ON con.oid = tgconstraint
                WHERE tgisinternal AND tgenabled NOT IN ('O', 'A') AND tgrelid = ANY(%s::regclass[])
            UNION SELECT 'session_replication_role'
                WHERE current_setting('session_replication_role') <> 'origin'
            """,
            [named, named, named],
        )
        return off | {name for (name,) in cursor.fetchall()}


def missing(connection: BaseDatabaseWrapper) -> set[str]:
    """Return the names of the guards that `connection`'s database ought to have and has not, or has in another
    form, or switched off. While migrations wait, the form may be that of an older version."""
    as_now = is_current(connection)
    has_log = _LOG in connection.introspection.table_names()
    versions = version_triggers.expected(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            statements = {**_sqlite_triggers(), **dict(version_triggers.on_sqlite() if versions else ())}
            if has_log:
                statements |= {name: f"CREATE TRIGGER {name} {rest}" for name, rest in _SQLITE_LOG.items()}
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            there = {name: sql.strip() for name, sql in cursor.fetchall()}
            if not as_now:
                return statements.keys() - there.keys()
            return {name for name, statement in statements.items() if there.get(name) != statement.strip()}
        expected = {NO_OVERLAP, *_REFUSED_UPDATES, *versions, "booking_refuse"}
        expected |= _FUNCTIONS if versions else set()
        expected |= set(_POSTGRESQL_LOG if has_log else ())
        return _missing_on_postgresql(cursor, expected, as_now=as_now)


def is_current(connection: BaseDatabaseWrapper) -> bool:
    """Return whether every migration that this code brings was applied."""
    return _latest_migrations() <= MigrationRecorder(connection).applied_migrations().keys()


@lru_cache
def _latest_migrations() -> frozenset[tuple[str, str]]:
    """Return the last migration of each app that this code brings."""
    # Reads files, and those do not change while the process lives.
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def let_log_go(connection: BaseDatabaseWrapper) -> None:
    """Take away what keeps the access log, until the next `install`: for tests, which empty every table."""
    with connection.cursor() as cursor:
        for name in _SQLITE_LOG if connection.vendor == "sqlite" else _POSTGRESQL_LOG:
            on = "" if connection.vendor == "sqlite" else f" ON {_LOG}"
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def install_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Receiver of `post_migrate`: put back what a migration may have dropped."""
    install(connections[using])


def check_guards(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """System check: a database that would let two appointments overlap must not serve."""
    messages: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if "booking_appointment" not in connection.introspection.table_names():
            continue
        if is_current(connection) and (off := _switched_off(connection)):
            messages.append(
                Error(
                    f"The database does not refuse what it should: {', '.join(sorted(off))}. A constraint is gone"
                    " or not looked at, a rule rewrites, or triggers are switched off.",
                    hint="See who changed the database. `ALTER TABLE … VALIDATE CONSTRAINT`, `ENABLE TRIGGER ALL`"
                    " and `DROP RULE` put it right; a constraint that is gone comes with a restored backup.",
                    id="booking.E009",
                )
            )
        if gone := missing(connection):
            messages.append(
                Error(
                    f"The database lacks {', '.join(sorted(gone))}, or has it changed or switched off: it would"
                    " not refuse a double booking, or not tell that free times have changed.",
                    hint="Run `manage.py migrate --skip-checks`, which puts them back.",
                    id="booking.E001",
                )
            )
    return messages


def violated(error: IntegrityError, name: str, alias: str = DEFAULT_DB_ALIAS) -> bool:
    """Return whether `error` says that the guard or constraint `name` was violated."""
    if connections[alias].vendor == "postgresql":
        diagnosis = getattr(error.__cause__, "diag", None)
        return getattr(diagnosis, "constraint_name", None) == name
    return name in str(error)


def full(error: OperationalError) -> bool:
    """Return whether `error` says that the database has no room to write: nothing was written."""
    # SQLSTATE 53100 disk full (PostgreSQL, appendix A). SQLite calls it an error of writing where a limit or a
    # quota is what is full.
    if getattr(error.__cause__, "sqlstate", None) == "53100":
        return True
    return getattr(error.__cause__, "sqlite_errorname", "").startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE"))


def contended(error: OperationalError) -> bool:
    """Return whether `error` says only that others were in the way: nothing was written, try once more."""
    # SQLSTATE 40001 serialization failure, 40P01 deadlock, 55P03 lock not available (PostgreSQL, appendix A).
    if getattr(error.__cause__, "sqlstate", None) in {"40001", "40P01", "55P03"}:
        return True
    return getattr(error.__cause__, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
