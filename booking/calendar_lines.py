"""Calendar files as text (RFC 5545 §3.1 to §3.4): bytes in, components with their lines out.

Nothing here refuses a file for what one line of it says: whatever cannot be read stays text, and the reader
decides what follows from it.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

# What is told of an event is bounded before it is decoded.
LONGEST_SUMMARY = 200
_SUMMARY_BYTES = 4 * LONGEST_SUMMARY
# A line that goes on; some programs write every line end twice, and a name may be folded too.
_FOLD = re.compile(rb"\n++[ \t]")
# The lines that say when something is.
_TELLING = re.compile(
    rb"^(?:BEGIN|END|PRODID|X-WR-TIMEZONE|TZID|TZOFFSETFROM|TZOFFSETTO|UID|SEQUENCE|RECURRENCE-ID|DTSTART|DTEND"
    rb"|DURATION|RRULE|EXRULE|RDATE|EXDATE|FREEBUSY|STATUS|TRANSP|X-MICROSOFT-CDO-BUSYSTATUS"
    rb"|X-MICROSOFT-CDO-ALLDAYEVENT|X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT|X-FUNAMBOL-ALLDAY|SUMMARY)"
    rb"[ \t]*+[;:][^\n]*+",
    re.IGNORECASE | re.MULTILINE,
)
_LINE = re.compile(r'\A([A-Za-z0-9-]++)\s*+((?:;(?:[^":;]|"[^"]*")*+)*+):(.*)', re.DOTALL)
_PARAMETER = re.compile(r';\s*+([A-Za-z0-9-]++)\s*+=\s*+((?:[^":;]|"[^"]*")*+)')
_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?", re.ASCII | re.IGNORECASE)
_PLAIN_STAMP = re.compile(rb":(\d{8})(?:T\d{6}Z?)?\Z", re.IGNORECASE)
_DATE_IN_JUNK = re.compile(r"(?<!\d)(\d{4})[-/.]?(\d\d)[-/.]?(\d\d)", re.ASCII)
_DURATION = re.compile(
    r"([+-]?)P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?", re.ASCII
)
# What lies in a calendar and in nothing else: where it begins, what was open has ended.
_APART = {"VCALENDAR", "VEVENT", "VFREEBUSY", "VAVAILABILITY", "VTIMEZONE", "VTODO", "VJOURNAL"}
_ESCAPES = re.compile(r"\\(.)", re.DOTALL)
_YEARS = (1583, 9000)
# A century is as good as for ever.
_LONGEST = timedelta(days=36_525)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a component, with its parameters by their names in capitals."""

    name: str
    value: str
    parameters: dict[str, str]


@dataclass(slots=True)
class Part:
    """A component: its lines as they stand there, the components in it, and whether its end was reached."""

    name: str
    raw: list[bytes] = field(default_factory=list)
    parts: list["Part"] = field(default_factory=list)
    finished: bool = False
    _lines: dict[str, list[Line]] | None = None

    def all(self, name: str) -> list[Line]:
        """Return the lines called `name`."""
        if self._lines is None:
            self._lines = {}
            for raw in self.raw:
                line = _read_line(raw)
                self._lines.setdefault(line.name, []).append(line)
        return self._lines.get(name, [])

    def words(self, name: str) -> set[str]:
        """Return the values of the lines called `name`, in capitals; empty ones are none."""
        return {word for line in self.all(name) if (word := line.value[:100].strip().upper())}

    def text(self, name: str) -> str:
        """Return the first value of `name`; empty where there is none."""
        return next((line.value for line in self.all(name)), "")

    @property
    def summary(self) -> str:
        """What it is called, made fit to be shown on one line."""
        text = _ESCAPES.sub(lambda found: " " if found[1] in "nN" else found[1], self.text("SUMMARY"))
        return "".join(letter for letter in text if letter.isprintable())[:LONGEST_SUMMARY]


