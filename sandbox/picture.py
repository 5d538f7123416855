"""Pictures of codes as PNG. With the optional ``segno`` they are real QR codes; else a blank square.

Either way the text of the code is in the picture's ``Description``, so that tests read it without a decoder.
"""

import struct
import zlib
from collections.abc import Sequence
from importlib.util import find_spec

QUIET = 4
SIDE_WITHOUT_SEGNO = 29


def code(text: str, *, width: int) -> bytes:
    """A PNG about ``width`` pixels wide that holds ``text``."""
    rows = _modules(text)
    scale = max(1, width // len(rows))
    lines = b"".join(_line(row, scale) * scale for row in rows)
    side = len(rows) * scale
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    about = b"Description\0" + text.encode("latin-1", "replace")
    chunks = (
        _chunk(b"IHDR", header) + _chunk(b"tEXt", about) + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


def _modules(text: str) -> list[Sequence[int]]:
    """Rows of 1 (black) and 0 (white), quiet zone included."""
    if find_spec("segno") is None:
        return [[0] * SIDE_WITHOUT_SEGNO] * SIDE_WITHOUT_SEGNO
    import segno

    return [list(row) for row in segno.make(text, micro=False).matrix_iter(border=QUIET)]


def _line(row: Sequence[int], scale: int) -> bytes:
    return b"\0" + b"".join((b"\x00" if dark else b"\xff") * scale for dark in row)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
