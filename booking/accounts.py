"""The accounts of therapists and managers: how one is made, and how allauth signs it in."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from itertools import chain, count
from typing import Any

import qrcode  # type: ignore[import-untyped]
from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from allauth.usersessions.models import UserSession
from cryptography.fernet import InvalidToken
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from qrcode.image.svg import SvgPathFillImage  # type: ignore[import-untyped]

from booking import client, encryption, feed, notifications, outbox, rate_limits
from booking.devices import device
from booking.errors import Busy, TooManyRequests
from booking.models import Therapist
from practice import second_factor, session_age
from practice.fields import mail_address
from practice.mail_addresses import deliverable
from practice.models import Practice

# Who came in, who was refused: ids of accounts, never an address (docs/security.md).
security = logging.getLogger("security")
# allauth's table of sessions wants an address; this one is nobody's.
_NO_ADDRESS = "0.0.0.0"  # noqa: S104
# Where a session keeps under which password somebody began to sign in.
_BEGUN = "sign_in_begun"


def create_account(*, email: str, password: str, manager: bool) -> User:
    """Make and return an account that signs in with `email` and `password`; a manager also gets into the admin.

    Raises ValidationError where the address is taken or cannot be one, or the password is too weak.
    """
    user = _new_account(email, manager=manager)
    validate_password(password, user)
    user.set_password(password)
    user.save()
    return user


def _new_account(email: str, *, manager: bool) -> User:
    try:
        address = mail_address(email).lower()
    except ValidationError as error:
        raise ValidationError({"email": error}) from error
    user = User(username=address, email=address, is_staff=manager, is_superuser=manager)
    # The account name is the mail address, which may hold characters that Django refuses in a name.
    user.full_clean(exclude=["username", "password"])
    if User.objects.filter(username=user.username).exists():
        raise ValidationError({"email": _("There is already an account with this mail address.")}, code="unique")
    return user


def add_colleague(
    *, name: str, email: str, language: str, manager: bool, bookable: bool, now: datetime
) -> Therapist:
    """Make an account for a colleague, who gets a mail with a link to choose a password.

    Raises ValidationError where the address is taken or cannot be one.
    """
    with transaction.atomic():
        # One colleague after the other: a button that was pressed twice must find the account of the first press.
        _lock_managers()
        user = _new_account(email, manager=manager)
        user.set_unusable_password()
        user.save()
        slug = _unused_slug(name)
        therapist = Therapist(
            user=user, name=name, email=user.email, language=language, active=bookable, slug=slug
        )
        therapist.full_clean()
        therapist.save()
        send_password_link(therapist, now=now)
    return therapist


def send_password_link(therapist: Therapist, *, now: datetime) -> None:
    """Mail `therapist` a link by which to choose a password."""
    notifications.plan_password_link(therapist, now=now)
    outbox.wake()


def forgot_password(email: str, *, now: datetime) -> None:
    """Mail whoever signs in with `email` a link to choose a password; do nothing where nobody does.

    Both take about as long, and nobody's mailbox is filled: past some links an hour there is no further one.
    """
    # One transaction: its end waits for the disk once, whether or not there is a mail to write down.
    with suppress(TooManyRequests), transaction.atomic():
        address = deliverable(email).lower()
        rate_limits.count(rate_limits.PASSWORD_LINKS, address, now=now)
        found = Therapist.objects.filter(user__username=address, user__is_active=True).first()
        if found:
            notifications.plan_password_link(found, now=now)
        # For an address that nobody has too, or the time that the queue takes would tell the two apart.
        outbox.wake()


def set_open(user: User, *, open: bool) -> None:
    """Open or close the account `user`, also in the object that is given.

    A closed one is signed out everywhere, parents do not book with it, and whatever led into it is dead for good:
    its password, each link to choose another one, the address of its feed, and every session, the one in which
    only the second step is missing too. Opened again it has no password: `open_again` mails a link to choose one.
    Raises ValidationError for the last one who manages the practice.
    """
    with transaction.atomic():
        if not open:
            keep_a_manager(without=user)
            Therapist.objects.filter(user=user).update(active=False)
            for therapist in Therapist.objects.filter(user=user):
                feed.turn_off(therapist)
            # Sessions and links are signed over the password, so that with it they all go, those too that are
            # being made at this moment.
            user.set_unusable_password()
            User.objects.filter(pk=user.pk).update(password=user.password)
            notifications.void_password_links(user)
            _sign_out(user)
        elif not user.has_usable_password():
            # Another one that fits nothing: a link that was made while the account was closed stays dead too.
            user.set_unusable_password()
            User.objects.filter(pk=user.pk).update(password=user.password)
        User.objects.filter(pk=user.pk).update(is_active=open)
    user.is_active = open


def open_again(user: User, *, now: datetime) -> bool:
    """Open the closed account `user`, and mail it a link to choose a password; return whether a mail goes: it does
    where the account is a therapist's."""
    with transaction.atomic():
        set_open(user, open=True)
        therapist = Therapist.objects.filter(user=user).first()
        if therapist:
            send_password_link(therapist, now=now)
    return therapist is not None


