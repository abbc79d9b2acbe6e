"""No log keeps a link by which somebody else could reach a family's appointment."""

import io
import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from practice.logs import LONGEST, Redact, formatter, redact

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "q83vEjRWeJASNFZ4kKvN7w.0.Zt3kXh0b7m-Jc1Q2v4xY8s_Lr9uWdEaFgHiKjNoPqRs"


@pytest.mark.parametrize(
    "path",
    [
        "/afspraak/beheer/{}/",
        "/en/afspraak/beheer/{}/verzetten/",
        "/afspraak/beheer/{}/afspraak.ics",
        "/afspraak/gemaakt/{}/",
        "/en/afspraak/bevestigen/{}/",
        "/api/v1/appointments/{}/cancel",
        "/agenda/abonnement/{}.ics",
    ],
)
@pytest.mark.parametrize("secret", [TOKEN, TOKEN[:-30], "guess"], ids=["whole", "cut", "guessed"])
def test_what_stands_in_the_place_of_a_token_is_cut_out(path: str, secret: str) -> None:
    line = f'GET {path} 404 "-"'

    assert redact(line.format(secret)) == line.format("[token]")


@pytest.mark.parametrize(
    "path",
    [
        "/AFSPRAAK/BEHEER/{}/",
        "//afspraak//beheer//{}/",
        "/afspraak/beheer/afspraak/beheer/{}/",
        "/afspraak/./beheer/../{}/",
        "/afspraak%2Fbeheer%2f{}/",
        "/afspraak%252Fgemaakt%252F{}/",
        "\\afspraak\\bevestigen\\{}",
        "/API/V1//appointments//{}/cancel",
        "/Agenda/Abonnement/{}.ICS",
        "/agenda//abonnement/{}",
        "/ACCOUNT/WACHTWOORD/Mg/{}",
        "//account//wachtwoord//Mg//{}",
        "/account/wachtwoord/vergeten/account/wachtwoord/Mg/{}",
    ],
)
@pytest.mark.parametrize(
    "secret", [TOKEN, TOKEN.replace(".", "%2E"), "guess"], ids=["whole", "encoded", "guessed"]
)
def test_no_spelling_of_the_path_keeps_what_stands_in_the_place_of_a_token(path: str, secret: str) -> None:
    assert secret not in redact(f"GET {path.format(secret)} 404")


@pytest.mark.parametrize(
    "written",
    [
        '"victim"@example.org',
        "victim%40example.org",
        "victim＠example.org",
        "[victim@example.org]",
        "@victim@x.nl.",
    ],
)
def test_no_spelling_keeps_a_mail_address(written: str) -> None:
    assert "victim" not in redact(f"refused: {written}")


def test_of_a_line_without_end_both_ends_are_kept_and_cleaned() -> None:
    said = redact(f"begins, noor@example.org {'x ' * 500_000} {TOKEN} ends")

    assert said.startswith("begins, [address] x")
    assert said.endswith("x  [token] ends")
    assert len(said) <= LONGEST + 10


@pytest.mark.parametrize("sentence", ["seen {}", "next=%2Fafspraak%2F{}", "<a href='{}'>", "{}\n{}"])
def test_a_whole_token_is_cut_out_wherever_it_stands(sentence: str) -> None:
    assert TOKEN not in redact(sentence.format(TOKEN, TOKEN))


def test_a_link_to_choose_a_password_is_cut_out() -> None:
    assert (
        redact("POST /en/account/wachtwoord/Mg/cz1x2y-0a1b2c3d4e5f/ 302")
        == "POST /en/account/wachtwoord/[token] 302"
    )


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("refused: noor.de.vries+sam@mail.example.org>", "refused: [address]>"),
        (
            "SMTPRecipientsRefused({'noor@example.org': (550, b'no <noor@example.org>')})",
            "SMTPRecipientsRefused({'[address]': (550, b'no <[address]>')})",
        ),
        (
            "no such number: +31 6 12345678, 06-12345678, 0031612345678.",
            "no such number: [number], [number], [number].",
        ),
        (
            "refuses\nDETAIL:  Failing row contains (7, Sam, under_12).\nCONTEXT: x",
            "refuses\nDETAIL: [row]\nCONTEXT: x",
        ),
    ],
)
def test_where_anyone_can_be_reached_and_whole_rows_are_cut_out(said: str, kept: str) -> None:
    assert redact(said) == kept


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-20 12:00:00,123 INFO 0.123 10.0.0.12:8000 notification 1234567890",
        "GET /account/wachtwoord/vergeten/ 200",
        "POST /agenda/abonnement/aan/ 302",
        "GET /agenda/abonnement/ 200",
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
    handler.addFilter(Redact())
    logger = logging.Logger("of this test")
    logger.addHandler(handler)

    try:
        raise LookupError(TOKEN)
    except LookupError:
        logger.exception("no such page: %s", f"/afspraak/beheer/{TOKEN}/")

    assert "no such page: /afspraak/beheer/[token]/" in stream.getvalue()
    assert "LookupError: [token]" in stream.getvalue()


