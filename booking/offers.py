"""What visitors who look around are shown: worked out once, and kept in this process while nothing changes.

Only what is shown comes from here. What a visitor holds or moves, and whether a time can be booked, is looked up
in the tables each time; booking does so under the lock.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from booking import free_time
from booking.free_time import Found
from booking.models import AppointmentType, Therapist
from booking.version_triggers import therapists_own
from practice.models import SITE, Practice, Version


@dataclass(frozen=True, eq=False, slots=True)
class Offer:
    """A visible appointment type, who offers it, and the practice's zone, as they were when the versions `names`
    were `versions`: the same as long as these are."""

    appointment_type: AppointmentType
    therapists: tuple[Therapist, ...]
    zone: ZoneInfo
    names: tuple[str, ...]
    versions: tuple[UUID | None, ...]


# By slug, the last one that this process read.
_offers: dict[str, Offer] = {}


def offer(slug: str) -> Offer | None:
    """Return what is offered under `slug` at this moment, or None where there is no such type. Costs one query
    while nothing changed."""
    known = _offers.get(slug)
    names = known.names if known else (SITE,)
    while True:
        # Before the rows: what changes in between is then kept under a version that is never asked for again.
        versions = Version.read(*names)
        if known and known.versions == versions and None not in versions:
            return known
        appointment_type = AppointmentType.objects.filter(visible=True, slug=slug).first()
        if not appointment_type:
            return None
        therapists = tuple(free_time.offering(appointment_type))
        read, names = names, (SITE, *(therapists_own(therapist.pk) for therapist in therapists))
        if read == names:
            found = Offer(appointment_type, therapists, Practice.load().zone, names, versions)
            _offers[slug] = found
            return found


def shown(offer: Offer, first: date, last: date, *, now: datetime, therapist: Therapist | None = None) -> Found:
    """Return what anybody can book of `offer`, which was read just now, on the local days `first` to `last`, both
    included: with each of its therapists, or with `therapist` alone."""
    kept = _kept(offer, therapist.pk if therapist else None, first, last)
    if not kept or not kept[0].since <= now < kept[0].until:
        therapists = [therapist] if therapist else offer.therapists
        kept[:] = [free_time.look(offer.appointment_type, therapists, first, last, zone=offer.zone, now=now)]
    return kept[0]


@lru_cache(maxsize=256)
def _kept(offer: Offer, therapist_id: int | None, first: date, last: date) -> list[Found]:
    """Return the place where what was found is kept; it is empty at first."""
    return []
