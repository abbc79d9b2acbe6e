"""`make stack`: the grown form on one machine without containers, until Ctrl-C.

PostgreSQL and Redis are those that DATABASE_URL and REDIS_URL name, or else those of the test requirements, with
what they keep in DATA_DIR. The processes are those of the Procfile, with as many workers as WORKERS says.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from scripts import run
from tests import servers


def commands() -> dict[str, list[str]]:
    """Return the processes of the Procfile, each with what its shell would run."""
    lines = (run.ROOT / "Procfile").read_text().splitlines()
    return {name: shlex.split(command) for name, _, command in (line.partition(": ") for line in lines)}


@contextmanager
def databases(env: dict[str, str], folder: Path) -> Iterator[None]:
    """Have PostgreSQL and Redis where `env` names none, and the tables in them. Raises run.Refused."""
    with ExitStack() as started:
        if not env.get("DATABASE_URL"):
            run.say("Starting PostgreSQL ...")
            env["DATABASE_URL"], stop = servers.start_postgresql(folder / "postgresql")
            started.callback(stop)
        if not env.get("REDIS_URL"):
            env["REDIS_URL"], stop = servers.start_redis()
            started.callback(stop)
        here = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', '')}"
        released = subprocess.run(commands()["release"], cwd=run.ROOT, env={**env, "PATH": here}, check=False)
        if released.returncode:
            raise run.Refused("The tables could not be brought up to date; the lines above say why.")
        yield


def main() -> None:
    workers = os.environ.get("WORKERS") or "2"
    if not workers.isascii() or not workers.isdigit() or not int(workers):
        sys.exit(f"WORKERS must be a number from 1 on, not {workers!r}.")
    # Without the word "python": it is this one.
    web, worker, beat = (commands()[name][1:] for name in ("web", "worker", "beat"))
    named = [
        (f"worker {number}", [*worker, "--hostname", f"worker{number}@%h"])
        for number in range(1, int(workers) + 1)
    ]
    run.main([("web", web), *named, ("beat", beat)], servers=databases)


if __name__ == "__main__":
    main()
