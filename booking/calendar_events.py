"""When the events of a calendar file are (RFC 5545 §3.6.1 and §3.8.5), each by itself.

What cannot be understood takes more time, never less, and is doubted: `Doubt` in models/imports.py says what a
therapist reads of it. Moments are in UTC and naive here; a wall is what a clock shows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from booking import calendar_zones, recurrence
from booking.calendar_lines import Line, Part, date_in, read_duration, read_stamp
from booking.calendar_zones import Zone
from booking.recurrence import Rule, UnreadableRule

DAY, _MINUTE, _NOTHING = timedelta(days=1), timedelta(minutes=1), timedelta()
# More often a day than this, and all that lies between is taken.
_MOST_A_DAY = 96
# Of a longer list on one line no single date is looked at.
_MOST_LISTED = 5000
# Where COUNT counts from further back it is ignored; what repeats and takes longer than the other overlaps.
_LONGEST_COUNTED, _LONGEST_REPEATED = timedelta(days=200 * 366), timedelta(days=366)
# Of all series together: two seconds of work, and a hundred times what a full calendar needs.
MOST_DAYS = 2_000_000
# What moves times within a day, in a rule that cannot be read; the last is how vCalendar 1.0 writes a time.
_MOVES_TIMES = re.compile(r"BY(?:HOUR|MINUTE|SECOND)|(?:HOUR|MINUTE|SECOND)LY|(?<!\w)\d{4}(?!\w)", re.ASCII)
_UNTIL_IN_JUNK = re.compile(r"UNTIL=(\d{8}(?:T\d{6}Z?)?)(?![^;,])", re.ASCII)
# How programs other than by VALUE=DATE say that an event takes whole days.
_WHOLE_DAY = ("X-MICROSOFT-CDO-ALLDAYEVENT", "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT", "X-FUNAMBOL-ALLDAY")
_DAILY = Rule("DAILY", 1, None, "", 0, frozenset(), {})
_UTC = Zone("UTC", lambda _wall: frozenset({_NOTHING}), lambda _wall: True)


class TooMuch(Exception):
    """There is more to work out than anyone's calendar holds."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a clock shows, and where; a whole day is its midnight."""

    wall: datetime
    zone: Zone
    whole_day: bool = False

    @property
    def early(self) -> datetime:
        """The first moment that it may be."""
        return self.zone.earliest(self.wall)

    @property
    def late(self) -> datetime:
        """The last moment that it may be."""
        return self.zone.latest(self.wall)

    @property
    def sure(self) -> bool:
        """Whether its zone is known."""
        return self.zone.sure(self.wall)


@dataclass(frozen=True, slots=True)
class Time:
    """One time of an event, from `start` to `end`; `moment` is None where only roughly known."""

    start: datetime
    end: datetime
    moment: Moment | None = None


@dataclass(frozen=True, slots=True)
class _Length:
    """How long an event takes, by clocks on the wall and by real time; how far its end lies before its start."""

    wall: timedelta
    exact: timedelta
    before: timedelta = _NOTHING


@dataclass(slots=True)
class Scope:
    """The days that a file is read for, and what may still be spent on it."""

    zone: ZoneInfo
    first: date
    last: date
    days_left: int = MOST_DAYS

    def __post_init__(self) -> None:
        self.own = calendar_zones.known(self.zone)
        self.begin, self.end = self.midnight(self.first), self.midnight(self.last + DAY)

    own: Zone = field(init=False)
    begin: datetime = field(init=False)
    end: datetime = field(init=False)

    def midnight(self, day: date) -> datetime:
        """Return the moment at which `day` begins in the practice's zone."""
        return self.own.earliest(datetime.combine(day, time()))

    def local(self, moment: datetime) -> datetime:
        """Return what clocks in the practice's zone show at `moment`."""
        return moment.replace(tzinfo=UTC).astimezone(self.zone).replace(tzinfo=None)

    def whole_days(self, start: datetime, end: datetime) -> Time:
        """Return the local days that the span touches, or where it is empty, the one that it lies in."""
        last = max(end - timedelta(microseconds=1), start)
        return Time(self.midnight(self.local(start).date()), self.midnight(self.local(last).date() + DAY))

    def around(self, day: date) -> Time:
        """Return `day` as it is anywhere on earth."""
        midnight = datetime.combine(day, time())
        everywhere = calendar_zones.unknown("")
        return Time(everywhere.earliest(midnight), everywhere.latest(midnight + DAY))

    def spend(self, days: int) -> None:
        """Count `days` that are looked at; raises TooMuch."""
        self.days_left -= max(days, 0)
        if self.days_left < 0:
            raise TooMuch


