import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations
from django.utils import timezone

from booking import backups


class Command(BaseCommand):
    help = "Write all that this installation holds into FILE, readable for its owner alone. It may run meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="must not exist yet")

    @no_translations
    def handle(self, *, file: Path, **options: Any) -> None:
        part = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            if file.exists():
                raise CommandError(f"{file} exists already.")
            try:
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                    rows = backups.write(out, now=timezone.now())
                    out.flush()
                    os.fsync(out.fileno())
                # Under its name stands a whole backup or none, and never in the place of another one.
                os.link(part, file)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}") from error
        self.stdout.write(f"{rows} rows in {file}. Keep FIELD_KEYS and LOOKUP_KEY elsewhere: they are not in it.")
