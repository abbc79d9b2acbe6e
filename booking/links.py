"""Signed addresses: that in a parent's mail, by which the appointment is seen, moved and cancelled, and that of a
therapist's feed.

A token names the Parent, or the therapist, and the version of the link, nothing else; whoever holds a parent's
acts for that parent.
"""

import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode

from django.contrib.auth.tokens import default_token_generator
from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from booking.models import Appointment, Notification, Parent, Therapist, Unconfirmed
from practice.links import absolute
from practice.translations import speaking

_SIGNER = Signer(salt="booking.manage-link", sep=".")
_CONFIRM_SIGNER = Signer(salt="booking.confirm", sep=".")
_FEED_SIGNER = Signer(salt="booking.feed", sep=".")


class DeadLink(Exception):
    """The token is broken, foreign, of an older version, or its appointment was erased; never said which."""


def manage_token(parent: Parent) -> str:
    """Return the token of the manage link of `parent`, good until its link version rises."""
    identity = urlsafe_b64encode(parent.public_id.bytes).decode().rstrip("=")
    return _SIGNER.sign(f"{identity}.{parent.link_version}")


def manage_url(parent: Parent) -> str:
    """Return the absolute manage link of `parent`, in the parent's own language."""
    with speaking(parent.language):
        return absolute(reverse("booking:manage", args=[manage_token(parent)]))


def reschedule_url(parent: Parent) -> str:
    """Return the absolute address at which `parent` chooses another time, in the parent's own language."""
    with speaking(parent.language):
        return absolute(reverse("booking:reschedule", args=[manage_token(parent)]))


def parent_of(token: str) -> Parent:
    """Return the parent whom `token` names, with appointment, type and therapist at hand.

    Raises DeadLink for every token that opens nothing.
    """
    try:
        identity, version = _SIGNER.unsign(token).split(".")
        public_id = uuid.UUID(bytes=urlsafe_b64decode(identity + "=="))
        parent = Parent.objects.select_related("appointment__appointment_type", "appointment__therapist").get(
            public_id=public_id, link_version=int(version)
        )
    except (BadSignature, ValueError, Parent.DoesNotExist) as error:
        raise DeadLink from error
    if parent.appointment.erased_at is not None:
        raise DeadLink
    return parent


def confirm_url(unconfirmed: Unconfirmed) -> str:
    """Return the absolute address at which the family confirms, in its own language."""
    identity = urlsafe_b64encode(unconfirmed.public_id.bytes).decode().rstrip("=")
    with speaking(unconfirmed.language):
        return absolute(reverse("booking:confirm", args=[_CONFIRM_SIGNER.sign(identity)]))


def unconfirmed_id(token: str) -> uuid.UUID:
    """Return whose confirmation `token` is; raises DeadLink where it is none of ours."""
    try:
        return uuid.UUID(bytes=urlsafe_b64decode(_CONFIRM_SIGNER.unsign(token) + "=="))
    except (BadSignature, ValueError) as error:
        raise DeadLink from error


def agenda_url(appointment: Appointment) -> str:
    """Return the absolute address of `appointment` in the therapist's agenda; it says nothing by itself."""
    with speaking(appointment.therapist.language):
        return absolute(reverse("booking:agenda_appointment", args=[appointment.public_id]))


def many_bookings_url(notification: Notification) -> str:
    """Return the absolute address at which the therapist sees what came in before `notification` was owed."""
    assert notification.therapist is not None
    with speaking(notification.therapist.language):
        # The sample of such a mail has no number.
        return absolute(reverse("booking:many_bookings", args=[notification.pk or 0]))


def feed_url(therapist: Therapist) -> str:
    """Return the absolute address of the feed of `therapist`, good until its version rises."""
    token = _FEED_SIGNER.sign(f"therapist-{therapist.pk:08d}.{therapist.feed_version}")
    return absolute(reverse("booking:read_feed", args=[token]))


def therapist_of(token: str) -> Therapist:
    """Return the therapist whose feed `token` opens; raises DeadLink for every token that opens nothing, that of
    a therapist whose account is closed among them."""
    try:
        identity, version = _FEED_SIGNER.unsign(token).split(".")
        return Therapist.objects.exclude(user__is_active=False).get(
            pk=int(identity.removeprefix("therapist-")), feed_version=int(version), feed_on=True
        )
    except (BadSignature, ValueError, Therapist.DoesNotExist) as error:
        raise DeadLink from error


def password_url(therapist: Therapist) -> str:
    """Return the absolute address at which `therapist` chooses a password: it works once, and for
    PASSWORD_RESET_TIMEOUT seconds."""
    assert therapist.user is not None
    uid = urlsafe_base64_encode(force_bytes(therapist.user.pk))
    token = default_token_generator.make_token(therapist.user)
    with speaking(therapist.language):
        return absolute(reverse("booking:choose_password", args=[uid, token]))