@pytest.mark.parametrize("kind", ["plain", "json"])
@pytest.mark.parametrize("end", ["\n", "\r", "\x0b", "\x1b[2K", "\x85", "\u2028", "\u202e"])
def test_nobody_writes_a_line_of_their_own(kind: str, end: str) -> None:
    forged = f"{end}2026-11-20T12:00:00.000+00:00 INFO security: account 1 signed in"
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(Redact())
    handler.setFormatter(formatter(kind))
    logger = logging.Logger("of this test")
    logger.addHandler(handler)

    logger.warning("Not found: %s", f"/x{forged}")
    try:
        raise LookupError(forged)
    except LookupError:
        logger.exception("no such page")

    lines = stream.getvalue().splitlines()
    assert not [line for line in lines if line.startswith(forged.lstrip()) or end in line]
    assert len([line for line in lines if not line.startswith(" ")]) == 2


def logged(script: str, **environment: str) -> str:
    """Return what the installation logs where `script` is run in it."""
    done = subprocess.run(
        [sys.executable, "-c", f"import django, logging; django.setup(); {script}"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "practice.settings", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr.strip()


def test_json_is_one_object_a_line_with_the_request_it_is_about() -> None:
    script = f"""
from practice import request_ids
log = logging.getLogger("booking")
log.info("before any")
request_ids.begin("from-the-proxy")
try:
    raise LookupError("{TOKEN} of noor@example.org")
except LookupError:
    log.exception("seen %s", "{TOKEN}")
"""
    lines = logged(f"exec({script!r})", LOG_FORMAT="json").splitlines()

    first, second = map(json.loads, lines)
    assert datetime.fromisoformat(first.pop("time")).tzinfo == UTC
    assert first == {"level": "INFO", "logger": "booking", "message": "before any"}
    assert (second["message"], second["request_id"]) == ("seen [token]", "from-the-proxy")
    assert second["traceback"].endswith("LookupError: [token] of [address]")


def test_what_the_installation_logs_went_through_it() -> None:
    said = logged(f"logging.getLogger('booking').warning('seen %s', '{TOKEN}')")

    assert said.endswith("WARNING booking: seen [token]")
    assert datetime.fromisoformat(said.split()[0]).tzinfo == UTC


def test_a_line_for_people_names_its_request_too() -> None:
    script = "from practice import request_ids; request_ids.begin('from-the-proxy')"
    said = logged(f"{script}; logging.getLogger('booking').warning('seen')", TZ="Europe/Amsterdam")

    assert said.endswith("WARNING booking: seen [from-the-proxy]")
    assert said.split()[0].endswith("+00:00")


@pytest.mark.parametrize(
    ("proxies", "sent", "kept"),
    [
        (["127.0.0.0/8"], "7f3a9c1e-proxy", True),
        (["127.0.0.0/8"], "noor@example.org", False),
        (["127.0.0.0/8"], "short", False),
        ([], "7f3a9c1e-proxy", False),
    ],
    ids=["our proxy's", "an address", "too short", "a stranger's"],
)
def test_each_answer_names_its_request(
    client: Client, settings: Any, proxies: list[str], sent: str, kept: bool
) -> None:
    settings.TRUSTED_PROXIES = proxies

    first, second = (client.get("/healthz", headers={"X-Request-ID": sent})["X-Request-ID"] for _ in range(2))

    assert (first == second == sent) is kept
    assert kept or (len(first) == 32 and first != second)