class Zones:
    """The time zones of one calendar in a file."""

    def __init__(self, calendar: Part, scope: Scope) -> None:
        self._scope = scope
        self._described: dict[str, Zone] = {}
        for part in calendar.parts:
            if part.name == "VTIMEZONE":
                zone = calendar_zones.described(part, scope.first, scope.last)
                if zone is not None:
                    self._described.setdefault(part.text("TZID"), zone)
        # Outlook shows on the last day of a month what RFC 5545 skips there.
        self.last_day_instead = "MICROSOFT" in calendar.text("PRODID")[:200].upper()
        self._named: dict[str, Zone] = {}
        name = calendar.text("X-WR-TIMEZONE")
        # RFC 5545 §3.3.5: a time without a zone is meant on the reader's own clock, unless the calendar has one.
        self.floating = self.named(name) if name else scope.own

    def named(self, name: str) -> Zone:
        """Return the zone called `name`, which nobody may know."""
        if name not in self._named:
            self._named[name] = calendar_zones.named(name, self._described.get(name))
        return self._named[name]

    def all(self) -> list[Zone]:
        """Return the zones in which whoever keeps the calendar may count the days."""
        return [self._scope.own, _UTC, self.floating, *map(self.named, self._described)]

    def moment(self, text: str, parameters: dict[str, str]) -> Moment | None:
        """Return the moment that a line says with `text`; None where it cannot be read."""
        found = read_stamp(text)
        if found is None:
            return None
        value, utc = found
        if not isinstance(value, datetime):
            return Moment(datetime.combine(value, time()), self._scope.own, whole_day=True)
        name = parameters.get("TZID", "")
        zone = self.named(name) if name else _UTC if utc else self.floating
        # RFC 5545 §3.2.19 allows one of the two.
        return Moment(value, calendar_zones.either(zone, _UTC) if name and utc else zone)


