"""Files (批量文件): a line says who is meant, how many points, and until when."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import BinaryIO

from loyalty.adjustments.rules.lines import WITHOUT_HEADING, Line, columns_of, line_of
from loyalty.kernel.sheets import read_sheet


def read_lines(content: BinaryIO, *, today: date, after: int = 0) -> Iterator[Line]:
    """Read the lines of a file that follow line ``after``; blank ones are left out.

    Raises:
        UnreadableFile: it is of another kind, damaged, empty, or has too many lines.
    """
    reading = partial(line_of, today=today)
    return read_sheet(content, columns_of=columns_of, without_heading=WITHOUT_HEADING, line_of=reading, after=after)
