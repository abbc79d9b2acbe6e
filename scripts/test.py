"""`make test`, once the environment stands: every test on SQLite, then those of both engines on PostgreSQL."""

import os
import subprocess
import sys
from pathlib import Path

from scripts.chromium import chromium

ROOT = Path(__file__).resolve().parent.parent


def run(engine: str, *arguments: str) -> int:
    """Run pytest on `engine` with `arguments` and return its exit code."""
    # A file's tests stay together, for they share servers that take seconds to start. In the order of the files:
    # by number of tests, those that start servers would come last, and one process would wait for another.
    # One more than there are cores, since many a test waits for a server.
    processes = str((os.cpu_count() or 1) + 1)
    together = ("--numprocesses", processes, "--dist", "loadfile", "--no-loadscope-reorder")
    print(f"\nTests on {engine}", flush=True)
    env = {**os.environ, "ENGINE": engine, "CHROMIUM": chromium()}
    # Each process compiles all the tests, which takes longer than reading them compiled.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *together, *arguments, *sys.argv[1:]], cwd=ROOT, env=env, check=False
    ).returncode


def main() -> None:
    chromium()
    # Both are run, whatever the first one says: who broke two things wants to know both.
    sys.exit(max([run("sqlite"), run("postgresql", "-m", "engines")]))


if __name__ == "__main__":
    main()
