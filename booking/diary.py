"""The therapist's diary: working hours, extra openings and time off. The only importer of `schedule`.

Each therapist has two calendars of django-scheduler: one of openings (a weekly event for each window, an event
without a rule for each extra opening) and one of time off. Never an Occurrence: a cancelled one comes back when
its series is moved. On a public holiday no weekly window begins, unless the therapist works that day: one more
calendar has an event for each such day. Nor does one begin on a day that has hours of its own: one calendar has
an event for each such day, and another its windows.

The library tells on which local dates a window recurs, asked in the practice's zone, and nothing more: it
measures an occurrence's end from the first one in real hours, takes the second pass of an hour that comes
twice, and makes up times in an hour that is skipped. From date and wall clock to UTC goes `from_wall`.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from schedule.models import Calendar, Event, Occurrence, Rule

from booking import public_holidays
from booking.errors import BookingError
from booking.hours import WorkingHours, overlap
from booking.intervals import Interval, exists, from_wall, local_days, subtract
from booking.models import Therapist
from practice.translations import Translated

_DAY = timedelta(days=1)
# Up to and including this moment an event recurs: the library drops one that starts exactly at its end.
_LAST_MOMENT = time.max
# Far outside these the library would count every week since the year 1, or fall off the end of time.
_EARLIEST, _LATEST = date(2000, 1, 1), date(2100, 12, 31)
_LONGEST_TEXT = 255
_RULE_PARAMS = {1: "", 2: "interval:2"}
_OPENINGS, _TIME_OFF = "openings", "time-off"
_OWN_DAYS, _OWN_WINDOWS = "own-days", "own-windows"
_WORKED_HOLIDAYS = "worked-holidays"
# Each event of these is about the local day that it begins on.
_OF_DAYS = [_OWN_DAYS, _OWN_WINDOWS, _WORKED_HOLIDAYS]
_KINDS = [_OPENINGS, _TIME_OFF, *_OF_DAYS]


class DiaryError(BookingError):
    """The diary cannot be changed like that; `str(error)` says why, in the reader's language."""

    name = "diary"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)

    def __str__(self) -> str:
        return str(self.args[0])


class NotInDiary(DiaryError):
    """This therapist's diary has no such window, opening or time off, or has it no longer."""

    name = "not-found"

    def __init__(self) -> None:
        super().__init__(_("This is not in the diary any more."))


@dataclass(frozen=True)
class TimeOff:
    """A span (UTC) in which nothing is offered. Parents may see `notice`; `reason` is for the therapist."""

    id: int
    interval: Interval
    reason: str
    notice: Translated


@dataclass(frozen=True)
class ExtraOpening:
    """One more window (UTC), outside the weekly ones. `reason` is for the therapist."""

    id: int
    interval: Interval
    reason: str


@dataclass(frozen=True)
class PublicHoliday:
    """A public holiday, and whether the therapist works on it all the same."""

    day: date
    name: str
    opened: bool


@dataclass(frozen=True)
class Notice:
    """What parents are told about a span (UTC) of time off."""

    interval: Interval
    sentence: Translated


@dataclass(frozen=True)
class Openings:
    """What a diary holds around some days (UTC), as it is: unsorted, unclipped, nothing subtracted."""

    windows: tuple[Interval, ...]
    time_off: tuple[Interval, ...]
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Page:
    """What a diary holds around some days: its openings, the time off in full, and the public holidays among its
    days on which the therapist works."""

    openings: Openings
    time_off: tuple[TimeOff, ...]
    worked_holidays: frozenset[date]


def openings(therapist: Therapist, first: date, last: date, zone: ZoneInfo) -> Openings:
    """Return all that touches the local days from the one before `first` to the one after `last`.

    Costs no query while the diary is unchanged: what was worked out is kept in this process for the
    `diary_version` of `therapist`, so the row must have been read in this request or task.
    """
    return pages([therapist], first, last, zone)[therapist.pk].openings


