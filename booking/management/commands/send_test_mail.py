from argparse import ArgumentParser
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from booking import mail_samples, outbox
from booking.models import Kind
from practice.fields import mail_address
from practice.mail import in_words
from practice.models import Practice


class Command(BaseCommand):
    help = "Send a confirmation of a made-up appointment to ADDRESS, at once, and tell what the mail server said."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", help="a mailbox that you can read")
        codes = [code for code, _name in settings.LANGUAGES]
        parser.add_argument("--language", choices=codes, default=settings.LANGUAGE_CODE)

    def handle(self, *, address: str, language: str, **options: Any) -> None:
        try:
            address = mail_address(address)
            sample = next(sample for sample in mail_samples.SAMPLES if sample.kind == Kind.CONFIRMATION)
            message = mail_samples.compose(sample, language, Practice.load(), now=timezone.now(), to=address)
        except ValidationError as error:
            raise CommandError(f"{address}, or the practice's own address, is no mail address.") from error
        except Practice.DoesNotExist as error:
            raise CommandError(str(error)) from error
        # Whoever finds it later must not think that a family comes.
        message.subject = f"Test: {message.subject}"
        try:
            said = outbox.try_out(message)
        except (SMTPException, OSError) as error:
            raise CommandError(in_words(error)) from error
        self.stdout.write(
            f"From {message.from_email} to {address}, Message-ID {message.extra_headers['Message-ID']}"
        )
        if settings.EMAIL_URL:
            self.stdout.write(f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT} took it: {said}")
            self.stdout.write(
                "Look whether it arrives, in the folder for junk too, and what its source says of dkim=."
            )
        else:
            self.stdout.write(f"EMAIL_URL is not set, so it went to nobody. It is in {said}")
