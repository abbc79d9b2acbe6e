"""`make bench`: the practice on PostgreSQL and Redis under load, and beside each figure its limit.

The limit is a Django project with nothing in it (bare.py) under the same gunicorn settings, that asks the same
database as many statements and answers with as many bytes. Takes about seven minutes, and with QUICK=1 two. The
tables are printed and, unless QUICK, put into docs/performance.md. Parts can be named: slots pages bookings
race reminders memory.
"""

import json
import os
import platform
import random
import re
import secrets
import signal
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import redis
from psycopg import sql

from benchmarks.load import Order, Report
from benchmarks.mails import CountingSink
from tests.served import ROOT, Factory, Served
from tests.servers import free_port, listens, start_postgresql, start_redis, wait_until

QUICK = bool(os.environ.get("QUICK"))
SECONDS = 3.0 if QUICK else 4.0
SIZES = [10_000] if QUICK else [0, 100, 1_000, 10_000, 100_000]
USUAL_SIZE = 10_000
CLIENTS = 8
RACERS = 200
REMINDERS = 2_000 if QUICK else 10_000
REQUESTS_FOR_MEMORY = 2_000 if QUICK else 10_000
PARTS = ["slots", "pages", "bookings", "race", "reminders", "memory"]
DOCUMENT = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- make bench writes from here -->\n", "<!-- to here -->\n"

Row = list[str]


class Bench:
    """The practice and the bare project, both running on one database, and the tables so far."""

    def __init__(self, practice: Served, bare_port: int, sink: CountingSink) -> None:
        self.practice, self.bare_port, self.sink = practice, bare_port, sink
        self.filled = 0
        self.tables: dict[str, tuple[Row, list[Row]]] = {}

    def data(self, *arguments: object) -> str:
        """Run benchmarks.data in the practice's environment and return what it printed."""
        return self.practice.run("-m", "benchmarks.data", *map(str, arguments))

    def fill(self, until: int) -> None:
        """Bring the database to `until` appointments."""
        self.data("fill", self.filled, until)
        self.filled = until

    def load(self, requests: list[str], *, port: int = 0, clients: int = CLIENTS, seconds: float = 0) -> Report:
        """Send `requests` from another process and return what came back."""
        order = Order(port or self.practice.port, requests, clients, seconds)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.load"],
            input=json.dumps(asdict(order)),
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert not done.returncode, done.stderr
        return Report(**json.loads(done.stdout))

    def beside_bare(self, title: str, path: str) -> Row:
        """Measure GET `path` and its limit, one right after the other, and return a row of the table."""
        asked = json.loads(self.data("statements", path))
        selects = sum(asked["kinds"].values())
        self.load([get(path)], seconds=1)
        ours = self.load([get(path)], seconds=SECONDS)
        assert set(ours.statuses) == {"200"}, ours
        plain = get(f"/plain?{urlencode({'selects': selects, 'bytes': asked['bytes']})}")
        self.load([plain], port=self.bare_port, seconds=0.5)
        bare = self.load([plain], port=self.bare_port, seconds=SECONDS)
        row = [title, f"{ours.rate:,.0f}", f"{ours.median_ms:.1f}", f"{ours.p99_ms:.1f}", str(selects)]
        row += [f"{asked['bytes']:,}", f"{bare.rate:,.0f}", f"{ours.rate / bare.rate:.2f}", f"{ours.cores:.2f}"]
        print(" ", *row, sep="  ", flush=True)
        return row

    def table(self, title: str, head: str, rows: list[Row]) -> None:
        """Keep a table under `title`; one that is there already grows."""
        self.tables.setdefault(title, (head.split("|"), []))[1].extend(rows)


MEMORY_HEAD = "what|MB of each process (PSS)|MB in all"
PAGES_HEAD = "what|a second|median ms|99 % ms|statements|bytes|bare view a second|ratio|load's cores"


