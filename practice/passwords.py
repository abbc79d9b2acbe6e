"""What a password must be, in our own words where Django's have no Dutch."""

import re

from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from practice.models import Practice

# What whoever guesses would try first at this door; docs/security.md names them.
_AT_HAND = ("kennismaking", "afspraak", "agenda", "praktijk", "therapeut", "therapie", "wachtwoord", "welkom")
_ENOUGH_BESIDE = 8
_WORD = re.compile(r"\w{3,}")


class LongEnoughValidator(MinimumLengthValidator):
    """Asks for a length, which does more than odd signs."""

    def get_error_message(self) -> str:
        return ngettext(
            "This password is too short: take at least %(number)d character.",
            "This password is too short: take at least %(number)d characters.",
            self.min_length,
        ) % {"number": self.min_length}


class NotOfThisPracticeValidator:
    """Asks for more than the practice's own words (OWASP ASVS 5.0, 6.2.11): its name, its place, what it does."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Raise ValidationError where next to nothing is left of `password` without those words."""
        # The first account may be made before the practice is filled in.
        practice = Practice.objects.first()
        own = _WORD.findall(f"{practice.name} {practice.city}".lower()) if practice else []
        left = password.lower()
        for word in sorted((*own, *_AT_HAND), key=len, reverse=True):
            left = left.replace(word, "")
        if len(left) < min(_ENOUGH_BESIDE, len(password)):
            raise ValidationError(
                _("This password is made of words that anyone would try here. Choose other ones."), code="at_hand"
            )

    def get_help_text(self) -> str:
        """Return what to know before one types."""
        return str(_("The name of the practice and words like it count for nothing."))
