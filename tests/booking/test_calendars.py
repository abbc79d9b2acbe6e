"""Calendars elsewhere, on a real server: what is busy there is taken here, and a failing one opens nothing."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from booking import appointments, calendars, fetching, free_time, tasks
from booking.calendar_files import Doubted
from booking.errors import SlotTaken
from booking.models import AppointmentType, CalendarSource, Doubt, FetchFailure, ImportedBusy, Therapist
from tests.booking.factories import (
    AMSTERDAM,
    make_family,
    make_hours,
    make_practice,
    make_therapist,
    make_type,
    wall,
)
from tests.calendar_server import AnyFile, Radicale

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engines]

NOW = wall("2026-11-30 08:00")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    started = Radicale(tmp_path_factory.mktemp("radicale"))
    yield started
    started.stop()


@pytest.fixture
def radicale(server: Radicale, settings: Any) -> Radicale:
    settings.CALENDAR_NETWORKS = ["127.0.0.0/8"]
    server.make_calendar()
    return server


@pytest.fixture
def alice() -> Therapist:
    """She works from nine to one, every day."""
    make_practice()
    therapist = make_therapist()
    make_hours(therapist, start="09:00", end="13:00")
    return therapist


@pytest.fixture
def consult(alice: Therapist) -> AppointmentType:
    return make_type(alice, step=timedelta(hours=1))


@pytest.fixture
def source(alice: Therapist, radicale: Radicale) -> CalendarSource:
    return calendars.add(alice, name="Privé", url=radicale.url, now=NOW)


def read(now: datetime = NOW) -> int:
    return calendars.read_due(lambda: now, zone=AMSTERDAM)


def offered(consult: AppointmentType, day: str = "2026-12-01") -> list[str]:
    on = date.fromisoformat(day)
    slots = free_time.free_slots(consult, on, on, zone=AMSTERDAM, now=NOW)
    return [f"{slot.start.astimezone(AMSTERDAM):%H:%M}" for slot in slots]


def test_what_is_busy_there_is_not_offered_here(
    radicale: Radicale, source: CalendarSource, consult: AppointmentType
) -> None:
    radicale.put("a", "DTSTART:20261201T093000Z", "DTEND:20261201T100000Z", "SUMMARY:Tandarts")
    radicale.put("b", "DTSTART;TZID=Europe/Amsterdam:20261201T120000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY")
    assert offered(consult) == ["09:00", "10:00", "11:00", "12:00"]

    assert read() == 1

    assert offered(consult) == ["09:00", "11:00"]
    assert offered(consult, "2026-12-08") == ["09:00", "10:00", "11:00"]
    source.refresh_from_db()
    assert (source.read_at, source.failure, source.due_at) == (NOW, "", NOW + calendars.EVERY)


def test_nobody_books_over_it_not_even_by_the_time_of_a_page_seen_before(
    radicale: Radicale, source: CalendarSource, consult: AppointmentType
) -> None:
    radicale.put("a", "DTSTART:20261201T090000Z", "DTEND:20261201T100000Z")
    read()

    with pytest.raises(SlotTaken):
        appointments.book(consult, wall("2026-12-01 10:00"), family=make_family(), zone=AMSTERDAM, now=NOW)


def test_buffers_keep_their_distance_from_it(
    radicale: Radicale, source: CalendarSource, consult: AppointmentType
) -> None:
    AppointmentType.objects.update(buffer_after=timedelta(minutes=15))
    radicale.put("a", "DTSTART:20261201T090000Z", "DTEND:20261201T100000Z")
    read()

    assert offered(AppointmentType.objects.get()) == ["11:00", "12:00"]


def test_what_goes_there_comes_free_here(
    radicale: Radicale, source: CalendarSource, consult: AppointmentType
) -> None:
    radicale.put("a", "DTSTART:20261201T090000Z", "DTEND:20261201T100000Z")
    read()
    radicale.delete("a")
    radicale.put("b", "DTSTART:20261201T110000Z", "DTEND:20261201T120000Z")

    assert read(NOW + timedelta(minutes=14)) == 0
    assert read(NOW + calendars.EVERY) == 1
    assert offered(consult) == ["09:00", "10:00", "11:00"]


def test_only_times_are_kept(radicale: Radicale, source: CalendarSource) -> None:
    radicale.put("a", "DTSTART:20261201T090000Z", "DTEND:20261201T100000Z", "SUMMARY:Geheim", "LOCATION:Elders")
    read()

    kept = ImportedBusy.objects.values().get()
    assert set(kept) == {"id", "source_id", "start", "end"}


def test_what_leaves_her_free_takes_nothing(
    radicale: Radicale, source: CalendarSource, consult: AppointmentType
) -> None:
    radicale.put("a", "DTSTART;VALUE=DATE:20261201", "TRANSP:TRANSPARENT")
    radicale.put("b", "DTSTART:20261201T090000Z", "DTEND:20261201T100000Z", "STATUS:CANCELLED")
    read()

    assert offered(consult) == ["09:00", "10:00", "11:00", "12:00"]


class TestWhatIsUnclear:
    @pytest.fixture
    def elsewhere(self, settings: Any) -> Iterator[AnyFile]:
        settings.CALENDAR_NETWORKS = ["127.0.0.0/8"]
        server = AnyFile()
        yield server
        server.stop()

    @pytest.fixture
    def source(self, alice: Therapist, elsewhere: AnyFile) -> CalendarSource:
        return calendars.add(alice, name="Privé", url=elsewhere.url, now=NOW)

    def test_closes_more_and_is_kept_for_her_to_see(
        self,
        elsewhere: AnyFile,
        source: CalendarSource,
        consult: AppointmentType,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        unclear = ["DTSTART:20261124T090000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY,INTERVAL=1", "SUMMARY:Geheim"]
        elsewhere.content = file(unclear, ["DTSTART:20261202T110000Z", "DURATION:PT1H"])

        assert read() == 1

        assert (offered(consult), offered(consult, "2026-12-02")) == (
            ["09:00", "11:00", "12:00"],
            ["09:00", "11:00"],
        )
        source.refresh_from_db()
        assert (source.events, source.failure) == (2, "")
        assert calendars.doubts(source) == calendars.Doubts(
            [Doubted(Doubt.RULE, "Geheim", date(2026, 11, 24), busy=True)], more=0
        )
        assert "Geheim" not in caplog.text
        with connection.cursor() as cursor:
            cursor.execute("SELECT doubts FROM booking_calendarsource")
            assert "Geheim" not in cursor.fetchone()[0]

    def test_is_forgotten_once_it_is_clear(self, elsewhere: AnyFile, source: CalendarSource) -> None:
        elsewhere.content = file(["DTSTART:junk"])
        read()
        elsewhere.content = file(["DTSTART:20261201T090000Z", "DURATION:PT1H"])
        read(NOW + calendars.EVERY)

        source.refresh_from_db()
        assert (source.doubts, calendars.doubts(source)) == ("", calendars.Doubts([], 0))

    def test_is_kept_in_little_room(self, elsewhere: AnyFile, source: CalendarSource) -> None:
        lines = ["DTSTART;TZID=Nowhere:20261201T090000", "DURATION:PT1H"]
        elsewhere.content = file(*([*lines, f"SUMMARY:{number:03}{'é' * 500}"] for number in range(60)))
        read()

        source.refresh_from_db()
        told = calendars.doubts(source)
        assert (len(told.listed), told.more, told.number) == (calendars.MOST_DOUBTS, 40, 60)
        assert {len(doubted.name) for doubted in told.listed} == {calendars.LONGEST_NAME}

    def test_does_not_matter_where_it_leaves_her_free(self, elsewhere: AnyFile, source: CalendarSource) -> None:
        elsewhere.content = file(["DTSTART;TZID=Nowhere:20261201T090000", "DURATION:PT1H", "TRANSP:TRANSPARENT"])
        read()

        source.refresh_from_db()
        assert source.doubts == ""

    def test_a_file_that_stops_halfway_adds_and_opens_nothing(
        self, elsewhere: AnyFile, source: CalendarSource, consult: AppointmentType, alice: Therapist
    ) -> None:
        both = file(["DTSTART:20261201T080000Z", "DURATION:PT1H"], ["DTSTART:20261201T100000Z", "DURATION:PT1H"])
        elsewhere.content = both
        read()
        assert offered(consult) == ["10:00", "12:00"]

        another = file(["DTSTART:20261201T090000Z", "DURATION:PT1H"])
        elsewhere.content = another[: another.index(b"END:VCALENDAR")]
        assert read(NOW + calendars.EVERY) == 0

        assert offered(consult) == ["12:00"]
        source.refresh_from_db()
        assert (source.failure, source.read_at) == (FetchFailure.CUT_SHORT, NOW)
        assert list(calendars.failing(alice)) == [source]

        elsewhere.content = another
        assert read(NOW + 2 * calendars.EVERY) == 1
        assert offered(consult) == ["09:00", "11:00", "12:00"]
        source.refresh_from_db()
        assert source.failure == ""

    def test_what_is_marked_as_free_is_closed_where_she_wants_it(
        self, elsewhere: AnyFile, source: CalendarSource, consult: AppointmentType
    ) -> None:
        elsewhere.content = file(["DTSTART;VALUE=DATE:20261201", "TRANSP:TRANSPARENT"])
        read()
        assert offered(consult) == ["09:00", "10:00", "11:00", "12:00"]

        calendars.choose(source, free_is_busy=True, now=NOW + timedelta(minutes=1))
        assert read(NOW + timedelta(minutes=1)) == 1
        assert offered(consult) == []

        calendars.choose(source, free_is_busy=False, now=NOW + timedelta(minutes=2))
        assert read(NOW + timedelta(minutes=2)) == 1
        assert offered(consult) == ["09:00", "10:00", "11:00", "12:00"]

    @pytest.mark.parametrize("status", ["STATUS:CANCELLED", "X-A:B"])
    def test_what_is_cancelled_stays_open_all_the_same(
        self, elsewhere: AnyFile, source: CalendarSource, consult: AppointmentType, status: str
    ) -> None:
        elsewhere.content = file(["DTSTART:20261201T090000Z", "DURATION:PT1H", "TRANSP:TRANSPARENT", status])
        calendars.choose(source, free_is_busy=True, now=NOW)
        read()

        assert ("10:00" in offered(consult)) == (status == "STATUS:CANCELLED")


def file(*events: list[str]) -> bytes:
    lines = [
        line
        for number, event in enumerate(events)
        for line in ["BEGIN:VEVENT", f"UID:{number}", *event, "END:VEVENT"]
    ]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:test", *lines, "END:VCALENDAR", ""]).encode()


class TestFailing:
    def test_the_last_good_copy_stays_and_it_says_since_when(
        self, radicale: Radicale, source: CalendarSource, consult: AppointmentType, alice: Therapist
    ) -> None:
        radicale.put("a", "DTSTART:20261201T090000Z", "DTEND:20261201T100000Z")
        read()
        radicale.stop()

        first = NOW + timedelta(minutes=20)
        for minutes, wait in ((0, 15), (15, 15), (30, 30), (60, 60), (120, 60)):
            moment = first + timedelta(minutes=minutes)
            assert read(moment) == 0
            source.refresh_from_db()
            assert (source.failure, source.failing_since) == (FetchFailure.UNREACHABLE, first)
            assert (source.read_at, source.due_at) == (NOW, moment + timedelta(minutes=wait))
        assert offered(consult) == ["09:00", "11:00", "12:00"]
        assert list(calendars.failing(alice)) == [source]

        radicale.start()
        assert read(first + timedelta(hours=3)) == 1
        source.refresh_from_db()
        assert (source.failure, source.failing_since) == ("", None)

    def test_what_is_no_calendar_any_more_opens_nothing(
        self, radicale: Radicale, source: CalendarSource, consult: AppointmentType
    ) -> None:
        radicale.put("a", "DTSTART:20261201T090000Z", "DTEND:20261201T100000Z")
        read()
        CalendarSource.objects.update(url=f"http://127.0.0.1:{radicale.port}/.web/")
        read(NOW + calendars.EVERY)

        source.refresh_from_db()
        assert source.failure == FetchFailure.NOT_A_CALENDAR
        assert offered(consult) == ["09:00", "11:00", "12:00"]

    @pytest.mark.parametrize("wrong", ["1970-01-02 08:00", "2020-05-01 08:00", "2026-12-03 08:00"])
    def test_a_clock_that_was_wrong_when_it_was_read_opens_nothing(
        self, radicale: Radicale, source: CalendarSource, consult: AppointmentType, wrong: str
    ) -> None:
        radicale.put("a", "DTSTART:20261201T090000Z", "DTEND:20261201T100000Z")
        read()
        calendars.read_now(source, now=wall(wrong))

        assert read(wall(wrong)) == 1
        assert offered(consult) == ["09:00", "11:00", "12:00"]

        calendars.read_now(source, now=NOW)
        radicale.delete("a")
        assert read() == 1
        assert offered(consult) == ["09:00", "10:00", "11:00", "12:00"]

    def test_what_has_been_is_forgotten_in_time(self, radicale: Radicale, source: CalendarSource) -> None:
        radicale.put("a", "DTSTART:20261201T090000Z", "DTEND:20261201T100000Z")
        read()

        read(NOW + timedelta(days=40))

        assert not ImportedBusy.objects.exists()

    def test_one_that_fails_does_not_hold_up_the_others(
        self, radicale: Radicale, alice: Therapist, consult: AppointmentType
    ) -> None:
        calendars.add(alice, name="A", url="http://127.0.0.1:9/", now=NOW - timedelta(minutes=1))
        calendars.add(alice, name="B", url=radicale.url, now=NOW)
        radicale.put("a", "DTSTART:20261201T090000Z", "DTEND:20261201T100000Z")

        assert read() == 1
        assert offered(consult) == ["09:00", "11:00", "12:00"]

    def test_one_that_nobody_can_deal_with_does_not_either(
        self, radicale: Radicale, alice: Therapist, consult: AppointmentType, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Its address was encrypted with a key that is gone."""
        lost = calendars.add(alice, name="A", url="https://calendar.example/", now=NOW - timedelta(minutes=1))
        with connection.cursor() as cursor:
            cursor.execute("UPDATE booking_calendarsource SET url = 'gAAAAA' WHERE id = %s", [lost.pk])
        calendars.add(alice, name="B", url=radicale.url, now=NOW)

        assert read() == 1
        assert [record.getMessage() for record in caplog.records if record.name == "booking.calendars"] == [
            f"calendar {lost.pk} cannot be read: no key reads its address"
        ]
        lost.refresh_from_db()
        assert lost.failure == FetchFailure.UNREACHABLE

    def test_an_address_inside_is_not_asked(self, alice: Therapist) -> None:
        source = calendars.add(alice, name="A", url="http://127.0.0.1:8000/agenda/", now=NOW)

        assert read() == 0
        source.refresh_from_db()
        assert source.failure == FetchFailure.FORBIDDEN


