from typing import Any

import booking.encryption
from django.db import migrations, models


def no_unknown_zone(apps: Any, schema_editor: Any) -> None:
    """Let calendars that were refused for one event in an unknown zone be unreadable until they are read again."""
    sources = apps.get_model("booking", "CalendarSource").objects.using(schema_editor.connection.alias)
    sources.filter(failure="unknown_zone").update(failure="not_a_calendar")


class Migration(migrations.Migration):
    dependencies = [("booking", "0021_no_network_of_families")]

    operations = [
        migrations.AddField(
            model_name="calendarsource",
            name="free_is_busy",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="calendarsource",
            name="events",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="calendarsource",
            name="doubts",
            field=booking.encryption.EncryptedTextField(blank=True, default=""),
        ),
        migrations.AlterField(
            model_name="calendarsource",
            name="failure",
            field=models.CharField(
                blank=True,
                choices=[
                    ("unreachable", "The address cannot be reached."),
                    ("refused", "The other side refuses it: the address may have been renewed."),
                    ("forbidden", "This address is not on the public internet."),
                    ("too_large", "This calendar is too large."),
                    ("too_slow", "The other side answers too slowly."),
                    ("not_a_calendar", "What is there is not a calendar."),
                    ("cut_short", "This calendar stops halfway."),
                    ("too_much", "This calendar has more appointments than can be read."),
                ],
                max_length=20,
            ),
        ),
        migrations.RunPython(no_unknown_zone, migrations.RunPython.noop),
    ]
