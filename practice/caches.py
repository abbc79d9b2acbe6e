"""Cached values as JSON: whoever can write into the cache can lie to the site, and never run code in it.

Django's own caches pickle. What lies here is little: when somebody tried to sign in, and which codes were used.
"""

import json
import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.redis import RedisCache

logger = logging.getLogger(__name__)

# So far clocks of several machines may differ; what was written later than that was written by one that ran ahead.
_DIFFER_SECONDS = 300


def _packed(value: Any) -> bytes:
    """Return `value` with the moment at which it is written."""
    return json.dumps([time.time(), value]).encode()


def _unpacked(data: bytes) -> Any:
    """Return the value in `data`; raises ValueError where it is none, or was written by a clock ahead of ours."""
    try:
        written, value = json.loads(data)
        if written <= time.time() + _DIFFER_SECONDS:
            return value
    except (TypeError, RecursionError) as error:
        raise ValueError("not written by this cache") from error
    raise ValueError("written by a clock that ran ahead")


class JsonSerializer:
    """What Redis is given: JSON, and whole numbers as they are, so that it can count them up by itself."""

    def dumps(self, value: Any) -> bytes | int:
        return value if type(value) is int else _packed(value)

    def loads(self, data: bytes) -> Any:
        """Return the value in `data`; raises ValueError where it cannot be relied on."""
        try:
            return int(data)
        except ValueError:
            return _unpacked(data)


class JsonRedisCache(RedisCache):
    """Django's cache in Redis, with JSON in it; what cannot be read is not there.

    Where Redis is away nothing is kept, and nobody is kept out: tries and used codes are counted in the database
    (booking/rate_limits.py), and that decides.
    """

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        # Costs a while to read, and only who has Redis needs it.
        from redis.exceptions import RedisError

        self._away = RedisError
        options = {"socket_connect_timeout": 1, "socket_timeout": 5, **params.get("OPTIONS", {})}
        super().__init__(server, {**params, "OPTIONS": {**options, "serializer": JsonSerializer}})

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except ValueError:
            self.delete(key, version)
            return default
        except self._away:
            return default

    def add(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        try:
            return bool(super().add(key, value, timeout, version))
        except self._away:
            return True

    def set(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        with suppress(self._away):
            super().set(key, value, timeout, version)

    def delete(self, key: str, version: int | None = None) -> bool:
        try:
            return bool(super().delete(key, version))
        except self._away:
            return False

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        missing = object()
        found = {key: self.get(key, missing, version) for key in keys}
        return {key: value for key, value in found.items() if value is not missing}


class JsonFileCache(FileBasedCache):
    """Django's cache in files, with JSON in them; a file that was cut, emptied or cannot be opened is not there.

    What cannot be written is not kept: limits that must hold count in the database (booking/rate_limits.py).
    """

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        try:
            path = self._key_to_file(key, version)  # type: ignore[attr-defined]
            with open(path, "rb") as file:  # noqa: PTH123
                if not self._is_expired(file):
                    return _unpacked(file.read())
        except FileNotFoundError:
            pass
        except (OSError, ValueError):
            self.delete(key, version)
        return default

    def set(
        self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        try:
            super().set(key, value, timeout, version)
        except OSError as error:
            logger.warning("The cache cannot be written: %s.", error.strerror)

    def has_key(self, key: str, version: int | None = None) -> bool:
        missing = object()
        return self.get(key, missing, version) is not missing

    def touch(self, key: str, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        missing = object()
        value = self.get(key, missing, version)
        if value is not missing:
            self.set(key, value, timeout, version)
        return value is not missing

    def _write_content(self, file: IO[bytes], timeout: float | None, value: Any) -> None:
        """Write until when `value` counts (seconds since 1970, null for ever), and on the next line `value`."""
        file.write(json.dumps(self.get_backend_timeout(timeout)).encode() + b"\n")
        file.write(_packed(value))

    def _is_expired(self, file: IO[bytes]) -> bool:
        """Return whether what is in `file` counts no more, and delete it then; else it is left at the value."""
        try:
            until = json.loads(file.readline())
            over = until is not None and until < time.time()
        except (ValueError, TypeError, RecursionError):
            over = True
        if over:
            self._delete(file.name)
        return over

    def _delete(self, name: str) -> bool:
        try:
            return bool(super()._delete(name))  # type: ignore[misc]
        except OSError:
            # A folder, or what another user made.
            with suppress(OSError):
                Path(name).rename(f"{name}.damaged")
            return False
