"""A phone number is kept as the number that was typed, or not at all; what is far too long is not looked at."""

from functools import partial

import pytest
from django import forms
from django.core.exceptions import ValidationError

from practice.fields import LengthFirst, MailAddressField, PhoneField
from tests.attacks import MOST, attacks, seconds


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        *(
            (f"{mobile}", "+31612345678")
            for mobile in ("06 12345678", "06-12345678", "(06) 12345678", "06/12345678")
        ),
        *(
            (f"{mobile}", "+31612345678")
            for mobile in ("+31 (0)6 12345678", "0031 6 12 34 56 78", "06.12.34.56.78")
        ),
        ("\u202a+31 6\u00a012345678\u202c", "+31612345678"),
        ("06\u201112345678", "+31612345678"),
        ("０６ １２３４５６７８", "+31612345678"),
        ("٠٦ ١٢٣٤٥٦٧٨", "+31612345678"),
        ("06 99999999", "+31699999999"),
        ("06 00000000", "+31600000000"),
        ("020 1234567", "+31201234567"),
        ("+32 470 12 34 56", "+32470123456"),
        ("+39 06 12345678", "+390612345678"),
    ],
)
def test_number_is_kept_however_it_is_typed(typed: str, kept: str) -> None:
    number = PhoneField().clean(typed)

    assert number.as_e164 == kept
    assert not PhoneField().has_changed(number, typed)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        *(
            (f"020 1234567{beside}", "more_than_a_number")
            for beside in (" ext 12", "x12", ",12", ";ext=12", " #12")
        ),
        *((f"020 1234567{beside}", "more_than_a_number") for beside in (" toestel 12", " tst.12", "w", "*12")),
        *((f"020 1234567{beside}", "invalid") for beside in ("/12", " - 12", " 12", " (1)", "/0201234568")),
        ("0800-BLOEMEN", "more_than_a_number"),
        ("0612345678 of 0687654321", "more_than_a_number"),
        ("0612345678/0687654321", "invalid"),
        ("+31612345678+31687654321", "invalid"),
        ("06 1234567", "invalid"),
        ("06 123456789", "invalid"),
        ("012 3456789", "invalid"),
        ("+32 470 12 34", "invalid"),
        ("1" * 61, "invalid"),
        ("06\x0012345678", "invalid"),
        *((number, "invalid") for number in ("+49 30 12345O6", "+43 1 5l234567", "06 1234567O8", "06 12345678 O")),
    ],
)
def test_what_would_be_kept_as_another_number_is_refused(typed: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        PhoneField(error_messages={"invalid": "invalid"}).clean(typed)

    assert refused.value.code == code


class _Normalizing(LengthFirst):
    looked_at = 0

    def to_python(self, value: object) -> str:
        text = str(super().to_python(value))
        self.looked_at += 1
        return text


@pytest.mark.parametrize(("length", "looked_at"), [(100, 1), (101, 1), (500, 1), (501, 0), (250_000, 0)])
def test_what_is_far_too_long_is_refused_unseen(length: int, looked_at: int) -> None:
    field = _Normalizing(max_length=100)

    if length > 100:
        with pytest.raises(ValidationError) as refused:
            field.clean("x" * length)
        assert refused.value.error_list[0].code == "max_length"
    else:
        field.clean("x" * length)
    assert field.looked_at == looked_at


@pytest.mark.parametrize("field", [PhoneField(), MailAddressField()], ids=["phone", "mail"])
def test_no_text_keeps_a_field_busy(field: forms.Field) -> None:
    for seed in ("+31 6x;ext=1", "a@a.a", "\u0301\u0316", "\u200e", "0" * 20):
        for attack in (*attacks(seed, 60), *attacks(seed, 250_000)):
            assert seconds(partial(_tried, field, attack)) < MOST, attack[:40]


def _tried(field: forms.Field, text: str) -> None:
    try:
        field.clean(text)
    except ValidationError:
        return
