"""`make stack`: the grown form on one machine, as a person meets it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scripts.test_run import ROOT, environment, processes_of
from tests.servers import wait_until
from tests.visitor import Visitor


@contextmanager
def running(env: dict[str, str], output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start it and yield it once it says where it is; ends it as Ctrl-C does."""
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.stack"], cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        wait_until(
            lambda: "To stop:" in output.read_text() or process.poll() is not None, what="the welcome", seconds=90
        )
        assert process.poll() is None, output.read_text()
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
    finally:
        process.terminate()
        process.wait(60)


def mails(data_dir: Path) -> int:
    return len(list((data_dir / "mail").glob("*.eml")))


@pytest.mark.servers
def test_it_books_on_postgresql_and_redis_and_keeps_what_was_booked(tmp_path: Path) -> None:
    data_dir, output = tmp_path / "data", tmp_path / "output"
    env = environment(data_dir, WORKERS="2")
    url = f"http://127.0.0.1:{env['PORT']}"

    with running(env, output):
        commands = " ".join(processes_of(data_dir).values())
        assert all(f"--hostname worker{number}@%h" in commands for number in (1, 2))
        visitor = Visitor(url)
        start = visitor.get("/afspraak/").starts()[-1]
        assert visitor.book(start).status == 302
        wait_until(lambda: mails(data_dir) == 2, what="both mails")

    assert processes_of(data_dir) == {}
    assert not (data_dir / "practice.sqlite3").exists()

    with running(env, output):
        assert start not in Visitor(url).get("/afspraak/").starts()


def test_workers_that_are_no_number_are_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.stack"],
        cwd=ROOT,
        env={**os.environ, "WORKERS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (1, "WORKERS must be a number from 1 on, not 'many'.\n")
