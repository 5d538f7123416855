"""Batches (批量打款): on a day of the month everybody with enough to withdraw is paid without asking.

A batch above the threshold in all waits for a second person. Each member's amount is frozen when it is planned, so that
no more is paid than was approved. Its payouts are made by the same request as a member's own, one in a transaction: the
day's limit is locked last, and nobody else may be locked after it. Whom it cannot pay is passed over with the reason.
"""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.approvals import queries as approval_queries
from loyalty.approvals import service as approvals
from loyalty.approvals.rules import ApprovalKind
from loyalty.earnings.posting import ACCOUNTS
from loyalty.kernel import audit, bulk
from loyalty.kernel.audit import Actor
from loyalty.kernel.bulk import BulkRun, PageDone
from loyalty.kernel.crypto import Vault
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.states import advance
from loyalty.limits import service as limits
from loyalty.members.queries import identities_of
from loyalty.payouts.models import BatchMember, BatchMiss, PayoutBatch
from loyalty.payouts.queries.batches import get_batch
from loyalty.payouts.queries.configuration import current_programme, find_programme
from loyalty.payouts.queries.payouts import PayoutView
from loyalty.payouts.rules.batches import NEXT, BatchState, Work, batch_id_of, subject_of
from loyalty.payouts.rules.errors import PayoutBatchNotInState, PayoutBlocked, PayoutIdentityRequired
from loyalty.payouts.rules.names import key_of_batch
from loyalty.payouts.rules.settings import PayoutProgramme
from loyalty.payouts.service.records import limits_of
from loyalty.payouts.service.requesting import Wish, request
from loyalty.payouts.service.risking import ask_risk
from loyalty.risk.rules.subjects import Subject, Verdict

ACTOR = Actor("system:payout_batch")


@dataclass(frozen=True, slots=True)
class Paying:
    """What paying needs besides the database."""

    vault: Vault
    zone: ZoneInfo
    appid_first: str | None
    """Which of a member's identities is paid, where there are several: the one of this account."""
    is_tax_required: bool
    at: datetime


def plan(session: Session, *, on: date, at: datetime) -> int | None:
    """Plan the batch of a business date, if one is due on it; return its id. Again it changes nothing."""
    programme = find_programme(session)
    if programme is None or programme.batch_day != on.day:
        return None
    batch_id = session.execute(
        insert(PayoutBatch)
        .values(
            business_on=on,
            state=BatchState.AWAITING_APPROVAL,
            minimum_fen=programme.minimum_fen,
            members_count=0,
            total_fen=0,
            created_by=ACTOR.name,
            created_at=at,
        )
        .on_conflict_do_nothing()
        .returning(PayoutBatch.id)
    ).scalar()
    return None if batch_id is None else _fill(session, batch_id, programme, on, at)


def due_of(programme: PayoutProgramme) -> Select[int, int]:
    """Select whom a batch would pay by now and how much: all they have, up to what one day allows."""
    available = ACCOUNTS.c.available_fen
    amount_fen = func.least(available, programme.member_day_fen).label("amount_fen")
    return select(ACCOUNTS.c.member_id, amount_fen).where(available >= programme.minimum_fen)


def _fill(session: Session, batch_id: int, programme: PayoutProgramme, on: date, at: datetime) -> int | None:
    """Freeze each member's amount, so that what is approved is what is paid at most."""
    due = due_of(programme).add_columns(literal(batch_id))
    session.execute(insert(BatchMember).from_select(["member_id", "amount_fen", "batch_id"], due))
    frozen = select(func.count(), func.coalesce(func.sum(BatchMember.amount_fen), 0))
    count, total = session.execute(frozen.where(BatchMember.batch_id == batch_id)).one()
    batch = session.get_one(PayoutBatch, batch_id)
    if not count:
        session.delete(batch)
        return None
    batch.members_count, batch.total_fen = count, int(total)
    if batch.total_fen > programme.approval_above_fen:
        facts = {"members": count, "total_fen": batch.total_fen, "business_on": on.isoformat()}
        subject = subject_of(batch_id)
        approvals.request(session, kind=ApprovalKind.PAYOUT_BATCH, subject=subject, facts=facts, actor=ACTOR, at=at)
    else:
        batch.state = BatchState.RUNNING
        _start(session, batch_id, count, at)
    session.flush()
    return batch_id


