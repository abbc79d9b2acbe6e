"""No log keeps a link by which somebody else could reach a family's appointment."""

import io
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from practice.logs import RedactTokens, redact

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "q83vEjRWeJASNFZ4kKvN7w.0.Zt3kXh0b7m-Jc1Q2v4xY8s_Lr9uWdEaFgHiKjNoPqRs"


@pytest.mark.parametrize(
    "path",
    [
        "/afspraak/beheer/{}/",
        "/en/afspraak/beheer/{}/verzetten/",
        "/afspraak/beheer/{}/afspraak.ics",
        "/afspraak/gemaakt/{}/",
        "/api/v1/appointments/{}/cancel",
        "/agenda/abonnement/{}.ics",
    ],
)
@pytest.mark.parametrize("secret", [TOKEN, TOKEN[:-30], "guess"], ids=["whole", "cut", "guessed"])
def test_what_stands_in_the_place_of_a_token_is_cut_out(path: str, secret: str) -> None:
    line = f'GET {path} 404 "-"'

    assert redact(line.format(secret)) == line.format("[token]")


@pytest.mark.parametrize("sentence", ["seen {}", "next=%2Fafspraak%2F{}", "<a href='{}'>", "{}\n{}"])
def test_a_whole_token_is_cut_out_wherever_it_stands(sentence: str) -> None:
    assert TOKEN not in redact(sentence.format(TOKEN, TOKEN))


def test_a_link_to_choose_a_password_is_cut_out() -> None:
    assert (
        redact("POST /en/account/wachtwoord/Mg/cz1x2y-0a1b2c3d4e5f/ 302")
        == "POST /en/account/wachtwoord/[token] 302"
    )


@pytest.mark.parametrize(
    "line",
    [
        "GET /account/wachtwoord/vergeten/ 200",
        "GET /agenda/afspraak/8f14e45f-ceea-467f-a8f8-0123456789ab/ 200",
        "GET /static/css/site.0123456789ab.css 200",
        "notification 12: due SMTPServerDisconnected",
    ],
)
def test_all_else_stays(line: str) -> None:
    assert redact(line) == line


def test_arguments_and_traceback_are_looked_through_too() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactTokens())
    logger = logging.Logger("of this test")
    logger.addHandler(handler)

    try:
        raise LookupError(TOKEN)
    except LookupError:
        logger.exception("no such page: %s", f"/afspraak/beheer/{TOKEN}/")

    assert "no such page: /afspraak/beheer/[token]/" in stream.getvalue()
    assert "LookupError: [token]" in stream.getvalue()


def test_what_the_installation_logs_went_through_it() -> None:
    log = f"import django, logging; django.setup(); logging.getLogger('booking').warning('seen %s', '{TOKEN}')"

    done = subprocess.run(
        [sys.executable, "-c", log],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "practice.settings"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr.strip().endswith("WARNING booking: seen [token]")
