"""What becomes of the files that browsers send."""

import io
import tracemalloc
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory

from practice.pictures import LARGEST_PICTURE
from practice.serving import MOST_BODY
from practice.uploads import LARGEST_UPLOAD, SmallFilesUploadHandler, takes_file
from tests.house import NOW, browser_of, every_route, make_house

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


@takes_file()
def view(request: Any) -> None:
    """Asks for a file."""


def upload(size: int) -> Any:
    body = Body(size)
    request: Any = RequestFactory().request(
        **{
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}",
            "CONTENT_LENGTH": str(body.length),
            "wsgi.input": io.BufferedReader(body),
        }
    )
    request.resolver_match = SimpleNamespace(func=view)
    request.user = User()
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


CLOSURES, PICTURES = "/en/agenda/vrij/importeren/", "/en/beheer/practice/picture/add/"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes of files were kept, each time that some were."""
    found: list[int] = []
    begin = SmallFilesUploadHandler.receive_data_chunk

    def counted(handler: SmallFilesUploadHandler, raw_data: bytes, start: int) -> None:
        begin(handler, raw_data, start)
        found.append(len(handler.content.getvalue()))

    monkeypatch.setattr(SmallFilesUploadHandler, "receive_data_chunk", counted)
    return found


def files(number: int, size: int = 10) -> dict[str, Any]:
    return {f"file{index}": SimpleUploadedFile("a.ics", b"x" * size) for index in range(number)}


@pytest.mark.django_db
class TestOfAHouse:
    @pytest.fixture(autouse=True)
    def house(self) -> Iterator[Any]:
        with time_machine.travel(NOW, tick=False):
            yield make_house()

    def test_no_address_takes_a_file_unless_its_form_asks_for_one(
        self, house: dict[str, Any], kept: list[int]
    ) -> None:
        taking = set()
        for browser in (Client(), browser_of("alice"), browser_of("carol")):
            # The check of a form's token, for which it is read, comes with a cookie alone.
            browser.cookies["csrftoken"] = "a" * 32
            browser.handler.enforce_csrf_checks = True
            for route in every_route(house):
                kept.clear()
                browser.post(route.address, files(1))
                if kept:
                    taking.add(route.name)

        assert taking == {"booking:import_closures", "admin:practice_picture_add"}

    @pytest.mark.parametrize("address", ["/afspraak/kiezen/", "/en/contact/", "/en/account/login/", CLOSURES])
    @pytest.mark.parametrize("number", [1, 2, 99, 101])
    def test_files_that_nobody_asked_for_are_refused_in_a_sentence(
        self, kept: list[int], address: str, number: int
    ) -> None:
        browser = browser_of("alice") if number > 1 else Client()
        browser.cookies["csrftoken"] = "a" * 32
        browser.handler.enforce_csrf_checks = True

        answer = browser.post(address, files(number))

        if address == CLOSURES and number == 1:
            # Of nobody who is signed in, it is not kept: only who they are is asked.
            assert answer.status_code == 403
        else:
            assert answer.status_code == 400
            assert "not asked for here" in answer.content.decode() or "niet om gevraagd" in answer.content.decode()
        assert max(kept, default=0) <= 10

    def test_what_is_longer_than_any_form_is_refused_unread(self) -> None:
        class Unread(io.RawIOBase):
            def readable(self) -> bool:
                return True

            def readinto(self, buffer: Any) -> int:
                raise AssertionError("somebody read it")

        for address, length in [
            ("/en/afspraak/kiezen/", 256 * 1024 + 1),
            ("/en/contact/", MOST_BODY),
            (CLOSURES, MOST_BODY + 1),
            (PICTURES, MOST_BODY + 1),
            (PICTURES, 10**12),
        ]:
            sent: dict[str, Any] = {"CONTENT_LENGTH": str(length), "wsgi.input": io.BufferedReader(Unread())}
            for kind in ("multipart/form-data; boundary=x", "application/x-www-form-urlencoded"):
                answer = browser_of("carol").generic("POST", address, content_type=kind, **sent)
                assert answer.status_code == 413
                assert "more than fits in this form" in answer.content.decode()

    def test_no_form_of_the_api_takes_a_file(self, kept: list[int]) -> None:
        assert Client().post("/api/v1/appointments", files(3)).status_code in {400, 401, 413, 415}
        assert kept == []


def test_the_largest_file_fits_into_the_largest_body() -> None:
    assert LARGEST_PICTURE + 256 * 1024 < MOST_BODY