def slots(bench: Bench) -> None:
    """(a) The free times of one day and of the whole horizon, however many appointments there are."""
    for size in SIZES:
        bench.fill(size)
        day = first_full_day(bench)
        today = date.today()  # noqa: DTZ011 - the API cuts off what lies before
        whole = slots_path(today, today + timedelta(days=60))
        rows = [
            bench.beside_bare(f"one day, {size:,} appointments", slots_path(day, day)),
            bench.beside_bare(f"the horizon of 60 days, {size:,} appointments", whole),
        ]
        bench.table("Free times through the API", PAGES_HEAD, rows)


def pages(bench: Bench) -> None:
    """(b) and (f): the page on which a time is chosen, and the information pages."""
    bench.fill(max(bench.filled, USUAL_SIZE))
    rows = [
        bench.beside_bare("choosing a time, `/afspraak/`", "/afspraak/"),
        bench.beside_bare("an information page, `/hechting/`", "/hechting/"),
        bench.beside_bare("the home page", "/"),
        bench.beside_bare("`/healthz`", "/healthz"),
    ]
    bench.table("Pages", PAGES_HEAD, rows)


def bookings(bench: Bench) -> None:
    """(c) Bookings of distinct times a second."""
    bench.fill(max(bench.filled, USUAL_SIZE))
    found = free_starts(bench, "bench")
    wanted = int(300 * SECONDS)
    assert len(found) > wanted, len(found)
    # Spread over days as families choose, and over therapists in turn, so that few wait for another's lock.
    random.Random(1).shuffle(found)
    of_each = [[one for one in found if one[1] == therapist] for therapist in sorted({one[1] for one in found})]
    chosen = [one for each in zip(*of_each, strict=False) for one in each][:wanted]
    asked = json.loads(bench.data("statements", booking("bench", *chosen.pop())))
    ours = bench.load([post(booking("bench", *one), number) for number, one in enumerate(chosen)])
    assert set(ours.statuses) == {"201"}, ours
    kinds = {f"{kind}s": asked["kinds"].get(kind, 0) for kind in ("select", "lock", "insert", "update")}
    kinds["bytes"] = asked["bytes"]
    write = f"POST /write?{urlencode(kinds)} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"
    bare = bench.load([write], port=bench.bare_port, seconds=SECONDS)
    assert set(bare.statuses) == {"201"}, bare
    row = [f"{ours.answers:,} bookings of distinct times", f"{ours.rate:,.0f}", f"{ours.median_ms:.1f}"]
    row += [f"{ours.p99_ms:.1f}", ", ".join(f"{number} {kind}" for kind, number in asked["kinds"].items())]
    row += [f"{bare.rate:,.0f}", f"{ours.rate / bare.rate:.2f}", f"{ours.cores:.2f}"]
    print(" ", *row, sep="  ", flush=True)
    head = "what|a second|median ms|99 % ms|statements|bare view a second|ratio|load's cores"
    bench.table("Bookings", head, [row])


def race(bench: Bench) -> None:
    """(d) Two hundred at once for one time: one wins."""
    start, therapist = free_starts(bench, "eerste-afspraak")[0]
    body = booking("eerste-afspraak", start, therapist)
    requests = [post(body, number) for number in range(RACERS)]
    report = bench.load(requests, clients=RACERS)
    row = [f"{RACERS} for one time", f"{report.seconds:.2f}", f"{report.p99_ms:,.0f}"]
    row += [", ".join(f"{number} × {status}" for status, number in sorted(report.statuses.items()))]
    print(" ", *row, sep="  ", flush=True)
    bench.table("A race", "what|all answered after s|99 % ms|answers", [row])