def pages(therapists: Iterable[Therapist], first: date, last: date, zone: ZoneInfo) -> dict[int, Page]:
    """Return for each of `therapists`, by primary key, all that her diary holds around the same days as
    `openings`, at the same cost for all of them together."""
    kept = {
        therapist.pk: _kept(therapist.pk, therapist.diary_version, first, last, zone) for therapist in therapists
    }
    if unread := [therapist_id for therapist_id, place in kept.items() if not place]:
        for therapist_id, page in _read(unread, first, last, zone).items():
            kept[therapist_id].append(page)
    return {therapist_id: place[0] for therapist_id, place in kept.items()}


@lru_cache(maxsize=512)
def _kept(therapist_id: int, version: UUID, first: date, last: date, zone: ZoneInfo) -> list[Page]:
    """Return the place where the page of one diary is kept; it is empty at first."""
    return []


def _read(therapist_ids: list[int], first: date, last: date, zone: ZoneInfo) -> dict[int, Page]:
    span = local_days(first - _DAY, last + _DAY, zone)
    recurring = Q(rule__isnull=False, start__lt=span.end) & (
        Q(end_recurring_period__isnull=True) | Q(end_recurring_period__gt=span.start - 2 * _DAY)
    )
    # From two days earlier, for the days on which no weekly window begins.
    single = Q(rule__isnull=True, start__lt=span.end, end__gt=span.start - 2 * _DAY)
    slugs = {_slug(therapist_id, kind): (therapist_id, kind) for therapist_id in therapist_ids for kind in _KINDS}
    # The library looks for occurrences that were saved, of which there are none: not one query is spent on them.
    none = Prefetch("occurrence_set", Occurrence.objects.none())
    events = Event.objects.select_related("calendar", "rule").prefetch_related(none)
    found: dict[int, dict[str, list[Event]]] = {
        therapist_id: {kind: [] for kind in _KINDS} for therapist_id in therapist_ids
    }
    for event in events.filter(recurring | single, calendar__slug__in=slugs):
        therapist_id, kind = slugs[event.calendar.slug]
        found[therapist_id][kind].append(event)
    return {therapist_id: _page(of_kind, first, last, zone) for therapist_id, of_kind in found.items()}


def _page(of_kind: dict[str, list[Event]], first: date, last: date, zone: ZoneInfo) -> Page:
    span = local_days(first - _DAY, last + _DAY, zone)
    days = {kind: {_day(event, zone) for event in of_kind[kind]} for kind in _OF_DAYS}
    named = set(public_holidays.between(first - 2 * _DAY, last + _DAY))
    closed = (named - days[_WORKED_HOLIDAYS]) | days[_OWN_DAYS]
    windows = [Interval(event.start, event.end) for event in of_kind[_OWN_WINDOWS]]
    for event in of_kind[_OPENINGS]:
        if event.rule:
            recurrences = _recurrences(event, first - 2 * _DAY, last + _DAY, zone)
            windows += [window for day, window in recurrences if day not in closed]
        else:
            windows.append(Interval(event.start, event.end))
    off = [_time_off(event) for event in of_kind[_TIME_OFF] if event.start < span.end and event.end > span.start]
    return Page(
        Openings(
            tuple(window for window in windows if window.overlaps(span)),
            tuple(found.interval for found in off),
            tuple(Notice(found.interval, found.notice) for found in off if found.notice),
        ),
        tuple(off),
        frozenset(named & _worked(days)),
    )


def _time_off(event: Event) -> TimeOff:
    notice = Translated(json.loads(event.description or "{}"))
    return TimeOff(event.pk, Interval(event.start, event.end), event.title, notice)


def _recurrences(event: Event, first: date, last: date, zone: ZoneInfo) -> Iterator[tuple[date, Interval]]:
    """Yield the windows of a weekly `event` with the local date that each begins on, from `first` to `last`."""
    hours = _hours(event, zone)
    # The zone of the start asked with is the one that the library counts in.
    start, end = (datetime.combine(day, time(), tzinfo=zone) for day in (first, last + _DAY))
    for occurrence in event.get_occurrences(start, end, clear_prefetch=False):
        day = occurrence.original_start.astimezone(zone).date()
        if first <= day <= last:
            yield day, hours.window(day, zone)


