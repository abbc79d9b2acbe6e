"""What a password must be, in our own words where Django's have no Dutch."""

from django.contrib.auth.password_validation import MinimumLengthValidator
from django.utils.translation import ngettext


class LongEnoughValidator(MinimumLengthValidator):
    """Asks for a length, which does more than odd signs."""

    def get_error_message(self) -> str:
        return ngettext(
            "This password is too short: take at least %(number)d character.",
            "This password is too short: take at least %(number)d characters.",
            self.min_length,
        ) % {"number": self.min_length}
