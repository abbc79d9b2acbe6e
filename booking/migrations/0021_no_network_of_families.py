"""Of families the log of who saw what keeps no network: it is emptied, also of those whose data were erased."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_LOG = "booking_accessentry"
_STAYS = ("id", "at", "actor", "account_id", "action", "appointment", "kept_until")


def empty(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Lift the trigger that refuses every change, empty the networks, and put back one that allows just that."""
    on_sqlite = schema_editor.connection.vendor == "sqlite"
    lift = "DROP TRIGGER IF EXISTS access_log_changed"
    schema_editor.execute(lift if on_sqlite else f"{lift} ON {_LOG}")
    apps.get_model("booking", "AccessEntry").objects.exclude(actor="therapist").exclude(network="").update(network="")
    same = "IS" if on_sqlite else "IS NOT DISTINCT FROM"
    stays = " AND ".join(f"NEW.{column} {same} OLD.{column}" for column in _STAYS)
    refused = f"NOT (NEW.network = '' AND OLD.actor <> 'therapist' AND {stays})"
    if on_sqlite:
        schema_editor.execute(
            f"CREATE TRIGGER access_log_changed BEFORE UPDATE ON {_LOG} WHEN {refused}"
            " BEGIN SELECT RAISE(ABORT, 'access_log_changed'); END"
        )
    else:
        schema_editor.execute(
            f"CREATE TRIGGER access_log_changed BEFORE UPDATE ON {_LOG} FOR EACH ROW WHEN ({refused})"
            " EXECUTE FUNCTION booking_refuse()"
        )


class Migration(migrations.Migration):
    dependencies = [("booking", "0019_drafts_and_answers")]

    operations = [migrations.RunPython(empty, migrations.RunPython.noop)]
