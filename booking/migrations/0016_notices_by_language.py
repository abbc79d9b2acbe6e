import json
from typing import Any

from django.conf import settings
from django.db import migrations


def by_language(apps: Any, schema_editor: Any) -> None:
    """Let each sentence about time off, until now in no language in particular, be in the site's first one."""
    events = apps.get_model("schedule", "Event").objects.using(schema_editor.connection.alias)
    for event in events.exclude(description="").exclude(description=None):
        event.description = json.dumps({settings.LANGUAGE_CODE: event.description}, ensure_ascii=False)
        event.save(update_fields=["description"])


class Migration(migrations.Migration):
    dependencies = [("booking", "0015_place_and_notice_as_booked"), ("schedule", "0015_rename_indexes")]

    operations = [migrations.RunPython(by_language, migrations.RunPython.noop)]