def choose_password(user: User, password: str) -> bool:
    """Let `user` sign in with `password` from now on, unless the account was closed or got another password since
    `user` was read; return whether it does."""
    before = user.password
    user.set_password(password)
    # This column alone: an account that is closed at this very moment stays closed.
    unchanged = User.objects.filter(pk=user.pk, is_active=True, password=before)
    return bool(unchanged.update(password=user.password))


def set_manager(user: User, *, manager: bool) -> None:
    """Let `user` manage the practice, or not any more. Raises ValidationError for the last one who does."""
    with transaction.atomic():
        if not manager:
            keep_a_manager(without=user)
        User.objects.filter(pk=user.pk).update(is_staff=manager, is_superuser=manager)


def change_address(user: User, email: str) -> None:
    """Let `user` sign in with `email`, in small letters and nobody else's; links for a password go there too.

    What a therapist is told by mail goes along where it went to the address before. Where she wants it elsewhere
    (`Therapist.email`, which a manager can change by itself), it stays there.
    """
    with transaction.atomic():
        before = User.objects.select_for_update().get(pk=user.pk).email
        Therapist.objects.filter(user=user, email__iexact=before).update(email=email)
        User.objects.filter(pk=user.pk).update(username=email, email=email)


def forget_second_factor(user: User) -> None:
    """Forget phone, passkeys and recovery codes of `user`, who then sets up the second step anew.

    Whoever holds the lost phone may be signed in on it, so that every session of the account ends.
    """
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        _sign_out(user)


def _sign_out(user: User) -> None:
    for session in UserSession.objects.filter(user=user):
        session.end()


def _lock_managers() -> list[int]:
    # In one order, or two managers who act at the same moment wait for each other.
    managers = User.objects.select_for_update().filter(is_staff=True, is_active=True).order_by("pk")
    return list(managers.values_list("pk", flat=True))


def keep_a_manager(*, without: User) -> None:
    """Raise ValidationError where nobody would manage the practice without `without`; in the caller's transaction,
    until whose end nobody else stops either."""
    if _lock_managers() == [without.pk]:
        raise ValidationError(_("Somebody must manage the practice: make someone else a manager first."))


def _unused_slug(name: str) -> str:
    base = slugify(name)[:40].strip("-") or "therapeut"
    taken = set(Therapist.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for slug in chain([base], (f"{base}-{number}" for number in count(2))) if slug not in taken)


def count_sign_in(request: HttpRequest) -> None:
    """Count one try to get in, by address; the one too many is answered with the page for it, at once."""
    try:
        _count(request, rate_limits.SIGN_IN, client.networks(request), timezone.now())
    except TooManyRequests as error:
        response = render(request, "429.html", status=429)
        response["Retry-After"] = str(error.retry_after)
        raise ImmediateHttpResponse(response) from error


def _count(request: HttpRequest, limit: rate_limits.Limit, caller: str | Sequence[str], now: datetime) -> None:
    """Count one try. Raises TooManyRequests for the one too many; what cannot be counted is answered at once."""
    try:
        rate_limits.count(limit, caller, now=now)
    except Busy as error:
        response = render(request, "503.html", status=503)
        response["Retry-After"] = "5"
        raise ImmediateHttpResponse(response) from error


