from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations

from booking import key_rotation


class Command(BaseCommand):
    help = (
        "Bring everything to the first of FIELD_KEYS and to LOOKUP_KEY. It may run while everyone works, and"
        " again: once it says 0, no row needs the older keys any more. What is then in SECRET_KEY counts as the"
        " one that signs."
    )

    @no_translations
    def handle(self, **options: Any) -> None:
        try:
            rows = key_rotation.rotate()
        except key_rotation.Unreadable as error:
            raise CommandError(f"None of FIELD_KEYS reads the row {error}. Add the key that wrote it.") from error
        self.stdout.write(f"{rows} rows were under older keys.")
