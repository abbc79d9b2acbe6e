"""Whatever writes what visitors are shown renews a version (practice.models.Version): what was worked out under an
older one is out of date.

Triggers, since no writer can forget them: pages, API, admin, shell or another program. A version is random and
not counted, for a number that was rolled back would come a second time and stand for something else.

What claims a therapist's time, or changes her diary, renews hers alone, so that bookings with different
therapists never wait for each other. All else that pages show is changed rarely, and renews the site's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from practice.models import SITE

_THERAPISTS_OWN = ["booking_appointment", "booking_hold", "booking_importedbusy", "booking_therapist"]
_THE_SITES = [
    "booking_appointmenttype",
    "booking_appointmenttype_therapists",
    "practice_page",
    "practice_picture",
    "practice_practice",
]
_WHOSE = {
    "booking_importedbusy": "(SELECT therapist_id FROM booking_calendarsource WHERE id = {row}.source_id)",
    "booking_therapist": "{row}.id",
}
# Her diary is her own; how she is called and whether she can be booked is the site's.
_OF_THERAPIST = "active, email, language, name, slug, user_id"
_ROWS = {"INSERT": ["NEW"], "UPDATE": ["OLD", "NEW"], "DELETE": ["OLD"]}

_SQLITE = """
CREATE TRIGGER {name} AFTER {event} ON {table}
BEGIN
    INSERT INTO practice_version (name, value)
    SELECT name, lower(hex(randomblob(16))) FROM ({names}) WHERE name IS NOT NULL
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;
END
"""

_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO practice_version (name, value)
    SELECT name, gen_random_uuid() FROM ({names}) AS renewed WHERE name IS NOT NULL
    -- Always in this order, so that no two transactions wait for each other.
    GROUP BY name ORDER BY name
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;
    RETURN NULL;
END $$
"""
_POSTGRESQL = """
CREATE OR REPLACE TRIGGER {name} AFTER {event} ON {table} {rows} EXECUTE FUNCTION {function}()
"""
_POSTGRESQL_FUNCTIONS = {
    "renew_site": f"SELECT '{SITE}' AS name",
    "renew_own": "SELECT 'therapist-' || OLD.therapist_id AS name UNION SELECT 'therapist-' || NEW.therapist_id",
    "renew_therapist": "SELECT 'therapist-' || OLD.id AS name UNION SELECT 'therapist-' || NEW.id",
    "renew_imported": "SELECT 'therapist-' || therapist_id AS name FROM changed"
    " JOIN booking_calendarsource AS source ON source.id = changed.source_id",
}
# The names of the functions that the triggers call.
FUNCTIONS = frozenset(_POSTGRESQL_FUNCTIONS)
_RENEW_ALL = f"""
INSERT INTO practice_version (name, value)
SELECT name, {{random}} FROM (
    SELECT '{SITE}' AS name UNION ALL SELECT 'therapist-' || id FROM booking_therapist
) AS renewed WHERE name IS NOT NULL
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""  # noqa: S608 - nothing in it comes from outside


def therapists_own(therapist_id: int) -> str:
    """Return the name of the version of what the therapist's free times depend on."""
    return f"therapist-{therapist_id}"


def on_sqlite() -> Iterator[tuple[str, str]]:
    """Yield the name of each trigger, and the statement that makes it."""
    for table in _THERAPISTS_OWN:
        whose = _WHOSE.get(table, "{row}.therapist_id")
        for event, rows in _ROWS.items():
            names = " UNION ".join(f"SELECT 'therapist-' || {whose.format(row=row)} AS name" for row in rows)
            yield _sqlite_trigger(f"{table}_own_{event.lower()}", event, table, names)
    for table in [*_THE_SITES, "booking_therapist"]:
        for event in _ROWS:
            of = f"UPDATE OF {_OF_THERAPIST}" if table == "booking_therapist" and event == "UPDATE" else event
            names = f"SELECT '{SITE}' AS name"
            yield _sqlite_trigger(f"{table}_site_{event.lower()}", of, table, names)


