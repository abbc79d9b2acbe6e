"""Mail as files: what `make run` uses instead of a mail server."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from secrets import token_hex

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.text import slugify


class EmlBackend(BaseEmailBackend):
    """Writes each message to a file of its own in MAIL_DIR, as a mail program opens it."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write `email_messages` and return how many; raises OSError where the folder cannot take them."""
        folder = Path(settings.MAIL_DIR)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            mime = message.message()
            sent = parsedate_to_datetime(mime["Date"]) if mime["Date"] else datetime.now(UTC)
            name = f"{sent.astimezone(UTC):%Y%m%dT%H%M%S}-{slugify(message.subject)[:60]}-{token_hex(3)}.eml"
            # Under another name first: a half-written mail must never look like a sent one.
            part = folder / f".{name}.part"
            try:
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(mime.as_bytes(linesep="\r\n"))  # type: ignore[call-arg] # Django's own
                    file.flush()
                    os.fsync(file.fileno())
                part.rename(folder / name)
            finally:
                # A full disk is not filled further by each try.
                part.unlink(missing_ok=True)
        return len(email_messages)
