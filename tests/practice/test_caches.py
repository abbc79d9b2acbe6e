"""What is cached is JSON: foreign, damaged or of tomorrow, it is not there, and runs nothing."""

import pickle
import re
import resource
import shutil
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache

from practice.caches import JsonFileCache, JsonRedisCache
from tests.servers import free_port

SETTINGS = Path(__file__).resolve().parents[2] / "practice" / "settings.py"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Trap:
    """What a pickle would run."""

    sprung = False

    def __reduce__(self) -> Any:
        return setattr, (Trap, "sprung", True)


@pytest.fixture
def file_cache(tmp_path: Path) -> JsonFileCache:
    return JsonFileCache(str(tmp_path / "cache"), {})


@pytest.fixture(params=["files", "redis"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseCache]:
    if request.param == "files":
        yield request.getfixturevalue("file_cache")
        return
    made = JsonRedisCache(request.getfixturevalue("redis_url"), {})
    made.clear()
    yield made
    made.close()


def overwrite(cache: BaseCache, key: str, content: bytes) -> None:
    """Put `content` where `key` lies."""
    if isinstance(cache, JsonFileCache):
        Path(cache._key_to_file(key)).write_bytes(content)  # type: ignore[attr-defined]
    else:
        cache._cache.get_client().set(cache.make_key(key), content)  # type: ignore[attr-defined]


def test_it_gives_back_what_it_was_given(cache: BaseCache) -> None:
    values: dict[str, Any] = {"list": [1.5, 2.5], "true": True, "number": 7, "text": "é", "none": None}
    for key, value in values.items():
        cache.set(key, value, 60)

    assert {key: cache.get(key, "gone") for key in values} == values
    assert cache.get_many([*values, "missing"]) == values
    assert cache.add("list", "other") is False
    assert cache.add("new", "y", timeout=60) is True
    assert cache.touch("text", 60) is True
    assert cache.delete("text") is True
    assert cache.get("text", "gone") == "gone"
    assert cache.has_key("list")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 60,
        b"[1, ",
        b"null",
        b"{}",
        b'["a", "b"]',
        b"[" * 100_000,
        b"null\n\0\0\0",
        b"null\n[[], 1]",
        b"9999999999\n[",
        pickle.dumps(Trap()),
        pickle.dumps(None) + zlib.compress(pickle.dumps(Trap())),
        b"null\n" + pickle.dumps(Trap()),
    ],
    ids=[
        *("empty", "zeros", "cut", "null", "object", "texts", "deep", "zeros behind", "lists", "half"),
        *("pickle", "Django's file", "pickle behind"),
    ],
)
def test_what_is_no_value_is_not_there_and_runs_nothing(cache: BaseCache, content: bytes) -> None:
    cache.set("key", "value", 60)
    overwrite(cache, "key", content)

    assert cache.get("key", "gone") == "gone"
    assert not Trap.sprung
    assert cache.add("key", "again", timeout=60) is True
    assert cache.get("key") == "again"


def test_what_a_clock_wrote_that_ran_ahead_is_not_there(cache: BaseCache) -> None:
    with time_machine.travel(NOW + timedelta(days=3), tick=False):
        cache.set("tries", [1.0, 2.0], 300)

    with time_machine.travel(NOW, tick=False):
        assert cache.get("tries", []) == []
        cache.set("tries", [3.0], 300)
        assert cache.get("tries", []) == [3.0]
    # A clock that is a little behind the one that wrote reads it.
    with time_machine.travel(NOW - timedelta(minutes=4), tick=False):
        assert cache.get("tries", []) == [3.0]


def test_a_lock_that_a_clock_left_ahead_locks_nobody_out(file_cache: JsonFileCache) -> None:
    with time_machine.travel(NOW + timedelta(days=3), tick=False):
        assert file_cache.add("lock", True, timeout=10)

    with time_machine.travel(NOW, tick=False):
        assert file_cache.add("lock", True, timeout=10)


def test_it_ends_with_its_term(file_cache: JsonFileCache) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        file_cache.set("key", "value", 60)
        file_cache.set("kept", "value", None)
        clock.shift(61)

        assert (file_cache.get("key"), file_cache.get("kept")) == (None, "value")


def test_where_redis_is_away_nothing_is_kept_and_nothing_breaks() -> None:
    away = JsonRedisCache(f"redis://127.0.0.1:{free_port()}/0", {})

    away.set("a", 1)

    assert away.get("a", "nothing") == "nothing"
    assert away.get_many(["a"]) == {}
    assert away.add("a", 1) is True
    assert away.delete("a") is False


def test_the_site_caches_in_no_other_way() -> None:
    assert isinstance(caches["default"], JsonFileCache)
    for name in re.findall(r'"BACKEND": "([^"]*[cC]ache[^"]*)"', SETTINGS.read_text()):
        assert name.startswith("practice.caches.Json")


def test_a_folder_in_the_place_of_a_file_is_put_aside(file_cache: JsonFileCache) -> None:
    path = Path(file_cache._key_to_file("key"))  # type: ignore[attr-defined]
    (path / "something").mkdir(parents=True)

    assert file_cache.get("key", "gone") == "gone"
    assert file_cache.add("key", "again", timeout=60)
    assert file_cache.get("key") == "again"


def test_a_file_in_the_place_of_its_folder_only_costs_what_is_cached(tmp_path: Path) -> None:
    cache = JsonFileCache(str(tmp_path / "cache"), {})
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    (tmp_path / "cache").write_bytes(b"")

    cache.set("key", "value", 60)

    assert cache.get("key", "gone") == "gone"
    assert cache.add("key", "value", timeout=60)
    assert not cache.has_key("key")


def test_on_a_full_disk_nothing_is_kept_and_nothing_breaks(file_cache: JsonFileCache) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, before[1]))
    try:
        file_cache.set("key", "value", 60)
        assert file_cache.add("other", "value", timeout=60)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert file_cache.get("key", "gone") == "gone"
    assert not list(Path(file_cache._dir).iterdir())  # type: ignore[attr-defined]
