"""allauth's forms for signing in, in our own words and without placeholders."""

from typing import Any

from allauth.account import forms as account
from allauth.core import context
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp
from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.utils.translation import gettext_lazy as _

from booking.accounts import count_sign_in

CODE = {"inputmode": "numeric", "autocomplete": "one-time-code"}


class _OwnWords(forms.Form):
    """Gives the fields our labels; a placeholder that repeats the label vanishes while one types."""

    labels: dict[str, Any] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)


class LoginForm(_OwnWords, account.LoginForm):  # type: ignore[misc]
    labels = {"login": _("Mail address"), "password": _("Password")}


class ReauthenticateForm(_OwnWords, account.ReauthenticateForm):  # type: ignore[misc]
    labels = {"password": _("Password")}


class ChangePasswordForm(_OwnWords, account.ChangePasswordForm):  # type: ignore[misc]
    labels = {
        "oldpassword": _("Your password until now"),
        "password1": _("Your new password"),
        "password2": _("Your new password, once more"),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # allauth gives a list, which cannot stand in the one line of a hint.
        self.fields["password1"].help_text = " ".join(password_validators_help_texts())

    def clean(self) -> dict[str, Any]:
        """Check that both new passwords are the same."""
        data: dict[str, Any] = forms.Form.clean(self) or self.cleaned_data
        if "password1" in data and data.get("password2") and data["password1"] != data["password2"]:
            self.add_error("password2", _("These two are not the same."))
        return data


class ActivateForm(_OwnWords, totp.ActivateTOTPForm):  # type: ignore[misc]
    labels = {"code": _("The code that the app shows")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs.update(CODE)


class CodeForm(_OwnWords, mfa.AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in, which counts as a try to get in as the first one does."""

    labels = {"code": _("The code from your app, or a recovery code")}

    def clean_code(self) -> str:
        count_sign_in(context.request)
        code: str = super().clean_code()
        return code


class ConfirmCodeForm(_OwnWords, mfa.ReauthenticateForm):  # type: ignore[misc]
    labels = {"code": _("The code from your app, or a recovery code")}

    def clean_code(self) -> str:
        count_sign_in(context.request)
        code: str = super().clean_code()
        return code
