from argparse import ArgumentParser
from collections.abc import Iterator
from email.utils import parseaddr
from smtplib import SMTPException
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from booking import emails, outbox, slips
from practice import mail_dns
from practice.mail import in_words
from practice.mail_addresses import deliverable
from practice.mail_dns import Finding
from practice.models import Practice


class Command(BaseCommand):
    help = (
        "Say whether mail can go out, and what must stand in DNS before it is believed. Sends nothing. Ends with "
        "1 where something is wrong; DNS that does not answer is told, and no reason."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dkim", metavar="SELECTOR", default="", help="the selector that the provider signs by"
        )
        parser.add_argument("--nameserver", default="", help="ask this one, as 192.0.2.1 or 192.0.2.1:5353")

    def handle(self, *, dkim: str, nameserver: str, **options: Any) -> None:
        try:
            practice = Practice.load()
        except Practice.DoesNotExist as error:
            raise CommandError(str(error)) from error
        sender = emails.sender(practice)
        domain, own = _domain(parseaddr(sender)[1]), _domain(practice.email)
        self.stdout.write(f"Mails come from {sender}; answers go to {practice.email}.\n\n")
        findings = [_server(), *_sender(domain, own), *_links()]
        try:
            findings += mail_dns.look(domain, selector=dkim, nameserver=nameserver)
        except ValueError as error:
            raise CommandError(f"--nameserver {nameserver}: write 192.0.2.1 or 192.0.2.1:5353.") from error
        for finding in findings:
            self.stdout.write(f"{finding.state:<8} {finding.told}")
            if finding.wanted:
                self.stdout.write(f"{'':<8} Should be: {finding.wanted}")
        wrong = sum(finding.state == "wrong" for finding in findings)
        self.stdout.write("\nWhat these records are, and how to try it: docs/mail.md, `manage.py send_test_mail`.")
        if wrong:
            raise CommandError(f"To put right: {wrong}. See above.")


def _server() -> Finding:
    if not settings.EMAIL_URL:
        told = f"EMAIL_URL is not set: mails become files in {settings.MAIL_DIR}, and nobody gets one."
        return Finding("look" if settings.DEMO else "wrong", told)
    try:
        outbox.reach()
    except (SMTPException, OSError) as error:
        return Finding("wrong", in_words(error))
    signed_in = ", and accepts the login" if settings.EMAIL_HOST_USER else "; nobody signs in there"
    return Finding("ok", f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT} answers{signed_in}.")


def _sender(domain: str, own: str) -> Iterator[Finding]:
    if slips.is_everybodys(domain):
        told = f"{domain} is everybody's: only its own servers may send for it. Better is an address of your own."
        yield Finding("look", told, "FROM_EMAIL at a domain of the practice's own")
    if domain != own:
        told = f"Mails come from {domain}, answers go to {own}: families wonder less where both are the same."
        yield Finding("look", told)


def _links() -> Iterator[Finding]:
    place = urlsplit(settings.BASE_URL)
    if place.scheme != "https" or place.hostname in {"localhost", "127.0.0.1"}:
        told = f"The links in mails begin with {settings.BASE_URL}: no family comes there safely, or at all."
        yield Finding("look", told, "BASE_URL=https://<your address>")


def _domain(address: str) -> str:
    return deliverable(address).rpartition("@")[2].casefold()
