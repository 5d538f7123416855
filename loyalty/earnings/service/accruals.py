"""What members earn: accrued (计提), approved (结算) once the refund window is over, and reversed (冲正)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.earnings import queries
from loyalty.earnings.posting import Entry, Posting, lock_accounts, post
from loyalty.earnings.rules import (
    AccrualExceeded,
    AccrualNotFound,
    Balance,
    EarningsKind,
    accrued,
    approved,
    check_amount,
    reversed_,
)
from loyalty.earnings.service.accounts import SYSTEM, known, lock
from loyalty.kernel.database import Json


@dataclass(frozen=True, slots=True)
class Earned:
    """One accrual, or its approval, of a page of them."""

    member_id: int
    amount_fen: int
    reference: str
    explanation: Json
    occurred_at: datetime


def accrue_many(session: Session, *, earned: Sequence[Earned], at: datetime) -> list[Posting]:
    """Note what members have earned (计提), a page of it at once; it is pending until it is approved.

    What is known already is passed over.

    Raises:
        InvalidEarningsAmount: an amount is below one fen or absurdly large.
    """
    return _post_many(session, earned, EarningsKind.ACCRUE, accrued, at)


def approve_many(session: Session, *, earned: Sequence[Earned], at: datetime) -> list[Posting]:
    """Let members withdraw what was accrued (结算), a page of it at once; what they owe is paid first.

    Once and for all of each: ``amount_fen`` is what reversals have left. A reversal afterwards takes from what can be
    withdrawn. What is approved already is passed over.

    Raises:
        AccrualNotFound: nothing was accrued under a reference.
        AccrualExceeded: another amount is left of an accrual.
    """
    lock_accounts(session, member_ids=[each.member_id for each in earned], at=at)
    accruals = queries.accruals_among(session, named=[(each.member_id, each.reference) for each in earned])
    for each in earned:
        accrual = accruals.get((each.member_id, each.reference))
        if accrual is None:
            raise AccrualNotFound(reference=each.reference)
        if not accrual.is_approved and accrual.left_fen != each.amount_fen:
            raise AccrualExceeded(reference=each.reference, left_fen=accrual.left_fen)
    return _post_many(session, earned, EarningsKind.APPROVE, approved, at)


def reverse(
    session: Session,
    *,
    member_id: int,
    amount_fen: int,
    reference: str,
    accrual_reference: str,
    explanation: Json,
    at: datetime,
    actor: str = SYSTEM,
) -> Posting:
    """Undo an accrual, wholly or in part (冲正): from what is pending, or else from what was approved.

    What the member has withdrawn already is owed, and paid from what is approved next.

    Raises:
        AccrualNotFound: nothing was accrued under that reference.
        AccrualExceeded: its reversals together would undo more than was accrued.
    """
    check_amount(amount_fen)
    before = lock(session, member_id=member_id, at=at)
    if replayed := known(session, member_id, EarningsKind.REVERSE, reference):
        return replayed
    accrual = queries.find_accrual(session, member_id=member_id, reference=accrual_reference)
    if accrual is None:
        raise AccrualNotFound(reference=accrual_reference)
    if accrual.left_fen < amount_fen:
        raise AccrualExceeded(reference=accrual_reference, left_fen=accrual.left_fen)
    after = reversed_(before, amount_fen, is_pending=not accrual.is_approved)
    entry = Entry(
        member_id, EarningsKind.REVERSE, amount_fen, before, after, reference, explanation, at, actor, accrual_reference
    )
    return post(session, [entry], at=at)[0]


def _post_many(
    session: Session,
    earned: Sequence[Earned],
    kind: EarningsKind,
    change: Callable[[Balance, int], Balance],
    at: datetime,
) -> list[Posting]:
    """Write what is new, in rounds that name a member once: each entry continues the one before it."""
    for each in earned:
        check_amount(each.amount_fen)
    held = lock_accounts(session, member_ids=[each.member_id for each in earned], at=at)
    posted_before = queries.known_among(session, kind=kind, named=[(each.member_id, each.reference) for each in earned])
    unknown = {
        (each.member_id, each.reference): each
        for each in earned
        if (each.member_id, each.reference) not in posted_before
    }
    posted: list[Posting] = []
    for page in _rounds(list(unknown.values())):
        entries = []
        for each in page:
            before, after = held[each.member_id], change(held[each.member_id], each.amount_fen)
            told = (each.reference, each.explanation, each.occurred_at, SYSTEM)
            entries.append(Entry(each.member_id, kind, each.amount_fen, before, after, *told))
            held[each.member_id] = after
        posted += post(session, entries, at=at)
    return posted


def _rounds(earned: Sequence[Earned]) -> Iterator[Sequence[Earned]]:
    while earned:
        first: dict[int, Earned] = {}
        for each in earned:
            first.setdefault(each.member_id, each)
        yield list(first.values())
        earned = [each for each in earned if first[each.member_id] is not each]