def reminders(bench: Bench) -> None:
    """(e) Reminders that are all due at once, by one worker and by two."""
    bench.fill(max(bench.filled, USUAL_SIZE))
    rows = []
    with psycopg.connect(bench.practice.database_url, autocommit=True) as database:
        for workers in (1, 2):
            bench.data("reminders", REMINDERS)
            # What the bookings asked for while no worker was there.
            redis.Redis.from_url(bench.practice.env["REDIS_URL"]).delete("celery")
            before = bench.sink.mails
            # Each worker has two threads.
            bench.practice.manage("shell", "-c", DELIVER.format(number=2 * workers))
            for number in range(workers):
                bench.practice.start_worker(f"worker-{number}")
            wait_until(partial(bench.sink.has_more_than, before), what="the first reminder")
            began, left = time.perf_counter(), REMINDERS - (bench.sink.mails - before)
            wait_until(lambda: owed(database) <= 0.9 * REMINDERS, what="a tenth to go out", seconds=600)
            early = megabytes(bench.practice.processes["worker-0"].pid)
            wait_until(lambda: owed(database) == 0, what="all reminders to go out", seconds=600)
            seconds = time.perf_counter() - began
            if workers == 1:
                held = [["worker, after a tenth of the reminders", *early]]
                late = megabytes(bench.practice.processes["worker-0"].pid)
                bench.table("Memory", MEMORY_HEAD, [*held, ["worker, after all of them", *late]])
            for number in range(workers):
                bench.practice.stop(f"worker-{number}")
            assert bench.sink.mails - before == REMINDERS
            loop = subprocess.run(
                [sys.executable, "-m", "benchmarks.mails", str(bench.sink.port), str(REMINDERS // 4)],
                input=bench.sink.last,
                capture_output=True,
                cwd=ROOT,
                check=True,
            )
            rate, bare = left / seconds, float(loop.stdout)
            row = [f"{REMINDERS:,} reminders, {workers} worker{'s' * (workers > 1)}", f"{rate:,.0f}"]
            row += [f"{len(bench.sink.last):,}", f"{bare:,.0f}", f"{rate / bare:.2f}"]
            print(" ", *row, sep="  ", flush=True)
            rows.append(row)
    bench.table("Reminders", "what|a second|bytes|bare loop a second|ratio", rows)


DELIVER = """
from celery_app import app
for _ in range({number}): app.send_task("booking.tasks.deliver")
"""


def owed(database: psycopg.Connection[Any]) -> int:
    time.sleep(0.2)
    found = database.execute(
        "SELECT count(*) FROM booking_notification WHERE state IN ('due', 'sending')"
    ).fetchone()
    assert found
    number: int = found[0]
    return number


def memory(bench: Bench) -> None:
    """What web and worker hold after the first thousand requests, and after ten thousand."""
    bench.fill(max(bench.filled, USUAL_SIZE))
    day = first_full_day(bench)
    mixed = [get("/afspraak/"), get("/hechting/"), get(slots_path(day, day)), get("/contact/")] * 2
    rows = []
    for done, more in ((1_000, 1_000), (REQUESTS_FOR_MEMORY, REQUESTS_FOR_MEMORY - 1_000)):
        report = bench.load(mixed * (more // len(mixed)))
        assert set(report.statuses) == {"200"}, report
        rows.append([f"web, after {done:,} requests", *megabytes(bench.practice.processes["web"].pid)])
    bench.table("Memory", MEMORY_HEAD, rows)


def megabytes(pid: int) -> Row:
    """Return what the process `pid` and its children hold, each with its share of what they hold together."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    held = []
    for process in [str(pid), *children]:
        found = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{process}/smaps_rollup").read_text(), re.MULTILINE)
        assert found
        held.append(int(found[1]) / 1024)
    return [", ".join(f"{one:.0f}" for one in held), f"{sum(held):.0f}"]


def get(path: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def post(body: str, number: int) -> str:
    key = f"Idempotency-Key: {secrets.token_hex(4)}-{number}"
    return (
        f"POST /api/v1/appointments HTTP/1.1\r\nHost: 127.0.0.1\r\n{key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}"
    )


def slots_path(first: date, last: date, slug: str = "eerste-afspraak") -> str:
    return f"/api/v1/slots?{urlencode({'appointment_type': slug, 'from': first, 'until': last})}"


def booking(slug: str, start: str, therapist: str) -> str:
    """Return the body of a booking."""
    return json.dumps(
        {
            "appointment_type": slug,
            "start": start,
            "therapist": therapist,
            "parent": {
                "name": "Noor de Vries",
                "email": f"{secrets.token_hex(6)}@bench.example",
                "phone": "06 12345678",
                "language": "nl",
            },
            "child": {"first_name": "Sam", "age_band": "under_12"},
            "consent": True,
        }
    )


def free_starts(bench: Bench, slug: str) -> list[tuple[str, str]]:
    """Return what is free in the coming 60 days: start and therapist."""
    import urllib.request

    today = date.today() + timedelta(days=2)  # noqa: DTZ011
    with urllib.request.urlopen(
        bench.practice.url + slots_path(today, today + timedelta(days=57), slug)
    ) as answer:
        return [(slot["start"], slot["therapist"]) for slot in json.load(answer)["slots"]]


def first_full_day(bench: Bench) -> date:
    """Return a coming day on which the demo's therapist works mornings and afternoons."""
    days = [datetime.fromisoformat(start).date() for start, _ in free_starts(bench, "eerste-afspraak")]
    return next(day for day in days if days.count(day) > 10)


def machine() -> str:
    """Return when and where this was measured."""
    processor = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    names = ("django", "gunicorn", "psycopg")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return (
        f"{datetime.now(UTC):%d %B %Y}, {os.cpu_count()} cores "
        f"({processor[1] if processor else platform.machine()}), "
        f"Python {platform.python_version()}, {versions}; load of the machine before: {os.getloadavg()[0]:.1f}.\n"
    )


def drop_databases(server: str) -> None:
    """Leave nothing on a server that was lent: the databases of this run are named after its process."""
    with psycopg.connect(server, autocommit=True) as connection:
        ours = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s", [f"served_{os.getpid()}_%"]
        )
        for (name,) in ours.fetchall():
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def written(bench: Bench, header: str) -> str:
    """Return all tables as Markdown."""
    parts = [header]
    for title, (head, rows) in bench.tables.items():
        lines = [head, ["---"] * len(head), *rows]
        parts.append(f"### {title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines))
    return "\n".join(parts)


def main() -> None:
    parts = [part for part in sys.argv[1:] or PARTS if part in PARTS]
    header = machine()
    # Whoever ends it from outside must not leave its servers behind: end as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ.setdefault("SECRET_KEY", secrets.token_hex(32))
    os.environ.setdefault("LOOKUP_KEY", secrets.token_hex(32))
    os.environ.setdefault("FIELD_KEYS", urlsafe_b64encode(secrets.token_bytes(32)).decode())
    with ExitStack() as stack:
        server = os.environ.get("DATABASE_URL", "")
        if not server:
            server, stop = start_postgresql()
            stack.callback(stop)
            with psycopg.connect(server, autocommit=True) as connection:
                # As in production: a booking that was confirmed outlives a power cut.
                connection.execute("ALTER SYSTEM SET fsync = on")
                connection.execute("SELECT pg_reload_conf()")
        redis_url = os.environ.get("REDIS_URL", "")
        if not redis_url:
            redis_url, stop = start_redis()
            stack.callback(stop)
        sink = stack.enter_context(CountingSink())
        factory = Factory(lambda: server)
        stack.callback(factory.close)
        stack.callback(drop_databases, server)
        email_url = f"smtp://127.0.0.1:{sink.port}"
        practice = stack.enter_context(
            factory("postgresql", WEB_CONCURRENCY="2", REDIS_URL=redis_url, EMAIL_URL=email_url)
        )
        bare_port = free_port()
        with psycopg.connect(practice.database_url, autocommit=True) as database:
            database.execute(
                "CREATE TABLE bare_row"
                " (id bigserial PRIMARY KEY, key varchar(64) NOT NULL UNIQUE, text varchar(200))"
            )
            database.execute(
                "INSERT INTO bare_row (key, text)"
                " SELECT CASE n WHEN 1 THEN 'first' ELSE n::text END, repeat('t', 150)"
                " FROM generate_series(1, 10) AS n"
            )
        bare = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "benchmarks.bare:application"],
            cwd=ROOT,
            env={**practice.env, "PORT": str(bare_port)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(bare.wait, 30)
        stack.callback(bare.terminate)
        wait_until(lambda: listens(bare_port), what="the bare project to listen")
        bench = Bench(practice, bare_port, sink)
        bench.data("staff")
        for part in parts:
            print(part, flush=True)
            globals()[part](bench)
        text = written(bench, header)
    print(text)
    if not QUICK and parts == PARTS:
        before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
        DOCUMENT.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
