"""What becomes of the files that browsers send."""

import io
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import RequestFactory

from practice.uploads import LARGEST_UPLOAD

BOUNDARY = "the-boundary"


class Body(io.RawIOBase):
    """A form with a field and a file of `size` bytes, which are made as they are read."""

    def __init__(self, size: int) -> None:
        super().__init__()
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="before"\r\n\r\nkept\r\n'
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.ics"\r\n'
            "Content-Type: text/calendar\r\n\r\n"
        )
        tail = f"\r\n--{BOUNDARY}--\r\n"
        self.length = len(head) + size + len(tail)
        self._left = b""
        self._pieces = self._make(head.encode(), size, tail.encode())

    def _make(self, head: bytes, size: int, tail: bytes) -> Iterator[bytes]:
        yield head
        piece = b"x" * 65536
        for _ in range(size // len(piece)):
            yield piece
        yield piece[: size % len(piece)]
        yield tail

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._left = self._left or next(self._pieces, b"")
        found, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(found)] = found
        return len(found)


def upload(size: int) -> Any:
    body = Body(size)
    request = RequestFactory().request(
        **{
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}",
            "CONTENT_LENGTH": str(body.length),
            "wsgi.input": io.BufferedReader(body),
        }
    )
    assert request.POST["before"] == "kept"
    return request.FILES["file"]


@pytest.mark.parametrize("size", [1, 100_000, LARGEST_UPLOAD])
def test_a_small_file_comes_whole(size: int) -> None:
    file = upload(size)

    assert (file.name, file.size, file.read()) == ("a.ics", size, b"x" * size)


def test_of_a_large_file_only_its_size_is_known() -> None:
    file = upload(LARGEST_UPLOAD + 1)

    assert (file.size, file.read()) == (LARGEST_UPLOAD + 1, b"")


def test_fifty_megabytes_are_never_held() -> None:
    tracemalloc.start()
    try:
        file = upload(50 * 1024 * 1024)
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert file.size == 50 * 1024 * 1024
    assert most < 8 * 1024 * 1024
