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


# By these a text begins another line, moves a terminal's cursor or turns the order of what follows.
_TURNING = (*range(32), *range(127, 160), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_CONTROL = {code: f"\\u{code:04x}" for code in _TURNING}


def in_one_line(text: str) -> str:
    """Return `text` with each control character as its escape: nobody writes a line of their own into a log."""
    return text.translate(_CONTROL)


class Redact(logging.Filter):
    """Cuts what must not be kept out of each record, its arguments and its traceback included."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = in_one_line(redact(record.getMessage()))
        record.args = None
        if record.exc_info and not record.exc_text:
            said = redact(logging.Formatter().formatException(record.exc_info))
            record.exc_text = "\n".join(map(in_one_line, said.split("\n")))
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


class PlainFormatter(logging.Formatter):
    """One line for people: the moment in UTC, what was logged, and the request that it is about. A traceback comes
    below it, set in, so that whatever an exception quotes begins no line."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = f"{moment} {record.levelname} {record.name}: {record.getMessage()}"
        if request_ids.current():
            line += f" [{request_ids.current()}]"
        return "\n    ".join([line, *(record.exc_text or "").splitlines()])


def formatter(kind: str) -> logging.Formatter:
    """Return the formatter for LOG_FORMAT `kind`: `json`, or else `plain`, for people."""
    return JsonFormatter() if kind == "json" else PlainFormatter()
