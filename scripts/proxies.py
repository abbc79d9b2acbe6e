"""`make proxies`: try what deploy/ says to nginx and Caddy on the real ones, installed where that can be done."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Each program, and the package of Debian and Ubuntu that has it.
PROXIES = {"nginx": "nginx-light", "caddy": "caddy"}


def install() -> None:
    """Install the proxies that are missing; exit with a sentence where one still is."""
    missing = [package for program, package in PROXIES.items() if not found(program)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing {' and '.join(missing)} ...", flush=True)
        quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
            subprocess.run(["apt-get", "-qq", *command], env=quietly, stdout=subprocess.DEVNULL, check=False)
        missing = [package for program, package in PROXIES.items() if not found(program)]
    if missing:
        sys.exit(f"This needs nginx and Caddy. Install them (Debian: apt-get install {' '.join(missing)}).")


def found(program: str) -> str | None:
    """Return where `program` is; servers are in no path of a user who is not root."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


def main() -> None:
    """Run the tests and exit as they do."""
    install()
    command = [sys.executable, "-m", "pytest", "-q", "tests/operation/proxies.py", *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
