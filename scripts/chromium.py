"""Finds the Chromium for the browser tests, and installs it where that can be done. Standard library only.

Usage: python scripts/chromium.py
"""

import os
import shutil
import subprocess
import sys

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


if __name__ == "__main__":
    print(chromium())
