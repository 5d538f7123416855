"""Lists as CSV that Excel opens: with a byte order mark, and with nothing that it would calculate."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from flask import Response, stream_with_context

from loyalty.kernel.pagination import PAGE_SIZE_MAX, Page
from loyalty.kernel.transaction import run
from portal.console.filters import local_time
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

Item = TypeVar("Item")
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


Row = Sequence[object]


def csv_response(name: str, header: Row, rows: Iterable[Row]) -> Response:
    """Return rows as a download."""
    return _download(name, "\ufeff" + _lines([header, *rows]))


def streamed_csv(name: str, header: Row, pages: Iterable[Iterable[Row]]) -> Response:
    """Return rows as a download that is sent page by page, however many they are.

    A page that cannot be read breaks the connection off, so that nobody takes a part for the whole.
    """

    def parts() -> Iterator[str]:
        yield "\ufeff" + _lines([header])
        yield from (_lines(page) for page in pages)

    return _download(name, stream_with_context(parts()))


def streamed_list(name: str, header: Row, read: "Callable[[Session, str | None], Page[Row]]") -> Response:
    """Return a whole list as a download, however long: ``read`` returns the page that begins at a cursor.

    Each page is read in a transaction of its own: a slow download holds none open.
    """
    return streamed_csv(name, header, _pages(read))


def as_rows(
    found: Callable[..., Page[Item]],
    row: Callable[..., Row],
    *,
    named: "Callable[[Session, Sequence[Item]], Mapping[str, object]]",
) -> "Callable[[Session, str | None], Page[Row]]":
    """Return how a list is read as rows: ``named`` says once for each page what ``row`` is told beside an item."""

    def read(session: "Session", cursor: str | None) -> Page[Row]:
        page = found(session, cursor=cursor, limit=PAGE_SIZE_MAX)
        known = named(session, page.items)
        return Page([row(item, **known) for item in page.items], page.next_cursor)

    return read


def pages_after(
    read: "Callable[[Session, int], Sequence[Item]]", *, place_of: Callable[[Item], int]
) -> Iterator[Sequence[Item]]:
    """Yield a list page by page, each in a transaction of its own: ``read`` returns what follows a place, from 0."""
    database, after = container().database, 0
    while page := run(database, lambda session, after=after: read(session, after)):  # type: ignore[misc]
        yield page
        after = place_of(page[-1])


def _pages(read: "Callable[[Session, str | None], Page[Row]]") -> Iterator[Sequence[Row]]:
    database = container().database
    cursor: str | None = None
    while True:
        page = run(database, lambda session, cursor=cursor: read(session, cursor))  # type: ignore[misc]
        yield page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _download(name: str, content: str | Iterator[str]) -> Response:
    response = Response(content, mimetype="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _lines(rows: Iterable[Row]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([_cell(value) for value in row] for row in rows)
    return buffer.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return local_time(value)
    text = str(value)
    # A cell that begins like a formula would run in the reader's spreadsheet.
    is_number = isinstance(value, int)
    return "'" + text if text.startswith(_DANGEROUS) and not is_number else text
