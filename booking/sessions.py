"""Letting go of sessions that ended: their rows, and what is shown of them to whoever signed in."""

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef


def forget_expired(*, now: datetime) -> None:
    """Delete the sessions that ended before `now` (UTC), and what lay beside them (which browser)."""
    Session.objects.filter(expire_date__lt=now).delete()
    UserSession.objects.filter(~Exists(Session.objects.filter(pk=OuterRef("session_key")))).delete()
