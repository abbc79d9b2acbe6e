"""Files that browsers send: one where one is asked for, in memory, and nothing at all is kept of others."""

from collections.abc import Callable
from io import BytesIO
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from practice.serving import MOST_BODY

_View = TypeVar("_View", bound=Callable[..., Any])
LARGEST_UPLOAD = 1024 * 1024


class UnaskedFile(BadRequest):
    """A file came where no form asks for one."""


def takes_file(largest: int = LARGEST_UPLOAD, *, of_managers: bool = False) -> Callable[[_View], _View]:
    """Let the view below be sent one file of at most `largest` bytes, by whoever is signed in, or manages."""

    def mark(view: _View) -> _View:
        view.largest_file, view.of_managers = largest, of_managers  # type: ignore[attr-defined]
        return view

    return mark


class BodiesMiddleware:
    """Refuses what is longer than the form at that address can be, before a byte of it is read.

    The API asks the same of its calls itself, and answers in its own way.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if getattr(view, "csrf_exempt", False):
            return None
        # With a file too large for its view the form is to say so: more than any is refused here all the same.
        most = MOST_BODY if hasattr(view, "largest_file") else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isascii() and length.isdigit() and len(length) < 10 and int(length) <= most:
            return None
        return render(request, "413.html", status=413)


class SmallFilesUploadHandler(FileUploadHandler):
    """Keeps a file where the view takes one from whoever sends it (`takes_file`).

    Of a larger one comes an empty file that tells its true size, so that the form can say what is wrong. Django's
    own handlers would write it to disk, whoever sent it and whatever the page.
    """

    def new_file(self, *args: object, **kwargs: object) -> None:
        """Begin a file. Raises UnaskedFile where none is asked for."""
        super().new_file(*args, **kwargs)  # type: ignore[arg-type] # handed on as they came
        # Files are read before the view runs, by the check of the form's token: so who sends is asked here too.
        request: Any = self.request
        view = request.resolver_match and request.resolver_match.func
        if not hasattr(view, "largest_file"):
            raise UnaskedFile
        if not (request.user.is_staff if view.of_managers else request.user.is_authenticated):
            # Whose session has ended is asked to sign in, and chooses the file again.
            raise SkipFile
        self.content = BytesIO()
        self.largest = view.largest_file

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep a piece, as long as the whole stays small."""
        if start + len(raw_data) <= self.largest:
            self.content.write(raw_data)
        else:
            self.content = BytesIO()

    def file_complete(self, file_size: int) -> "UploadedFile[bytes]":
        """Return what was kept, with the size of all that came."""
        self.content.seek(0)
        return InMemoryUploadedFile(
            self.content,
            self.field_name,
            self.file_name or "",
            self.content_type or "",
            file_size,
            self.charset,
            self.content_type_extra,
        )
