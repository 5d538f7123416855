"""Money for tests: postings with the noise defaulted."""

from datetime import UTC, datetime
from itertools import count

from sqlalchemy.orm import Session

from loyalty.earnings import queries, service
from loyalty.earnings.rules import Balance
from loyalty.earnings.service import Earned
from tests.support.settings import SEAL_KEY

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
_numbers = count(1)


def accrue(session: Session, member_id: int, amount_fen: int, *, reference: str = "", at: datetime = AT) -> str:
    """Accrue money and return the reference."""
    reference = reference or f"commission:{next(_numbers)}"
    earned = Earned(member_id, amount_fen, reference, {"rule": "commission"}, at)
    service.accrue_many(session, earned=[earned], at=at)
    return reference


def approve(session: Session, member_id: int, amount_fen: int, reference: str, *, at: datetime = AT) -> None:
    service.approve_many(session, earned=[Earned(member_id, amount_fen, reference, {}, at)], at=at)


def reverse(session: Session, member_id: int, amount_fen: int, accrued: str, *, reference: str = "") -> None:
    service.reverse(
        session,
        member_id=member_id,
        amount_fen=amount_fen,
        reference=reference or f"refund:{next(_numbers)}",
        accrual_reference=accrued,
        explanation={"rule": "refund"},
        at=AT,
    )


def make_available(session: Session, member_id: int, amount_fen: int, *, at: datetime = AT) -> str:
    """Let a member have money to withdraw; return the reference of its accrual."""
    reference = accrue(session, member_id, amount_fen, at=at)
    approve(session, member_id, amount_fen, reference, at=at)
    return reference


def withdraw(session: Session, member_id: int, amount_fen: int, *, tax_fen: int = 0, reference: str = "") -> str:
    reference = reference or f"payout:test-{next(_numbers)}"
    service.withdraw(
        session,
        member_id=member_id,
        amount_fen=amount_fen,
        tax_fen=tax_fen,
        reference=reference,
        explanation={},
        at=AT,
    )
    return reference


def give_back(session: Session, member_id: int, amount_fen: int, reference: str) -> None:
    service.give_back(session, member_id=member_id, amount_fen=amount_fen, reference=reference, explanation={}, at=AT)


def figures(session: Session, member_id: int) -> tuple[int, int, int]:
    """Pending, available and owed."""
    held: Balance = queries.balance(session, member_id=member_id)
    return held.pending_fen, held.available_fen, held.owed_fen


def assert_money_fits(session: Session, member_id: int) -> None:
    """Prove the money account of one member."""
    session.flush()
    proof = service.verify(session, seal_key=SEAL_KEY, at=AT, member_id=member_id)
    assert proof.discrepancies == []
    assert proof.accounts_count == 1
