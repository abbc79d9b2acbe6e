from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from booking import erasure


class Command(BaseCommand):
    help = "List the erasures that families asked for, for `restore --erasures`. The list names no one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=90, help="how far back: as old as the oldest backup")

    def handle(self, *, days: int, **options: Any) -> None:
        for public_id, moment in erasure.asked_for(since=timezone.now() - timedelta(days=days)).items():
            self.stdout.write(f"{public_id} {moment.isoformat()}")
