"""Pages by cursor: a page costs the same at any depth, and rows never repeat or go missing."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from loyalty.kernel.errors import InvalidInput

Item = TypeVar("Item")

PAGE_SIZE = 20
PAGE_SIZE_MAX = 100
_ID_MAX = 2**63 - 1


class InvalidCursor(InvalidInput):
    """The cursor was not made by us."""

    code = "invalid_cursor"
    message = "翻页参数不正确，请从第一页重新开始"


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items and, when more follow, the cursor of the next page."""

    items: Sequence[Item]
    next_cursor: str | None


def encode_cursor(last_id: int) -> str:
    """Make an opaque cursor that continues after a row."""
    return base64.urlsafe_b64encode(str(last_id).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> int | None:
    """Read a cursor back.

    Raises:
        InvalidCursor: it was not made by ``encode_cursor``.
    """
    if not cursor:
        return None
    try:
        last_id = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor from error
    if not 0 <= last_id <= _ID_MAX:
        raise InvalidCursor
    return last_id


def page_of(rows: Sequence[Item], *, limit: int, id_of: Callable[[Item], int]) -> Page[Item]:
    """Cut a page from ``limit + 1`` rows: the extra row only tells that more follow."""
    if len(rows) <= limit:
        return Page(rows, None)
    items = rows[:limit]
    return Page(items, encode_cursor(id_of(items[-1])))