@contextmanager
def counted_password(request: HttpRequest, email: str) -> Iterator[Callable[[], None]]:
    """Count one try of the password of `email` from the caller's address before the block looks at it; the block
    calls what it is given where the password is right, and the try is taken back.

    Counted after the look, of many tries at once all would be looked at. Raises ValidationError where it is one
    too many.
    """
    # By account and address: by the account alone, anyone could lock it.
    now, who = timezone.now(), [f"{email.lower()} {network}" for network in client.networks(request)]
    try:
        _count(request, rate_limits.PASSWORDS, who, now)
    except TooManyRequests as error:
        raise get_adapter().validation_error("too_many_login_attempts") from error
    yield lambda: rate_limits.give_back(rate_limits.PASSWORDS, who, now=now)


@contextmanager
def counted_code(request: HttpRequest, user: AbstractBaseUser) -> Iterator[None]:
    """Count one try of the second step of `user` before the block looks at it, and take it back where the block
    finds it right. Raises ValidationError where it is one too many, or where no key reads what it is compared
    with, and what the block raises."""
    count_sign_in(request)
    now, who = timezone.now(), str(user.pk)
    try:
        _count(request, rate_limits.CODES, who, now)
    except TooManyRequests as error:
        raise get_adapter().validation_error("too_many_login_attempts") from error
    try:
        yield
    except InvalidToken as error:
        raise get_mfa_adapter().validation_error("unreadable_code") from error
    rate_limits.give_back(rate_limits.CODES, who, now=now)


def use_code(request: HttpRequest, user: AbstractBaseUser, code: str) -> None:
    """Let a code of the app of `user`, or a recovery code, which was just found right, never count again. Raises
    ValidationError where it was used before, by whoever came a moment earlier."""
    for authenticator in Authenticator.objects.filter(user_id=user.pk):
        if authenticator.type == Authenticator.Type.TOTP:
            use_code_of(request, user, decrypt(authenticator.data["secret"]), code)
        elif authenticator.type == Authenticator.Type.RECOVERY_CODES:
            # allauth crosses it off, by a row that two at once have both read before.
            for known in authenticator.wrap().generate_codes():
                if compare_user_code(actual=code, expected=known):
                    _use(request, f"{user.pk} {known}", timezone.now())


def use_code_of(request: HttpRequest, user: AbstractBaseUser, secret: str, code: str) -> None:
    """Do the same for the code of an app with `secret`, which may be the one that is being set up."""
    for counter in yield_hotp_counters_from_time():
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, counter))):
            _use(request, f"{user.pk} {counter}", datetime.fromtimestamp(counter * mfa_settings.TOTP_PERIOD, UTC))


def _use(request: HttpRequest, name: str, made_for: datetime) -> None:
    try:
        _count(request, rate_limits.USED_CODES, name, made_for)
    except TooManyRequests as error:
        raise get_mfa_adapter().validation_error("incorrect_code") from error


