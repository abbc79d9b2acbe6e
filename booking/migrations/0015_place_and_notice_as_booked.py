from datetime import timedelta
from typing import Any

from django.db import migrations, models


def as_the_type_says(apps: Any, schema_editor: Any) -> None:
    """Let what is booked already have the place and the notice that its type has now."""
    appointments = apps.get_model("booking", "Appointment").objects.using(schema_editor.connection.alias)
    for appointment_type in apps.get_model("booking", "AppointmentType").objects.using(schema_editor.connection.alias):
        appointments.filter(appointment_type=appointment_type).update(
            place=appointment_type.place, change_notice=appointment_type.change_notice
        )


class Migration(migrations.Migration):
    # A table whose rows have just been changed cannot be altered in the same transaction on PostgreSQL.
    atomic = False

    dependencies = [
        ("booking", "0014_mended_form"),
    ]

    operations = [
        migrations.AddField(
            model_name="appointment",
            name="place",
            field=models.CharField(
                choices=[("practice", "at the practice"), ("phone", "by phone"), ("video", "by video")],
                default="practice",
                max_length=10,
                verbose_name="place",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="appointment",
            name="change_notice",
            field=models.DurationField(default=timedelta(days=1)),
            preserve_default=False,
        ),
        migrations.RunPython(as_the_type_says, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="appointment",
            constraint=models.CheckConstraint(
                condition=models.Q(("place__in", ["practice", "phone", "video"])), name="appointment_known_place"
            ),
        ),
    ]
