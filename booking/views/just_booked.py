"""What a browser session booked itself: whoever goes back is led to it, and can put a mistyped address right.

The session knows an appointment by its parent and the version of the link, so that ending the links ends this too.
"""

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest

from booking.models import Parent, State
from booking.views.times import value_of

_KEY, _MOST = "booked", 5


def remember(request: HttpRequest, parent: Parent) -> None:
    """Keep in the session that it booked the appointment of `parent`; in place of what it knew of that before."""
    others = [entry for entry in _entries(request) if entry[1] != parent.public_id.hex]
    booked = [value_of(parent.appointment.start), parent.public_id.hex, parent.link_version]
    request.session[_KEY] = [*others[-_MOST + 1 :], booked]


def is_own(request: HttpRequest, parent: Parent) -> bool:
    """Return whether this session booked the appointment of `parent`, and no link was ended since."""
    return any(entry[1:] == [parent.public_id.hex, parent.link_version] for entry in _entries(request))


def at(request: HttpRequest, start: datetime, *, now: datetime) -> Parent | None:
    """Return the parent for whom this session booked the moment `start` (UTC), where that appointment stands."""
    return _standing([entry for entry in _entries(request) if entry[0] == value_of(start)], now, start)


def last(request: HttpRequest, *, now: datetime) -> Parent | None:
    """Return the parent for whom this session booked last, where that appointment stands."""
    return _standing(_entries(request)[-1:], now)


def _standing(entries: list[list[str | int]], now: datetime, start: datetime | None = None) -> Parent | None:
    for _start, public_id, version in reversed(entries):
        found = Parent.objects.select_related("appointment").filter(
            public_id=UUID(hex=str(public_id)),
            link_version=version,
            appointment__state=State.CONFIRMED,
            appointment__start__gt=now,
            **({"appointment__start": start} if start else {}),
        )
        if parent := found.first():
            return parent
    return None


def _entries(request: HttpRequest) -> list[list[str | int]]:
    # A session from before this was kept knows moments alone.
    return [entry for entry in request.session.get(_KEY, []) if isinstance(entry, list)]
