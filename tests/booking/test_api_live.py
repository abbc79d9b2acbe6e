"""The API as it really runs: a machine that tries everything its description allows, and a browser."""

import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.served import Factory


@pytest.mark.servers
def test_nothing_that_the_description_allows_or_forbids_breaks_it(served: Factory, tmp_path: Path) -> None:
    """Schemathesis makes thousands of right and wrong requests, and books, reads, moves and cancels."""
    with served() as practice:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{practice.url}/api/v1/openapi.json"),
                # Bounded by their number: by time, a slow machine would not come to the calls in a row.
                *("--max-examples", "12", "--continue-on-failure", "--no-color"),
                # Some rules join fields, such as 62 days from `from` to `until`: no schema can say them.
                *("--exclude-checks", "positive_data_acceptance"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        log = practice.log()

    assert done.returncode == 0, done.stdout
    assert "6 selected / 6 total" in done.stdout
    # One call after another too: books, then reads, moves and cancels that.
    assert "✅  Stateful" in done.stdout
    assert "Traceback" not in log


@pytest.mark.browser
def test_documentation_breaks_no_policy_and_keeps_nobody_out(served: Factory, page: Page) -> None:
    with served() as practice:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda asked: complaints.append(asked.url) if practice.url not in asked.url else None)

        page.goto(f"{practice.url}/api/v1/docs")
        page.locator("#book").scroll_into_view_if_needed()
        page.locator("section", has=page.locator("#book")).locator("summary", has_text="409").click()

        assert page.get_by_text('"alternatives"').first.is_visible()
        assert complaints == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert Axe().run(page).violations_count == 0
