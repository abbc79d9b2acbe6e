"""`make secrets`: what docker-compose.yml hands to its containers, each in a file of its own, made once.

The folder is for its owner alone. The files in it can be read by everyone, since the users inside the containers,
who are given them one by one, are nobody on this machine.
"""

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path

from scripts.run import ROOT, fresh_keys


def make(folder: Path) -> list[str]:
    """Make in `folder` what is not there yet, and return the names of it; what is there is never written over."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    values = {name.lower(): value for name, value in fresh_keys().items()}
    values["database_password"] = secrets.token_urlsafe(32)
    made = []
    for name, value in values.items():
        with suppress(FileExistsError), os.fdopen(os.open(folder / name, _NEW, 0o644), "w") as out:
            (folder / name).chmod(0o644)
            out.write(value + "\n")
            made.append(name)
    return made


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "secrets"
    made = make(folder)
    print(f"Made in {folder}: {', '.join(made)}." if made else f"All of it is in {folder} already.")
    if not (folder / "email_url").exists():
        print(
            f"Now put the address of your mail server into {folder / 'email_url'}: smtp+tls://user:password@host:587"
        )
    print("Keep a copy of field_keys and lookup_key apart from the back-ups: without them no family can be read.")


if __name__ == "__main__":
    main()
