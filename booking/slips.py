"""Likely slips in what a family types, each with what it may have meant. Pure: text in, text out.

These are questions, never refusals: an address or a number that looks odd may well be right.
"""

import re
from itertools import combinations

import phonenumbers

# Where people in the Netherlands and Belgium have their mail. Long enough to tell a slip from another name.
_COMMON = (
    "gmail.com", "googlemail.com", "hotmail.com", "hotmail.nl", "hotmail.be", "outlook.com", "outlook.be",
    "icloud.com", "yahoo.com", "ziggo.nl", "kpnmail.nl", "planet.nl", "xs4all.nl", "hetnet.nl", "casema.nl",
    "chello.nl", "upcmail.nl", "telfort.nl", "telenet.be", "skynet.be", "proximus.be", "quicknet.nl",
    "zonnet.nl", "zeelandnet.nl", "kabelfoon.nl", "solcon.nl", "caiway.nl", "protonmail.com", "proton.me",
)  # fmt: skip
# One letter away from those above, and not to be asked about.
_OTHERS = {
    "mail.com", "ymail.com", "email.com", "fmail.com", "hotmail.de", "hotmail.fr", "hotmail.it", "hotmail.es",
    "hotmail.co.uk", "outlook.de", "outlook.fr", "outlook.nl", "yahoo.de", "yahoo.fr", "yahoo.co.uk",
}  # fmt: skip
# Not near those above, and for everybody too.
_FOR_EVERYBODY = {
    "aol.com", "casema.nl", "duck.com", "fastmail.com", "freedom.nl", "gmx.at", "gmx.com", "gmx.de", "gmx.net",
    "hey.com", "home.nl", "hotmail.com.tr", "interia.pl", "kpnplanet.nl", "live.be", "live.com", "live.nl",
    "mac.com", "mail.ru", "me.com", "msn.com", "o2.pl", "online.nl", "onet.pl", "op.pl", "orange.fr", "pm.me",
    "rocketmail.com", "t-online.de", "tele2.nl", "tuta.io", "tutanota.com", "ukr.net", "versatel.nl", "web.de",
    "wp.pl", "wxs.nl", "yandex.com", "yandex.ru", "zoho.com",
}  # fmt: skip
# Reserved for examples (RFC 2606): nobody can own one of these.
_NOBODYS = {"example.com", "example.net", "example.org"}
_NOBODYS_ENDINGS = {"example", "invalid", "localhost", "test"}
# Google and Apple have mailboxes under one ending alone.
_ONE_ENDING = {"gmail": "gmail.com", "icloud": "icloud.com"}
_LONGEST_NUMBER = 60
_NO_DIGITS = re.compile(r"[^\d+]")
_LOOK_ALIKES = str.maketrans("OoIl|", "00111")


def meant_mail(email: str) -> str:
    """Return the mail address that `email` may have been meant to be, "" where nothing looks like a slip."""
    name, at, typed = email.strip().rpartition("@")
    domain = typed.casefold()
    if not (name and at) or domain in _COMMON or domain in _OTHERS:
        return ""
    first, _, ending = domain.partition(".")
    if ending and first in _ONE_ENDING:
        return f"{name}@{_ONE_ENDING[first]}"
    near = next((common for common in _COMMON if _one_slip_apart(domain, common)), "")
    return near and f"{name}@{near}"


def is_everybodys(domain: str) -> bool:
    """Return whether `domain` gives mailboxes to everybody who asks."""
    return domain.casefold() in {*_COMMON, *_OTHERS, *_FOR_EVERYBODY}


def can_be_ones_own(domain: str) -> bool:
    """Return whether `domain` may be somebody's own, who then has as many mailboxes there as they like."""
    folded = domain.casefold()
    reserved = folded in _NOBODYS or folded.rpartition(".")[2] in _NOBODYS_ENDINGS
    return not (reserved or is_everybodys(folded))


def _one_slip_apart(typed: str, meant: str) -> bool:
    """Return whether one letter too many, too few, wrong, or two that changed places, make the difference."""
    if len(typed) == len(meant):
        apart = [n for n, (one, other) in enumerate(zip(typed, meant, strict=True)) if one != other]
        if len(apart) == 2:
            first, second = apart
            return second == first + 1 and typed[first] == meant[second] and typed[second] == meant[first]
        return len(apart) == 1
    longer, shorter = sorted((typed, meant), key=len, reverse=True)
    return len(longer) == len(shorter) + 1 and tuple(shorter) in combinations(longer, len(shorter))


def meant_phone(text: str, region: str) -> str:
    """Return the phone number that `text` may have been meant to be, as it is dialled in `region` ("NL"); "" where
    it is a number as it stands, or nothing like one."""
    if len(text) > _LONGEST_NUMBER or _number(text, region):
        return ""
    digits = _NO_DIGITS.sub("", text.translate(_LOOK_ALIKES))
    # As it reads; with one zero in front; with the plus of another country.
    tries = [digits, f"0{digits.lstrip('0')}", f"+{digits}"]
    return next(filter(None, (_number(one, region) for one in tries)), "")


def _number(text: str, region: str) -> str:
    """Return the number `text` as it is dialled in `region`, "" where it is none."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    at_home = phonenumbers.region_code_for_number(number) == region
    style = phonenumbers.PhoneNumberFormat.NATIONAL if at_home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style)
