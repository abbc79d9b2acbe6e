"""allauth's forms for signing in, in our own words and without placeholders."""

from typing import Any

from allauth.account import forms as account
from allauth.account.internal.flows.login import record_authentication
from allauth.core import context
from allauth.mfa.base import forms as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, get_totp_secret
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from booking.accounts import counted_code, counted_password, renew_session, use_code, use_code_of
from practice.fields import LengthFirst, MailAddressField

_LONGEST_NAME = 100
# What the library for passkeys trips over where parts of one are missing, or are lists.
_ODD = (AttributeError, KeyError, TypeError, ValueError)
CODE = {"inputmode": "numeric", "autocomplete": "one-time-code"}
PASSKEY_UNKNOWN = _("This passkey is not known here (any more). Choose another way to sign in.")
PASSKEY_NOT_KEPT = _("That did not work, and nothing is kept. Please try once more.")


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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        there = self.fields["login"]
        self.fields["login"] = MailAddressField(label=there.label, widget=there.widget)


class ReauthenticateForm(_OwnWords, account.ReauthenticateForm):  # type: ignore[misc]
    labels = {"password": _("Password")}

    def clean_password(self) -> str:
        """Check the password, after which the session goes on under another key."""
        password: str = super().clean_password()
        renew_session(context.request)
        return password


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

    def clean_oldpassword(self) -> str:
        """Check the password, as often as at the door and no oftener."""
        with counted_password(context.request, self.user.email) as right:
            password: str = super().clean_oldpassword()
            right()
        return password

    def clean(self) -> dict[str, Any]:
        """Check that both new passwords are the same."""
        data: dict[str, Any] = forms.Form.clean(self) or self.cleaned_data
        if "password1" in data and data.get("password2") and data["password1"] != data["password2"]:
            self.add_error("password2", _("These two are not the same."))
        return data


class ActivateForm(_OwnWords, totp.ActivateTOTPForm):  # type: ignore[misc]
    labels = {"code": _("The code that the app shows")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # A phone that comes back from the app may load the page anew: the key must stay the one in the app.
        shown = get_totp_secret()
        super().__init__(*args, **kwargs)
        self.secret = context.request.session[SECRET_SESSION_KEY] = shown
        self.fields["code"].widget.attrs.update(CODE)

    def clean_code(self) -> str:
        """Check the code, with which this session has shown the second factor."""
        code: str = super().clean_code()
        use_code_of(context.request, self.user, self.secret, code)
        renew_session(context.request)
        record_authentication(context.request, self.user, "mfa", type="totp")
        return code


class CodeForm(_OwnWords, mfa.AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in, which counts as a try to get in as the first one does."""

    labels = {"code": _("The code from your app, or a recovery code")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The page shows the ways that this account has, and no other.
        self.by_app = is_mfa_enabled(self.user, [Authenticator.Type.TOTP])
        self.by_passkey = is_mfa_enabled(self.user, [Authenticator.Type.WEBAUTHN])
        if not self.by_app:
            self.fields["code"].label = _("A recovery code")

    def clean_code(self) -> str:
        with counted_code(context.request, self.user):
            code: str = super().clean_code()
            use_code(context.request, self.user, code)
        return code


class ConfirmCodeForm(_OwnWords, mfa.ReauthenticateForm):  # type: ignore[misc]
    labels = {"code": _("The code from your app, or a recovery code")}

    def clean_code(self) -> str:
        with counted_code(context.request, self.user):
            code: str = super().clean_code()
            use_code(context.request, self.user, code)
        renew_session(context.request)
        return code


class CredentialField(forms.JSONField):
    """What a browser says about a passkey. Nobody types it: what is none gets the sentence of one that failed."""

    # Some times what the longest key and its attestation take.
    longest = 20_000

    def to_python(self, value: Any) -> Any:
        try:
            found = super().to_python(value) if len(str(value)) <= self.longest else None
        except (ValueError, RecursionError):
            # Numbers of thousands of digits, and lists within lists: Django expects neither.
            found = None
        if not isinstance(found, dict):
            raise ValidationError(PASSKEY_NOT_KEPT, code="invalid")
        return found


class AddPasskeyForm(_OwnWords, webauthn.AddWebAuthnForm):  # type: ignore[misc]
    """A passkey, which signs in by itself: the device asks for a finger, a face or its own code."""

    labels = {"name": _("What do you call this device?"), "passwordless": _("Sign in with it, without a password")}
    name = LengthFirst(max_length=_LONGEST_NAME, required=False)
    credential = CredentialField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        passwordless = self.fields["passwordless"]
        passwordless.initial = True
        passwordless.help_text = _("The device then asks for your finger, your face or its own code.")

    def clean(self) -> dict[str, Any]:
        """Check the passkey, with which this session has shown the second factor."""
        try:
            data: dict[str, Any] = super().clean() or {}
        except (ValidationError, *_ODD) as error:
            raise ValidationError(PASSKEY_NOT_KEPT, code="invalid") from error
        if not self.errors:
            renew_session(context.request)
            record_authentication(context.request, self.user, "mfa", type="webauthn")
        return data


class _PasskeyWords(forms.Form):
    """Says what went wrong with a passkey, where allauth speaks of a code."""

    credential = CredentialField(widget=forms.HiddenInput)

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except _ODD as error:
            raise ValidationError(PASSKEY_UNKNOWN, code="incorrect_code") from error
        except ValidationError as error:
            if error.code != "incorrect_code":
                raise
            raise ValidationError(PASSKEY_UNKNOWN, code=error.code) from error


class PasskeyForm(_PasskeyWords, webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey as the second step."""


class SignInByPasskeyForm(_PasskeyWords, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey as both steps in one."""


class ConfirmPasskeyForm(_PasskeyWords, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey once more, before something about the account changes."""

    def clean_credential(self) -> Any:
        """Check the passkey, after which the session goes on under another key."""
        found = super().clean_credential()
        renew_session(context.request)
        return found


class NamePasskeyForm(_OwnWords, webauthn.EditWebAuthnForm):  # type: ignore[misc]
    labels = {"name": _("What do you call this device?")}
    name = LengthFirst(max_length=_LONGEST_NAME)


class ForgottenForm(forms.Form):
    """The mail address of somebody who cannot get in."""

    email = MailAddressField(
        label=_("Mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"required": _("Please fill in the mail address.")},
    )


class ChoosePasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """A first or a new password, once: what was typed can be looked at, and asked for again where it was wrong."""

    new_password2 = None  # type: ignore[assignment] # Django's way to leave out a field

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["new_password1"]
        field.label = _("Your new password")
        field.help_text = " ".join(password_validators_help_texts())
        field.widget.attrs["autocomplete"] = "new-password"
        field.error_messages["required"] = _("Please choose a password.")

    def clean(self) -> dict[str, Any]:
        """Check that the password is good enough."""
        forms.Form.clean(self)
        data: dict[str, Any] = self.cleaned_data
        if "new_password1" in data:
            try:
                validate_password(data["new_password1"], self.user)
            except ValidationError as error:
                self.add_error("new_password1", error)
        return data