def is_begun() -> bool:
    """Return whether anybody's diary holds anything: what it holds is kept as moments, and read on one zone's
    clocks ever after."""
    begun: bool = Event.objects.exists()
    return begun


def working_hours(therapist: Therapist, zone: ZoneInfo) -> list[WorkingHours]:
    """Return the weekly windows of `therapist`, those that have ended as well, by weekday and time."""
    found = [_hours(event, zone) for event in _series(therapist).select_related("rule")]
    return sorted(found, key=lambda hours: (hours.weekday, hours.start, hours.first_day))


def add_working_hours(therapist: Therapist, hours: WorkingHours, zone: ZoneInfo) -> WorkingHours:
    """Add the window `hours`, whose id does not matter, and return it as the diary has it."""
    with _changing(therapist):
        return _write_hours(Event(calendar=_calendar(therapist, _OPENINGS)), therapist, hours, zone)


def change_working_hours(
    therapist: Therapist, id: int, hours: WorkingHours, zone: ZoneInfo, *, same_weeks: bool = False
) -> WorkingHours:
    """Let the window `id` be as `hours` says from its `first_day` on, and return it as the diary has it.

    The days before that keep what they had: what was worked is no longer for anyone to change. With `same_weeks`,
    every other week stays the one that it was, on another day of the week as well; else it is counted from
    `first_day`.
    """
    with _changing(therapist):
        event = _found_series(therapist, id)
        before = _hours(event, zone)
        if hours.first_day > before.first_day:
            _end_before(event, hours.first_day, zone)
            event = Event(calendar=event.calendar)
        return _write_hours(event, therapist, hours, zone, before if same_weeks else None)


def end_working_hours(therapist: Therapist, id: int, from_day: date, zone: ZoneInfo) -> None:
    """Let the window `id` recur no more from the local `from_day` on; one that begins only then goes wholly."""
    with _changing(therapist):
        event = _found_series(therapist, id)
        if from_day > _hours(event, zone).first_day:
            _end_before(event, from_day, zone)
        else:
            event.delete()


def time_off(therapist: Therapist, from_moment: datetime) -> list[TimeOff]:
    """Return the time off that has not ended by `from_moment` (UTC), in its order of time."""
    events = _singles(therapist, _TIME_OFF).filter(end__gt=from_moment)
    return [_time_off(event) for event in events]


def add_time_off(
    therapist: Therapist, interval: Interval, reason: str = "", notice: Translated | None = None
) -> TimeOff:
    """Offer nothing in `interval` (UTC). What was booked there stays booked. Raises DiaryError where all of it is
    off already."""
    return _time_off(_write_single(therapist, _TIME_OFF, None, interval, reason, notice))


def add_closures(therapist: Therapist, closures: Iterable[tuple[Interval, str]]) -> int:
    """Offer nothing in these intervals (UTC), each with its reason, and return how many were added: one that is
    off already, wholly, is left out."""
    added = 0
    with _changing(therapist):
        for interval, reason in sorted(closures):
            if not _covered(_singles(therapist, _TIME_OFF), interval):
                _write_single(therapist, _TIME_OFF, None, interval, reason)
                added += 1
    return added


def change_time_off(
    therapist: Therapist, id: int, interval: Interval, reason: str = "", notice: Translated | None = None
) -> TimeOff:
    """Let the time off `id` be as given, as `add_time_off` would have it."""
    return _time_off(_write_single(therapist, _TIME_OFF, id, interval, reason, notice))


def remove_time_off(therapist: Therapist, id: int) -> None:
    """Offer again what the time off `id` held back."""
    with _changing(therapist):
        _remove(_singles(therapist, _TIME_OFF), id)


