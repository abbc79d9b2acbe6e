"""What DNS says about mail from a domain, asked of a real name server."""

from collections.abc import Iterator

import pytest

from practice import mail_dns
from tests.dns_server import Names

GOOD = {
    ("praktijk.example", "TXT"): ['"google-site-verification=x"', '"v=spf1 include:mail.example " "-all"'],
    ("praktijk.example", "MX"): ["10 mx.mail.example."],
    ("s1._domainkey.praktijk.example", "TXT"): ['"v=DKIM1; k=rsa; p=MIIB" "IjAN"'],
    ("_dmarc.praktijk.example", "TXT"): ['"v=DMARC1; p=reject"'],
}


@pytest.fixture
def names() -> Iterator[Names]:
    with Names(dict(GOOD)) as names:
        yield names


def states(names: Names, domain: str = "praktijk.example", selector: str = "s1") -> list[str]:
    return [finding.state for finding in mail_dns.look(domain, selector=selector, nameserver=names.address)]


def test_a_domain_that_has_it_all(names: Names) -> None:
    findings = mail_dns.look("praktijk.example", selector="s1", nameserver=names.address)

    assert [finding.state for finding in findings] == ["ok"] * 4
    assert [finding.wanted for finding in findings] == [""] * 4
    assert "“v=spf1 include:mail.example -all”" in findings[0].told
    assert findings[3].told == "MX: praktijk.example takes mail, at mx.mail.example."


def test_a_domain_that_has_nothing(names: Names) -> None:
    names.records = {("praktijk.example", "A"): ["192.0.2.1"]}
    findings = mail_dns.look("praktijk.example", selector="s1", nameserver=names.address)

    assert [finding.state for finding in findings] == ["wrong", "wrong", "wrong", "look"]
    assert findings[0].wanted.startswith('praktijk.example. TXT "v=spf1 include:')
    assert findings[1].wanted.startswith("s1._domainkey.praktijk.example. TXT")
    assert findings[2].wanted.startswith('_dmarc.praktijk.example. TXT "v=DMARC1; p=quarantine')


def test_a_domain_that_is_none(names: Names) -> None:
    first, *others = mail_dns.look("praktik.example", nameserver=names.address)

    assert first.state == "wrong"
    assert first.told.startswith("DNS knows no praktik.example.")
    assert [finding.state for finding in others] == ["wrong", "look", "wrong", "look"]


def test_without_a_selector_nobody_is_asked_for_a_key(names: Names) -> None:
    assert states(names, selector="") == ["ok", "look", "ok", "ok"]
    assert not [asked for asked in names.asked if "_domainkey" in asked]


@pytest.mark.parametrize(
    ("place", "values", "expected"),
    [
        (("praktijk.example", "TXT"), ['"v=spf1 -all"', '"v=spf1 mx -all"'], ["wrong", "ok", "ok", "ok"]),
        (("praktijk.example", "TXT"), ['"v=spf1 +all"'], ["wrong", "ok", "ok", "ok"]),
        (("praktijk.example", "TXT"), ['"v=spf1 mx ?all"'], ["look", "ok", "ok", "ok"]),
        (("praktijk.example", "TXT"), ['"v=spf1 mx ~all"'], ["ok", "ok", "ok", "ok"]),
        (("praktijk.example", "TXT"), ['"v=spf10 mx -all"'], ["wrong", "ok", "ok", "ok"]),
        (("s1._domainkey.praktijk.example", "TXT"), ['"v=DKIM1; p="'], ["ok", "wrong", "ok", "ok"]),
        (("_dmarc.praktijk.example", "TXT"), ['"v=DMARC1; p=none"'], ["ok", "ok", "look", "ok"]),
        (("praktijk.example", "MX"), ["0 ."], ["ok", "ok", "ok", "look"]),
    ],
)
def test_what_is_not_quite_right_is_told(
    names: Names, place: tuple[str, str], values: list[str], expected: list[str]
) -> None:
    names.records[place] = values

    assert states(names) == expected


def test_what_holds_above_holds_below(names: Names) -> None:
    names.records["post.praktijk.example", "A"] = ["192.0.2.1"]
    findings = mail_dns.look("post.praktijk.example", nameserver=names.address)

    assert findings[2].told == "DMARC: “v=DMARC1; p=reject” at _dmarc.praktijk.example."


def test_dns_that_does_not_answer_is_no_verdict(names: Names) -> None:
    names.fails = True
    findings = mail_dns.look("praktijk.example", selector="s1", nameserver=names.address)

    assert [finding.state for finding in findings] == ["unknown"] * 4
    assert all("DNS does not answer (NoNameservers)" in finding.told for finding in findings)
    assert all(finding.wanted for finding in findings)
