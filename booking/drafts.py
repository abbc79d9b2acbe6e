"""What was typed into the form, kept encrypted for the minutes in which its visitor chooses another moment."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from booking import claims
from booking.encryption import Unreadable
from booking.models import Draft

# As long as a time is held: then the list of times has been looked at.
TERM = timedelta(minutes=10)
# Far more than any field takes. What is longer is no slip, and the form says so when it is sent.
_LONGEST = 2000


def keep(typed: Mapping[str, str], *, visitor: str, now: datetime) -> None:
    """Keep `typed`, by field, for `visitor` until ten minutes from `now` (UTC), in place of what was kept before.
    Raises Busy."""
    cut = {name: text[:_LONGEST] for name, text in typed.items() if text}
    with claims.transacting():
        Draft.objects.update_or_create(
            visitor=visitor, defaults={"typed": json.dumps(cut), "expires_at": now + TERM}
        )


def of(visitor: str, *, now: datetime) -> dict[str, str]:
    """Return what is kept for `visitor` at `now`, by field; nothing where nothing is, or no key reads it."""
    draft = Draft.objects.filter(visitor=visitor, expires_at__gt=now).first() if visitor else None
    if not draft or isinstance(draft.typed, Unreadable):
        return {}
    found: dict[str, str] = json.loads(draft.typed)
    return found


def forget(visitor: str) -> None:
    """Forget what is kept for `visitor`, in the caller's transaction."""
    Draft.objects.filter(visitor=visitor).delete()


def forget_expired(*, now: datetime) -> None:
    """Delete what was kept long enough."""
    Draft.objects.filter(expires_at__lte=now).delete()
