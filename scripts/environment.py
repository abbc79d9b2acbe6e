"""Makes `.venv` and installs one lock file into it, once. Standard library only: it runs before anything else.

Usage: python scripts/environment.py requirements.txt
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# What was installed completely: the hash of each lock file by its name.
STAMP = VENV / "installed.json"


class Refused(Exception):
    """The environment cannot be made; the message is what the reader can do about it."""


def installed() -> dict[str, str]:
    """Return the hash of each lock file that was installed to its end, by name."""
    try:
        content = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and os.access(PYTHON, os.X_OK) else {}


def ensure(lock_file: str) -> None:
    """Install `lock_file` into `.venv` unless that very file was before. Raises Refused."""
    digest = hashlib.sha256((ROOT / lock_file).read_bytes()).hexdigest()
    if installed().get(lock_file) == digest:
        return
    try:
        VENV.mkdir(exist_ok=True)
    except OSError as error:
        raise Refused(f"{VENV} cannot be written ({error.strerror}). Choose a folder that is yours.") from error
    with Path(__file__).open() as guard:
        # Two commands at once would install over each other.
        fcntl.flock(guard, fcntl.LOCK_EX)
        before = installed()
        if before.get(lock_file) != digest:
            # The stamp goes first: whatever interrupts this, the next run does it again.
            STAMP.unlink(missing_ok=True)
            _install(lock_file)
            _remember({**before, lock_file: digest})


def _install(lock_file: str) -> None:
    if not _succeeds(PYTHON, "-m", "pip", "--version"):
        if not importlib.util.find_spec("ensurepip") or not importlib.util.find_spec("venv"):
            raise Refused(
                f"This Python ({sys.executable}) comes without venv and ensurepip. "
                "On Debian and Ubuntu: apt-get install python3-venv"
            )
        print("Making the environment in .venv ...", flush=True)
        if subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=False).returncode:
            raise Refused("The environment could not be made; the lines above say why.")
    print(f"Installing what {lock_file} lists ...", flush=True)
    pip: list[str | Path] = [
        PYTHON,
        "-m",
        "pip",
        "install",
        "--require-hashes",
        # The lock lists all that is needed, so that nothing is left to find out; compiled is below, on all cores.
        "--no-deps",
        "--no-compile",
        "--disable-pip-version-check",
        "--no-input",
    ]
    if subprocess.run([*pip, "--requirement", ROOT / lock_file], check=False).returncode:
        raise Refused("Installing failed; the lines above say why. Is the network there? Run the command again.")
    # What it cannot compile is a template for another Python, and is not needed.
    subprocess.run([PYTHON, "-m", "compileall", "-qq", "-j", "0", VENV / "lib"], check=False)
    # Lets every tool of the environment import the checkout, also when called as `.venv/bin/pytest`.
    for folder in VENV.glob("lib/python*/site-packages"):
        (folder / "checkout.pth").write_text(f"{os.path.relpath(ROOT, folder)}\n")


def _remember(hashes: dict[str, str]) -> None:
    part = STAMP.with_suffix(".part")
    part.write_text(json.dumps(hashes))
    part.replace(STAMP)


def _succeeds(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    try:
        ensure(sys.argv[1])
    except Refused as refusal:
        sys.exit(str(refusal))
    except KeyboardInterrupt:
        sys.exit("Stopped. The next run goes on from here.")
