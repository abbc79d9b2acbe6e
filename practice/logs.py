"""How logs are written, and what they must not keep: the signed links by which a family reaches its appointment, a
therapist her feed, and where anyone can be reached."""

import json
import logging
import re
from datetime import UTC, datetime
from string import punctuation

from practice import request_ids

# More than any line of ours. What strangers send comes in here, so the length is looked at first; and each
# expression is linear: it begins once in a run of characters (lookbehind) and gives nothing back (possessive).
LONGEST = 20_000
# What stands between the parts of an address: doubled, with dots between, or still percent-encoded too.
_SLASH = r"(?:(?:(?:[/\\]|%(?:25)*+(?:2f|5c))(?:\.{1,2}(?=[/\\%]))?+)++)"
_CHARACTER = r"(?:[\w-]|%(?!(?:25)*+2e)[\da-f]{2})"
_DOT = r"(?:\.|%(?:25)*+2e)"
_PART = r"(?:[^/\\\s\"'?%]|%(?!(?:25)*+(?:2f|5c)))"
# A whole token wherever it stands.
_TOKEN = re.compile(rf"(?<![\w%-]){_CHARACTER}{{16,}}+{_DOT}\d++{_DOT}{_CHARACTER}{{32,}}+", re.IGNORECASE)
# Whatever a scanner put in a token's place in an address.
_IN_ITS_PLACE = re.compile(
    rf"(?P<where>(?:(?:afspraak{_SLASH}(?:beheer|bevestigen|gemaakt)|v1{_SLASH}appointments){_SLASH})++)"
    rf"(?P<token>{_PART}*+)"
    rf"|(?P<feed>(?:agenda{_SLASH}abonnement{_SLASH})++)(?P<key>(?:(?!\.ics){_PART})*+)"
    rf"|(?P<account>account{_SLASH}wachtwoord{_SLASH})(?P<link>[^\s\"']*+)",
    re.IGNORECASE,
)
# Pages that stand where such a token would.
_NO_TOKENS = {"", "aan", "nieuw", "uit", "vergeten"}
# None of ours, but a library's complaint may quote one.
_AT = r"(?:[@＠﹫]|%(?:25)*+40)"
_NAME = r"(?:[^\s<>()\"',;:=@＠﹫%]|%(?!(?:25)*+40))"
_MAIL_ADDRESS = re.compile(
    rf"(?<![^\s<>()\"',;:=]){_AT}*+{_NAME}++(?:{_AT}++{_NAME}++)++|\"[^\"\s]{{1,64}}+\"{_AT}{_NAME}++"
)
_PHONE_NUMBER = re.compile(r"(?<![\w./-])(?:\+|00?)[1-9](?:[ -]?\d){8,13}(?![\w-])")
# What PostgreSQL adds to a refusal: the values of the row.
_DETAIL = re.compile(r"^DETAIL: .*$", re.MULTILINE)


def redact(text: str) -> str:
    """Return `text` without the tokens, mail addresses, phone numbers and rows that may be in it; of one that is
    longer than `LONGEST` the middle is left out."""
    if len(text) > LONGEST:
        # Cut between words: half an address would be none that is recognised.
        head, tail = text[: LONGEST // 2], text[-LONGEST // 2 :]
        text = f"{_up_to_a_space(head)} […] {_up_to_a_space(tail[::-1])[::-1]}"
    text = _DETAIL.sub("DETAIL: [row]", _TOKEN.sub("[token]", text))
    text = _IN_ITS_PLACE.sub(_without_token, text)
    return _PHONE_NUMBER.sub("[number]", _MAIL_ADDRESS.sub(_address, text))


def _up_to_a_space(text: str) -> str:
    return text[: max(text.rfind(space) for space in " \n\t") + 1]


def _without_token(found: re.Match[str]) -> str:
    where, said = (part for part in found.groups() if part is not None)
    return found[0] if said.rstrip("/").lower() in _NO_TOKENS else f"{where}[token]"


def _address(found: re.Match[str]) -> str:
    said = found[0].rstrip(punctuation)
    return f"[address]{found[0][len(said) :]}" if "." in said else found[0]


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
