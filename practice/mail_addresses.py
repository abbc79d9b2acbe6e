"""Mail addresses in the one spelling that mail goes to, that is compared and that is shown. Pure: no Django."""

import re
import unicodedata
from enum import StrEnum

import idna

# RFC 5321 §4.5.3.1: before the @, between two dots behind it, all behind it, and all of it.
_LONGEST_NAME, _LONGEST_LABEL, _LONGEST_DOMAIN, LONGEST = 64, 63, 253, 254
# With all that can come along unseen when an address is copied.
LONGEST_TYPED = 1000
_NAME = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]++(?:\.[\w!#$%&'*+/=?^`{|}~-]++)*+", re.ASCII)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
# Nobody has a mailbox there (RFC 6761, RFC 6762, RFC 7686, RFC 3172).
_NOWHERE = {"arpa", "invalid", "local", "localhost", "onion"}
_JOINERS = "\u200c\u200d"
_QUOTES = set('"\\\u201c\u201d\u201e')
# Shown as nothing (Unicode: Default_Ignorable_Code_Point), beside all of the category Cf.
_UNSEEN = {
    *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
    *range(0x180B, 0x1810),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    *range(0xFFF0, 0xFFF9),
    *range(0xE0000, 0xE1000),
}
# Of an Asian keyboard: each stands as wide as a character of Chinese, and means the usual one.
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0xFE6B: ord("@")}


class Wrong(StrEnum):
    """Why mail cannot go to what somebody typed."""

    INCOMPLETE = "incomplete"
    TOO_LONG = "too_long"
    UNPRINTABLE = "unprintable"
    QUOTED = "quoted"
    NAME = "name"
    DOMAIN = "domain"


class NotAMailAddress(ValueError):
    """Mail cannot be delivered to this; `wrong` says why."""

    def __init__(self, wrong: Wrong) -> None:
        super().__init__(wrong.value)
        self.wrong = wrong


def canonical(typed: str) -> str:
    """Return the mail address that `typed` means, as mail goes to it: without what cannot be seen, and with the
    domain in small letters and in ASCII (IDNA 2008). Capitals before the @ stay: they are the recipient's own
    business (RFC 5321 §2.4).

    Raises NotAMailAddress for all that cannot be delivered without SMTPUTF8, or at all, and for quoted names.
    """
    if len(typed) > LONGEST_TYPED:
        raise NotAMailAddress(Wrong.TOO_LONG)
    seen = "".join(letter for letter in typed if letter in _JOINERS or not _is_unseen(letter)).translate(_WIDE)
    text = seen.strip()
    if any(letter.isspace() for letter in text):
        raise NotAMailAddress(Wrong.INCOMPLETE)
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text):
        raise NotAMailAddress(Wrong.UNPRINTABLE)
    name, at, domain = text.rpartition("@")
    name = _without_joiners(name)
    if _QUOTES & set(name):
        raise NotAMailAddress(Wrong.QUOTED)
    if not (name and at and domain):
        raise NotAMailAddress(Wrong.INCOMPLETE)
    if not name.isascii():
        raise NotAMailAddress(Wrong.NAME)
    if not _NAME.fullmatch(name):
        raise NotAMailAddress(Wrong.INCOMPLETE)
    address = f"{name}@{_ascii(domain)}"
    if len(name) > _LONGEST_NAME or len(address) > LONGEST:
        raise NotAMailAddress(Wrong.TOO_LONG)
    return address


def deliverable(address: str) -> str:
    """Return `address`, one that was kept before addresses had one spelling, as mail goes to it; as it is, where
    it has no such spelling."""
    try:
        return canonical(address)
    except NotAMailAddress:
        return address


def with_letters(address: str) -> str:
    """Return `address` with the letters that its domain stands for, as "bücher" for "xn--bcher-kva"."""
    name, at, domain = address.rpartition("@")
    try:
        return f"{name}{at}{idna.decode(domain)}" if "xn--" in domain else address
    except idna.IDNAError:
        return address


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) == "Cf" or ord(letter) in _UNSEEN


def _without_joiners(text: str) -> str:
    return text.replace(_JOINERS[0], "").replace(_JOINERS[1], "")


def _ascii(domain: str) -> str:
    """Return `domain` as DNS knows it; raises NotAMailAddress where it can know no such name."""
    found = domain.lower() if domain.isascii() else _encoded(domain)
    found = found.removesuffix(".")
    labels = found.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)) or not labels[-1].strip("0123456789"):
        raise NotAMailAddress(Wrong.INCOMPLETE)
    if len(found) > _LONGEST_DOMAIN or len(max(labels, key=len)) > _LONGEST_LABEL:
        raise NotAMailAddress(Wrong.TOO_LONG)
    if labels[-1] in _NOWHERE or any(label.startswith("xn--") and _encoded(label) != label for label in labels):
        raise NotAMailAddress(Wrong.DOMAIN)
    return found


def _encoded(domain: str) -> str:
    # Joiners without width mean something in some scripts, where IDNA lets them stand, and are dust elsewhere.
    for tried in (domain, _without_joiners(domain)):
        try:
            # Not transitional, which is IDNA 2003: "ß" is a letter of its own, and "ss" another domain.
            return idna.encode(tried, uts46=True, std3_rules=True, transitional=False).decode("ascii")
        except idna.IDNAError:
            continue
    raise NotAMailAddress(Wrong.DOMAIN)
