"""`make live`: gets a checkout ready to serve families, on one machine, again after each upgrade (docs/live.md).

The code stays whoever's ran this; the processes that serve need to write the data folder alone.
"""

import compileall
import os
import sys
from pathlib import Path

from practice.management.commands.translations import compile_catalogs
from scripts.run import ROOT, Refused, make_data_dir, make_secrets

# With the address empty nothing starts, and what is missing is said.
TO_FILL_IN = [
    "# The address that families use, and the mail server: smtp+tls://user:password@host:587",
    "BASE_URL=",
    "EMAIL_URL=",
    "# A proxy on this machine brings https.",
    "HTTPS=1",
    "TRUSTED_PROXIES=127.0.0.1",
    "# No other software books here.",
    "API_BOOKING=off",
]


def main() -> None:
    folder = Path(os.environ.get("DATA_DIR") or ROOT / "data").resolve()
    file = folder / "practice.env"
    try:
        make_data_dir(folder)
        if file.exists() and b"DEMO=1" in file.read_bytes().splitlines():
            raise Refused(
                f"{folder} holds the demo. Move that folder away and run this again: families get a new one."
            )
        make_secrets(folder, TO_FILL_IN)
    except Refused as refusal:
        sys.exit(str(refusal))
    # Whoever serves may not write here.
    compile_catalogs()
    for package in ("booking", "practice", "scripts"):
        compileall.compile_dir(ROOT / package, quiet=1)
    print(f"Ready. Now fill in BASE_URL and EMAIL_URL in {file}, and go on with docs/live.md.")


if __name__ == "__main__":
    main()
