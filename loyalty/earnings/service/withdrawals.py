"""Money that leaves an account for a payout (提现), and comes back when the payout does (退回)."""

from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.earnings.posting import Entry, Posting, post
from loyalty.earnings.rules import EarningsKind, check_amount, given, taken
from loyalty.earnings.service.accounts import SYSTEM, known, lock
from loyalty.kernel.database import Json


def withdraw(
    session: Session,
    *,
    member_id: int,
    amount_fen: int,
    tax_fen: int = 0,
    reference: str,
    explanation: Json,
    at: datetime,
    actor: str = SYSTEM,
) -> Posting:
    """Take money out of an account (提现): ``tax_fen`` of ``amount_fen`` is withheld, in an entry of its own.

    Raises:
        InvalidEarningsAmount: it is below one fen, or all of it would be withheld.
        InsufficientEarnings: less can be withdrawn.
    """
    check_amount(amount_fen - tax_fen)
    before = lock(session, member_id=member_id, at=at)
    if replayed := known(session, member_id, EarningsKind.WITHDRAW, reference):
        return replayed
    taken(before, amount_fen)
    after = taken(before, amount_fen - tax_fen)
    parts = [(EarningsKind.WITHDRAW, amount_fen - tax_fen, before, after)]
    if tax_fen:
        parts.append((EarningsKind.WITHHOLD, tax_fen, after, taken(after, tax_fen)))
    posted = [
        post(session, [Entry(member_id, kind, fen, old, new, reference, explanation, at, actor)], at=at)[0]
        for kind, fen, old, new in parts
    ]
    return posted[-1]


def give_back(
    session: Session,
    *,
    member_id: int,
    amount_fen: int,
    reference: str,
    explanation: Json,
    at: datetime,
) -> Posting:
    """Put money back that was withdrawn under a reference and did not arrive (退回), tax included; once.

    Raises:
        InvalidEarningsAmount: it is below one fen or absurdly large.
    """
    check_amount(amount_fen)
    before = lock(session, member_id=member_id, at=at)
    if replayed := known(session, member_id, EarningsKind.RETURN, reference):
        return replayed
    after = given(before, amount_fen)
    entry = Entry(member_id, EarningsKind.RETURN, amount_fen, before, after, reference, explanation, at, SYSTEM)
    return post(session, [entry], at=at)[0]
