"""The life of a batch: uploaded, checked, submitted, approved by another person, applied, undone."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import insert
from sqlalchemy.orm import Session

from loyalty.adjustments import queries
from loyalty.adjustments.models import FILE_CONTEXT, AdjustmentBatch, AdjustmentFile
from loyalty.adjustments.queries import BatchView
from loyalty.adjustments.rules.batches import (
    NEXT,
    UNDER_WAY,
    BatchNotInState,
    BatchState,
    Work,
    check_title,
    subject_of,
)
from loyalty.adjustments.rules.single import Reason, check_expiry
from loyalty.approvals import service as approvals
from loyalty.approvals.rules import ApprovalKind, check_decider
from loyalty.kernel import audit, bulk, uploads
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Json
from loyalty.kernel.sheets import FileMissing
from loyalty.kernel.states import advance


def upload(
    session: Session,
    *,
    vault: Vault,
    title: str,
    reason: Reason,
    expires_on: date | None,
    parts: Sequence[str],
    zone: ZoneInfo,
    actor: Actor,
    at: datetime,
) -> int:
    """Take in a file, as texts in base64, and have it checked; nothing moves. Return the batch's id.

    Raises:
        InvalidTitle: the title is empty or too long.
        InvalidAdjustmentExpiry: ``expires_on`` is past or absurdly late.
        FileMissing: there is nothing in it.
    """
    check_title(title)
    check_expiry(expires_on, today=business_date(at, zone))
    if not parts:
        raise FileMissing
    values = {"title": title, "reason": reason, "expires_on": expires_on}
    batch_id = session.execute(
        insert(AdjustmentBatch).values(**values, created_by=actor.name, created_at=at).returning(AdjustmentBatch.id)
    ).scalar_one()
    owner = AdjustmentFile.batch_id
    uploads.keep_file(session, owner=owner, owner_id=batch_id, parts=parts, vault=vault, context=FILE_CONTEXT)
    bulk.start(session, kind=Work.CHECK, subject=subject_of(batch_id), total=0, at=at)
    _audit(session, "adjustments.upload", batch_id, actor, at, {"reason": reason})
    return batch_id


def submit(session: Session, *, batch_id: int, actor: Actor, at: datetime) -> int:
    """Ask another person to approve a batch whose file is right in every line; return the request's id.

    Raises:
        BatchNotFound: there is no such batch.
        BatchNotInState: it is not checked, has wrong lines, or was submitted before.
    """
    batch = move(session, batch_id=batch_id, to=BatchState.SUBMITTED)
    facts = {
        "rows": batch.rows,
        "credit_points": batch.credit_points,
        "debit_points": batch.debit_points,
        "reason": batch.reason,
    }
    return approvals.request(
        session,
        kind=ApprovalKind.ADJUSTMENT_BATCH,
        subject=subject_of(batch_id),
        facts=facts,
        actor=actor,
        at=at,
    )


def decide(session: Session, *, batch_id: int, is_approved: bool, actor: Actor, at: datetime) -> None:
    """Approve a batch, which then begins to move points, or refuse it.

    Raises:
        BatchNotFound: there is no such batch.
        BatchNotInState: it does not wait for approval.
        ApprovalByMaker: the decider uploaded or submitted it.
        ApprovalDecided: somebody has decided already.
    """
    made = queries.get_batch(session, batch_id=batch_id)
    check_decider(requested_by=made.created_by, decider=actor.name)
    batch = move(session, batch_id=batch_id, to=BatchState.APPLYING if is_approved else BatchState.REFUSED)
    asked = queries.find_approval(session, batch_id=batch_id)
    assert asked is not None, "a submitted batch has a request"
    approvals.decide(session, approval_id=asked.id, is_approved=is_approved, actor=actor, at=at)
    if is_approved:
        bulk.start(session, kind=Work.APPLY, subject=subject_of(batch_id), total=batch.rows, at=at)


def discard(session: Session, *, batch_id: int, actor: Actor, at: datetime) -> None:
    """Give up a checked batch before it is submitted.

    Raises:
        BatchNotFound: there is no such batch.
        BatchNotInState: it is not checked, or was submitted.
    """
    move(session, batch_id=batch_id, to=BatchState.DISCARDED)
    _audit(session, "adjustments.discard", batch_id, actor, at)


def undo(session: Session, *, batch_id: int, actor: Actor, at: datetime) -> None:
    """Begin to undo a whole batch: what is left of it is taken back, and what it took is given back.

    One that was paused on the way is stopped for good, and undone as far as it had come.

    Raises:
        BatchNotFound: there is no such batch.
        BatchNotInState: it was never applied, or is undone already.
        BulkRunNotInState: it is being applied, and not paused.
    """
    lines = bulk.end(session, kind=Work.APPLY, subject=subject_of(batch_id), at=at)
    move(session, batch_id=batch_id, to=BatchState.UNDOING)
    bulk.start(session, kind=Work.UNDO, subject=subject_of(batch_id), total=lines, at=at)
    _audit(session, "adjustments.undo", batch_id, actor, at, {"lines": lines})


def pause(session: Session, *, batch_id: int, actor: Actor, at: datetime) -> None:
    """Stop the work on a batch after the page under way.

    Raises:
        BatchNotInState: no work is under way.
        BulkRunNotInState: it is paused already.
    """
    bulk.pause(session, run_id=_run_id(session, batch_id))
    _audit(session, "adjustments.pause", batch_id, actor, at)


def resume(session: Session, *, batch_id: int, actor: Actor, at: datetime) -> None:
    """Let paused work on a batch go on where it stopped.

    Raises:
        BatchNotInState: no work is under way.
        BulkRunNotInState: it is not paused.
    """
    bulk.resume(session, run_id=_run_id(session, batch_id), at=at)
    _audit(session, "adjustments.resume", batch_id, actor, at)


def move(session: Session, *, batch_id: int, to: BatchState, **values: object) -> BatchView:
    """Bring a batch into the next state; two who try at once meet here.

    Raises:
        BatchNotFound: there is no such batch.
        BatchNotInState: that state does not follow from its present one.
    """
    has_moved = advance(session, table=AdjustmentBatch, row_id=batch_id, to=to, following=NEXT, **values)
    batch = queries.get_batch(session, batch_id=batch_id)
    if not has_moved:
        raise BatchNotInState(state=batch.state)
    return batch


def _run_id(session: Session, batch_id: int) -> int:
    batch = queries.get_batch(session, batch_id=batch_id)
    work = UNDER_WAY.get(batch.state)
    run = bulk.find_run(session, kind=work, subject=subject_of(batch_id)) if work else None
    if run is None:
        raise BatchNotInState(state=batch.state)
    return run.id


def _audit(session: Session, action: str, batch_id: int, actor: Actor, at: datetime, after: Json | None = None) -> None:
    audit.write(session, actor=actor, action=action, subject=subject_of(batch_id), after=after, at=at)
