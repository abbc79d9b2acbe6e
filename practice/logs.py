"""What logs must not keep: the signed links by which a family reaches its appointment, a therapist her feed."""

import logging
import re

# A whole token wherever it stands, and whatever a scanner put in a token's place in an address.
_TOKEN = re.compile(
    r"[\w-]{16,}\.\d+\.[\w-]{32,}"
    r"|(?<=/afspraak/beheer/)[^/\s\"']+"
    r"|(?<=/afspraak/gemaakt/)[^/\s\"']+"
    r"|(?<=/api/v1/appointments/)[^/\s\"']+"
    r"|(?<=/account/wachtwoord/)(?!vergeten)[^\s\"']+"
    r"|(?<=/agenda/abonnement/)[^/\s\"']+(?=\.ics)"
)


def redact(text: str) -> str:
    """Return `text` with every manage-link token replaced by `[token]`."""
    return _TOKEN.sub("[token]", text)


class RedactTokens(logging.Filter):
    """Cuts tokens out of each record, its arguments and its traceback included."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        return True
