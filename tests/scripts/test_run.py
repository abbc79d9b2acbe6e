"""`make run` as a person meets it: what it refuses, what it keeps, and that it leaves nothing behind."""

import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts import run
from tests.servers import free_port, listens, wait_until
from tests.visitor import Visitor

ROOT = Path(__file__).resolve().parents[2]


def environment(data_dir: Path, **changes: str) -> dict[str, str]:
    """Return the environment of somebody who has just cloned the repository."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "DATA_DIR": str(data_dir), "PORT": str(free_port()), **changes}


def refusal(env: dict[str, str], *options: str) -> str:
    """Run it, see that it ends at once with a failure, and return what it said."""
    done = subprocess.run(
        [sys.executable, "scripts/run.py", *options],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def test_taken_port_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        said = refusal(environment(tmp_path / "data", PORT=str(port)), "--check")

    assert said == (
        f"Port {port} is taken: stop the program that uses it, or choose another: PORT={port + 1} make run"
    )
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("port", ["web", "0", "65536", "-1", "٣"])
def test_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    said = refusal(environment(tmp_path, PORT=port), "--check")

    assert said.startswith("PORT must be a number from 1 to 65535")


def test_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    below = refusal(environment(tmp_path / "file" / "data"), "--check")
    itself = refusal(environment(tmp_path / "file"), "--check")

    assert below.startswith(f"The data folder {tmp_path / 'file' / 'data'} cannot be written (Not a directory).")
    assert itself == f"DATA_DIR must be a folder, and {tmp_path / 'file'} is not one."


@pytest.mark.servers
@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "nonsense", "DATABASE_URL"),
        ("DATABASE_URL", "mysql://localhost/practice", "DATABASE_URL must name a PostgreSQL database"),
        ("DATABASE_URL", "sqlite://:memory:", "DATABASE_URL names a database in memory"),
        ("DATABASE_URL", "sqlite://", "DATABASE_URL names a database in memory"),
        ("DATABASE_URL", "sqlite:////nowhere/at/all.sqlite3", "The database at DATABASE_URL cannot be used"),
        ("DATABASE_URL", "postgresql://nobody:hush@127.0.0.1:1/x", "The database at DATABASE_URL cannot be used"),
        ("REDIS_URL", "nonsense", "REDIS_URL cannot be read"),
        ("REDIS_URL", "redis://:hush@127.0.0.1:1/0", "The Redis at REDIS_URL cannot be reached"),
    ],
)
def test_server_that_cannot_be_used_is_refused(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    said = refusal(environment(tmp_path, **{name: value}))

    assert said.startswith(sentence)
    assert "hush" not in said
    assert not (tmp_path / "practice.sqlite3").exists() or name == "REDIS_URL"


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    run.make_data_dir(folder)

    run.make_secrets(folder, run.demo_lines())
    first = (folder / "practice.env").read_text()
    run.make_data_dir(folder)
    run.make_secrets(folder, run.demo_lines())

    assert (folder / "practice.env").read_text() == first
    assert stat.S_IMODE((folder / "practice.env").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir() if path.is_file()] == ["practice.env"]


@pytest.mark.parametrize("data", ["practice.sqlite3", "postgresql/PG_VERSION"])
def test_no_keys_are_made_beside_data(tmp_path: Path, data: str) -> None:
    (tmp_path / data).parent.mkdir(exist_ok=True)
    (tmp_path / data).write_bytes(b"a practice")

    said = refusal(environment(tmp_path))

    assert said.startswith(
        f"{tmp_path / data.partition('/')[0]} holds a practice, and the keys that read it are gone"
    )
    assert "Restore that file from the copy" in said
    assert not (tmp_path / "practice.env").exists()


def test_beside_data_the_environment_may_give_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "practice.sqlite3").write_bytes(b"a practice")
    for name, value in run.fresh_keys().items():
        monkeypatch.setenv(name, value)

    run.make_secrets(tmp_path, run.demo_lines())

    assert not (tmp_path / "practice.env").exists()
    assert "DEMO" not in run.settings_of(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 300,
        b"\xff\xfe",
        b"# Made once.\nSECRET_KEY=abc\nFIELD_K",
        b"SECRET_KEY=a\nFIELD_KEYS=\nLOOKUP_KEY=b",
    ],
    ids=["empty", "zeros", "no text", "cut", "half filled"],
)
def test_secrets_that_a_power_cut_emptied_are_not_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "practice.env").write_bytes(content)

    said = refusal(environment(tmp_path))

    assert "FIELD_KEYS" in said
    assert "it was cut, or emptied. Restore it" in said
    assert (tmp_path / "practice.env").read_bytes() == content


def test_secrets_on_a_full_disk_are_not_half_written(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
    try:
        with pytest.raises(run.Refused, match="The secrets cannot be written"):
            run.make_secrets(tmp_path, run.demo_lines())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []

    run.make_secrets(tmp_path, run.demo_lines())
    assert "FIELD_KEYS=" in (tmp_path / "practice.env").read_text()


def test_what_is_in_the_place_of_its_own_files_is_put_aside(tmp_path: Path) -> None:
    for name in ("queue", "cache"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".running" / "something").mkdir(parents=True)

    run.make_data_dir(tmp_path)
    with run.alone_in(tmp_path):
        pass

    assert all((tmp_path / name).is_dir() for name in ("queue", "cache", "mail"))
    assert (tmp_path / ".running").is_file()
    assert len(list(tmp_path.glob("*.damaged"))) + len(list(tmp_path.glob(".running.*.damaged"))) >= 3


def test_second_practice_in_one_folder_is_refused(tmp_path: Path) -> None:
    with run.alone_in(tmp_path), pytest.raises(run.Refused, match="is running already"), run.alone_in(tmp_path):
        pass


def test_variable_that_is_empty_counts_as_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "practice.env").write_text("# a comment\nDEMO=1\nEMAIL_URL=smtp://mail.example\n")
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("DEMO", "0")

    env = run.settings_of(tmp_path)

    assert "DATABASE_URL" not in env
    assert (env["DEMO"], env["EMAIL_URL"]) == ("0", "smtp://mail.example")


@contextmanager
def running(env: dict[str, str], output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start it and yield it once it says where it is; ends it in any case."""
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "scripts/run.py"], cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        wait_until(
            lambda: "To stop:" in output.read_text() or process.poll() is not None, what="the welcome", seconds=90
        )
        assert process.poll() is None, output.read_text()
        yield process
    finally:
        process.terminate()
        process.wait(60)


