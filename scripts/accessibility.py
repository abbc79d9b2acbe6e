"""`make accessibility`: walk past every page in each of its states, and write down what stood in anybody's way."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "accessibility.md"
HEAD = """# For everyone

Written by `make accessibility` on {day}: {looks} looks at {stops} states of {pages} pages, in a real browser at a
real installation (`tests/browser/stops.py` lists them). Each is loaded once in each language, and then looked
at in {ways} ways: {names}.

In each way [axe](https://github.com/dequelabs/axe-core) runs the rules whose answer can be another one there: all
of them, with `target-size`, at 1280 and at 390 px. Beside it `tests/browser/looking.js` asks what axe does not:

- nothing is wider than the window, and no text is cut off, at 400 % and with the text spacing of WCAG 1.4.12 too;
- with letters set to 200 % in the browser nothing is wider than the window either, at 320 and at 390 px;
- no word is broken over two lines at 390, 768 and 1280 px;
- what can be pressed is at least 44 by 44 px. Links in a sentence are as high as their line, and what lies on the
  hours of the agenda is as high as it takes ([decision 36](decisions/0036-what-can-be-pressed.md));
- whatever takes the focus shows it, in forced colours too, and lies in the window then;
- nothing moves where less motion is asked for;
- there is one `h1`, and the title begins with “Fout:” (“Error:”) where something is wrong;
- what is said to be wrong leads to the field where it is put right.

The booking by the keys alone is `tests/browser/test_booking_way.py`, that without JavaScript
`tests/browser/test_parent_way.py`. With each change the suite takes a lean walk: what families meet, in few ways.

Not looked at: the admin's screens, which are Django's own, and what only people can tell. Nobody who uses a screen
reader or another aid every day has tried this site yet.

| page | states | languages | findings |
| --- | --- | --- | ---: |
"""


def main() -> None:
    """Run the whole walk, and write docs/accessibility.md, whatever was found; exit with pytest's code."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as lines:
        command = [sys.executable, "-m", "pytest", "-q", "tests/browser/test_accessible.py"]
        command += ["--numprocesses", str(os.cpu_count() or 1), *sys.argv[1:]]
        env = {**os.environ, "ACCESSIBILITY": lines.name}
        code = subprocess.run(command, cwd=ROOT, env=env, check=False).returncode
        # The languages stay in their order, which is that of the walk.
        stops = sorted(map(json.loads, lines), key=lambda stop: stop["number"])
    if not stops:
        sys.exit(code)
    REPORT.write_text(_report(stops), encoding="utf-8")
    print(f"Written: {REPORT.relative_to(ROOT)}")
    sys.exit(code)


def _report(stops: list[dict[str, Any]]) -> str:
    pages: dict[str, list[dict[str, Any]]] = {}
    for stop in stops:
        pages.setdefault(stop["page"], []).append(stop)
    rows = [
        f"| {page} | {_joined(stop['state'] or 'as it is' for stop in those)} "
        f"| {_joined(stop['language'] for stop in those)} | {sum(len(stop['found']) for stop in those)} |\n"
        for page, those in pages.items()
    ]
    ways = stops[0]["ways"]
    head = HEAD.format(
        day=date.today().isoformat(),  # noqa: DTZ011
        looks=len(stops) * len(ways),
        stops=len({(stop["page"], stop["state"]) for stop in stops}),
        pages=len(pages),
        ways=len(ways),
        names="; ".join(ways),
    )
    return head + "".join(rows)


def _joined(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


if __name__ == "__main__":
    main()
