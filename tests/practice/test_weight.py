"""How much comes over the line: pages are compressed where that tells nobody anything, and Home is light."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client

from benchmarks.lighthouse.run import MOST_BYTES, MOST_REQUESTS
from tests.house import browser_of, make_house

pytestmark = pytest.mark.django_db

LIGHTHOUSE = Path("benchmarks/lighthouse")
# What a browser asks for by itself when it reads a page, and what it may hold for later.
ASKED_FOR = re.compile(
    r'<(?:link(?=[^>]*rel="(?:stylesheet|icon|preload)")|script|img)[^>]*?(?:href|src)="([^"]+)"'
)
# Headers of one answer over HTTP/1.1, rather more than they are.
HEADERS = 1500


@pytest.fixture
def phone() -> Client:
    """A browser that takes what is compressed, as all of them do."""
    call_command("load_practice", verbosity=0)
    return Client(headers={"accept-encoding": "gzip, deflate, br"})


def file_behind(address: str) -> Path:
    found = finders.find(address.removeprefix("/static/"))
    assert isinstance(found, str), address
    return Path(found)


@pytest.mark.parametrize("path", ["/", "/en/"])
def test_home_is_light(phone: Client, settings: Any, path: str) -> None:
    settings.DEMO = True
    answer = phone.get(path)
    files = [file_behind(address) for address in ASKED_FOR.findall(gzip.decompress(answer.content).decode())]

    weight = len(answer.content) + sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)
    assert len(files) >= 3
    assert len(files) + 1 <= MOST_REQUESTS
    assert weight + HEADERS * (len(files) + 1) <= MOST_BYTES


@pytest.mark.parametrize("path", ["/", "/hechting/", "/afspraak/", "/nergens/", "/api/v1/slots"])
def test_what_visitors_read_is_compressed(phone: Client, path: str) -> None:
    answer = phone.get(path)
    plain = Client().get(path)

    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) < len(plain.content)
    assert "Content-Encoding" not in plain
    assert "Accept-Encoding" in plain["Vary"]


def test_nothing_behind_signing_in_is_compressed() -> None:
    house = make_house()
    browser = browser_of("carol")
    paths = ["/agenda/", "/en/agenda/", f"/agenda/afspraak/{house['public_id']}/", "/beheer/", "/account/2fa/"]

    answers = [browser.get(path, headers={"accept-encoding": "gzip"}) for path in paths]

    assert [answer.status_code for answer in answers] == [200] * len(paths)
    assert ["Content-Encoding" in answer for answer in answers] == [False] * len(paths)


def test_what_lighthouse_needs_is_locked_by_hash_and_names_no_registry() -> None:
    text = (LIGHTHOUSE / "package-lock.json").read_text()
    locked = json.loads(text)["packages"]
    wanted = json.loads((LIGHTHOUSE / "package.json").read_text())["dependencies"]

    packages = {name: package for name, package in locked.items() if name}
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")] == []
    assert '"resolved"' not in text
    assert "registry." not in text
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
