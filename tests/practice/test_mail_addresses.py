"""One mailbox has one spelling: the one that mail goes to, that is compared and that is shown."""

import unicodedata
from functools import partial

import pytest

from practice.mail_addresses import LONGEST_TYPED, NotAMailAddress, Wrong, canonical, deliverable, with_letters
from tests.attacks import MOST, attacks, seconds

NOOR = "noor@example.org"
STRASSE = "noor@xn--strae-oqa.example"


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (NOOR, NOOR),
        ("  noor@example.org\r\n", NOOR),
        ("\u00a0\u3000noor@example.org\u2029", NOOR),
        ("noor@EXAMPLE.Org", NOOR),
        ("Noor.de.Vries+sam@example.org", "Noor.de.Vries+sam@example.org"),
        ("noor@example.org.", NOOR),
        ("noor@example\u3002org\uff0e", NOOR),
        ("ｎｏｏｒ＠ｅｘａｍｐｌｅ．ｏｒｇ", NOOR),
        ("noor\ufe6bexample.org", NOOR),
        ("noor@stra\u00dfe.example", STRASSE),
        ("noor@STRA\u1e9eE.example", STRASSE),
        ("noor@xn--strae-oqa.example", STRASSE),
        ("noor@XN--STRAE-OQA.example", STRASSE),
        ("noor@bu\u0308cher.example", "noor@xn--bcher-kva.example"),
        ("noor@B\u00dcCHER.example", "noor@xn--bcher-kva.example"),
        ("noor@sub.example.co.uk", "noor@sub.example.co.uk"),
        ("noor@r3---sn.example", "noor@r3---sn.example"),
        ("o'neill!#$%&*/=?^_`{|}~-@example.org", "o'neill!#$%&*/=?^_`{|}~-@example.org"),
    ],
)
def test_each_spelling_becomes_the_one_that_mail_goes_to(typed: str, address: str) -> None:
    assert canonical(typed) == address
    assert canonical(address) == address


UNSEEN = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"]


@pytest.mark.parametrize("where", ["{0}noor@example.org", "no{0}or@example.org", "noor{0}@exam{0}ple.org{0}"])
def test_what_nobody_sees_is_taken_out_wherever_it_stands(where: str) -> None:
    others = "\u034f\u115f\u1160\u17b4\u180b\u2800\u3164\ufe0e\ufe0f\uffa0\U000e0100"

    for letter in [*UNSEEN, *others]:
        assert canonical(where.format(letter)) == NOOR, f"U+{ord(letter):04X}"


def test_a_joiner_that_a_script_needs_stays_in_the_domain() -> None:
    # Without it this is another domain (RFC 5892, appendix A.1).
    with_it = "noor@\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example"

    assert canonical(with_it) != canonical(with_it.replace("\u200c", ""))


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ('"victim"@example.org', Wrong.QUOTED),
        ('"v\\ictim"@example.org', Wrong.QUOTED),
        ("v\\ictim@example.org", Wrong.QUOTED),
        ('vic"tim"@example.org', Wrong.QUOTED),
        ("“victim”@example.org", Wrong.QUOTED),
        ("＂victim＂@example.org", Wrong.QUOTED),
        ("(x)victim@example.org", Wrong.INCOMPLETE),
        ("noor", Wrong.INCOMPLETE),
        ("noor@", Wrong.INCOMPLETE),
        ("@example.org", Wrong.INCOMPLETE),
        ("\u200e", Wrong.INCOMPLETE),
        ("noor@example", Wrong.INCOMPLETE),
        ("noor@localhost", Wrong.INCOMPLETE),
        ("noor@example..org", Wrong.INCOMPLETE),
        ("noor@example.org..", Wrong.INCOMPLETE),
        ("noor@-example.org", Wrong.INCOMPLETE),
        ("noor@ex_ample.org", Wrong.INCOMPLETE),
        ("noor@192.0.2.1", Wrong.INCOMPLETE),
        ("noor@[192.0.2.1]", Wrong.INCOMPLETE),
        ("noor@[IPv6:2001:db8::1]", Wrong.INCOMPLETE),
        (".noor@example.org", Wrong.INCOMPLETE),
        ("no..or@example.org", Wrong.INCOMPLETE),
        ("noor@example.org, bo@example.org", Wrong.INCOMPLETE),
        ("noor@bo@example.org", Wrong.INCOMPLETE),
        ("noor@example.org\nBcc: x@example.org", Wrong.INCOMPLETE),
        ("noor@example\n.org", Wrong.INCOMPLETE),
        ("noor\x00@example.org", Wrong.UNPRINTABLE),
        ("noor@example.org\x7f", Wrong.UNPRINTABLE),
        ("noor\ud800@example.org", Wrong.UNPRINTABLE),
        ("zoë@example.org", Wrong.NAME),
        ("nооr@example.org", Wrong.NAME),
        ("noor@i\u2764.example", Wrong.DOMAIN),
        ("noor@xn--i-7iq.example", Wrong.DOMAIN),
        ("noor@xn--a.example", Wrong.DOMAIN),
        ("noor@praktijk.local", Wrong.DOMAIN),
        ("noor@nergens.invalid", Wrong.DOMAIN),
        ("noor@sub.localhost", Wrong.DOMAIN),
        ("n" * 65 + "@example.org", Wrong.TOO_LONG),
        (f"noor@{'x' * 64}.org", Wrong.TOO_LONG),
        (f"noor@{'ü' * 64}.org", Wrong.DOMAIN),
        (f"noor@{'x.' * 126}org", Wrong.TOO_LONG),
        ("noor@example.org" + "\u200e" * LONGEST_TYPED, Wrong.TOO_LONG),
    ],
)
def test_what_cannot_be_delivered_is_refused(typed: str, wrong: Wrong) -> None:
    with pytest.raises(NotAMailAddress) as refused:
        canonical(typed)

    assert refused.value.wrong == wrong


def test_what_was_kept_before_is_mailed_in_the_one_spelling_where_it_has_one() -> None:
    assert deliverable("no\u200eor@stra\u00dfe.example") == STRASSE
    assert deliverable('"noor"@example.org') == '"noor"@example.org'


def test_a_domain_has_letters_again_for_who_looks_for_what_was_kept_before() -> None:
    assert with_letters("noor@xn--bcher-kva.example") == "noor@bücher.example"
    assert with_letters("noor@xn--a.example") == "noor@xn--a.example"
    assert with_letters(NOOR) == NOOR


@pytest.mark.parametrize("size", [LONGEST_TYPED, 250_000])
def test_no_text_keeps_it_busy(size: int) -> None:
    for seed in ("a@a.a", "xn--a.", "\u0301\u0316", "\u200e", '"\\"', "ａ。", "\u0646\u200c"):
        for attack in (*attacks(seed, size), f"a@{seed * (size // len(seed))}"):
            assert seconds(partial(deliverable, attack)) < MOST, attack[:40]
