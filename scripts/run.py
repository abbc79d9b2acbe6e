"""`make run`: the whole practice on one machine, from one command, until Ctrl-C.

Needs the standard library alone, so that `--check` can run before anything is installed.
"""

import base64
import ctypes
import errno
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
# Gunicorn gives requests 20 s to end, a worker may be in the middle of a mail.
STOP_SECONDS = 25
START_SECONDS = 90


# Signals that asked for the end. A handler that raised instead could do so between a start and its record.
_asked: list[int] = []

Servers = Callable[[dict[str, str], Path], AbstractContextManager[None]]


class Refused(Exception):
    """It cannot start, or cannot go on; the message is a sentence for whoever typed the command."""


class Stopped(Exception):
    """Somebody asked for the end: Ctrl-C, SIGTERM, or the terminal was closed."""


def pause(seconds: float = 0.1) -> None:
    """Wait `seconds`. Raises Stopped once a signal came."""
    time.sleep(seconds)
    if _asked:
        raise Stopped


# Loaded here, since next to nothing may be done between a fork and its exec.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1  # prctl(2)


def end_with_parent() -> None:
    """Let the process that calls this be asked to end when its parent dies, be it killed. On Linux alone."""
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def say(line: str) -> None:
    """Print `line`; where nobody reads any more, the children are looked after all the same."""
    with suppress(OSError):
        print(line, flush=True)


