"""Uploads of long files (上传名单): one that is too large is refused by its announced length, before it is read."""

import base64
from collections.abc import Iterator, Sequence
from typing import IO

from flask import current_app, request

from loyalty.kernel.sheets import FILE_BYTES_MAX, FileMissing, FileTooLarge
from portal.web import csrf

PART_BYTES = 192 * 1024
FORM_BYTES = 64 * 1024
"""What the other fields of the form may take beside the file."""


def let_in_a_file() -> None:
    """Let this request be as large as a file may be, and check its form's token, which reads the body.

    Of a view that is exempt from the check made for all: only staff may send a body of that size.

    Raises:
        RequestEntityTooLarge: it is larger than that.
    """
    request.max_content_length = FILE_BYTES_MAX + FORM_BYTES
    if current_app.config.get("WTF_CSRF_ENABLED", True):
        csrf.protect()


def uploaded_parts() -> Sequence[str]:
    """Return the file that was sent, as texts in base64.

    Raises:
        FileMissing: none was chosen.
        FileTooLarge: it is too large.
    """
    file = request.files.get("file")
    if file is None or not file.filename:
        raise FileMissing
    return list(_parts(file.stream))


def _parts(stream: IO[bytes]) -> Iterator[str]:
    size = 0
    for part in iter(lambda: stream.read(PART_BYTES), b""):
        size += len(part)
        if size > FILE_BYTES_MAX:
            raise FileTooLarge
        yield base64.b64encode(part).decode()
