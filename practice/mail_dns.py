"""What must stand in DNS before mail in the name of a domain is believed: SPF, DKIM and DMARC (docs/mail.md)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from dns.exception import DNSException
from dns.resolver import NXDOMAIN, NoAnswer, NoResolverConfiguration, Resolver

State = Literal["ok", "look", "wrong", "unknown"]
# Seconds for one question, tries again included.
_PATIENCE = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one record: `told` is a sentence about it, `wanted` the record that should stand there."""

    state: State
    told: str
    wanted: str = ""


class _NoAnswer(Exception):
    """DNS itself could not be asked."""


def look(domain: str, *, selector: str = "", nameserver: str = "") -> list[Finding]:
    """Return what DNS says about mail from `domain`: SPF, DKIM under `selector`, DMARC, and where answers go.

    `nameserver` is asked instead of this machine's own, as 192.0.2.1 or 192.0.2.1:5353; raises ValueError where
    it is none.
    """
    resolver = _resolver(nameserver)
    return [
        *_domain(domain, resolver),
        _spf(domain, resolver),
        _dkim(domain, selector, resolver),
        _dmarc(domain, resolver),
        _mx(domain, resolver),
    ]


def _resolver(nameserver: str) -> Resolver:
    try:
        resolver = Resolver(configure=not nameserver)
    except NoResolverConfiguration:
        # Nobody to ask: each question says so.
        resolver = Resolver(configure=False)
    if nameserver:
        place = urlsplit(f"//{nameserver}")
        resolver.nameservers, resolver.port = [place.hostname or ""], place.port or 53
    resolver.lifetime = _PATIENCE
    return resolver


def _domain(domain: str, resolver: Resolver) -> Iterator[Finding]:
    try:
        resolver.resolve(domain, "SOA", raise_on_no_answer=False)
    except NXDOMAIN:
        yield Finding("wrong", f"DNS knows no {domain}. Look at FROM_EMAIL, and at which name server was asked.")
    except (DNSException, OSError, ValueError):
        # Those that follow say so.
        return


def _spf(domain: str, resolver: Resolver) -> Finding:
    wanted = f'{domain}. TXT "v=spf1 include:<what your mail provider names> -all"'
    try:
        found = [text for text in _texts(domain, resolver) if text.split(" ")[0].lower() == "v=spf1"]
    except _NoAnswer as error:
        return Finding("unknown", f"SPF: {error}", wanted)
    if not found:
        return Finding("wrong", f"SPF: {domain} does not say which servers may send its mail.", wanted)
    if len(found) > 1:
        # RFC 7208 §4.5
        return Finding("wrong", f"SPF: {domain} has {len(found)} records, so none of them counts.", wanted)
    terms = found[0].lower().split()
    if "+all" in terms or "all" in terms:
        return Finding("wrong", f"SPF: “{found[0]}” lets everybody send.", wanted)
    if not terms[-1].startswith(("-all", "~all", "redirect=")):
        return Finding("look", f"SPF: “{found[0]}” does not end in -all or ~all, so others may send too.", wanted)
    return Finding("ok", f"SPF: “{found[0]}”. Is your mail server among them?")


def _dkim(domain: str, selector: str, resolver: Resolver) -> Finding:
    name = f"{selector or '<selector>'}._domainkey.{domain}"
    wanted = f'{name}. TXT "v=DKIM1; k=rsa; p=<key>", or a CNAME: your mail provider tells which'
    if not selector:
        told = "DKIM: which record it is, only your mail provider knows. Ask again with --dkim SELECTOR."
        return Finding("look", told, wanted)
    try:
        keys = [text for text in _texts(name, resolver) if "p=" in text.replace(" ", "")]
    except _NoAnswer as error:
        return Finding("unknown", f"DKIM: {error}", wanted)
    if not keys:
        return Finding("wrong", f"DKIM: there is no key at {name}.", wanted)
    if keys[0].replace(" ", "").partition("p=")[2] in {"", ";"}:
        # RFC 6376 §3.6.1
        return Finding("wrong", f"DKIM: the key at {name} was taken back (its p= is empty).", wanted)
    return Finding("ok", f"DKIM: there is a key at {name}.")


def _dmarc(domain: str, resolver: Resolver) -> Finding:
    wanted = f'_dmarc.{domain}. TXT "v=DMARC1; p=quarantine; rua=mailto:<where reports go>"'
    # What holds for a domain holds for those below it (RFC 7489 §6.6.3).
    labels = domain.split(".")
    above = [".".join(labels[number:]) for number in range(len(labels) - 1)] or [domain]
    try:
        places = ((name, text) for name in above for text in _texts(f"_dmarc.{name}", resolver))
        name, found = next(((name, text) for name, text in places if text.startswith("v=DMARC1")), ("", ""))
    except _NoAnswer as error:
        return Finding("unknown", f"DMARC: {error}", wanted)
    if not found:
        return Finding("wrong", f"DMARC: {domain} does not say what to do with mail that others send.", wanted)
    if "p=none" in found.replace(" ", ""):
        told = f"DMARC: “{found}” at _dmarc.{name} asks for reports alone; p=quarantine protects."
        return Finding("look", told, wanted)
    return Finding("ok", f"DMARC: “{found}” at _dmarc.{name}.")


def _mx(domain: str, resolver: Resolver) -> Finding:
    wanted = f"{domain}. MX 10 <your mail server>."
    try:
        servers = [server for server in _ask(domain, "MX", resolver) if not server.endswith(" .")]
    except _NoAnswer as error:
        return Finding("unknown", f"MX: {error}", wanted)
    if not servers:
        told = f"MX: {domain} takes no mail, so that what cannot be delivered never comes back, and filters mind."
        return Finding("look", told, wanted)
    return Finding("ok", f"MX: {domain} takes mail, at {servers[0].split()[-1].rstrip('.')}.")


def _texts(name: str, resolver: Resolver) -> list[str]:
    """Return the TXT records at `name`; one may come in pieces (RFC 7208 §3.3)."""
    return ["".join(piece for piece in _pieces(text)) for text in _ask(name, "TXT", resolver)]


def _pieces(text: str) -> list[str]:
    return [piece for number, piece in enumerate(text.split('"')) if number % 2]


def _ask(name: str, kind: str, resolver: Resolver) -> list[str]:
    try:
        return [record.to_text() for record in resolver.resolve(name, kind)]
    except (NXDOMAIN, NoAnswer):
        return []
    except (DNSException, OSError, ValueError) as error:
        raise _NoAnswer(f"DNS does not answer ({type(error).__name__}), so look for yourself.") from error