def processes_of(data_dir: Path) -> dict[int, str]:
    """Return the command line of each process that was started for `data_dir`, by its number."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"\0DATA_DIR={data_dir}\0".encode() in b"\0" + (folder / "environ").read_bytes():
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if command:
                    found[int(folder.name)] = command
        except OSError:
            continue
    return found


@pytest.mark.servers
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_run_serves_stops_and_goes_on_where_it_was(tmp_path: Path) -> None:
    data_dir, output = tmp_path / "data", tmp_path / "output"
    env = environment(data_dir)

    with running(env, output) as process:
        with urllib.request.urlopen(f"http://127.0.0.1:{env['PORT']}/healthz", timeout=10) as answer:
            assert answer.status == 200
        first, secrets = output.read_text(), (data_dir / "practice.env").read_text()
        commands = " ".join(processes_of(data_dir).values())
        assert all(part in commands for part in ("gunicorn", "celery_app worker", "celery_app beat"))

        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0

    assert output.read_text().endswith("Stopped.\n")
    assert processes_of(data_dir) == {}
    assert not listens(int(env["PORT"]))
    tables = (data_dir / "practice.sqlite3").stat().st_ino
    started = time.monotonic()

    with running(env, output) as process:
        assert time.monotonic() - started < 30
        again = output.read_text()
        worker = next(pid for pid, command in processes_of(data_dir).items() if "celery_app worker" in command)
        os.kill(worker, signal.SIGKILL)
        assert process.wait(40) == 1

    assert "worker ended by itself (-9), so everything stops." in output.read_text()
    assert processes_of(data_dir) == {}
    assert sign_in_line(again) == sign_in_line(first)
    assert (data_dir / "practice.env").read_text() == secrets
    assert (data_dir / "practice.sqlite3").stat().st_ino == tables
    # What the demo loads is not loaded over what is there.
    assert "Traceback" not in first + again


@pytest.mark.servers
def test_after_a_power_cut_it_starts_all_the_same_and_without_its_keys_it_does_not(tmp_path: Path) -> None:
    data_dir, output = tmp_path / "data", tmp_path / "output"
    env = environment(data_dir)
    with running(env, output):
        visitor = Visitor(f"http://127.0.0.1:{env['PORT']}")
        assert visitor.book(visitor.get("/afspraak/").starts()[0]).status == 302
    kept = {".sqlite3", ".sqlite3-wal", ".sqlite3-shm", ".env", ".eml"}
    for file in data_dir.rglob("*"):
        if file.is_file() and file.suffix not in kept:
            file.write_bytes(b"\0" * file.stat().st_size)
    asked = data_dir / "queue" / "00000000000000000001_x.celery.msg"
    asked.write_bytes(b"")
    (data_dir / "beat-schedule.dat").write_bytes(b"\0")

    with running(env, output):
        wait_until(lambda: not asked.exists(), what="the empty message to be put aside")
        with urllib.request.urlopen(f"http://127.0.0.1:{env['PORT']}/", timeout=10) as page:
            assert b"/static/" in page.read()
    assert "cannot be read and is put aside" in output.read_text()

    secrets = (data_dir / "practice.env").read_text()
    (data_dir / "practice.env").unlink()
    assert "the keys that read it are gone" in refusal(env)
    others = dict(line.partition("=")[::2] for line in secrets.splitlines()) | run.fresh_keys()
    (data_dir / "practice.env").write_text("".join(f"{name}={value}\n" for name, value in others.items()))
    assert "FIELD_KEYS does not hold the key" in refusal(env)


@pytest.mark.servers
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
def test_killed_run_leaves_nothing_behind(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    env = environment(data_dir)

    with running(env, tmp_path / "output") as process:
        process.kill()
        process.wait(10)

        wait_until(lambda: processes_of(data_dir) == {}, what="the children to end", seconds=40)

    assert not listens(int(env["PORT"]))


def sign_in_line(output: str) -> str:
    """Return the line of the welcome that says how the demo therapist signs in."""
    return next(line for line in output.splitlines() if "Sign in with:" in line)
