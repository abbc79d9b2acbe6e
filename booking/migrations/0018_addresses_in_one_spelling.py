"""Accounts and therapists get their mail addresses in the one spelling that forms give from now on: whoever signs
in is looked for by it. What families gave is encrypted and short-lived, and gets it when a mail is written."""

from typing import Any

from django.db import migrations

from practice.mail_addresses import deliverable


def respell(apps: Any, schema_editor: Any) -> None:
    users, therapists = apps.get_model("auth", "User").objects, apps.get_model("booking", "Therapist").objects
    for user in users.all():
        address = deliverable(user.email).lower()
        # Somebody else may have it already: then both stay as they are, for a manager to look at.
        if user.email and address != user.email and not users.filter(username=address).exists():
            users.filter(pk=user.pk).update(username=address, email=address)
    for therapist in therapists.all():
        if (address := deliverable(therapist.email)) != therapist.email:
            therapists.filter(pk=therapist.pk).update(email=address)


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0017_confirm_by_mail_under_load"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(respell, migrations.RunPython.noop)]
