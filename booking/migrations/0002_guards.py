from typing import Any

from django.db import migrations

from booking import guards


def install(apps: Any, schema_editor: Any) -> None:
    guards.install(schema_editor.connection)


class Migration(migrations.Migration):
    """The guards as a step of its own, after the scheduler's tables exist."""

    dependencies = [("booking", "0001_initial"), ("schedule", "0015_rename_indexes")]
    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
