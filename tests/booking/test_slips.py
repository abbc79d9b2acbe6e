"""Likely slips in mail addresses and phone numbers: asked about where they are likely, and only there."""

import pytest

from booking.slips import meant_mail, meant_phone


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("noor@gmial.com", "noor@gmail.com"),
        ("noor@gmai.com", "noor@gmail.com"),
        ("noor@gmaill.com", "noor@gmail.com"),
        ("noor@gmail.con", "noor@gmail.com"),
        ("noor@gmail.nl", "noor@gmail.com"),
        ("noor@GMIAL.com", "noor@gmail.com"),
        ("Noor.de.Vries@hotmial.com", "Noor.de.Vries@hotmail.com"),
        ("noor@outlok.com", "noor@outlook.com"),
        ("noor@zigo.nl", "noor@ziggo.nl"),
        ("noor@icloud.nl", "noor@icloud.com"),
    ],
)
def test_a_slip_in_a_common_address_is_asked_about(typed: str, meant: str) -> None:
    assert meant_mail(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "noor@gmail.com",
        "noor@GMAIL.COM",
        "noor@hotmail.nl",
        "noor@mail.com",
        "noor@ymail.com",
        "noor@outlook.fr",
        "noor@live.nl",
        "noor@home.nl",
        "noor@rome.nl",
        "noor@example.org",
        "noor@duimvoorjou.nl",
        "noor@gmail",
        "noor@",
        "noor",
        "@gmial.com",
        "",
    ],
)
def test_any_other_address_is_not(typed: str) -> None:
    assert meant_mail(typed) == ""


def test_what_is_meant_is_never_asked_about_again() -> None:
    for typed in ("noor@gmial.com", "noor@hotmal.nl", "noor@kpnmial.nl", "noor@gmail.co.uk"):
        assert meant_mail(typed)
        assert meant_mail(meant_mail(typed)) == ""


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("06 1234567l", "06 12345671"),
        ("006 12345678", "06 12345678"),
        ("32470123456", "+32 470 12 34 56"),
    ],
)
def test_a_slip_in_a_number_is_asked_about(typed: str, meant: str) -> None:
    assert meant_phone(typed, "NL") == meant
    assert meant_phone(meant, "NL") == ""


@pytest.mark.parametrize(
    "typed", ["06 12345678", "+31 6 12345678", "040 2123456", "+32 470 12 34 56", "12", "", "x"]
)
def test_any_other_number_is_not(typed: str) -> None:
    assert meant_phone(typed, "NL") == ""
