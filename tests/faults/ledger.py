"""What a fault may cost: no appointment, no mail that was due, and a second copy only of what was taken."""

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import psycopg

from tests.served import Served
from tests.servers import wait_until
from tests.smtp_sink import Sink
from tests.visitor import Visitor

# A process that does what a worker's sweep does, as many minutes from now as each line that it reads says.
_SWEEPER = """
import sys
from datetime import timedelta
from django.db import connection
from django.utils import timezone
from booking import outbox
for line in sys.stdin:
    outbox.deliver_due(lambda: timezone.now() + timedelta(minutes=float(line)))
    connection.close()
    print("swept", flush=True)
"""
# Reminders are due days later.
_OWED = "FROM booking_notification WHERE kind NOT IN ('reminder', 'overview')"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that is owed, as its row has it."""

    pk: int
    state: str
    attempts: int
    message_id: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many appointments were booked, mails due, mails that went out, and copies beyond the first."""

    booked: int
    due: int
    sent: int
    copies: int


class Installation:
    """A practice that is served, and where its mails go: into `sink`, or into files where there is none."""

    def __init__(self, practice: Served, sink: Sink | None = None) -> None:
        self.practice, self.sink = practice, sink
        self.booked: list[datetime] = []
        # What others did here before is no part of this count.
        self._since = max((row[0] for row in self.query(f"SELECT id {_OWED}")), default=0)
        self._seen = len(sink.messages) if sink else 0

    def book(self, times: int = 1) -> None:
        """Book `times` first consultations, each by a visitor of its own, and far enough ahead for no reminder."""
        for _ in range(times):
            visitor = Visitor(self.practice.url)
            start = visitor.get("/afspraak/").starts()[-1]
            answer = visitor.book(start)
            assert answer.status == 302, answer.text
            self.booked.append(datetime.fromisoformat(start))

    def sweep(self, minutes: float = 0) -> None:
        """Deliver what is due `minutes` from now, in another process."""
        sweeper = self.practice.processes.get("sweeper") or self.practice.start_shell("sweeper", _SWEEPER)
        assert sweeper.stdin
        assert sweeper.stdout
        sweeper.stdin.write(f"{minutes}\n".encode())
        sweeper.stdin.flush()
        assert any(line == b"swept\n" for line in sweeper.stdout), self.practice.log("sweeper")

    def query(self, sql: str, *arguments: Any) -> list[Any]:
        """Run `sql`, with %s for each of the `arguments`, and return the rows."""
        if self.practice.database_url:
            with psycopg.connect(self.practice.database_url) as connection:
                cursor = connection.execute(sql, arguments)
                return list(cursor.fetchall()) if cursor.description else []
        file = sqlite3.connect(self.practice.data_dir / "practice.sqlite3", timeout=10)
        try:
            with file:
                return file.execute(sql.replace("%s", "?"), arguments).fetchall()
        finally:
            file.close()

    def mails(self) -> list[Mail]:
        """Return every mail that is owed at once."""
        sql = f"SELECT id, state, attempts, message_id {_OWED} AND id > %s ORDER BY id"
        return [Mail(*row) for row in self.query(sql, self._since)]

    def states(self) -> Counter[str]:
        """Return how many of those mails are in which state."""
        return Counter(mail.state for mail in self.mails())

    def wait_for(self, **states: int) -> None:
        """Return once so many mails are in each of `states`."""
        wait_until(
            lambda: all(self.states()[name] >= number for name, number in states.items()),
            what=f"{states}",
            seconds=60,
        )

    def tally(self) -> Tally:
        """Count, and make sure that nothing was lost: raises AssertionError where anything was."""
        rows = self.query("SELECT start FROM booking_appointment WHERE state = 'confirmed'")
        there = {_moment(row[0]) for row in rows}
        assert there >= {start.replace(tzinfo=None) for start in self.booked}
        mails = self.mails()
        # To the family and to the therapist.
        assert len(mails) == 2 * len(self.booked)
        assert {mail.state for mail in mails} == {"sent"}, self.mails()
        out = Counter(self._message_ids())
        assert out.keys() == {mail.message_id for mail in mails}
        return Tally(len(self.booked), len(mails), len(out), out.total() - len(out))

    def _message_ids(self) -> Sequence[str]:
        if self.sink:
            return [str(message["Message-ID"]) for message in self.sink.messages[self._seen :]]
        files = self.practice.mail_dir.glob("*.eml")
        return [str(message_from_bytes(file.read_bytes(), policy=policy.default)["Message-ID"]) for file in files]


def report(fault: str, tally: Tally) -> None:
    """Add a line to the table that `make faults` writes; `FAULTS` names its file."""
    if path := os.environ.get("FAULTS"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"fault": fault, **asdict(tally)}) + "\n")


def _moment(column: Any) -> datetime:
    """Return what either engine gives for a moment, in UTC and without a zone."""
    moment = column if isinstance(column, datetime) else datetime.fromisoformat(column)
    return moment.replace(tzinfo=None) - (moment.utcoffset() or timedelta())
