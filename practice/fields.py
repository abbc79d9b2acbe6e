"""Fields of forms that look at the length of what was typed before anything else: texts, mail addresses, phone
numbers."""

import re
import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField
from phonenumber_field.phonenumber import PhoneNumber, to_python
from phonenumbers import national_significant_number

from practice.mail_addresses import LONGEST, NotAMailAddress, Wrong, canonical

_SENTENCES = {
    Wrong.INCOMPLETE: _("This mail address is not complete. An example: name@example.org"),
    Wrong.TOO_LONG: _("This mail address is too long. Please look whether it is right."),
    Wrong.UNPRINTABLE: _("This contains a character that cannot be used here."),
    Wrong.QUOTED: _("Please write the mail address without quotation marks. An example: name@example.org"),
    Wrong.NAME: _("Our mail does not reach an address with such letters before the @. Do you have another one?"),
    Wrong.DOMAIN: _("No mail can be sent to what stands behind the @. Please look whether it is right."),
}


# "+31 (0)6 - 12 34 56 78", with what can come along unseen when it is copied.
_LONGEST_NUMBER = 60
_NETHERLANDS = 31
# Every number that begins so may be somebody's: the library's list of those given out is always behind.
_MOBILE = re.compile(r"6\d{8}")
# Typed for a nought or a one.
_LOOK_ALIKES = dict(zip("OoIl|", "00111", strict=True))


class LengthFirst(forms.CharField):
    """Refuses what is far too long before it is looked at in any other way.

    What is a little too long is left to the exact rule: blanks at the ends, letters in two parts and line breaks
    take more room as they are sent than as they are kept.
    """

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and self.max_length is not None and len(value) > 4 * self.max_length + 100:
            # The sentence that whoever is one character over reads.
            MaxLengthValidator(self.max_length)(value)
        return super().to_python(value)


class MailAddressField(forms.EmailField):
    """A mail address; gives it in the one spelling that mail goes to (`practice.mail_addresses`)."""

    # Nothing is left for Django's own rules, which know the domains of 2003.
    default_validators = []

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": LONGEST, **kwargs})

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        return mail_address(text) if text else ""


class PhoneField(PhoneNumberField):  # type: ignore[misc]
    """A phone number, and nothing beside it: the library drops an extension, or dials words by their letters."""

    # What the library alone would ask (is it in its list?) is asked below.
    default_validators: list[Any] = []

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        text = _digits_and_marks(value) if isinstance(value, str) else value
        if not text:
            return self.empty_value
        number = to_python(text, region=self.region)
        if not (number and number.country_code and (number.is_valid() or _may_be_mobile(number))):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        # The library leaves a letter out: then only what stands in front may go with it.
        dialled = "".join(digit for digit in (_LOOK_ALIKES.get(one, one) for one in str(text)) if digit.isdigit())
        if number.extension or not dialled.endswith(national_significant_number(number)):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        # However it was typed, it is the same number.
        return PhoneNumber.from_string(number.as_e164)


def _digits_and_marks(typed: str) -> str:
    """Return `typed` without what nobody sees, with plain digits; raises ValidationError where there is more to it
    than a number."""
    shown = [letter for letter in unicodedata.normalize("NFKC", typed) if unicodedata.category(letter) != "Cf"]
    text = "".join(f"{unicodedata.decimal(letter, letter)}" for letter in shown).strip()
    beside = {letter for letter in text if letter.isalpha() or letter in "#*,;|"}
    if not beside - _LOOK_ALIKES.keys():
        return text
    raise ValidationError(
        _("Please fill in the number alone, without an extension or words beside it."), code="more_than_a_number"
    )


def _may_be_mobile(number: PhoneNumber) -> bool:
    significant = national_significant_number(number)
    return number.country_code == _NETHERLANDS and _MOBILE.fullmatch(significant) is not None


def mail_address(typed: str) -> str:
    """Return the mail address `typed` in the one spelling that mail goes to; raises ValidationError, with a
    sentence, where it cannot go there."""
    try:
        return canonical(typed)
    except NotAMailAddress as error:
        raise ValidationError(_SENTENCES[error.wrong], code=error.wrong.value) from error
