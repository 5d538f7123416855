"""Batches of adjustments for tests: files as people send them, and workers that do what is waiting."""

import base64
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from jobs import bulk as bulk_jobs
from jobs import context
from loyalty.adjustments import queries, service
from loyalty.adjustments.queries import BatchView, Problem
from loyalty.adjustments.rules.batches import Phase
from loyalty.adjustments.rules.single import Reason
from loyalty.kernel import bulk
from loyalty.kernel.audit import Actor
from loyalty.kernel.transaction import run
from tests.support.containers import NullContainer
from tests.support.settings import VAULT

MAKER, CHECKER = Actor("staff:1"), Actor("staff:2")
AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def csv_of(rows: Sequence[Sequence[object]], *, heading: str = "手机号,积分,到期日") -> bytes:
    lines = [heading, *(",".join(str(cell) for cell in row) for row in rows)]
    return "\n".join(lines).encode()


def workbook_of(rows: Sequence[Sequence[object]], *, heading: Sequence[str] = ("手机号", "积分", "到期日")) -> bytes:
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet()
    for row in (heading, *rows):
        sheet.append(list(row))
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def upload(
    session: Session, content: bytes, *, reason: Reason = Reason.CAMPAIGN, expires_on: date | None = None
) -> int:
    return service.upload(
        session,
        vault=VAULT,
        title="三月补发",
        reason=reason,
        expires_on=expires_on,
        parts=[base64.b64encode(content).decode()],
        zone=SHANGHAI,
        actor=MAKER,
        at=AT,
    )


def work_off(container: NullContainer) -> None:
    """Do all bulk work that is waiting, as workers would."""
    context.use(container)
    while waiting := run(container.database, bulk.list_running):
        for run_id in waiting:
            bulk_jobs.perform(run_id)


def checked(container: NullContainer, content: bytes, **values: object) -> BatchView:
    """A batch whose file has been uploaded and checked."""
    batch_id = run(container.database, lambda session: upload(session, content, **values))  # type: ignore[arg-type]
    work_off(container)
    return get(container, batch_id)


def approve(container: NullContainer, batch_id: int) -> None:
    """Submit a batch and have another person approve it."""

    def work(session: Session) -> None:
        service.submit(session, batch_id=batch_id, actor=MAKER, at=AT)
        service.decide(session, batch_id=batch_id, is_approved=True, actor=CHECKER, at=AT)

    run(container.database, work)


def applied(container: NullContainer, content: bytes, **values: object) -> BatchView:
    """A batch that has moved its points."""
    batch = checked(container, content, **values)
    approve(container, batch.id)
    work_off(container)
    return get(container, batch.id)


def undone(container: NullContainer, batch_id: int) -> BatchView:
    """A batch that has been undone."""
    run(container.database, lambda session: service.undo(session, batch_id=batch_id, actor=CHECKER, at=AT))
    work_off(container)
    return get(container, batch_id)


def get(container: NullContainer, batch_id: int) -> BatchView:
    return run(container.database, lambda session: queries.get_batch(session, batch_id=batch_id))


def problems_of(
    container: NullContainer, batch_id: int, phase: Phase = Phase.CHECK
) -> list[tuple[int, str, int | None]]:
    def read(session: Session) -> Sequence[Problem]:
        return queries.list_problems(session, batch_id=batch_id, phase=phase)

    return [(one.line, one.reason.value, one.figure) for one in run(container.database, read)]
