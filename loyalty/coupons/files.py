"""Files of issue jobs (发券名单): a member on each line, by phone or member number."""

from collections.abc import Iterator
from typing import BinaryIO

from loyalty.coupons.rules.issue_jobs import WITHOUT_HEADING, IssueLine, columns_of, line_of
from loyalty.kernel.sheets import read_sheet


def read_lines(content: BinaryIO, *, after: int = 0) -> Iterator[IssueLine]:
    """Read the lines of a file that follow line ``after``; blank ones are left out.

    Raises:
        UnreadableFile: it is of another kind, damaged, empty, or has too many lines.
    """
    return read_sheet(content, columns_of=columns_of, without_heading=WITHOUT_HEADING, line_of=line_of, after=after)