def extra_openings(therapist: Therapist, from_moment: datetime) -> list[ExtraOpening]:
    """Return the extra openings that have not ended by `from_moment` (UTC), in their order of time."""
    events = _singles(therapist, _OPENINGS).filter(end__gt=from_moment)
    return [ExtraOpening(event.pk, Interval(event.start, event.end), event.title) for event in events]


def add_extra_opening(therapist: Therapist, interval: Interval, reason: str = "") -> ExtraOpening:
    """Offer `interval` (UTC) as one more window; it may touch or overlap others, but not lie in one like it."""
    event = _write_single(therapist, _OPENINGS, None, interval, reason)
    return ExtraOpening(event.pk, interval, reason)


def change_extra_opening(therapist: Therapist, id: int, interval: Interval, reason: str = "") -> ExtraOpening:
    """Let the extra opening `id` be as given, as `add_extra_opening` would have it."""
    event = _write_single(therapist, _OPENINGS, id, interval, reason)
    return ExtraOpening(event.pk, interval, reason)


def remove_extra_opening(therapist: Therapist, id: int) -> None:
    """Offer the extra opening `id` no longer."""
    with _changing(therapist):
        _remove(_singles(therapist, _OPENINGS), id)


def holidays(
    therapist: Therapist, first: date, last: date, zone: ZoneInfo, language: str = "nl"
) -> list[PublicHoliday]:
    """Return the public holidays from the local day `first` to `last`, with their names in `language`."""
    named = public_holidays.between(first, last, language)
    span = local_days(first, last, zone)
    worked = _worked({kind: {_day(event, zone) for event in _on(therapist, kind, span)} for kind in _OF_DAYS})
    return [PublicHoliday(day, name, day in worked) for day, name in named.items()]


def work_on_holiday(therapist: Therapist, day: date, zone: ZoneInfo, *, works: bool) -> None:
    """Let the weekly hours hold on the public holiday `day`, or not; raises NotInDiary on any other day.

    Hours that the day had of its own go: they would win, and leave open what was closed.
    """
    if day not in public_holidays.between(day, day):
        raise NotInDiary
    span = local_days(day, day, zone)
    with _changing(therapist):
        for kind in _OF_DAYS:
            _on(therapist, kind, span).delete()
        if works:
            calendar = _calendar(therapist, _WORKED_HOLIDAYS)
            Event.objects.create(calendar=calendar, start=span.start, end=span.end, title="")


def weekly_windows(therapist: Therapist, day: date, zone: ZoneInfo) -> list[Interval]:
    """Return the windows (UTC) that the week gives the local `day`, whatever was made of that very day."""
    opened = _on(therapist, _WORKED_HOLIDAYS, local_days(day, day, zone))
    if day in public_holidays.between(day, day) and not opened.exists():
        return []
    hours = working_hours(therapist, zone)
    return [found.window(day, zone) for found in hours if found.next_day(day) == day]


def own_windows(therapist: Therapist, day: date, zone: ZoneInfo) -> list[Interval] | None:
    """Return the windows (UTC) that the local `day` has of its own; None where it goes with the week."""
    span = local_days(day, day, zone)
    if not _on(therapist, _OWN_DAYS, span).exists():
        return None
    return [Interval(event.start, event.end) for event in _on(therapist, _OWN_WINDOWS, span)]


def own_days(therapist: Therapist, from_day: date, zone: ZoneInfo) -> list[date]:
    """Return the local days from `from_day` on that have hours of their own, in order."""
    from_moment = local_days(from_day, from_day, zone).start
    return [_day(event, zone) for event in _singles(therapist, _OWN_DAYS).filter(start__gte=from_moment)]


def set_own_windows(therapist: Therapist, day: date, windows: Iterable[Interval] | None, zone: ZoneInfo) -> None:
    """Let the local `day` have `windows` (UTC), which begin on it, instead of the week's; with None it goes with
    the week again."""
    span = local_days(day, day, zone)
    with _changing(therapist):
        for kind in (_OWN_DAYS, _OWN_WINDOWS):
            _on(therapist, kind, span).delete()
        for kind, intervals in ((_OWN_DAYS, [span]), (_OWN_WINDOWS, windows or [])):
            for interval in intervals if windows is not None else []:
                Event.objects.create(
                    calendar=_calendar(therapist, kind), start=interval.start, end=interval.end, title=""
                )