def decide(session: Session, *, batch_id: int, is_approved: bool, actor: Actor, at: datetime) -> None:
    """Let a batch pay, or not (复核).

    Raises:
        PayoutBatchNotFound: there is no such batch.
        PayoutBatchNotInState: it is decided.
        ApprovalDecided: somebody was faster.
    """
    batch = get_batch(session, batch_id=batch_id)
    to = BatchState.RUNNING if is_approved else BatchState.REFUSED
    if not advance(session, table=PayoutBatch, row_id=batch_id, to=to, following=NEXT):
        raise PayoutBatchNotInState(batch_id=batch_id)
    asked = approval_queries.find_latest(session, kind=ApprovalKind.PAYOUT_BATCH, subject=subject_of(batch_id))
    assert asked is not None, "a batch that awaits approval was asked for"
    approvals.decide(session, approval_id=asked.id, is_approved=is_approved, actor=actor, at=at)
    if is_approved:
        _start(session, batch_id, batch.members_count, at)


def resume(session: Session, *, batch_id: int, actor: Actor, at: datetime) -> None:
    """Let a batch that an error stopped go on where it stopped; whom it has paid is not paid again.

    Raises:
        PayoutBatchNotFound: there is no such batch.
        PayoutBatchNotInState: it does not pay.
        BulkRunNotInState: it is not stopped.
    """
    get_batch(session, batch_id=batch_id)
    paying = bulk.find_run(session, kind=Work.PAY, subject=subject_of(batch_id))
    if paying is None:
        raise PayoutBatchNotInState(batch_id=batch_id)
    bulk.resume(session, run_id=paying.id, at=at)
    audit.write(session, actor=actor, action="payouts.resume_batch", subject=subject_of(batch_id), at=at)


def pay_next(session: Session, run: BulkRun, *, paying: Paying) -> PageDone:
    """Pay the next member of a batch."""
    batch_id = batch_id_of(run.subject)
    due = session.execute(
        select(BatchMember.member_id, BatchMember.amount_fen)
        .where(BatchMember.batch_id == batch_id, BatchMember.member_id > run.cursor)
        .order_by(BatchMember.member_id)
        .limit(1)
    ).first()
    if due is None:
        return PageDone(cursor=run.cursor, rows=0, is_last=True)
    is_paid = _pay(session, batch_id, due.member_id, due.amount_fen, paying)
    figures = {"paid": int(is_paid), "missed": int(not is_paid)}
    return PageDone(cursor=due.member_id, rows=1, is_last=False, figures=figures)


def pay_member(
    session: Session, *, member_id: int, amount_fen: int, key: str, batch_id: int | None, paying: Paying
) -> PayoutView:
    """Ask for one member's payout; what risk wants people to look at waits for a second person of its own.

    Less than ``amount_fen`` where they have less by now, or have withdrawn on the same day.

    Raises:
        PayoutIdentityRequired: there is no identity to pay to.
        PayoutBlocked: risk refuses.
        and whatever ``requesting.request`` raises.
    """
    identities = identities_of(session, member_id=member_id)
    if not identities:
        raise PayoutIdentityRequired
    best = min(identities, key=lambda identity: identity.appid != paying.appid_first)
    verdict = ask_risk(session, vault=paying.vault, subject=Subject(member_id), key=key, at=paying.at)
    if verdict is Verdict.DENY:
        raise PayoutBlocked
    wish = Wish(
        member_id,
        _payable(session, member_id, amount_fen, paying),
        best.appid,
        best.openid,
        key,
        batch_id,
        is_suspicious=verdict is Verdict.REVIEW,
    )
    return request(
        session,
        vault=paying.vault,
        wish=wish,
        is_tax_required=paying.is_tax_required,
        zone=paying.zone,
        at=paying.at,
        actor=ACTOR,
    )


def _payable(session: Session, member_id: int, amount_fen: int, paying: Paying) -> int:
    """Return what is left to pay; where the day's limit leaves too little, all of it, for the limit to refuse."""
    programme = current_programme(session)
    available = select(ACCOUNTS.c.available_fen).where(ACCOUNTS.c.member_id == member_id)
    amount_fen = min(amount_fen, session.scalar(available) or 0)
    own, _all = limits_of(programme, member_id=member_id, requested_at=paying.at, zone=paying.zone)
    left_fen = own.ceiling - limits.used_of_many(session, limits=[own]).get(own.key, 0)
    return min(amount_fen, left_fen) if left_fen >= programme.minimum_fen else amount_fen


def _pay(session: Session, batch_id: int, member_id: int, amount_fen: int, paying: Paying) -> bool:
    """Make one payout; a refusal comes before any money moves, so that it can be noted in the same transaction."""
    key = key_of_batch(batch_id)
    try:
        pay_member(session, member_id=member_id, amount_fen=amount_fen, key=key, batch_id=batch_id, paying=paying)
    except LoyaltyError as refusal:
        session.execute(
            insert(BatchMiss)
            .values(batch_id=batch_id, member_id=member_id, reason=refusal.code)
            .on_conflict_do_nothing()
        )
        return False
    return True


def _start(session: Session, batch_id: int, members_count: int, at: datetime) -> None:
    bulk.start(session, kind=Work.PAY, subject=subject_of(batch_id), total=members_count, at=at)
