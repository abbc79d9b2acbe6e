"""Parts die while families book: nothing booked is lost, no mail is lost, and each fault says what it cost."""

import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.faults.ledger import Installation, Tally, report
from tests.served import ROOT, Served
from tests.servers import crash_postgresql, start_redis, wait_until
from tests.smtp_sink import Sink

pytestmark = pytest.mark.servers

# A worker gives up on a mail server that says nothing after this many seconds.
TIMEOUT = "2"
SWEEP_AHEAD = """
from datetime import timedelta; from django.utils import timezone; from booking import outbox
outbox.deliver_due(lambda: timezone.now() + timedelta(hours=3))
"""
RETRY = """
from django.utils import timezone; from booking import outbox; from booking.models import Notification
for failed in Notification.objects.filter(state="failed"):
    outbox.retry(failed, now=timezone.now())
"""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, served: Any, sink: Sink) -> Iterator[Installation]:
    with served(request.param, EMAIL_URL=sink.url, EMAIL_TIMEOUT="30") as practice:
        yield Installation(practice, sink)


@pytest.fixture(scope="module")
def solo_sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def solo_practice(served: Any, solo_sink: Sink) -> Iterator[Served]:
    with served("sqlite", EMAIL_URL=solo_sink.url, EMAIL_TIMEOUT=TIMEOUT) as practice:
        yield practice


@pytest.fixture
def solo(solo_practice: Served, solo_sink: Sink) -> Iterator[Installation]:
    yield Installation(solo_practice, solo_sink)
    for name in set(solo_practice.processes) - {"web", "sweeper"}:
        solo_practice.stop(name)


@pytest.fixture
def grown(served: Any, sink: Sink) -> Iterator[Installation]:
    with served("postgresql", EMAIL_URL=sink.url, EMAIL_TIMEOUT="30") as practice:
        yield Installation(practice, sink)


def costs(fault: str, installation: Installation, *, copies: int = 0) -> None:
    """Make sure that `fault` lost nothing and made so many `copies`, and put it into the report."""
    tally = installation.tally()
    report(fault, tally)
    assert tally == Tally(tally.booked, tally.due, tally.due, copies)


def engine(installation: Installation) -> str:
    return "PostgreSQL" if installation.practice.database_url else "SQLite"


@contextmanager
def locked(installation: Installation) -> Iterator[None]:
    """Hold what a worker needs to write down that a mail was sent; it waits for three seconds."""
    if installation.practice.database_url:
        with psycopg.connect(installation.practice.database_url) as connection:
            connection.execute("LOCK TABLE booking_notification IN EXCLUSIVE MODE")
            yield
            # The server would still do what a worker asked for that has died meanwhile.
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            wait_until(lambda: connection.execute(waiting).fetchone() == (0,), what="nobody to wait any more")
        return
    file = sqlite3.connect(installation.practice.data_dir / "practice.sqlite3", isolation_level=None)
    file.execute("BEGIN IMMEDIATE")
    yield
    file.close()


def test_worker_killed_before_it_sends(either: Installation, sink: Sink) -> None:
    sink.hang = True
    either.practice.start_worker()
    either.book()
    wait_until(lambda: sink.hanging > 0, what="a mail to be on its way")
    either.practice.stop("worker", kill=True)
    wait_until(lambda: sink.hanging == 0, what="the line to be closed")
    sink.hang = False
    # Both were in hand, for the family and for the therapist.
    assert either.states() == {"sending": 2}

    # Within the lease nobody touches them: the worker might still be alive.
    either.sweep(minutes=1)
    assert either.states() == {"sending": 2}
    either.sweep(minutes=6)

    costs(f"worker killed before the server's answer, {engine(either)}", either)


def test_worker_killed_between_the_answer_and_the_mark(either: Installation, sink: Sink) -> None:
    sink.hang = True
    either.practice.start_worker()
    either.book()
    wait_until(lambda: sink.hanging > 0, what="a mail to be on its way")
    with locked(either):
        sink.hang = False
        wait_until(lambda: len(sink.messages) == 1, what="the server's yes")
        # It wants to write now that the mail is out, and has to wait for the lock.
        either.practice.stop("worker", kill=True)
    assert either.states() == {"sending": 2}

    either.sweep(minutes=6)

    costs(f"worker killed between the server's answer and the mark, {engine(either)}", either, copies=1)