def _worked(days: dict[str, set[date]]) -> set[date]:
    """Return on which of these `days`, by kind, she works where that is a public holiday: what hours it has of its
    own, or none, says so first."""
    return (days[_WORKED_HOLIDAYS] - days[_OWN_DAYS]) | days[_OWN_WINDOWS]


def _day(event: Event, zone: ZoneInfo) -> date:
    day: date = event.start.astimezone(zone).date()
    return day


def _on(therapist: Therapist, kind: str, day: Interval) -> QuerySet[Event]:
    return _singles(therapist, kind).filter(start__gte=day.start, start__lt=day.end)


@contextmanager
def _changing(therapist: Therapist) -> Iterator[None]:
    """Change the diary in one transaction, and make what was expanded before it out of date."""
    version = uuid4()
    with transaction.atomic():
        # First, since it also locks the row: no booking, and no other change, checks while this one writes.
        if not Therapist.objects.filter(pk=therapist.pk).update(diary_version=version):
            raise NotInDiary
        yield
    therapist.diary_version = version


def _slug(therapist_id: int, kind: str) -> str:
    return f"therapist-{therapist_id}-{kind}"


def _calendar(therapist: Therapist, kind: str) -> Calendar:
    slug = _slug(therapist.pk, kind)
    return Calendar.objects.get_or_create(slug=slug, defaults={"name": slug})[0]


def _series(therapist: Therapist) -> QuerySet[Event]:
    events: QuerySet[Event] = Event.objects.filter(calendar__slug=_slug(therapist.pk, _OPENINGS))
    return events.filter(rule__isnull=False)


def _found_series(therapist: Therapist, id: int) -> Event:
    event = _series(therapist).select_related("rule", "calendar").filter(pk=id).first()
    if event is None:
        raise NotInDiary
    return event


def _end_before(event: Event, day: date, zone: ZoneInfo) -> None:
    """Let the series `event`, which began before the local `day`, have its last window before that day."""
    last_day = min(day - _DAY, _hours(event, zone).last_day or date.max)
    event.end_recurring_period = _end_of(last_day, zone)
    event.save()


def _end_of(last_day: date | None, zone: ZoneInfo) -> datetime | None:
    return from_wall(datetime.combine(last_day, _LAST_MOMENT), zone) if last_day else None


def _singles(therapist: Therapist, kind: str) -> QuerySet[Event]:
    events: QuerySet[Event] = Event.objects.filter(calendar__slug=_slug(therapist.pk, kind))
    return events.filter(rule__isnull=True).order_by("start", "pk")


def _rule(every_weeks: int) -> Rule:
    """Return the rule for each week or every other one, made where it is missing: a flushed table loses it."""
    wanted = {"frequency": "WEEKLY", "params": _RULE_PARAMS[every_weeks]}
    # Nothing keeps two processes from making the same rule at once, and two do no harm.
    rule = Rule.objects.filter(**wanted).order_by("pk").first()
    return rule or Rule.objects.create(name="weekly" if every_weeks == 1 else "every other week", **wanted)


def _hours(event: Event, zone: ZoneInfo) -> WorkingHours:
    start, end = (moment.astimezone(zone).replace(tzinfo=None, fold=0) for moment in (event.start, event.end))
    until = event.end_recurring_period
    return WorkingHours(
        id=event.pk,
        weekday=start.weekday(),
        start=start.time(),
        end=end.time(),
        every_weeks=event.rule.get_params().get("interval", 1),
        first_day=start.date(),
        last_day=until.astimezone(zone).date() if until else None,
    )


