"""Whether memory stays flat: `python -m benchmarks.memory` prints what web and worker hold, thousand by thousand.

Real gunicorn with two workers on PostgreSQL and Redis answers 10,000 requests (choosing a time, the form, free
times through the API, an information page, and bookings: a fifth each), and one worker sends 10,000 mails.
Ends with 1 where the second half grew by more than a tenth. Takes five minutes or so.
"""

import os
import re
import secrets
import signal
import sys
from base64 import urlsafe_b64encode
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlencode

import redis

from benchmarks.mails import CountingSink
from benchmarks.run import CLIENTS, Bench, booking, drop_databases, free_starts, get, post, slots_path
from tests.served import Factory
from tests.servers import start_postgresql, start_redis, wait_until

STEPS = 10
EACH = int(os.environ.get("EACH", "1000"))
GROWTH = 1.1


def web(bench: Bench) -> list[list[int]]:
    """Return what each process of the web server holds, in MB, after each step."""
    found = free_starts(bench, "bench")
    chosen = found[:: len(found) // (2 * STEPS * EACH // 5)]
    today = date.today() + timedelta(days=2)  # noqa: DTZ011 - any day will do
    held = []
    for step in range(STEPS):
        requests = []
        for number in range(EACH // 5):
            start, therapist = chosen.pop()
            form = urlencode({"type": "bench", "start": chosen.pop()[0]})
            day = today + timedelta(days=number % 28)
            requests += [get("/afspraak/"), get(f"/afspraak/gegevens/?{form}"), get("/hechting/")]
            requests += [get(slots_path(day, day, "bench"))]
            requests += [post(booking("bench", start, therapist), number)]
        report = bench.load(requests, clients=CLIENTS)
        assert report.statuses == {"200": EACH // 5 * 4, "201": EACH // 5}, report
        held.append(megabytes(bench.practice.processes["web"].pid))
        print(f"web, {(step + 1) * EACH:,} requests:", *held[-1], flush=True)
    return held


def worker(bench: Bench) -> list[list[int]]:
    """Return what the worker holds, in MB, after each step."""
    bench.data("reminders", STEPS * EACH)
    queue = redis.Redis.from_url(bench.practice.env["REDIS_URL"])
    queue.delete("celery")
    bench.practice.manage("shell", "-c", "from booking.tasks import deliver; deliver.delay()")
    before, held = bench.sink.mails, []
    bench.practice.start_worker()
    for step in range(STEPS):
        goal = before + (step + 1) * EACH
        wait_until(lambda goal=goal: bench.sink.mails >= goal, what=f"{goal} mails", seconds=600)  # type: ignore[misc]
        held.append(megabytes(bench.practice.processes["worker"].pid))
        print(f"worker, {(step + 1) * EACH:,} mails:", *held[-1], flush=True)
    return held


def megabytes(pid: int) -> list[int]:
    """Return what the process `pid` and each of its children holds: its own, and its share of what is shared."""
    held = []
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for process in [str(pid), *sorted(children, key=int)]:
        found = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{process}/smaps_rollup").read_text(), re.MULTILINE)
        assert found
        held.append(int(found[1]) // 1024)
    return held


def main() -> int:
    # Whoever ends it from outside must not leave its servers behind: end as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ.setdefault("SECRET_KEY", secrets.token_hex(32))
    os.environ.setdefault("LOOKUP_KEY", secrets.token_hex(32))
    os.environ.setdefault("FIELD_KEYS", urlsafe_b64encode(secrets.token_bytes(32)).decode())
    with ExitStack() as stack:
        server, stop = start_postgresql()
        stack.callback(stop)
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
        bench = Bench(practice, 0, sink)
        bench.data("staff")
        by_web, by_worker = web(bench), worker(bench)
    print("\n| after | web: gunicorn, and its two workers | worker |\n| --- | --- | --- |")
    for step in range(STEPS):
        print(f"| {(step + 1) * EACH:,} | {', '.join(map(str, by_web[step]))} | {by_worker[step][0]} |")
    return any(sum(held[-1]) > GROWTH * sum(held[STEPS // 2 - 1]) for held in (by_web, by_worker))


if __name__ == "__main__":
    sys.exit(main())
