"""`make faults`: let each part die in front of real processes, and write down what it cost."""

import json
import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "faults.md"
HEAD = """# What faults cost

Written by `make faults` on {day}. Each line is a test with the real web server, worker, database, queue and mail
server (`tests/faults/`): something dies while families book. After it every appointment is there, and every mail
that was due went out. A copy is a mail that went out twice, with the same Message-ID: the mail server had taken
it, and the row could not be written any more, so that nobody could know.

| what died | booked | mails due | mails sent | copies |
| --- | ---: | ---: | ---: | ---: |
"""


def main() -> None:
    """Run the tests, and write docs/faults.md where all of them passed."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as lines:
        command = [sys.executable, "-m", "pytest", "-q", "tests/faults/test_faults.py"]
        code = subprocess.run(command, cwd=ROOT, env={**os.environ, "FAULTS": lines.name}, check=False).returncode
        if code:
            sys.exit(code)
        faults = [json.loads(line) for line in lines]
    rows = "".join("| {fault} | {booked} | {due} | {sent} | {copies} |\n".format(**fault) for fault in faults)
    REPORT.write_text(HEAD.format(day=date.today().isoformat()) + rows, encoding="utf-8")  # noqa: DTZ011
    print(f"Written: {REPORT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
