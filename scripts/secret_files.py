"""`make secrets`: what docker-compose.yml hands to its containers, each in a file of its own, made once.

The folder is for its owner alone; the files in it can be read by one group besides, in which the users inside the
containers are too: that of whoever runs this, or for root one that has nothing else. `.env` says which.
"""

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path

from scripts.run import ROOT, fresh_keys

# The keys under which families' data is written: one of these alone is never made a second time.
_KEYS = ("secret_key", "field_keys", "lookup_key")
# The user of our image, and what has its number.
_CONTAINERS = 10001
# What compose calls their group.
_GROUP = "SECRETS_GROUP"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class KeysLost(Exception):
    """Some of the keys are there and others not; the message is a sentence for whoever typed the command."""


def make(folder: Path) -> list[str]:
    """Make in `folder` what is not there yet, and return the names of it; what is there is never written over.

    Raises KeysLost where a key is missing among others: there may be families under it.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    missing = [name for name in _KEYS if not _holds_something(folder / name)]
    if 0 < len(missing) < len(_KEYS):
        raise KeysLost(
            f"{', '.join(missing)} is not in {folder}, or empty, and other keys are. Restore it from the copy that"
            " was kept apart from the backups (docs/operation.md): without field_keys no family can be read. Where"
            " nothing was ever booked under them, move the folder away and run this again."
        )
    values = {name.lower(): value for name, value in fresh_keys().items()}
    values |= {f"{name}_password": secrets.token_urlsafe(32) for name in ("database", "postgres", "redis")}
    made = []
    for name, value in values.items():
        with suppress(FileExistsError), os.fdopen(os.open(folder / name, _NEW, 0o640), "w") as out:
            out.write(value + "\n")
            made.append(name)
    for file in folder.iterdir():
        # Those that an older version made could be read by everybody.
        file.chmod(0o640)
        os.chown(file, -1, group())
    return made


def group() -> int:
    """Return the number of the group that may read the files."""
    return _CONTAINERS if os.geteuid() == 0 else os.getegid()


def tell_group(file: Path) -> bool:
    """Write SECRETS_GROUP into the `file` that compose reads; return False where it says so already."""
    lines = file.read_text().splitlines() if file.exists() else []
    line = f"{_GROUP}={group()}"
    if line in lines:
        return False
    others = [one for one in lines if not one.startswith(f"{_GROUP}=")]
    file.write_text("\n".join([*others, line]) + "\n")
    return True


def _holds_something(file: Path) -> bool:
    return file.exists() and bool(file.read_bytes().strip(b"\0\n "))


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "secrets"
    try:
        made = make(folder)
    except KeysLost as lost:
        sys.exit(str(lost))
    print(f"Made in {folder}: {', '.join(made)}." if made else f"All of it is in {folder} already.")
    if tell_group(folder.parent / ".env"):
        print(f"Written into {folder.parent / '.env'}: {_GROUP}={group()}, the group that may read them.")
    if not (folder / "email_url").exists():
        print(
            f"Now put the address of your mail server into {folder / 'email_url'}: smtp+tls://user:password@host:587"
            "\nand run this once more, so that the containers can read that file, and nobody else."
        )
    print("Keep a copy of field_keys and lookup_key apart from the back-ups: without them no family can be read.")


if __name__ == "__main__":
    main()