def calendars(content: bytes) -> tuple[list[Part], bool]:
    """Return the calendars in `content`, and whether all that begins in it also ends."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = content.decode("utf-16", "replace").encode()
    content = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    # A power cut fills with zeros what it had room for: nobody knows what stood there.
    zeros = b"\0\0\0\0" in content
    content = _FOLD.sub(b"", content)
    top = Part("")
    path, opened, whole = [top], Counter[str](), True
    for found in _TELLING.finditer(content):
        raw = found[0]
        kind, _colon, name_bytes = raw.partition(b":")
        kind = kind.partition(b";")[0].strip().upper()
        if kind not in {b"BEGIN", b"END"}:
            path[-1].raw.append(raw)
            continue
        name = name_bytes[:100].decode("utf-8", "replace").strip().upper()
        if kind == b"BEGIN":
            if name in _APART:
                while len(path) > 1 and (name == "VCALENDAR" or path[-1].name != "VCALENDAR"):
                    opened[path.pop().name] -= 1
                    whole = False
            part = Part(name)
            path[-1].parts.append(part)
            path.append(part)
            opened[name] += 1
        elif opened[name]:
            while (last := path.pop()).name != name:
                opened[last.name] -= 1
                whole = False
            opened[name] -= 1
            last.finished = True
    found_calendars = [part for part in top.parts if part.name == "VCALENDAR"]
    strays = [part for part in top.parts if part.name in _APART - {"VCALENDAR"}]
    if found_calendars and strays:
        # What stands behind an end that came too early is somebody's time all the same.
        found_calendars.append(Part("VCALENDAR", parts=strays))
    return found_calendars, whole and not strays and not zeros and len(path) == 1


def is_over(part: Part, day: str) -> bool:
    """Return whether the event `part` begins and ends before `day` (as 20261026) and does not come again. It looks
    at no more than that, since in a calendar of ten years most is over."""
    starts = ends = False
    for raw in part.raw:
        name = raw[:6].upper()
        if name in {b"DTSTAR", b"DTEND;", b"DTEND:"}:
            found = _PLAIN_STAMP.search(raw, max(len(raw) - 30, 0))
            if found is None or found[1].decode() >= day:
                return False
            starts, ends = starts or name == b"DTSTAR", ends or name != b"DTSTAR"
        elif name.startswith((b"RRULE", b"RDATE", b"RECURR", b"DURATI")):
            return False
    return starts and ends


def _read_line(raw: bytes) -> Line:
    if raw[:8].upper().startswith(b"SUMMARY"):
        raw = raw[: _SUMMARY_BYTES + raw.find(b":")]
    text = raw.decode("utf-8", "replace")
    if found := _LINE.fullmatch(text):
        parameters = {name.upper(): value.strip().strip('"') for name, value in _PARAMETER.findall(found[2])}
        return Line(found[1].upper(), found[3].strip(), parameters)
    # A quotation mark that never ends, for one.
    return Line(text.replace(";", ":").partition(":")[0].strip().upper(), text, {})


def read_stamp(text: str) -> tuple[datetime | date, bool] | None:
    """Return the date, or the time of a wall clock, that `text` is, and whether it is in UTC; None where it is
    neither."""
    found = _STAMP.fullmatch(text.strip()[:20])
    if found is None or len(text) > 40:
        return None
    year, month, day = (int(found[number]) for number in (1, 2, 3))
    if not _YEARS[0] <= year <= _YEARS[1]:
        # No calendar program goes further, and arithmetic at the ends of time fails.
        year = min(max(year, _YEARS[0]), _YEARS[1])
    try:
        if found[4] is None:
            return date(year, month, day), False
        second = min(int(found[6] or 0), 59)
        return datetime(year, month, day, int(found[4]), int(found[5]), second), bool(found[7])  # noqa: DTZ001
    except ValueError:
        return None


def date_in(text: str) -> date | None:
    """Return the first date in a text that is no time; None where there is none."""
    for found in _DATE_IN_JUNK.finditer(text[:1000]):
        try:
            day = date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            continue
        if _YEARS[0] <= day.year <= _YEARS[1]:
            return day
    return None


def read_duration(text: str) -> timedelta | None:
    """Return the duration that `text` is, below zero too; None where it is none."""
    text = text.strip().upper()
    found = _DURATION.fullmatch(text[:60])
    if found is None or len(text) > 60 or not any(found.groups()[1:]):
        return None
    weeks, days, hours, minutes, seconds = (int(each or 0) for each in found.groups()[1:])
    length = min(timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds), _LONGEST)
    return -length if found[1] == "-" else length
