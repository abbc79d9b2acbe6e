"""The practice as it really runs: web server, worker and scheduler as processes, on either engine."""

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.servers import free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent
DEMO_EMAIL = "therapeut@demo.example"
DEMO_PASSWORD = "only-for-the-tests"


class Served:
    """One installation with the demo practice, reachable at `url`. A context manager: leaving it ends it all."""

    def __init__(self, *, env: dict[str, str], data_dir: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data_dir = data_dir
        self.mail_dir = data_dir / "mail"
        self.database_url = env.get("DATABASE_URL", "")
        self.env = {**env, "DATA_DIR": str(data_dir), "PORT": str(self.port), "BASE_URL": self.url}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # All at once: each takes seconds to end, most of them spent waiting.
        for process in self.processes.values():
            process.terminate()
        for name in list(self.processes):
            self.stop(name)
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def start_web(self) -> None:
        """Start the web server, and return when it answers."""
        self._start("web", "gunicorn", "practice.wsgi:application")
        wait_until(self._answers, what=f"{self.url} to answer:\n{self.log('web')}")

    def start_worker(self, name: str = "worker") -> None:
        """Start a worker that delivers what it is asked to; without `start_beat` nothing is swept."""
        self._start(name, "celery", "--quiet", "-A", "celery_app", "worker", "--hostname", name)

    def start_beat(self, name: str = "beat") -> None:
        """Start the scheduler, which asks for a sweep at once, and each minute."""
        self._start(name, "celery", "--quiet", "-A", "celery_app", "beat")

    def start_shell(self, name: str, code: str) -> subprocess.Popen[bytes]:
        """Start `code` in a process of its own that is written to and read from, and return it."""
        with (self.data_dir / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "manage.py", "shell", "-c", code],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        return self.processes[name]

    def stop(self, name: str = "web", *, kill: bool = False) -> None:
        """End the process `name`, as Ctrl-C does or, with `kill`, as a power cut does."""
        process = self.processes.pop(name)
        if kill:
            process.kill()
        else:
            process.terminate()
        process.wait(30)
        for pipe in filter(None, (process.stdin, process.stdout)):
            pipe.close()

    def log(self, name: str = "web") -> str:
        """Return what the process `name` printed since it was first started."""
        file = self.data_dir / f"{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def manage(self, *arguments: str) -> str:
        """Run `manage.py` here and return what it printed; raises AssertionError with all of it."""
        return self.run("manage.py", *arguments)

    def run(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def prepare(self) -> None:
        """Do what `make run` does before it starts the servers: tables, static files, demo practice."""
        self.run("-m", "scripts.prepare")

    def _start(self, name: str, *module: str) -> None:
        with (self.data_dir / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *module], cwd=ROOT, env=self.env, stdout=log, stderr=log
            )

    def _answers(self) -> bool:
        code = self.processes["web"].poll()
        if code is not None:
            raise AssertionError(f"the web server ended ({code}):\n{self.log('web')}")
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):
                return True
        except (URLError, OSError):
            return False


class Factory:
    """Makes installations. The first of an engine is prepared for real, the others are copies of it.

    In several processes that are given the same folder as `shared`, those on SQLite are copies of one.
    """

    def __init__(self, postgres: Callable[[], str], shared: Path | None = None) -> None:
        self._postgres = postgres
        self._folder = Path(tempfile.mkdtemp(prefix="served-"))
        self._shared = shared or self._folder
        self._number = 0
        self._templates: dict[str, Served] = {}

    def close(self) -> None:
        """Forget the prepared ones."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def __call__(
        self, engine: str = "sqlite", *, worker: bool = False, beat: bool = False, **env: str
    ) -> Iterator[Served]:
        """Yield a running installation on `engine`, with a worker and a scheduler where asked for.

        `env` are further settings, such as EMAIL_URL or REDIS_URL. RATE_LIMITS are off unless asked for, so
        that one machine may play many visitors.
        """
        self._number += 1
        folder = self._folder / f"{engine}-{self._number}"
        with self._new(engine, folder, copy_of=self._template(engine), **env) as served:
            served.start_web()
            if worker:
                served.start_worker()
            if beat:
                served.start_beat()
            yield served

    def _template(self, engine: str) -> Served:
        """Return the installation of `engine` that the others are copies of, and prepare it if nobody has yet."""
        if engine not in self._templates:
            # A file can be copied by any process; a database on a server only by who was given that server.
            folder = self._shared if engine == "sqlite" else self._folder
            with (folder / f"{engine}.lock").open("w") as lock:
                flock(lock, LOCK_EX)
                template = self._new(engine, folder / f"{engine}-prepared")
                if not (done := folder / f"{engine}.done").exists():
                    template.prepare()
                    done.touch()
            self._templates[engine] = template
        return self._templates[engine]

    def _new(self, engine: str, data_dir: Path, *, copy_of: Served | None = None, **env: str) -> Served:
        if copy_of:
            shutil.copytree(copy_of.data_dir, data_dir)
        for name in ("queue", "mail", "cache"):
            (data_dir / name).mkdir(parents=True, exist_ok=True)
        database = {}
        if engine == "postgresql":
            name = f"served_{os.getpid()}_{data_dir.name}"
            database["DATABASE_URL"] = self._create_database(name, copy_of.database_url if copy_of else "")
        everywhere = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "LANG", "SECRET_KEY", "FIELD_KEYS", "LOOKUP_KEY")
            if name in os.environ
        }
        demo = {"DEMO": "1", "DEMO_EMAIL": DEMO_EMAIL, "DEMO_PASSWORD": DEMO_PASSWORD, "RATE_LIMITS": "off"}
        return Served(env={**everywhere, "PYTHONUNBUFFERED": "1", **demo, **database, **env}, data_dir=data_dir)

    def _create_database(self, name: str, template_url: str) -> str:
        template = urlsplit(template_url).path.lstrip("/") or "template1"
        server = urlsplit(self._postgres())
        with psycopg.connect(urlunsplit(server), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return urlunsplit(server._replace(path=f"/{name}"))
