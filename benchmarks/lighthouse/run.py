"""`make lighthouse`: what Google Lighthouse says of the pages, on a slow phone as it simulates one.

The demo practice is served for real; each page is measured RUNS times (3), and the run in the middle by its score
for performance counts: what else the machine does makes single runs slower. Writes docs/lighthouse.md,
and ends with 1 where a page has less than 100 or the home page weighs too much.
"""

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Any
from urllib.parse import urlencode

from tests.served import ROOT, Factory
from tests.visitor import Visitor

FOLDER = Path(__file__).resolve().parent
DOCUMENT = ROOT / "docs" / "lighthouse.md"
BEGIN, END = "<!-- make lighthouse writes from here -->\n", "<!-- to here -->\n"
RUNS = int(os.environ.get("RUNS", "3"))
FLAGS = [
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # Chromium's sandbox refuses to work for root, as in most containers.
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]
CATEGORIES = ["performance", "accessibility", "best-practices", "seo"]
MOST_BYTES, MOST_REQUESTS = 60 * 1024, 8


@dataclass(frozen=True)
class Page:
    """A page to measure; `found` is whether search engines may show it."""

    name: str
    path: str
    found: bool = True


def pages(url: str) -> list[Page]:
    """Return the pages to measure at `url`; one appointment is booked for the last of them."""
    visitor = Visitor(url)
    first, *_, last = visitor.get("/afspraak/").starts()
    form = urlencode({"type": "eerste-afspraak", "start": last})
    booked = visitor.book(first)
    assert "/gemaakt/" in booked.location, booked.text
    return [
        Page("Home", "/"),
        Page("Home, in English", "/en/"),
        Page("Hechting", "/hechting/"),
        Page("De eerste afspraak", "/eerste-afspraak/"),
        Page("Contact", "/contact/"),
        Page("Privacy", "/privacy/"),
        Page("choosing a time", "/afspraak/"),
        Page("the form", f"/afspraak/gegevens/?{form}", found=False),
        Page("the confirmation", booked.location, found=False),
    ]


def measure(address: str, categories: list[str], chromium: str) -> dict[str, Any]:
    """Return Lighthouse's report on `address`, as a slow phone with a slow connection has it."""
    done = subprocess.run(
        [
            *(FOLDER / "node_modules/.bin/lighthouse", address, "--quiet", "--output=json"),
            *("--locale=en", "--form-factor=mobile", "--throttling-method=simulate"),
            *("--no-enable-error-reporting", f"--only-categories={','.join(categories)}"),
            f"--chrome-flags={' '.join(FLAGS)}",
        ],
        # As a parent's phone: one that keeps the practice's time.
        env={**os.environ, "CHROME_PATH": chromium, "TZ": "Europe/Amsterdam"},
        stdout=subprocess.PIPE,
        check=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    assert "runtimeError" not in report, report["runtimeError"]
    return report


def median(address: str, categories: list[str], chromium: str) -> dict[str, Any]:
    """Return the report in the middle of RUNS.

    A browser that could not be measured, as happens on a busy machine, is started again; raises CalledProcessError
    where that happens RUNS times.
    """
    reports: list[dict[str, Any]] = []
    failed = 0
    while len(reports) < RUNS:
        try:
            reports.append(measure(address, categories, chromium))
        except subprocess.CalledProcessError:
            failed += 1
            if failed == RUNS:
                raise
    return sorted(reports, key=lambda report: report["categories"]["performance"]["score"])[RUNS // 2]


def scores(report: dict[str, Any]) -> dict[str, int]:
    """Return the score of each category that was measured, of 100."""
    return {name: round(category["score"] * 100) for name, category in report["categories"].items()}


def weight(report: dict[str, Any]) -> tuple[int, int]:
    """Return the bytes that came over the line, headers too, and the number of requests."""
    # What is inside the page itself is no request.
    asked = [
        item for item in report["audits"]["network-requests"]["details"]["items"] if item["url"].startswith("http")
    ]
    return sum(item["transferSize"] for item in asked), len(asked)


def row(page: Page, report: dict[str, Any]) -> str:
    """Return the row of `page` in the table."""
    given, audits = scores(report), report["audits"]
    size, requests = weight(report)
    values = [page.name, *(str(given.get(name, "–")) for name in CATEGORIES)]
    values += [f"{audits['largest-contentful-paint']['numericValue'] / 1000:.1f}"]
    values += [f"{audits['cumulative-layout-shift']['numericValue']:.3f}"]
    values += [f"{audits['total-blocking-time']['numericValue']:.0f}", f"{size / 1024:.1f}", str(requests)]
    return f"| {' | '.join(values)} |\n"


def lost(page: Page, report: dict[str, Any]) -> list[str]:
    """Return what keeps `page` from what it must have, as lines."""
    lines = []
    for name, score in scores(report).items():
        if score < 100:
            audits = [report["audits"][entry["id"]] for entry in report["categories"][name]["auditRefs"]]
            why = [audit["title"] for audit in audits if audit["score"] is not None and audit["score"] < 0.9]
            lines.append(f"{page.name}: {name} {score}: {'; '.join(why)}")
    size, requests = weight(report)
    if page.path == "/" and (size > MOST_BYTES or requests > MOST_REQUESTS):
        lines.append(f"{page.name}: {size} bytes in {requests} requests")
    return lines


def machine(report: dict[str, Any], load: float) -> str:
    """Return when, where and with what it was measured, in a sentence."""
    processor = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    browser = re.search(r"Chrome/([\d.]+)", report["environment"]["hostUserAgent"])
    return (
        f"{datetime.now(UTC):%d %B %Y}, {os.cpu_count()} cores "
        f"({processor[1] if processor else platform.machine()}), "
        f"Chromium {browser[1] if browser else '?'}, Lighthouse {report['lighthouseVersion']}, "
        f"Python {platform.python_version()}; load of the machine before: {load:.1f}, its speed as Lighthouse "
        f"measures it: {report['environment']['benchmarkIndex']:.0f}. The median of {RUNS}.\n"
    )


HEAD = [
    "page",
    "performance",
    "accessibility",
    "best practices",
    "SEO",
    "LCP s",
    "CLS",
    "TBT ms",
    "KB",
    "requests",
]


def main() -> int:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        sys.exit("There is no Chromium. Install one (apt-get install chromium), or name it in CHROMIUM.")
    # Whoever ends it from outside must not leave its servers behind: end as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ.setdefault("SECRET_KEY", token_hex(32))
    os.environ.setdefault("LOOKUP_KEY", token_hex(32))
    os.environ.setdefault("FIELD_KEYS", urlsafe_b64encode(token_bytes(32)).decode())
    load = os.getloadavg()[0]
    wanted = sys.argv[1:]
    rows, problems, report = [], [], {}
    factory = Factory(lambda: "")
    try:
        with factory() as practice, tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            for page in pages(practice.url):
                if wanted and page.name not in wanted:
                    continue
                categories = CATEGORIES if page.found else CATEGORIES[:-1]
                report = median(practice.url + page.path, categories, chromium)
                rows.append(row(page, report))
                problems += lost(page, report)
                print(rows[-1], end="", flush=True)
    finally:
        factory.close()
    head = f"| {' | '.join(HEAD)} |\n| {' | '.join(['---'] * len(HEAD))} |\n"
    if not wanted:
        before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
        text = f"{before}{BEGIN}\n{machine(report, load)}\n{head}{''.join(rows)}\n{END}{rest.partition(END)[2]}"
        DOCUMENT.write_text(text, encoding="utf-8")
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
