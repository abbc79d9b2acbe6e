"""Files that browsers send: small ones in memory, and nothing at all is kept of larger ones."""

from collections.abc import Callable
from io import BytesIO
from typing import Any, TypeVar

from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

_View = TypeVar("_View", bound=Callable[..., Any])
LARGEST_UPLOAD = 1024 * 1024


def takes_larger(largest: int) -> Callable[[_View], _View]:
    """Let the view below be sent files of at most `largest` bytes, by managers alone."""

    def mark(view: _View) -> _View:
        view.largest_upload = largest  # type: ignore[attr-defined]
        return view

    return mark


def _largest(request: Any) -> int:
    # Files are read before the view runs, by the check of the form's token: so who sends is asked here too.
    match = getattr(request, "resolver_match", None)
    largest: int = getattr(match.func, "largest_upload", LARGEST_UPLOAD) if match else LARGEST_UPLOAD
    return largest if largest == LARGEST_UPLOAD or request.user.is_staff else LARGEST_UPLOAD


class SmallFilesUploadHandler(FileUploadHandler):
    """Keeps a file of at most 1 MB, or of what the view takes from who manages the site (`takes_larger`).

    Of a larger one comes an empty file that tells its true size, so that the form can say what is wrong. Django's
    own handlers would write it to disk, whoever sent it and whatever the page.
    """

    def new_file(self, *args: object, **kwargs: object) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)  # type: ignore[arg-type] # handed on as they came
        self.content = BytesIO()
        self.largest = _largest(self.request)

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
