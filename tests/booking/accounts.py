"""Accounts for tests: who signs in, and with which second factor."""

import time

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY, record_authentication
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client

PASSWORD = "een lang wachtwoord"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def make_account(email: str, *, manager: bool = False, second_factor: bool = True) -> User:
    """Make an account, with its second factor set up unless told otherwise."""
    user = User.objects.create_user(email, email, PASSWORD, is_staff=manager, is_superuser=manager)
    if second_factor:
        TOTP.activate(user, SECRET)
        RecoveryCodes.activate(user)
    return user


def code(secret: str = SECRET) -> str:
    """Return what the app on a phone shows now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def signed_in(user: User) -> Client:
    """Return a browser in which `user` is signed in."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    if is_mfa_enabled(user):
        request = HttpRequest()
        request.session, request.user = client.session, user
        record_authentication(request, user, "mfa", type="totp")
        # So long ago that one is asked again before anything about the account changes.
        request.session[AUTHENTICATION_METHODS_SESSION_KEY][0]["at"] -= 3600
        request.session.save()
    return client