def test_worker_killed_after_the_mark(solo: Installation) -> None:
    solo.practice.start_worker()
    solo.book()
    solo.wait_for(sent=2)
    solo.practice.stop("worker", kill=True)

    solo.sweep(minutes=6)

    costs("worker killed after the mark", solo)


def test_mark_that_the_database_refuses(grown: Installation, sink: Sink) -> None:
    sink.hang = True
    grown.practice.start_worker()
    grown.book()
    wait_until(lambda: sink.hanging > 0, what="a mail to be on its way")
    with locked(grown):
        sink.hang = False
        wait_until(lambda: "LockNotAvailable" in grown.practice.log("worker"), what="the worker to give up")

    grown.sweep(minutes=6)

    costs("lock held over the mark for longer than the worker waits", grown, copies=1)


def test_redis_stopped_and_started(served: Any, sink: Sink) -> None:
    url, stop = start_redis()
    with served("postgresql", EMAIL_URL=sink.url, REDIS_URL=url) as practice:
        practice.start_worker()
        grown = Installation(practice, sink)
        grown.book()
        grown.wait_for(sent=2)
        stop()
        grown.book()
        assert grown.states() == {"sent": 2, "due": 2}
        _, stop = start_redis(int(url.rpartition(":")[2].partition("/")[0]))
        try:
            grown.book()
            grown.wait_for(sent=6)
            costs("Redis stopped and started", grown)
        finally:
            practice.stop("worker")
            stop()


def test_postgresql_crashes_with_a_mail_and_a_booking_under_way(grown: Installation, sink: Sink) -> None:
    sink.hang = True
    grown.practice.start_worker()
    grown.book()
    wait_until(lambda: sink.hanging > 0, what="a mail to be on its way")
    crash_postgresql(grown.practice.database_url)
    # The web server's connections are dead, and it notices by itself.
    grown.book()
    sink.hang = False
    wait_until(lambda: len(sink.messages) >= 1, what="the server's yes")

    # What was in hand when it fell could not be marked; the worker goes on with all else.
    grown.wait_for(sent=2)
    grown.sweep(minutes=6)

    costs("PostgreSQL killed and started with a mail under way", grown, copies=1)


@pytest.mark.parametrize(
    ("fault", "answers", "copies"),
    [
        ("MAIL 451", {"MAIL": "451 try later"}, 0),
        ("MAIL 550", {"MAIL": "550 sender refused"}, 0),
        ("RCPT 450", {"RCPT": "450 greylisted"}, 0),
        ("DATA 452", {"DATA": "452 out of space"}, 0),
        ("line dropped", {"DATA": "DROP"}, 0),
        ("taken, and then the line dropped", {"DATA": "TAKE"}, 2),
    ],
)
def test_mail_server_refuses_for_now(
    solo: Installation, solo_sink: Sink, fault: str, answers: dict[str, str], copies: int
) -> None:
    solo_sink.answers = answers
    solo.book()
    solo.sweep()
    assert [(mail.state, mail.attempts) for mail in solo.mails()] == [("due", 1)] * 2

    solo_sink.answers = {}
    solo.sweep(minutes=2)

    costs(f"mail server: {fault}", solo, copies=copies)


@pytest.mark.parametrize(
    "answers", [{"RCPT": "550 no such mailbox"}, {"DATA": "554 refused"}], ids=["RCPT", "DATA"]
)
def test_mail_server_refuses_for_good(solo: Installation, solo_sink: Sink, answers: dict[str, str]) -> None:
    solo_sink.answers = answers
    solo.book()
    solo.sweep()
    assert solo.states() == {"failed": 2}

    # Nobody but the therapist tries again, by the button on the agenda.
    solo_sink.answers = {}
    solo.sweep(minutes=120)
    assert solo.states() == {"failed": 2}
    retry = (
        "from booking import outbox; from booking.models import Notification; from django.utils import timezone\n"
    )
    retry += "for failed in Notification.objects.filter(state='failed'): outbox.retry(failed, now=timezone.now())"
    solo.practice.manage("shell", "-c", retry)
    solo.sweep()

    costs(f"mail server: {' '.join(*answers.items())}, and sent again by hand", solo)


