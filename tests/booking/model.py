"""What should be true of one therapist's diary, worked out in the plainest way: lists, loops, no database.

It knows the rules from docs and laws, and nothing of the code that keeps them. Moments are in UTC.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Amsterdam")
DURATION, STEP, BUFFER = timedelta(hours=1), timedelta(minutes=30), timedelta(minutes=15)
NOTICE = timedelta(days=1)
HOLD = timedelta(minutes=10)
TERM, LONGEST_WAIT = timedelta(days=30), timedelta(hours=24)
HORIZON_DAYS = 60
# Of 2026, as the practice keeps them; Liberation Day is one only every five years.
HOLIDAYS = {(4, 3), (4, 5), (4, 6), (4, 27), (5, 14), (5, 24), (5, 25)}

Span = tuple[datetime, datetime]


def at(day: date, clock: str) -> datetime:
    """Return the moment at which clocks show `clock` on the local `day`."""
    return datetime.combine(day, time.fromisoformat(clock), ZONE).astimezone(UTC)


def local_day(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()


@dataclass
class Mail:
    """One message that is owed, and what became of it."""

    kind: str
    to: str
    sequence: int
    due: datetime
    state: str = "due"


@dataclass
class Booked:
    """One appointment as it should be."""

    start: datetime
    state: str = "confirmed"
    sequence: int = 0
    cancelled_at: datetime | None = None
    erase_asked_at: datetime | None = None
    erased: bool = False
    mails: list[Mail] = field(default_factory=list)

    @property
    def occupied(self) -> Span:
        return self.start, self.start + DURATION + BUFFER

    @property
    def unsent(self) -> list[Mail]:
        return [mail for mail in self.mails if mail.state == "due"]


@dataclass
class Model:
    """The diary of one therapist, who begins with every morning from nine to twelve."""

    now: datetime
    booked: dict[int, Booked] = field(default_factory=dict)
    holds: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    off: dict[int, Span] = field(default_factory=dict)
    extra: dict[int, Span] = field(default_factory=dict)
    # For each weekday the windows it has had, each from a day on.
    hours: dict[int, list[tuple[date, str, str]]] = field(
        default_factory=lambda: {weekday: [(date(2026, 1, 5), "09:00", "12:00")] for weekday in range(7)}
    )

    # What is free

    def windows(self, day: date) -> list[Span]:
        found = [span for span in self.extra.values() if local_day(span[0]) == day]
        if (day.month, day.day) not in HOLIDAYS:
            _, start, end = [hours for hours in self.hours[day.weekday()] if hours[0] <= day][-1]
            found.append((at(day, start), at(day, end)))
        return found

    def offered(self, start: datetime) -> bool:
        """Whether a parent could choose `start`, were nothing claimed."""
        last = local_day(self.now) + timedelta(days=HORIZON_DAYS)
        if start < self.now or local_day(start + DURATION) > last:
            return False
        on_grid = any(
            window[0] <= start and start + DURATION <= window[1] and not (start - window[0]) % STEP
            for window in self.windows(local_day(start))
        )
        return on_grid and not any(_overlap((start, start + DURATION), span) for span in self.off.values())

    def claimed(self, start: datetime, *, visitor: str = "", moving: int | None = None) -> bool:
        """Whether somebody else has, or holds, what an appointment at `start` would occupy."""
        wanted = start, start + DURATION + BUFFER
        live = [b.occupied for key, b in self.booked.items() if b.state != "cancelled" and key != moving]
        held = [
            (held_start, held_start + DURATION + BUFFER)
            for who, (held_start, until) in self.holds.items()
            if until > self.now and who != visitor
        ]
        return any(_overlap(wanted, span) for span in live + held)

    def free(self, day: date, *, visitor: str = "", moving: int | None = None) -> list[datetime]:
        starts = {start + n * STEP for start, end in self.windows(day) for n in range((end - start) // STEP)}
        return [
            start
            for start in sorted(starts)
            if self.offered(start) and not self.claimed(start, visitor=visitor, moving=moving)
        ]

    def refusal(self, start: datetime, *, visitor: str = "", moving: int | None = None) -> str | None:
        """What a parent who asks for `start` is told; None where it is free."""
        if not self.offered(start):
            return "OutsideBookingWindow"
        return "SlotTaken" if self.claimed(start, visitor=visitor, moving=moving) else None

    def may_hold(self, start: datetime, visitor: str) -> bool:
        """Whether half of what could be booked on each day, in starts and in appointments, remains so beside all
        holds and this one."""
        others = {who: held for who, held in self.holds.items() if who != visitor}
        with_it = {**others, visitor: (start, self.now + timedelta(days=1))}
        for day in (local_day(start) + timedelta(days=days) for days in (-1, 0, 1)):
            for room in (len, _one_after_another):
                without, before, after = (
                    room(replace(self, holds=holds).free(day)) for holds in ({}, others, with_it)
                )
                if after < before and after * 2 < without:
                    return False
        return True

    # What is done

    def book(self, key: int, start: datetime, *, visitor: str = "") -> None:
        self.booked[key] = booked = Booked(start)
        self.holds.pop(visitor, None)
        self._owe(booked, "confirmation", "parent", "new_booking")
        self._remind(booked)

    def move(self, key: int, start: datetime) -> None:
        booked = self.booked[key]
        if start == booked.start:
            return
        booked.start = start
        self._rise(booked)
        self._owe(booked, "moved", "parent", "moved")
        self._remind(booked)

    def cancel(self, key: int) -> None:
        booked = self.booked[key]
        booked.state, booked.cancelled_at = "cancelled", self.now
        self._rise(booked)
        self._owe(booked, "cancelled", "parent", "cancelled")

    def changeable(self, key: int, *, by_parent: bool) -> str | None:
        """Why an appointment can no longer be moved or cancelled; None where it can."""
        booked = self.booked[key]
        if booked.state == "cancelled":
            return "AlreadyCancelled"
        if booked.state != "confirmed" or self.now >= booked.start:
            return "TooLateToChange"
        return "TooLateToChange" if by_parent and self.now > booked.start - NOTICE else None

    def erase(self, key: int) -> None:
        booked = self.booked[key]
        if booked.state == "confirmed" and booked.start > self.now:
            self.cancel(key)
        booked.erase_asked_at = booked.erase_asked_at or self.now
        if not booked.erased and self._waited_enough(booked):
            self._forget(booked)

    def tidy(self) -> None:
        for booked in self.booked.values():
            ended = min(booked.start + DURATION, booked.cancelled_at or booked.start + DURATION)
            if not booked.erased and (ended + TERM <= self.now or self._waited_enough(booked)):
                self._forget(booked)
        self.holds = {who: held for who, held in self.holds.items() if held[1] > self.now}

    def sweep(self) -> None:
        """Let every mail that is due come to its end."""
        for booked in self.booked.values():
            for mail in booked.unsent:
                if mail.due <= self.now:
                    mail.state = self._end(booked, mail)

    def mails(self) -> Counter[tuple[int, str, str, int, str]]:
        return Counter(
            (key, mail.kind, mail.to, mail.sequence, mail.state)
            for key, booked in self.booked.items()
            for mail in booked.mails
        )

    def _waited_enough(self, booked: Booked) -> bool:
        """Whether a family that asked to be forgotten has nothing left to wait for."""
        asked = booked.erase_asked_at
        return asked is not None and (not booked.unsent or asked + LONGEST_WAIT <= self.now)

    def _end(self, booked: Booked, mail: Mail) -> str:
        if booked.erased or mail.sequence != booked.sequence:
            return "void"
        if self.now >= booked.start:
            return "missed"
        if booked.state != ("cancelled" if mail.kind == "cancelled" else "confirmed"):
            return "void"
        too_late = mail.kind == "reminder" and self.now - mail.due > booked.start - self.now
        return "missed" if too_late else "sent"

    def _owe(self, booked: Booked, kind: str, to: str, therapists_kind: str) -> None:
        booked.mails.append(Mail(kind, to, booked.sequence, self.now))
        booked.mails.append(Mail(therapists_kind, "therapist", booked.sequence, self.now))

    def _remind(self, booked: Booked) -> None:
        days = at(local_day(booked.start) - timedelta(days=2), f"{booked.start.astimezone(ZONE):%H:%M}")
        for moment in {_not_at_night(days), _not_at_night(booked.start - timedelta(hours=3))}:
            if moment - self.now >= timedelta(hours=12):
                booked.mails.append(Mail("reminder", "parent", booked.sequence, moment))

    def _rise(self, booked: Booked) -> None:
        booked.sequence += 1
        for mail in booked.unsent:
            mail.state = "void"

    def _forget(self, booked: Booked) -> None:
        booked.erased = True
        for mail in booked.unsent:
            mail.state = "void"


def _one_after_another(starts: list[datetime]) -> int:
    """Return how many appointments fit that begin at some of `starts`."""
    count, free_from = 0, None
    for start in starts:
        if free_from is None or start >= free_from:
            count, free_from = count + 1, start + DURATION + BUFFER
    return count


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _not_at_night(moment: datetime) -> datetime:
    local = moment.astimezone(ZONE)
    if local.hour >= 21:
        return at(local.date(), "20:00")
    return at(local.date() - timedelta(days=1), "20:00") if local.hour < 8 else moment