def renew_session(request: HttpRequest) -> None:
    """Let the session go on under another key, and end the one that it had: somebody showed again who this is.

    On the list of sessions it stays the same one, or it could not be ended from elsewhere any more.
    """
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """There is no sign-up: an account is made by `manage.py create_therapist` or by a manager."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is closed. Ask the manager of the practice."),
        "email_password_mismatch": _("This mail address and password do not belong together."),
        "enter_current_password": _("This is not your current password."),
        "incorrect_password": _("This password is not right."),
        "too_many_login_attempts": _("That was tried too often. Please wait five minutes and try again."),
        "rate_limited": _("That was tried too often. Please wait five minutes and try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        caller = client.address(request)
        try:
            ip_address(caller)
        except ValueError:
            # A web server behind a socket knows no address, and the table of sessions refuses what is none.
            return _NO_ADDRESS
        return caller

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse | None:
        """Let nobody with a closed account begin, and keep under which password somebody began."""
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        if response is None:
            request.session[_BEGUN] = user.get_session_auth_hash()
        return response

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Sign in, with every step shown that the account has.

        The first step may be minutes old: where the account was closed since, or got another password, it counts
        no more.
        """
        begun = request.session.pop(_BEGUN, "")
        if not user.is_active:
            raise ImmediateHttpResponse(self.respond_user_inactive(request, user))
        if not constant_time_compare(begun, user.get_session_auth_hash()):
            raise ImmediateHttpResponse(redirect("account_login"))
        super().login(request, user)
        session_age.begin(request)
        methods = [record["method"] for record in get_authentication_records(request, user)]
        security.info("account %s signed in by %s", user.pk, "+".join(methods))

    def logout(self, request: HttpRequest) -> None:
        """Sign out."""
        security.info("account %s signed out", request.user.pk)
        super().logout(request)

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """Return the error, and write down that somebody was refused: not which address was typed."""
        security.warning("sign-in refused: %s", code)
        error: ValidationError = super().validation_error(code, *args)
        return error

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Return whose credentials these are, or None; counted before they are looked at, so that of many tries
        at once no more are looked at than of as many in a row."""
        count_sign_in(request)
        with counted_password(request, credentials.get("email", "")) as right:
            user: AbstractBaseUser | None = super().authenticate(request, **credentials)
            if user:
                right()
        return user

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count wrong passwords by account and address: by the account alone, anyone could lock it."""
        key = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{key}:{ratelimit.get_ip(request)}"

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        _keep_little(request)
        return response

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """Keep `password`, unless the account was closed or got another one a moment ago."""
        assert isinstance(user, User)
        if not choose_password(user, password):
            raise ImmediateHttpResponse(redirect("account_login"))

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        """Return the ways to show who this is, for whom a passkey is the handiest.

        The password is one of them only in a session that has shown the second factor, where there is one:
        elsewhere it would do for turning that factor off.
        """
        ways: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        ways.sort(key=lambda way: way["id"] != "mfa_reauthenticate:webauthn")
        if second_factor.was_shown(context.request):
            return ways
        return [way for way in ways if way["id"] != "reauthenticate"] or ways

    def reauthenticate(self, user: AbstractBaseUser, password: str) -> bool:
        """Return whether `password` is that of `user`."""
        assert isinstance(user, User)
        found = self.authenticate(context.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Return whether to ask once more who this is: not of someone who signed in a moment ago in this very
        browser, which allauth alone would do, so that a first sign-in would ask for the password twice."""
        records = get_authentication_records(context.request, context.request.user)
        if records and time.time() - records[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT:
            return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        # allauth has just written down the session that goes on under the new password.
        _keep_little(request)
        return reverse("booking:agenda")


def _keep_little(request: HttpRequest) -> None:
    """Keep of this session's browser a few words, and of its address nothing."""
    said = request.headers.get("User-Agent", "")
    UserSession.objects.filter(session_key=request.session.session_key).update(
        ip=_NO_ADDRESS, user_agent=device(said)
    )


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps the secrets of second factors as the family's data are kept: encrypted."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code is not right. Look for the newest one in your app."),
        "unreadable_code": _(
            "No code of this account can be looked at just now. Use a passkey, or ask the manager of the practice."
        ),
    }

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """Return the error, and write down that somebody was refused."""
        security.warning("second step refused: %s", code)
        error: ValidationError = super().validation_error(code, *args)
        return error

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Device %(number)d") % {"number": number}

    def get_totp_issuer(self) -> str:
        return Practice.load().name

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": Practice.load().name}

    def build_totp_svg(self, url: str) -> str:
        """Return the square on a white ground: on that of a dark page no camera can read it."""
        return str(qrcode.make(url, image_factory=SvgPathFillImage).to_string(encoding="unicode"))

    def encrypt(self, text: str) -> str:
        return encryption.encrypted(text)

    def decrypt(self, encrypted_text: str) -> str:
        # Raises where no key reads it: anything in its place would be a secret that everybody can guess.
        return encryption.decrypted(encrypted_text)