def _sqlite_trigger(name: str, event: str, table: str, names: str) -> tuple[str, str]:
    return name, _SQLITE.format(name=name, event=event, table=table, names=names)


def on_postgresql() -> Iterator[tuple[str, str]]:
    """Yield the name of each trigger, and the statement that makes it."""
    row, statement = "FOR EACH ROW", "FOR EACH STATEMENT"
    any_event = "INSERT OR UPDATE OR DELETE"
    for table in ("booking_appointment", "booking_hold"):
        yield _postgresql_trigger(f"{table}_own", any_event, table, row, "renew_own")
    yield _postgresql_trigger("booking_therapist_own", any_event, "booking_therapist", row, "renew_therapist")
    # A calendar elsewhere is written anew as a whole, a thousand rows at once; its rows never change.
    for event, kind in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        table, rows = "booking_importedbusy", f"REFERENCING {kind} TABLE AS changed {statement}"
        yield _postgresql_trigger(f"{table}_own_{event.lower()}", event, table, rows, "renew_imported")
    for table in _THE_SITES:
        yield _postgresql_trigger(f"{table}_site", any_event, table, statement, "renew_site")
    of = f"INSERT OR DELETE OR UPDATE OF {_OF_THERAPIST}"
    yield _postgresql_trigger("booking_therapist_site", of, "booking_therapist", statement, "renew_site")


def _postgresql_trigger(name: str, event: str, table: str, rows: str, function: str) -> tuple[str, str]:
    return name, _POSTGRESQL.format(name=name, event=event, table=table, rows=rows, function=function)


def expected(connection: BaseDatabaseWrapper) -> set[str]:
    """Return the names of the triggers that `connection`'s database ought to have: none before there is all that
    they read and write."""
    tables = set(connection.introspection.table_names())
    if not {"practice_version", *_THERAPISTS_OWN, *_THE_SITES} <= tables:
        return set()
    triggers = on_sqlite() if connection.vendor == "sqlite" else on_postgresql()
    return {name for name, _statement in triggers}


def install(connection: BaseDatabaseWrapper) -> None:
    """Put every trigger in place, where there is all that they read and write, and renew every version: what was
    written without the triggers told nobody. Harmless to repeat."""
    if not expected(connection):
        return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            _remove(cursor)
            for _name, statement in on_sqlite():
                cursor.execute(statement)
            cursor.execute(_RENEW_ALL.format(random="lower(hex(randomblob(16)))"))
            return
        for function, names in _POSTGRESQL_FUNCTIONS.items():
            cursor.execute(_POSTGRESQL_FUNCTION.format(function=function, names=names))
        for _name, statement in on_postgresql():
            cursor.execute(statement)
        cursor.execute(_RENEW_ALL.format(random="gen_random_uuid()"))


@contextmanager
def suspended(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let a hundred thousand rows be written inside without as many renewals, and renew every version at the end.

    Within one transaction, which nobody may write beside, and at whose end inside no constraint is left to check.
    """
    # One row renewed again and again within one transaction is slower each time: none of its dead ones can go yet.
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            _remove(cursor)
        else:
            _switch(cursor, "DISABLE")
        yield
        if connection.vendor == "postgresql":
            _switch(cursor, "ENABLE")
    install(connection)


def _switch(cursor: Any, how: str) -> None:
    cursor.execute(
        "SELECT relname, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
        " WHERE tgname = ANY(%s) AND tgrelid = ANY(%s::regclass[])",
        [[name for name, _statement in on_postgresql()], [*_THERAPISTS_OWN, *_THE_SITES]],
    )
    for table, trigger in cursor.fetchall():
        cursor.execute(f"ALTER TABLE {table} {how} TRIGGER {trigger}")


def remove_before_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Receiver of `pre_migrate`: SQLite remakes no table that a trigger of another one names."""
    if connections[using].vendor == "sqlite":
        with connections[using].cursor() as cursor:
            _remove(cursor)


def _remove(cursor: Any) -> None:
    for name, _statement in on_sqlite():
        cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
