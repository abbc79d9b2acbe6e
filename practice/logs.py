"""How logs are written, and what they must not keep: the signed links by which a family reaches its appointment, a
therapist her feed, and where anyone can be reached."""

import json
import logging
import re
from datetime import UTC, datetime

from practice import request_ids

# A whole token wherever it stands, and whatever a scanner put in a token's place in an address.
_TOKEN = re.compile(
    r"[\w-]{16,}\.\d+\.[\w-]{32,}"
    r"|(?<=/afspraak/beheer/)[^/\s\"']+"
    r"|(?<=/afspraak/bevestigen/)[^/\s\"']+"
    r"|(?<=/afspraak/gemaakt/)[^/\s\"']+"
    r"|(?<=/api/v1/appointments/)[^/\s\"']+"
    r"|(?<=/account/wachtwoord/)(?!vergeten)[^\s\"']+"
    r"|(?<=/agenda/abonnement/)[^/\s\"']+(?=\.ics)"
)
# None of ours, but a library's complaint may quote one.
_MAIL_ADDRESS = re.compile(r"[^\s<>()\"',;:=]+@[^\s<>()\"',;:]+\.\w+")
_PHONE_NUMBER = re.compile(r"(?<![\w./-])(?:\+|00?)[1-9](?:[ -]?\d){8,13}(?![\w-])")
# What PostgreSQL adds to a refusal: the values of the row.
_DETAIL = re.compile(r"^DETAIL: .*$", re.MULTILINE)


def redact(text: str) -> str:
    """Return `text` without the tokens, mail addresses, phone numbers and rows that may be in it."""
    text = _DETAIL.sub("DETAIL: [row]", _TOKEN.sub("[token]", text))
    return _PHONE_NUMBER.sub("[number]", _MAIL_ADDRESS.sub("[address]", text))


class Redact(logging.Filter):
    """Cuts what must not be kept out of each record, its arguments and its traceback included."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line. Comes after Redact; what is in `record.fields` goes in as it is."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_ids.current():
            line["request_id"] = request_ids.current()
        line.update(getattr(record, "fields", {}))
        if record.exc_text:
            line["traceback"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)


PLAIN = "{asctime} {levelname} {name}: {message}"


def formatter(kind: str) -> logging.Formatter:
    """Return the formatter for LOG_FORMAT `kind`: `json`, or else `plain`, for people."""
    return JsonFormatter() if kind == "json" else logging.Formatter(PLAIN, style="{")
