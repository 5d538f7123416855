"""Batches of adjustments: reading the file, applying it, telling the members, undoing it; each in pages."""

import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import islice

from jobs import points_changes
from loyalty.adjustments import queries, service
from loyalty.adjustments.files import read_lines
from loyalty.adjustments.rules.batches import UnreadableFile, batch_id_of
from loyalty.container import Container
from loyalty.kernel.bulk import BulkRun, Overtaken, Page, PageDone
from loyalty.kernel.clock import business_date
from loyalty.kernel.database import Session
from loyalty.kernel.transaction import run

LINES_PER_PAGE = 2_000
TOLD_PER_PAGE = 50


def check(container: Container, started: BulkRun) -> Iterator[Page]:
    """Read an uploaded file from where the check stopped."""
    batch_id, at = batch_id_of(started.subject), container.clock.now()
    with tempfile.TemporaryFile() as content:
        run(
            container.database,
            lambda session: service.write_file(session, vault=container.vault, batch_id=batch_id, into=content),
        )
        lines = read_lines(content, today=business_date(at, container.zone), after=started.cursor)
        cursor, is_last = started.cursor, False
        while not is_last:
            try:
                page = list(islice(lines, LINES_PER_PAGE))
            except UnreadableFile as error:
                yield partial(_give_up, fault=error.fault, batch_id=batch_id, at=at)
                return
            is_last = len(page) < LINES_PER_PAGE
            checking = partial(service.check_lines, vault=container.vault, batch_id=batch_id, at=at)
            yield partial(_check, check=partial(checking, lines=page, is_last=is_last, cursor=cursor), cursor=cursor)
            cursor = page[-1].number if page else cursor


def apply(container: Container, _started: BulkRun) -> Iterator[Page]:
    """Move the points of an approved batch."""
    while True:
        yield partial(service.apply_page, zone=container.zone, at=container.clock.now())


def undo(container: Container, _started: BulkRun) -> Iterator[Page]:
    """Take back and give back what a batch moved."""
    while True:
        yield partial(service.undo_page, zone=container.zone, at=container.clock.now())


def tell(container: Container, _started: BulkRun) -> Iterator[Page]:
    """Tell the members what a batch did to their points."""
    while True:
        yield partial(_tell, container=container, at=container.clock.now())


def _check(session: Session, bulk_run: BulkRun, *, check: Callable[[Session], PageDone], cursor: int) -> PageDone:
    if bulk_run.cursor != cursor:
        raise Overtaken
    return check(session)


def _give_up(session: Session, bulk_run: BulkRun, *, fault: str, batch_id: int, at: datetime) -> PageDone:
    return service.give_up_check(session, batch_id=batch_id, fault=fault, cursor=bulk_run.cursor, at=at)


def _tell(session: Session, bulk_run: BulkRun, *, container: Container, at: datetime) -> PageDone:
    batch_id = batch_id_of(bulk_run.subject)
    entries = queries.list_entries(session, batch_id=batch_id, after_line=bulk_run.cursor, limit=TOLD_PER_PAGE)
    for entry in entries:
        payload = {"member_id": entry.member_id, "entry_id": entry.entry_id, "balance_after": entry.balance_after}
        points_changes.tell(session, container, payload, at)
    cursor = entries[-1].line if entries else bulk_run.cursor
    return PageDone(cursor=cursor, rows=len(entries), is_last=len(entries) < TOLD_PER_PAGE)
