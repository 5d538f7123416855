"""The life of an issue job: made from a file or a tag, checked, approved by another person, issued, stopped, undone."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from loyalty.approvals import service as approvals
from loyalty.approvals.rules import ApprovalKind, check_decider
from loyalty.coupons.models import ISSUE_FILE_CONTEXT, CouponIssueFile, CouponIssueJob
from loyalty.coupons.queries import issue_jobs as queries
from loyalty.coupons.queries.issue_jobs import IssueJobView
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.errors import CouponNotIssuing
from loyalty.coupons.rules.issue_jobs import (
    NEXT,
    UNDER_WAY,
    IssueJobEmpty,
    IssueJobNotInState,
    IssueJobState,
    Work,
    check_title,
    subject_of,
)
from loyalty.coupons.rules.states import TemplateState
from loyalty.kernel import audit, bulk, uploads
from loyalty.kernel.audit import Actor
from loyalty.kernel.bulk import BulkRun
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Json
from loyalty.kernel.sheets import FileMissing
from loyalty.kernel.states import advance
from loyalty.stores.queries import get_store
from loyalty.tags.queries import get_tag


def create_for_file(
    session: Session,
    *,
    vault: Vault,
    title: str,
    template_id: int,
    store_id: int | None,
    parts: Sequence[str],
    actor: Actor,
    at: datetime,
) -> int:
    """Take in a file, as texts in base64, that names a member on each line, and have it checked; return the job's id.

    Raises:
        InvalidIssueJobTitle: the title is empty or too long.
        FileMissing: there is nothing in the file.
        CouponTemplateNotFound: there is no such template.
        CouponNotIssuing: it was never published, or is stopped.
        StoreNotFound: there is no such store.
    """
    if not parts:
        raise FileMissing
    job_id = _create(session, title, template_id, store_id, None, actor, at)
    uploads.keep_file(
        session,
        owner=CouponIssueFile.job_id,
        owner_id=job_id,
        parts=parts,
        vault=vault,
        context=ISSUE_FILE_CONTEXT,
    )
    bulk.start(session, kind=Work.CHECK, subject=subject_of(job_id), total=0, at=at)
    return job_id


def create_for_tag(
    session: Session, *, title: str, template_id: int, store_id: int | None, tag_id: int, actor: Actor, at: datetime
) -> int:
    """Name everybody who has a tag by now, and have them checked; return the job's id.

    Raises:
        InvalidIssueJobTitle: the title is empty or too long.
        TagNotFound: there is no such tag.
        CouponTemplateNotFound: there is no such template.
        CouponNotIssuing: it was never published, or is stopped.
        StoreNotFound: there is no such store.
    """
    bearers = get_tag(session, tag_id=tag_id).members
    job_id = _create(session, title, template_id, store_id, tag_id, actor, at)
    bulk.start(session, kind=Work.CHECK_TAG, subject=subject_of(job_id), total=bearers, at=at)
    return job_id


def submit(session: Session, *, job_id: int, actor: Actor, at: datetime) -> int:
    """Ask another person to approve a checked job; return the request's id. Lines that were refused are left out.

    Raises:
        IssueJobNotFound: there is no such job.
        IssueJobNotInState: it is not checked, or was submitted before.
        IssueJobEmpty: it names nobody.
    """
    job = move(session, job_id=job_id, to=IssueJobState.SUBMITTED)
    if not job.total:
        raise IssueJobEmpty
    facts: Json = {"template_id": job.template_id, "title": job.terms.title, "members": job.total}
    subject = subject_of(job_id)
    return approvals.request(session, kind=ApprovalKind.COUPON_ISSUE, subject=subject, facts=facts, actor=actor, at=at)


def decide(session: Session, *, job_id: int, is_approved: bool, actor: Actor, at: datetime) -> None:
    """Approve a job, which then begins to issue, or refuse it.

    Raises:
        IssueJobNotFound: there is no such job.
        IssueJobNotInState: it does not wait for approval.
        ApprovalByMaker: the decider made or submitted it.
        ApprovalDecided: somebody has decided already.
    """
    made = queries.get_job(session, job_id=job_id)
    check_decider(requested_by=made.created_by, decider=actor.name)
    job = move(session, job_id=job_id, to=IssueJobState.ISSUING if is_approved else IssueJobState.REFUSED)
    asked = queries.find_approval(session, job_id=job_id)
    assert asked is not None, "a submitted job has a request"
    approvals.decide(session, approval_id=asked.id, is_approved=is_approved, actor=actor, at=at)
    if is_approved:
        bulk.start(session, kind=Work.ISSUE, subject=subject_of(job_id), total=job.total, at=at)


def discard(session: Session, *, job_id: int, actor: Actor, at: datetime) -> None:
    """Give up a checked job before it is submitted.

    Raises:
        IssueJobNotFound: there is no such job.
        IssueJobNotInState: it is not checked, or was submitted.
    """
    move(session, job_id=job_id, to=IssueJobState.DISCARDED)
    _audit(session, "discard", job_id, actor, at)


def pause(session: Session, *, job_id: int, actor: Actor, at: datetime) -> None:
    """Stop the work on a job after the page under way.

    Raises:
        IssueJobNotInState: no work is under way.
        BulkRunNotInState: it is paused already.
    """
    bulk.pause(session, run_id=_run_under_way(session, job_id).id)
    _audit(session, "pause", job_id, actor, at)


def resume(session: Session, *, job_id: int, actor: Actor, at: datetime) -> None:
    """Let paused work on a job go on where it stopped.

    Raises:
        IssueJobNotInState: no work is under way.
        BulkRunNotInState: it is not paused.
    """
    bulk.resume(session, run_id=_run_under_way(session, job_id).id, at=at)
    _audit(session, "resume", job_id, actor, at)


def stop(session: Session, *, job_id: int, actor: Actor, at: datetime) -> None:
    """End a paused job for good: who has a coupon keeps it and is told of it, nobody else gets one.

    Raises:
        IssueJobNotInState: it never issued.
        BulkRunNotInState: it is not paused, or has ended.
    """
    issuing = bulk.find_run(session, kind=Work.ISSUE, subject=subject_of(job_id))
    if issuing is None:
        raise IssueJobNotInState(state=queries.get_job(session, job_id=job_id).state)
    bulk.stop(session, run_id=issuing.id, at=at)  # the run before the job, as the last page locks them
    move(session, job_id=job_id, to=IssueJobState.STOPPED)
    start_telling(session, job_id=job_id, total=issuing.figures.get("issued", 0), at=at)
    _audit(session, "stop", job_id, actor, at, {"members": issuing.done})


def undo(session: Session, *, job_id: int, actor: Actor, at: datetime) -> None:
    """Begin to undo a whole job (整批撤回): coupons that nobody has used are voided, and their stock is free again.

    One that was paused on the way is stopped for good, and undone as far as it had come.

    Raises:
        IssueJobNotFound: there is no such job.
        IssueJobNotInState: it never issued, or is undone already.
        BulkRunNotInState: it is issuing, and not paused.
    """
    members = bulk.end(session, kind=Work.ISSUE, subject=subject_of(job_id), at=at)
    move(session, job_id=job_id, to=IssueJobState.UNDOING)
    bulk.start(session, kind=Work.UNDO, subject=subject_of(job_id), total=members, at=at)
    _audit(session, "undo", job_id, actor, at, {"members": members})


def start_telling(session: Session, *, job_id: int, total: int, at: datetime) -> None:
    """Have the members told of their coupons."""
    bulk.start(session, kind=Work.TELL, subject=subject_of(job_id), total=total, at=at)


def move(session: Session, *, job_id: int, to: IssueJobState, **values: object) -> IssueJobView:
    """Bring a job into the next state; two who try at once meet here.

    Raises:
        IssueJobNotFound: there is no such job.
        IssueJobNotInState: that state does not follow from its present one.
    """
    has_moved = advance(session, table=CouponIssueJob, row_id=job_id, to=to, following=NEXT, **values)
    job = queries.get_job(session, job_id=job_id)
    if not has_moved:
        raise IssueJobNotInState(state=job.state)
    return job


def _create(
    session: Session,
    title: str,
    template_id: int,
    store_id: int | None,
    tag_id: int | None,
    actor: Actor,
    at: datetime,
) -> int:
    check_title(title)
    template = get_template(session, template_id=template_id)
    if template.revision_id is None or template.state is TemplateState.STOPPED:
        raise CouponNotIssuing(state=template.state.value)
    if store_id is not None:
        get_store(session, store_id=store_id)
    values = {"template_id": template_id, "revision_id": template.revision_id, "store_id": store_id, "tag_id": tag_id}
    job_id = session.execute(
        insert(CouponIssueJob)
        .values(title=title, created_by=actor.name, created_at=at, **values)
        .returning(CouponIssueJob.id)
    ).scalar_one()
    _audit(session, "create", job_id, actor, at, values)
    return job_id


def _run_under_way(session: Session, job_id: int) -> BulkRun:
    job = queries.get_job(session, job_id=job_id)
    work = queries.check_of(job) if job.state is IssueJobState.CHECKING else UNDER_WAY.get(job.state)
    run = bulk.find_run(session, kind=work, subject=subject_of(job_id)) if work else None
    if run is None:
        raise IssueJobNotInState(state=job.state)
    return run


def _audit(session: Session, verb: str, job_id: int, actor: Actor, at: datetime, after: Json | None = None) -> None:
    action, subject = f"coupon_issues.{verb}", subject_of(job_id)
    audit.write(session, actor=actor, action=action, subject=subject, after=after, at=at)
