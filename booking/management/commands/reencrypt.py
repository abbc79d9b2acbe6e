from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations

from booking import key_rotation


class Command(BaseCommand):
    help = (
        "Bring everything to the first of FIELD_KEYS and to LOOKUP_KEY. It may run while everyone works, and"
        " again: once it says 0, no row needs the older keys any more. What is then in SECRET_KEY counts as the"
        " one that signs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--give-up-unreadable",
            action="store_true",
            help="first empty, for good, what none of FIELD_KEYS reads: where the key is lost for good",
        )

    @no_translations
    def handle(self, *, give_up_unreadable: bool, **options: Any) -> None:
        if give_up_unreadable:
            self.stdout.write(f"{key_rotation.give_up_unreadable()} rows were unreadable, and are empty now.")
        try:
            rows = key_rotation.rotate()
        except key_rotation.Unreadable as error:
            raise CommandError(f"None of FIELD_KEYS reads the row {error}. Add the key that wrote it.") from error
        self.stdout.write(f"{rows} rows were under older keys.")
