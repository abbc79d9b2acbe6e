"""What `make run` looks at before it starts anything: whether the database is one, writable, and its own."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_django
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from scripts import prepare

FOREIGN = "CREATE TABLE recipe (id integer)"
OTHER_DJANGO = (
    "CREATE TABLE django_migrations (id integer, app text, name text, applied text);"
    "INSERT INTO django_migrations VALUES (1, 'recipes', '0001_initial', '2026-01-01')"
)
BEGUN = OTHER_DJANGO.replace("recipes", "auth") + "; CREATE TABLE auth_user (id integer)"


Use = Callable[..., None]


@pytest.fixture
def use(tmp_path: Path, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[Use]:
    """Makes a SQLite database of some statements, and lets `prepare` find that one: `use(content, mode="ro")`."""
    file, usual = tmp_path / "practice.sqlite3", connections["default"]

    def use(content: str, mode: str = "rwc") -> None:
        made = sqlite3.connect(file)
        made.executescript(content)
        made.close()
        options = {"transaction_mode": "IMMEDIATE", "uri": True}
        settings = {**connections.settings["default"], "NAME": f"file:{file}?mode={mode}", "OPTIONS": options}
        connections["default"] = DatabaseWrapper(settings)

    with django_db_blocker.unblock():
        yield use
        connections["default"].close()
        connections["default"] = usual


def test_database_that_cannot_be_written_is_refused(use: Use) -> None:
    use("PRAGMA journal_mode=WAL", mode="ro")

    with pytest.raises(ImproperlyConfigured, match="cannot be used: attempt to write a readonly database"):
        prepare.check_servers()


@pytest.mark.parametrize("content", [FOREIGN, OTHER_DJANGO], ids=["no Django", "another Django"])
def test_database_of_another_program_is_refused(use: Use, content: str) -> None:
    use(content)

    with pytest.raises(ImproperlyConfigured, match="holds the tables of another program"):
        prepare.check_servers()


@pytest.mark.parametrize("content", ["", BEGUN], ids=["empty", "first start was interrupted"])
def test_database_that_is_its_own_is_taken(use: Use, content: str) -> None:
    use(content)

    prepare.check_servers()


@pytest.fixture
def collected(tmp_path: Path, settings: Any) -> Path:
    """The folder of static files, collected from one."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "site.css").write_text("body { color: black }")
    settings.STATICFILES_DIRS = [tmp_path / "source"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    settings.STATIC_ROOT = tmp_path / "static"
    prepare.collect_static()
    return tmp_path / "static"


def test_static_files_are_collected_once(collected: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in collected.iterdir()}
    assert "staticfiles.json" in {file.name for file in before}

    prepare.collect_static()

    assert {file: file.stat().st_mtime_ns for file in collected.iterdir()} == before


@pytest.mark.parametrize("name", [".collected", "staticfiles.json", "site.css", "site.*.css"])
@pytest.mark.parametrize("damage", ["empty", "zeros", "gone", "no text", "folder"])
def test_damaged_static_files_are_collected_again(collected: Path, name: str, damage: str) -> None:
    before = {file.name: file.read_bytes() for file in collected.iterdir()}
    file = next(collected.glob(name))
    content = {"empty": b"", "zeros": b"\0" * file.stat().st_size, "no text": b"\xff\xfe"}
    if damage in {"gone", "folder"}:
        file.unlink()
        if damage == "folder":
            (file / "something").mkdir(parents=True)
    else:
        file.write_bytes(content[damage])

    prepare.collect_static()

    assert {file.name: file.read_bytes() for file in collected.iterdir()} == before


def test_a_file_in_the_place_of_their_folder_is_no_hindrance(collected: Path) -> None:
    shutil.rmtree(collected)
    collected.write_bytes(b"")

    prepare.collect_static()

    assert (collected / "staticfiles.json").is_file()
