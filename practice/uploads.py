"""Files that browsers send: small ones in memory, and nothing at all is kept of larger ones."""

from io import BytesIO

from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

LARGEST_UPLOAD = 1024 * 1024


class SmallFilesUploadHandler(FileUploadHandler):
    """Keeps a file of at most 1 MB.

    Of a larger one comes an empty file that tells its true size, so that the form can say what is wrong. Django's
    own handlers would write it to disk, whoever sent it and whatever the page.
    """

    def new_file(self, *args: object, **kwargs: object) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)  # type: ignore[arg-type] # handed on as they came
        self.content = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep a piece, as long as the whole stays small."""
        if start + len(raw_data) <= LARGEST_UPLOAD:
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