def _write_hours(
    event: Event, therapist: Therapist, hours: WorkingHours, zone: ZoneInfo, weeks_of: WorkingHours | None = None
) -> WorkingHours:
    others = [other for other in working_hours(therapist, zone) if other.id != event.pk]
    hours = _checked(hours, others, zone, weeks_of)
    window = hours.window(hours.first_day, zone)
    event.start, event.end = window.start, window.end
    event.rule = _rule(hours.every_weeks)
    event.end_recurring_period = _end_of(hours.last_day, zone)
    event.save()
    return replace(hours, id=event.pk)


def _checked(
    hours: WorkingHours, others: list[WorkingHours], zone: ZoneInfo, weeks_of: WorkingHours | None
) -> WorkingHours:
    """Return `hours` with the day of its first window, in the weeks of `weeks_of` if given; raise DiaryError where
    it cannot be or hits another."""
    if hours.start == hours.end:
        raise DiaryError(_("The beginning and the end must differ."))
    _check_days(hours.first_day, hours.last_day or hours.first_day)
    if hours.last_day and hours.last_day < hours.first_day:
        raise DiaryError(_("The last day must not lie before the first one."))
    weekday = WEEKDAYS[hours.weekday]
    first_day = hours.first_day + (hours.weekday - hours.first_day.weekday()) % 7 * _DAY
    hours = replace(hours, first_day=first_day)
    if weeks_of:
        hours = hours.in_weeks_of(weeks_of)
    if hours.last_day and hours.last_day < hours.first_day:
        sentence = _("Between the first and the last day there is no %(weekday)s with these hours.")
        raise DiaryError(sentence % {"weekday": weekday})
    for wall in hours.wall_window(hours.first_day):
        # The first window is what the others are read from, so it must be on the clock as it is meant.
        if not exists(wall, zone):
            sentence = _(
                "On %(day)s the clock skips %(time)s. Please choose another time, or let it begin a week later."
            )
            raise DiaryError(sentence % {"day": date_format(wall, _("j F Y")), "time": f"{wall:%H:%M}"})
    if other := next((other for other in others if overlap(hours, other)), None):
        sentence = _("These hours overlap those of %(weekday)s from %(start)s to %(end)s.")
        values = {"start": f"{other.start:%H:%M}", "end": f"{other.end:%H:%M}"}
        raise DiaryError(sentence % {"weekday": WEEKDAYS[other.weekday], **values})
    return hours


def _check_days(first: date, last: date) -> None:
    if not (_EARLIEST <= first <= _LATEST and _EARLIEST <= last <= _LATEST):
        raise DiaryError(_("Please choose a day between 2000 and 2100."))


def _write_single(
    therapist: Therapist,
    kind: str,
    id: int | None,
    interval: Interval,
    reason: str,
    notice: Translated | None = None,
) -> Event:
    """Write the event `id`, or a new one, as given."""
    _check_days(interval.start.date(), interval.end.date())
    if interval.end <= interval.start:
        raise DiaryError(_("The end must come after the beginning."))
    if max(map(len, [reason, *(notice or {}).values()])) > _LONGEST_TEXT:
        raise DiaryError(_("Please use at most %(most)d characters.") % {"most": _LONGEST_TEXT})
    with _changing(therapist):
        singles = _singles(therapist, kind)
        event = Event(calendar=_calendar(therapist, kind)) if id is None else singles.filter(pk=id).first()
        if event is None:
            raise NotInDiary
        if _covered(singles.exclude(pk=id), interval):
            raise DiaryError(_("This time is in the list already. You can change what is there."))
        event.start, event.end = interval.start, interval.end
        event.title, event.description = reason, json.dumps(notice, ensure_ascii=False) if notice else ""
        event.save()
        return event


def _covered(events: QuerySet[Event], interval: Interval) -> bool:
    spans = events.filter(start__lt=interval.end, end__gt=interval.start).values_list("start", "end")
    return not subtract([interval], [Interval(*span) for span in spans])


def _remove(events: QuerySet[Event], id: int) -> None:
    if not events.filter(pk=id).delete()[0]:
        raise NotInDiary
