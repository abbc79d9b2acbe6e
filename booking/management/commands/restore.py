from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, no_translations
from django.utils import timezone

from booking import backups, by_mail, erasure


class Command(BaseCommand):
    help = (
        "Put what FILE holds into this database, which `migrate` has made, and erase again who asked for it since."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="what `backup` wrote")
        parser.add_argument("--overwrite", action="store_true", help="let go of all that is in the database now")
        parser.add_argument(
            "--erasures", type=Path, action="append", default=[], help="a list from `erasures`; may come twice"
        )

    @no_translations
    def handle(self, *, file: Path, overwrite: bool, erasures: list[Path], **options: Any) -> None:
        now = timezone.now()
        try:
            # What is about to be replaced knows best who asked.
            asked = erasure.asked_for() if overwrite else {}
            for path in erasures:
                asked |= _listed(path)
            with file.open("rb") as source:
                restored = backups.read(source, overwrite=overwrite, asked=asked)
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be read: {error.strerror}") from error
        except backups.Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        by_mail.forget_expired(now=now)
        erased = erasure.erase_again(asked, now=now) + erasure.erase_past_term(now=now)
        self.stdout.write(f"{restored.rows} rows of {restored.made_at:%Y-%m-%d %H:%M} UTC are back.")
        self.stdout.write(f"Families erased since, erased again: {erased}.")


def _listed(path: Path) -> dict[UUID, datetime]:
    try:
        pairs = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return {UUID(public_id): datetime.fromisoformat(moment) for public_id, moment in pairs}
    except ValueError as error:
        raise CommandError(f"{path} is no list from `manage.py erasures`.") from error