class Event:
    """One VEVENT (or AVAILABLE), and when it is."""

    def __init__(self, part: Part, zones: Zones, scope: Scope) -> None:
        self.part, self.zones, self.scope = part, zones, scope
        self.doubts: set[str] = set()

    @property
    def is_exception(self) -> bool:
        """Whether it stands for one time of a series."""
        return bool(self.part.all("RECURRENCE-ID"))

    @property
    def is_cancelled(self) -> bool:
        """Whether it does not take place; where it says two things, it does."""
        return self.part.words("STATUS") == {"CANCELLED"}

    @property
    def is_busy(self) -> bool:
        """Whether it takes time. What Microsoft's line says is more exact."""
        if told := self.part.words("X-MICROSOFT-CDO-BUSYSTATUS"):
            return told != {"FREE"}
        return self.part.words("TRANSP") != {"TRANSPARENT"}

    @property
    def says_whole_days(self) -> bool:
        """Whether anything in it says that it takes whole days, whatever form its times have."""
        told = set[str]().union(*map(self.part.words, _WHOLE_DAY))
        return bool(told & {"TRUE", "1"}) or any(map(_is_dated, self.part.all("DTSTART")))

    @property
    def day(self) -> str:
        """The first date in it that can be read (ISO 8601); empty where there is none."""
        texts = (line.value for name in ("DTSTART", "RECURRENCE-ID", "DTEND") for line in self.part.all(name))
        return next((found.isoformat() for text in texts if (found := date_in(text))), "")

    @property
    def starts(self) -> list[Moment]:
        """The moments at which it begins: one, unless it says two things. Empty where any cannot be read."""
        lines = self.part.all("DTSTART") or self.part.all("RECURRENCE-ID")
        found = [self._moment(line) for line in lines]
        if any(moment is None for moment in found):
            return []
        return list(dict.fromkeys(moment for moment in found if moment))

    def replaces(self) -> Moment | None:
        """Return the moment of the time in a series that it stands for; None where that cannot be told."""
        found = [self._moment(line) for line in self.part.all("RECURRENCE-ID")]
        return found[0] if len(found) == 1 and self.starts else None

    def times(self) -> Iterator[Time]:
        """Yield each time that it is, near the days of the scope, exceptions still among them."""
        if not self.starts:
            yield from self.roughly()
        for start in self.starts:
            yield from self._series(start)
        if self.part.all("EXRULE"):
            self.doubts.add("exception")

    def left_out(self, whole_day: bool) -> set[object]:
        """Return the keys of the times that its own exceptions take out."""
        keys: set[object] = set()
        for line in self.part.all("EXDATE"):
            texts = line.value.split(",", _MOST_LISTED)
            if len(texts) > _MOST_LISTED:
                self.doubts.add("exception")
            for text in [text for text in texts[:_MOST_LISTED] if text.strip()] or [""]:
                moment = self.zones.moment(text, line.parameters)
                key = self.key(moment, whole_day) if moment else None
                if key is None:
                    self.doubts.add("exception")
                else:
                    keys.add(key)
        return keys

    def key(self, moment: Moment, whole_day: bool) -> object:
        """Return what two ways to write one time of a series have in common; None where it is none of this one."""
        if not whole_day:
            return None if moment.whole_day else (moment.early, moment.late)
        if moment.whole_day or (moment.wall.time() == time() and moment.zone is not _UTC):
            return moment.wall.date()
        # Exchange writes the midnight at which a day begins where the calendar is kept.
        local = self.scope.local(moment.early)
        return local.date() if local.time() == time() and moment.early == moment.late else None

    def _moment(self, line: Line) -> Moment | None:
        moment = self.zones.moment(line.value, line.parameters)
        if moment is None or moment.whole_day or moment.zone is _UTC:
            return moment
        if _is_dated(line) and moment.wall.time() == time():
            return Moment(moment.wall, self.scope.own, whole_day=True)
        # Then it is a day wherever one is.
        if self.part.words("X-MICROSOFT-CDO-ALLDAYEVENT") == {"TRUE"} and moment.wall.time() == time():
            return Moment(moment.wall, calendar_zones.either(moment.zone, self.scope.own, sure=True))
        return moment

    def roughly(self) -> Iterator[Time]:
        """Yield what an event may take of which the beginning cannot be read: the days that it names, and without
        any, all days."""
        self.doubts.add("day")
        names = ("DTSTART", "RECURRENCE-ID", "DTEND", "RDATE")
        texts = [line.value for name in names for line in self.part.all(name)]
        days = [found for text in texts if (found := date_in(text))]
        if days:
            start = self.scope.around(min(days)).start
            comes_again = self.part.all("RRULE")
            yield Time(start, self.scope.end if comes_again else self.scope.around(max(days)).end)
        elif self.part.finished:
            yield Time(self.scope.begin, self.scope.end)

    def _series(self, start: Moment) -> Iterator[Time]:
        length, readable = self._length(start)
        moments = {start.wall: start}
        for wall in self._repeated(start, length):
            if isinstance(wall, Time):
                yield wall
            else:
                moments.setdefault(wall, Moment(wall, start.zone, start.whole_day))
        yield from (self._time(moment, length, readable) for moment in moments.values())
        yield from self._listed(start, length, readable)

    def _time(self, moment: Moment, length: _Length, readable: bool = True) -> Time:
        if moment.whole_day and length.exact == length.wall:
            end = moment.zone.latest(moment.wall + length.wall)
        else:
            end = max(moment.late + length.exact, moment.zone.latest(moment.wall + length.wall))
        begin, end = moment.early - length.before, max(end, moment.early + _MINUTE)
        if not readable:
            rough = self.scope.whole_days(begin, end)
            begin, end = rough.start, rough.end
        return Time(begin, end, moment)

    def _length(self, start: Moment) -> tuple[_Length, bool]:
        """Return how long it takes, and whether that can be read."""
        found = [self._until_end(start, self._moment(line)) for line in self.part.all("DTEND")]
        for line in self.part.all("DURATION"):
            duration = read_duration(line.value)
            found.append(_Length(duration, duration) if duration is not None and duration >= _NOTHING else None)
        if not found:
            found = [_Length(DAY, DAY) if start.whole_day else _Length(_NOTHING, _NOTHING)]
        lengths = [each for each in found if each]
        readable = len(lengths) == len(found) and not any(each.before for each in lengths) and self.part.finished
        if not readable:
            self.doubts.add("end")
        wall = max((each.wall for each in lengths), default=_NOTHING)
        exact = max((each.exact for each in lengths), default=_NOTHING)
        says_whole_days = self.says_whole_days
        midnights = {start.wall.time(), self.scope.local(start.early).time()}
        if says_whole_days and time() not in midnights and max(wall, exact) < DAY:
            # Hours, and a word that they are days: the days.
            self.doubts.add("end")
            readable = False
        elif start.whole_day or says_whole_days:
            wall, exact = max(wall, DAY), max(exact, DAY)
        return _Length(wall, exact, max((each.before for each in lengths), default=_NOTHING)), readable

    def _until_end(self, start: Moment, end: Moment | None) -> _Length | None:
        if end is None:
            return None
        alike = end.zone == start.zone and end.whole_day == start.whole_day
        exact = max(end.late - start.late, end.early - start.early)
        if alike and end.wall < start.wall and end.late > start.early and end.sure:
            # From the first time of an hour into its second one.
            return _Length(_NOTHING, end.late - start.early)
        wall = end.wall - start.wall if alike else exact
        if start.whole_day and alike:
            exact = wall
        if max(wall, exact) < _NOTHING:
            return _Length(_NOTHING, _NOTHING, before=max(start.late - end.early, start.wall - end.wall))
        return _Length(max(wall, _NOTHING), max(exact, _NOTHING))

    def _repeated(self, start: Moment, length: _Length) -> Iterator[datetime | Time]:
        """Yield the walls of the times that its rules give it, and where they cannot be worked out, what these may
        take."""
        for text in dict.fromkeys(line.value for line in self.part.all("RRULE")):
            rule: Rule | None
            try:
                rule = recurrence.read(text, last_day_instead=self.zones.last_day_instead)
                comes = self._until(rule.until, start) if rule.until else None
            except UnreadableRule:
                self.doubts.add("rule")
                rule, comes = self._loosely(text, start)
                if rule is None:
                    self.doubts.add("often")
                    yield self._all_between(start, length, comes)
                    continue
            if rule.count and comes:
                # RFC 5545 allows one of the two: the longer counts.
                self.doubts.add("rule")
            yield from self._by_rule(rule, comes, start, length)

    def _loosely(self, text: str, start: Moment) -> tuple[Rule | None, "_Bound | None"]:
        """Return what an unreadable rule is taken for: daily, or None for all the time; and its end where it names
        one that can be read."""
        text = text[: recurrence.LONGEST].upper()
        ends = _UNTIL_IN_JUNK.findall(text)
        try:
            bound = self._until(ends[0], start) if len(ends) == 1 == text.count("UNTIL") else None
        except UnreadableRule:
            bound = None
        return None if _MOVES_TIMES.search(_UNTIL_IN_JUNK.sub("", text)) else _DAILY, bound

    def _by_rule(
        self, rule: Rule, bound: "_Bound | None", start: Moment, length: _Length
    ) -> Iterator[datetime | Time]:
        times = rule.times(start.wall.hour, start.wall.minute, start.wall.second)
        if start.whole_day:
            times = [(0, 0, 0)]
        if rule.within_a_day or len(times) > _MOST_A_DAY or max(length.wall, length.exact) > _LONGEST_REPEATED:
            self.doubts.add("often")
            yield self._all_between(start, length, bound)
            return
        first = self.scope.first - length.wall - length.exact - 2 * DAY
        last = self.scope.last + length.before + 2 * DAY
        begins = start.wall.date()
        counted = rule.count is not None
        if counted and last - begins > _LONGEST_COUNTED:
            self.doubts.add("rule")
            counted = False
        if not counted and bound:
            last = min(last, bound.last_day)
        first_looked_at = begins if counted else max(first, begins)
        if first_looked_at > last:
            return
        number = 0
        before = first_looked_at
        for day in rule.days(begins, first_looked_at, last):
            self.scope.spend((day - before).days)
            before = day
            for hour, minute, second in times:
                wall = datetime.combine(day, time(hour, minute, second))
                if wall < start.wall:
                    continue
                number += 1
                is_counted = counted and number <= (rule.count or 0)
                if counted and not bound and not is_counted:
                    return
                goes_on = bound.includes(Moment(wall, start.zone)) if bound else not counted
                if day >= first and (is_counted or goes_on):
                    yield wall
        self.scope.spend((last - before).days)

    def _all_between(self, start: Moment, length: _Length, bound: "_Bound | None") -> Time:
        until = min(bound.latest, self.scope.end) if bound else self.scope.end
        longest = max(length.wall, length.exact, DAY)
        return Time(start.early - length.before, max(until, start.late) + longest)

    def _until(self, text: str, start: Moment) -> "_Bound":
        """Return where a series ends of which UNTIL says `text`. In another form than the start has, as Exchange
        writes it for whole days, the later of what it may mean counts. Raises UnreadableRule."""
        found = read_stamp(text)
        if found is None:
            raise UnreadableRule
        value, utc = found
        own = self.scope.own
        if start.whole_day:
            if not isinstance(value, datetime):
                day = value
            elif utc:
                day = max(
                    (value + max(zone.offsets(value))).date() for zone in self.zones.all() if zone.sure(value)
                )
            else:
                day = value.date()
            return _Bound(day, own.latest(datetime.combine(day, time())))
        if not isinstance(value, datetime):
            evening = datetime.combine(value, time(23, 59, 59))
            latest = max(zone.latest(evening) for zone in (start.zone, own))
        elif utc:
            latest = value
        else:
            zones = (start.zone, own) if start.zone is _UTC else (start.zone,)
            latest = max(zone.latest(value) for zone in zones)
        return _Bound(None, latest)

    def _listed(self, start: Moment, length: _Length, readable: bool) -> Iterator[Time]:
        """Yield the times that RDATE lists."""
        for line in self.part.all("RDATE"):
            # A comma at the end is common.
            texts = [text for text in line.value.split(",") if text.strip()] or [""]
            if len(texts) > _MOST_LISTED:
                self.doubts.add("often")
                days = [day for text in texts if (day := date_in(text[:100]))]
                if len(days) == len(texts):
                    end = self.scope.around(max(days)).end + max(length.wall, length.exact)
                    yield Time(self.scope.around(min(days)).start, end)
                else:
                    yield self.somewhere("")
                continue
            for text in texts:
                if "/" in text:
                    yield self.period(text, line)
                    continue
                moment = self.zones.moment(text, line.parameters)
                if moment is None:
                    yield self.somewhere(text)
                elif start.whole_day and not moment.whole_day:
                    local = self.scope.local(moment.early).date()
                    for day in {moment.wall.date(), local}:
                        midnight = datetime.combine(day, time())
                        yield self._time(Moment(midnight, self.scope.own, whole_day=True), length, readable)
                elif moment.whole_day and not start.whole_day:
                    # Of a series with times this is not one: all of that day, and as much as the others take.
                    rough = _Length(length.wall + DAY, length.exact + DAY, length.before)
                    roughly = self._time(moment, rough, readable)
                    yield Time(roughly.start, roughly.end)
                else:
                    yield self._time(moment, length, readable)

    def period(self, text: str, line: Line) -> Time:
        """Return what `text`, from a line of periods, takes (RFC 5545 §3.3.9)."""
        first, _slash, second = text.strip().partition("/")
        start = self.zones.moment(first, line.parameters)
        if start is None:
            return self.somewhere(text)
        duration, end = read_duration(second), self.zones.moment(second, line.parameters)
        if duration is not None and duration >= _NOTHING:
            return self._time(start, _Length(duration, duration))
        length = self._until_end(start, end)
        if length is None or length.before:
            self.doubts.add("end")
            return self._time(start, length or _Length(_NOTHING, _NOTHING), readable=False)
        return self._time(start, length)

    def somewhere(self, text: str) -> Time:
        """Return what `text`, which is no time, may take: the day that it names, or all days."""
        self.doubts.add("day")
        day = date_in(text)
        return self.scope.around(day) if day else Time(self.scope.begin, self.scope.end)


def _is_dated(line: Line) -> bool:
    return line.parameters.get("VALUE", "").upper() == "DATE"


@dataclass(frozen=True, slots=True)
class _Bound:
    """The end of a series: its last day where it is one of days, and the last moment at which a time may begin."""

    day: date | None
    latest: datetime

    @property
    def last_day(self) -> date:
        """The last date on any clock."""
        return self.day or (self.latest + DAY).date()

    def includes(self, moment: Moment) -> bool:
        """Return whether a time that begins at `moment` is still of the series."""
        return moment.wall.date() <= self.day if self.day else moment.early <= self.latest