class Child:
    """A process with all its own children, in a process group that Ctrl-C in the terminal does not reach."""

    def __init__(self, name: str, *command: str, env: Mapping[str, str], prefixed: bool = True) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if prefixed else None,
            stderr=subprocess.STDOUT if prefixed else None,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
        self._reader: threading.Thread | None = None
        if self.process.stdout:
            self._reader = threading.Thread(target=self._relay, args=[self.process.stdout], daemon=True)
            self._reader.start()

    def _relay(self, lines: IO[bytes]) -> None:
        for line in lines:
            if line.strip():
                say(f"[{self.name}] {line.decode(errors='replace').rstrip()}")

    def end(self) -> None:
        """Kill what is left of the group, after `stop` or after the process died of itself."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self._reader:
            self._reader.join(timeout=2)


def stop(children: list[Child]) -> None:
    """Ask all `children` to end, wait for them together, and leave none behind."""
    for child in children:
        if child.process.poll() is None:
            child.process.terminate()
    end = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            say(f"{child.name} did not end by itself and is killed.")
        child.end()


def check_port(host: str, port: str) -> None:
    """Return when the web server can listen there. Raises Refused."""
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise Refused(f"PORT must be a number from 1 to 65535, not {port!r}.")
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise Refused(f"HOST must be an address of this machine, not {host!r}.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            other = int(port) % 65535 + 1
            raise Refused(
                f"Port {port} is taken: stop the program that uses it, or choose another: PORT={other} make run"
            ) from error
        raise Refused(f"Port {port} of {host} cannot be used: {error.strerror}. Choose another PORT.") from error


def make_data_dir(folder: Path) -> None:
    """Make the data folder, for this user alone, or see that the one there can be written. Raises Refused."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("queue", "cache"):
            put_aside(folder / name, unless=Path.is_dir)
        for name in ("queue", "mail", "cache"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except FileExistsError as error:
        raise Refused(f"DATA_DIR must be a folder, and {error.filename} is not one.") from error
    except OSError as error:
        raise Refused(
            f"The data folder {folder} cannot be written ({error.strerror}). "
            "Choose another: DATA_DIR=/path/to/folder make run"
        ) from error


def put_aside(path: Path, *, unless: Callable[[Path], bool]) -> None:
    """Give what is not what it is to be another name, and say so: it is of use for a minute, and made again."""
    if path.exists() and not unless(path):
        path.rename(path.with_name(f"{path.name}.{time.time_ns()}.damaged"))
        say(f"{path} was damaged: it is put aside and made again.")


def fresh_keys() -> dict[str, str]:
    """Return new keys under the names of their settings."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        # What Fernet takes for a key.
        "FIELD_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "LOOKUP_KEY": secrets.token_urlsafe(32),
    }


def demo_lines() -> list[str]:
    """Return what makes a practice the demo, for its `practice.env`."""
    return [
        "# The demo practice: made-up hours, and a made-up therapist who signs in with this.",
        "DEMO=1",
        "DEMO_EMAIL=therapeut@demo.example",
        f"DEMO_PASSWORD={secrets.token_urlsafe(12)}",
    ]


_KEYS = ("SECRET_KEY", "FIELD_KEYS", "LOOKUP_KEY")
# What this program keeps families' data in, where nothing else is said; the second is that of `make stack`.
_DATA = ("practice.sqlite3", "postgresql")


def make_secrets(folder: Path, further: Sequence[str]) -> None:
    """Write `practice.env` with fresh secrets and the lines `further`, unless it is there.

    Never over one that is, and never beside data: whoever loses these keys loses the data, and new ones would only
    hide that. Raises Refused.
    """
    file = folder / "practice.env"
    if file.exists():
        check_secrets(file)
        return
    if kept := next((name for name in _DATA if _holds_something(folder / name)), None):
        if all(os.environ.get(name) or os.environ.get(f"{name}_FILE") for name in _KEYS):
            return
        raise Refused(
            f"{folder / kept} holds a practice, and the keys that read it are gone: {file} is not there. Restore"
            " that file from the copy that was kept apart from the backups (docs/operation.md). Without its"
            " FIELD_KEYS nothing about a family can be read. To begin again, move the whole folder away."
        )
    lines = [
        "# Made once. Keep it as safe as the data: without FIELD_KEYS nothing can be read again.",
        *(f"{name}={value}" for name, value in fresh_keys().items()),
        *further,
    ]
    part = folder / f".practice.env.{os.getpid()}"
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write("\n".join(lines) + "\n")
            out.flush()
            os.fsync(out.fileno())
        # Whole or not at all, and never over one that appeared meanwhile.
        with suppress(FileExistsError):
            os.link(part, file)
    except OSError as error:
        raise Refused(f"The secrets cannot be written to {file}: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
    # Its name too outlives a power cut.
    known = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(known)
    finally:
        os.close(known)


def check_secrets(file: Path) -> None:
    """Return where `file` can be read as what `make_secrets` wrote. Raises Refused: one that a power cut emptied
    is not made a second time, since nobody can know what was written under its keys."""
    given = [name for name in _KEYS if os.environ.get(name) or os.environ.get(f"{name}_FILE")]
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        lines = []
    pairs = [line.removeprefix("export ").partition("=") for line in lines]
    named = {name.strip().removesuffix("_FILE") for name, _, value in pairs if value.strip("\0 ")}
    if missing := [name for name in _KEYS if name not in {*named, *given}]:
        raise Refused(
            f"{file} holds no {', '.join(missing)}: it was cut, or emptied. Restore it from the copy that was kept"
            " apart from the backups (docs/operation.md). Where nothing was ever booked here, delete it."
        )


def _holds_something(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists() and path.stat().st_size > 0


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the data folder, so that nobody starts in it beside us. Raises Refused."""
    try:
        put_aside(folder / ".running", unless=Path.is_file)
        # Nothing is written into it: what a power cut left of it is as good.
        opened = (folder / ".running").open("a")
    except OSError as error:
        raise Refused(f"{folder / '.running'} cannot be opened: {error.strerror}. Delete it.") from error
    with opened as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused(
                f"The practice in {folder} is running already. Stop it first, "
                "or start another one beside it: DATA_DIR=/path/to/folder PORT=8001 make run"
            ) from error
        yield


def settings_of(folder: Path) -> dict[str, str]:
    """Return the environment of the children: this one, over what `practice.env` says."""
    pairs, file = {}, folder / "practice.env"
    # Beside data whose keys the environment gives there is none.
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            pairs[name.strip()] = value.strip()
    # A name that is set to nothing is not set: so `DATABASE_URL= make run` does what it says.
    return {**pairs, **{name: value for name, value in os.environ.items() if value}}


def wait_until_served(env: Mapping[str, str], children: list[Child]) -> None:
    """Return when the web server answers. Raises Refused where a child ends, or none answers in time."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(env["HOST"], env["HOST"])  # noqa: S104
    url = f"http://{f'[{host}]' if ':' in host else host}:{env['PORT']}/healthz"
    request = urllib.request.Request(url, headers={"Host": urlsplit(env["BASE_URL"]).netloc})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        check_alive(children)
        try:
            with direct.open(request, timeout=5):
                return
        except (URLError, OSError):
            pause()
    raise Refused(f"The web server did not answer within {START_SECONDS} seconds; the lines above say why.")


def check_alive(children: list[Child]) -> None:
    """Return while all run. Raises Refused naming the one that does not."""
    for child in children:
        if child.process.poll() is not None:
            raise Refused(f"{child.name} ended by itself ({child.process.returncode}), so everything stops.")


_CELERY = ("-m", "celery", "--quiet", "-A", "celery_app")
PROCESSES = [
    ("web", ["-m", "gunicorn", "practice.wsgi:application"]),
    ("worker", [*_CELERY, "worker"]),
    ("beat", [*_CELERY, "beat"]),
]


def serve(env: Mapping[str, str], folder: Path, processes: Sequence[tuple[str, list[str]]]) -> None:
    """Prepare, start the `processes` (each a name, and what Python is given), say where it is, and stay. Raises
    Refused when a child ends, Stopped when asked to."""
    children = [Child("prepare", "-m", "scripts.prepare", env=env, prefixed=False)]
    try:
        while (code := children[0].process.poll()) is None:
            pause(0.05)
        if code:
            raise Refused("")
        children.clear()
        say("Starting ...")
        for name, command in processes:
            children.append(Child(name, *command, env=env))
        wait_until_served(env, children)
        say(welcome(env, folder))
        while True:
            pause(0.5)
            check_alive(children)
    finally:
        stop(children)


def welcome(env: Mapping[str, str], folder: Path) -> str:
    """Return the block that says where everything is."""
    url = env["BASE_URL"].rstrip("/")
    lines = [("Website", f"{url}/"), ("Agenda, for the therapist", f"{url}/agenda/")]
    if env.get("DEMO", "") not in {"", "0", "false", "False"} and env.get("DEMO_EMAIL"):
        lines.append(("Sign in with", f"{env['DEMO_EMAIL']}  {env.get('DEMO_PASSWORD', '')}"))
    if not env.get("EMAIL_URL"):
        lines.append(("Mails, as .eml files", str(folder / "mail")))
    lines.append(("To stop", "Ctrl-C"))
    rule = "-" * 72
    return "\n".join([rule, *(f"  {label + ':':<27}{value}" for label, value in lines), rule])


@contextmanager
def no_servers(env: dict[str, str], folder: Path) -> Iterator[None]:
    """Start no server: folders and files do."""
    yield


def main(
    processes: Sequence[tuple[str, list[str]]] = PROCESSES, servers: Servers = no_servers, check: bool = False
) -> None:
    """Run `processes` in the data folder until somebody asks for the end; around them `servers`, a context manager
    that is given the environment and the folder. With `check` only see whether they could."""
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
    folder = Path(os.environ.get("DATA_DIR") or ROOT / "data").resolve()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: _asked.append(number))
    try:
        check_port(host, port)
        make_data_dir(folder)
        if check:
            return
        with alone_in(folder):
            make_secrets(folder, demo_lines())
            env = settings_of(folder)
            env.update(HOST=host, PORT=port, DATA_DIR=str(folder), PYTHONUNBUFFERED="1")
            env.setdefault("BASE_URL", f"http://localhost:{port}")
            with servers(env, folder):
                serve(env, folder, processes)
    except Refused as refusal:
        sys.exit(str(refusal) or 1)
    except Stopped:
        say("Stopped.")


if __name__ == "__main__":
    main(check="--check" in sys.argv[1:])
