"""Batches of adjustments: reading the file, applying it, telling the members, undoing it; each in pages."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from jobs import points_changes
from jobs.file_checks import check_in_pages
from jobs.pages import steps_of
from loyalty.adjustments import queries, service
from loyalty.adjustments.files import read_lines
from loyalty.adjustments.rules.batches import batch_id_of
from loyalty.container import Container
from loyalty.kernel.bulk import BulkRun, Page, PageDone
from loyalty.kernel.clock import business_date
from loyalty.kernel.database import Session

LINES_PER_PAGE = 2_000
TOLD_PER_PAGE = 50


def check(container: Container, started: BulkRun) -> Iterator[Page]:
    """Read an uploaded file from where the check stopped."""
    batch_id, at = batch_id_of(started.subject), container.clock.now()
    return check_in_pages(
        container,
        started,
        write_file=partial(service.write_file, batch_id=batch_id),
        read_lines=partial(read_lines, today=business_date(at, container.zone)),
        check_lines=partial(service.check_lines, batch_id=batch_id, at=at),
        give_up=partial(service.give_up_check, batch_id=batch_id, at=at),
        lines_per_page=LINES_PER_PAGE,
    )


apply = steps_of(service.apply_page)
"""Move the points of an approved batch."""
undo = steps_of(service.undo_page)
"""Take back and give back what a batch moved."""


def tell(container: Container, _started: BulkRun) -> Iterator[Page]:
    """Tell the members what a batch did to their points."""
    while True:
        yield partial(_tell, container=container, at=container.clock.now())


def _tell(session: Session, bulk_run: BulkRun, *, container: Container, at: datetime) -> PageDone:
    batch_id = batch_id_of(bulk_run.subject)
    entries = queries.list_entries(session, batch_id=batch_id, after_line=bulk_run.cursor, limit=TOLD_PER_PAGE)
    for entry in entries:
        payload = {"member_id": entry.member_id, "entry_id": entry.entry_id, "balance_after": entry.balance_after}
        points_changes.tell(session, container, payload, at)
    cursor = entries[-1].line if entries else bulk_run.cursor
    return PageDone(cursor=cursor, rows=len(entries), is_last=len(entries) < TOLD_PER_PAGE)
