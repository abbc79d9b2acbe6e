import secrets
import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, no_translations
from django.db import transaction
from django.utils.text import slugify

from booking.accounts import create_account
from booking.models import Therapist


class Command(BaseCommand):
    help = "Create a therapist, with an account to sign in with. The password is asked for, or made."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True, help="signs in with it, and gets mail there")
        parser.add_argument("--name", required=True, help="as parents read it")
        parser.add_argument("--slug", default="", help="the name in addresses; made from the name unless given")
        parser.add_argument(
            "--manager", action="store_true", help="sees every appointment, and gets into the admin"
        )

    @no_translations
    def handle(self, *, email: str, name: str, slug: str, manager: bool, **options: Any) -> None:
        password = getpass("Password (leave empty to have one made): ") if sys.stdin.isatty() else ""
        made = "" if password else secrets.token_urlsafe(12)
        try:
            with transaction.atomic():
                user = create_account(email=email, password=password or made, manager=manager)
                therapist = Therapist(user=user, name=name, email=user.email, slug=slug or slugify(name))
                therapist.full_clean()
                therapist.save()
        except ValidationError as error:
            raise CommandError(_in_words(error)) from error
        self.stdout.write(f"{therapist.name} can sign in with {user.email}.")
        if made:
            self.stdout.write(f"Password: {made}")


def _in_words(error: ValidationError) -> str:
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return "\n".join(f"{field}: {' '.join(sentences)}" for field, sentences in error.message_dict.items())
