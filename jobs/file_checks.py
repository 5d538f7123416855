"""Checking an uploaded file in pages, for whatever its lines say; what has been read before is not kept twice."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Protocol, TypeVar

from loyalty.container import Container
from loyalty.kernel.bulk import BulkRun, Overtaken, Page, PageDone
from loyalty.kernel.database import Session
from loyalty.kernel.sheets import UnreadableFile
from loyalty.kernel.transaction import run


class NumberedLine(Protocol):
    """A line of a file."""

    @property
    def number(self) -> int:
        """From 1."""


Line = TypeVar("Line", bound=NumberedLine)


def check_in_pages(
    container: Container,
    started: BulkRun,
    *,
    write_file: Callable[..., None],
    read_lines: Callable[..., Iterator[Line]],
    check_lines: Callable[..., PageDone],
    give_up: Callable[..., PageDone],
    lines_per_page: int,
) -> Iterator[Page]:
    """Yield the pages of a file that follow the run's cursor; one that cannot be read is given up as a whole.

    ``write_file`` and ``check_lines`` take the session first; ``read_lines`` takes what the former wrote.
    """
    with tempfile.TemporaryFile() as content:
        run(container.database, lambda session: write_file(session, vault=container.vault, into=content))
        lines = read_lines(content, after=started.cursor)
        cursor, is_last = started.cursor, False
        while not is_last:
            try:
                page: Sequence[Line] = list(islice(lines, lines_per_page))
            except UnreadableFile as error:
                yield partial(_give_up, give_up=give_up, fault=error.fault)
                return
            is_last = len(page) < lines_per_page
            check = partial(check_lines, vault=container.vault, lines=page, is_last=is_last, cursor=cursor)
            yield partial(_check, check=check, cursor=cursor)
            cursor = page[-1].number if page else cursor


def _check(session: Session, bulk_run: BulkRun, *, check: Callable[[Session], PageDone], cursor: int) -> PageDone:
    if bulk_run.cursor != cursor:
        raise Overtaken
    return check(session)


def _give_up(session: Session, bulk_run: BulkRun, *, give_up: Callable[..., PageDone], fault: str) -> PageDone:
    return give_up(session, fault=fault, cursor=bulk_run.cursor)