def test_two_workers_read_one_calendar_once(
    radicale: Radicale, source: CalendarSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second comes while the first is fetching."""
    fetch, nested = fetching.fetch, []

    def while_another_comes(url: str) -> bytes:
        nested.append(read())
        return fetch(url)

    monkeypatch.setattr(fetching, "fetch", while_another_comes)

    assert (read(), nested) == (1, [0])


def test_of_two_workers_who_saw_it_due_one_reads_it(radicale: Radicale, source: CalendarSource) -> None:
    assert [calendars._read(source.pk, AMSTERDAM, NOW) for _ in range(2)] == [True, False]


def test_what_was_fetched_before_it_was_asked_for_anew_is_not_kept(
    radicale: Radicale, source: CalendarSource, consult: AppointmentType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow worker has the old copy in hand while another one reads the new one."""
    fetch, fetched = fetching.fetch, []
    radicale.put("a", "DTSTART:20261201T090000Z", "DTEND:20261201T100000Z")

    def slowly(url: str) -> bytes:
        fetched.append(fetch(url))
        if len(fetched) == 1:
            radicale.put("a", "DTSTART:20261201T110000Z", "DTEND:20261201T120000Z")
            calendars.read_now(source, now=NOW)
            assert read(NOW + timedelta(seconds=1)) == 1
        return fetched.pop()

    monkeypatch.setattr(fetching, "fetch", slowly)

    assert read() == 0
    assert offered(consult) == ["09:00", "10:00", "11:00"]


def test_what_is_removed_while_it_is_read_stays_removed(
    radicale: Radicale, source: CalendarSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = fetching.fetch

    def while_it_goes(url: str) -> bytes:
        CalendarSource.objects.all().delete()
        return fetch(url)

    monkeypatch.setattr(fetching, "fetch", while_it_goes)
    radicale.put("a", "DTSTART:20261201T090000Z", "DTEND:20261201T100000Z")

    assert read() == 0
    assert not ImportedBusy.objects.exists()


def test_what_is_as_it_was_is_not_written_anew(radicale: Radicale, source: CalendarSource) -> None:
    radicale.put("a", "DTSTART:20261201T090000Z", "DTEND:20261201T100000Z", "RRULE:FREQ=DAILY;COUNT=3")
    read()
    before = list(ImportedBusy.objects.values_list("pk", flat=True))

    assert read(NOW + calendars.EVERY) == 1
    assert list(ImportedBusy.objects.values_list("pk", flat=True)) == before
    assert len(before) == 3


def test_one_that_was_removed_leaves_nothing_behind(
    radicale: Radicale, source: CalendarSource, consult: AppointmentType
) -> None:
    radicale.put("a", "DTSTART:20261201T090000Z", "DTEND:20261201T100000Z")
    read()

    calendars.remove(source)

    assert not ImportedBusy.objects.exists()
    assert offered(consult) == ["09:00", "10:00", "11:00", "12:00"]


def test_the_task_reads_what_is_due(radicale: Radicale, alice: Therapist) -> None:
    calendars.add(alice, name="A", url=radicale.url, now=timezone.now())

    tasks.read_calendars()

    assert CalendarSource.objects.get().read_at is not None


def test_its_address_is_kept_as_the_secret_it_is(alice: Therapist) -> None:
    calendars.add(alice, name="A", url="https://calendar.example/secret-key.ics", now=NOW)

    with connection.cursor() as cursor:
        cursor.execute("SELECT url FROM booking_calendarsource")
        assert "secret-key" not in cursor.fetchone()[0]