def test_mail_server_away(solo: Installation, solo_sink: Sink) -> None:
    solo_sink.close()
    solo.book()
    solo.sweep()
    assert solo.states() == {"due": 2}

    solo_sink.open()
    solo.sweep(minutes=2)

    costs("mail server away", solo)


def test_mail_server_slower_than_the_worker_waits(solo: Installation, solo_sink: Sink) -> None:
    solo_sink.hang = True
    solo.book()
    solo.sweep()
    assert solo.states() == {"due": 2}

    solo_sink.hang = False
    solo.sweep(minutes=2)

    costs("mail server slower than EMAIL_TIMEOUT", solo)


def test_mail_server_slow_but_within_the_time(grown: Installation, sink: Sink) -> None:
    sink.hang = True
    grown.practice.start_worker()
    grown.book()
    wait_until(lambda: sink.hanging > 0, what="a mail to be on its way")
    sink.hang = False
    grown.wait_for(sent=2)

    costs("mail server slow, within EMAIL_TIMEOUT", grown)


def test_two_schedulers_and_two_workers(solo: Installation) -> None:
    solo.book(times=3)
    asked = solo.practice.data_dir / "queue"
    before = len(list(asked.glob("*.msg")))
    for name in ("first", "second"):
        solo.practice.start_beat(f"beat-{name}")
    # Each scheduler asks for its three tasks.
    wait_until(lambda: len(list(asked.glob("*.msg"))) == before + 6, what="both schedulers to ask")
    for name in ("first", "second"):
        solo.practice.start_worker(f"worker-{name}")

    solo.wait_for(sent=6)
    wait_until(lambda: not list(asked.iterdir()), what="all that was asked to be done")

    costs("two schedulers and two workers at once", solo)


def test_clock_runs_ahead_and_is_set_back(solo: Installation, solo_sink: Sink) -> None:
    solo_sink.hang = True
    solo.book()
    ahead = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-c", SWEEP_AHEAD],
        cwd=ROOT,
        env={**solo.practice.env, "EMAIL_TIMEOUT": "30"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: solo_sink.hanging > 0, what="a mail to be on its way")
    ahead.kill()
    ahead.wait(10)
    wait_until(lambda: solo_sink.hanging == 0, what="the line to be closed")
    solo_sink.hang = False
    assert solo.states() == {"sending": 2}
    solo.book()

    # A lease that would last for hours is no lease, and a clock that is behind sends nothing that is not due yet.
    solo.sweep(minutes=-60 * 24)
    assert solo.states() == {"sent": 2, "due": 2}
    solo.sweep()

    costs("clock three hours ahead, then a day behind, then right", solo)


def test_disk_of_the_mail_folder_is_full(served: Any) -> None:
    with served("postgresql") as practice:
        practice.start_worker()
        installation = Installation(practice)
        installation.book()
        installation.wait_for(sent=2)
        worker = practice.processes["worker"].pid
        _, hard = resource.prlimit(worker, resource.RLIMIT_FSIZE)
        # The kernel refuses what is longer than this, in the middle of the write, as on a full disk.
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (1500, hard))
        installation.book()
        wait_until(lambda: [m.attempts for m in installation.mails()].count(1) == 4, what="a try at both")
        installation.wait_for(due=2)
        assert not [file for file in practice.mail_dir.iterdir() if file.suffix != ".eml"]

        resource.prlimit(worker, resource.RLIMIT_FSIZE, (hard, hard))
        installation.sweep(minutes=2)

        costs("disk of the mail folder full", installation)


def test_mail_that_cannot_be_written_holds_up_no_other(solo: Installation, solo_sink: Sink) -> None:
    solo.book(times=3)
    poison = solo.mails()[0]
    [(kind,)] = solo.query("SELECT kind FROM booking_notification WHERE id = %s", poison.pk)
    solo.query("UPDATE booking_notification SET kind = 'poison' WHERE id = %s", poison.pk)
    solo.sweep()
    assert solo.states() == {"failed": 1, "sent": 5}

    solo.query("UPDATE booking_notification SET kind = %s, state = 'due' WHERE id = %s", kind, poison.pk)
    solo.sweep()

    costs("a mail whose template raises, and mended", solo)
