"""`make test`, once the environment stands: every test on SQLite, then those of both engines on PostgreSQL."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str:
    """Return the Chromium for the browser tests, installed where that can be done; else exit with a sentence."""
    named = os.environ.get("CHROMIUM")
    if named and not shutil.which(named):
        sys.exit(f"CHROMIUM is {named}, and there is no such program.")
    found = named or next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium for the browser tests ...", flush=True)
        quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", "-qq", *command], env=quietly, stdout=subprocess.DEVNULL, check=False)
        found = shutil.which("chromium")
    if not found:
        sys.exit(
            "The browser tests need Chromium. Install it (Debian: apt-get install chromium; Ubuntu: "
            "snap install chromium; macOS: brew install chromium), or name one: CHROMIUM=/path make test"
        )
    return found


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
