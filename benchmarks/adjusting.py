"""A batch of adjustments for the bench: its file uploaded, checked and approved by the services, as in the console."""

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from benchmarks.failures import BenchFailed
from benchmarks.seed import phone_of
from benchmarks.stand import Shop
from jobs import adjustments
from loyalty.adjustments import queries, service
from loyalty.adjustments.rules.batches import BatchState, Work, subject_of
from loyalty.adjustments.rules.single import Reason
from loyalty.container import Container, build
from loyalty.kernel import bulk
from loyalty.kernel.audit import Actor
from loyalty.kernel.bulk import BulkRun, Page
from loyalty.kernel.transaction import run

POINTS = 100
_PART_BYTES = 3 * 1024 * 1024
_MAKER, _CHECKER = Actor("staff:1"), Actor("staff:2")


def upload_file(shop: Shop, rows: int) -> int:
    """Upload a CSV with a line for each member, by phone; return the batch's id."""
    at = datetime.now(UTC)
    last_day = (at + timedelta(days=365)).date()
    lines = (f"{phone_of(number)},{POINTS},{last_day}\r\n" for number in range(1, rows + 1))
    content = ("手机号,积分,到期日\r\n" + "".join(lines)).encode("utf-8-sig")
    parts = [content[start : start + _PART_BYTES] for start in range(0, len(content), _PART_BYTES)]
    container = build(shop.settings)
    return run(
        shop.database,
        lambda session: service.upload(
            session, vault=container.vault, title="补发", reason=Reason.CAMPAIGN, expires_on=None,
            parts=[base64.b64encode(part).decode() for part in parts], zone=container.zone, actor=_MAKER, at=at,
        ),
    )  # fmt: skip


def check_batch(shop: Shop, batch_id: int) -> None:
    """Read the file and find every member, page by page, as a worker does.

    Raises:
        BenchFailed: not every line was found right.
    """
    _work(shop, batch_id, Work.CHECK, adjustments.check)
    batch = run(shop.database, lambda session: queries.get_batch(session, batch_id=batch_id))
    if batch.state is not BatchState.CHECKED:
        raise BenchFailed(f"the file was found {batch.state}, with {batch.bad_rows} wrong lines")


def approve(shop: Shop, batch_id: int) -> None:
    """Have a checked batch submitted, and approved by somebody else."""
    at = datetime.now(UTC)
    run(shop.database, lambda session: service.submit(session, batch_id=batch_id, actor=_MAKER, at=at))
    run(
        shop.database,
        lambda session: service.decide(session, batch_id=batch_id, is_approved=True, actor=_CHECKER, at=at),
    )


def apply_batch(shop: Shop, batch_id: int) -> None:
    """Apply a batch page by page, as a worker does."""
    _work(shop, batch_id, Work.APPLY, adjustments.apply)


def _work(shop: Shop, batch_id: int, work: Work, steps: Callable[[Container, BulkRun], Iterator[Page]]) -> None:
    container, subject, at = build(shop.settings), subject_of(batch_id), datetime.now(UTC)
    started = run(shop.database, lambda session: bulk.find_run(session, kind=work, subject=subject))
    assert started is not None
    pages = steps(container, started)

    def do_page(session: Session) -> bool:
        return bulk.work_page(session, run_id=started.id, page=next(pages), at=at)

    while run(shop.database, do_page):
        pass
    container.database.engine.dispose()
