"""Verification (打款核验): every payout and its entries in the earnings ledger say the same.

A payout took what it says, net and tax apart, and came back exactly when it says so; no withdrawal or return stands
without its payout.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Select, Subquery, Text, and_, case, cast, func, literal, literal_column, or_, select
from sqlalchemy.orm import Session

from loyalty.earnings.posting import ENTRIES
from loyalty.earnings.rules import EarningsKind
from loyalty.members.queries import family_ids, survivor_of
from loyalty.payouts.models import Payout
from loyalty.payouts.rules.names import REFERENCE_PREFIX
from loyalty.payouts.rules.states import PayoutState
from loyalty.points.verification import DISCREPANCIES_MAX, Discrepancy

_MOVED = (EarningsKind.WITHDRAW, EarningsKind.WITHHOLD, EarningsKind.RETURN)


def verify(session: Session, *, member_id: int | None = None) -> Sequence[Discrepancy]:
    """Compare payouts with the ledger, or those of one member; return what does not fit."""
    # Of a merged member with the survivor, where what came back since stands.
    family = None if member_id is None else family_ids(survivor_of(session, member_id=member_id))
    return [
        Discrepancy("payouts", row.row_name, row.member_id, row.reason)
        for row in session.execute(_proof(family).limit(DISCREPANCIES_MAX))
    ]


def _proof(family: Select[int] | None) -> Select[Any]:
    payouts = select(Payout) if family is None else select(Payout).where(Payout.member_id.in_(family))
    payout_rows = payouts.subquery("payout")
    payout, moves = payout_rows.c, _moves(family)
    returned_fen = case((payout.state == PayoutState.RETURNED, payout.gross_fen), else_=0)
    reason = case(
        (payout.id.is_(None), "the ledger has entries of a payout that is not there"),
        (moves.c.reference.is_(None), "nothing was taken for it from the ledger"),
        (
            or_(moves.c.net_fen != payout.net_fen, moves.c.tax_fen != payout.tax_fen),
            "what was taken for it is not its net amount and its tax",
        ),
        (moves.c.returned_fen != returned_fen, "what came back of it is not what its state says"),
        else_=None,
    )
    reference = literal(REFERENCE_PREFIX) + cast(payout.id, Text)
    joined = payout_rows.join(moves, and_(moves.c.reference == reference), full=True)
    return (
        select(
            func.coalesce(payout.member_id, moves.c.member_id).label("member_id"),
            func.coalesce(cast(payout.id, Text), moves.c.reference).label("row_name"),
            reason.label("reason"),
        )
        .select_from(joined)
        .where(reason.is_not(None))
        .order_by(literal_column("1"), literal_column("2"))
    )


def _moves(family: Select[int] | None) -> Subquery:
    """Select what the ledger says of each payout, by its reference."""
    entry = ENTRIES.c

    def moved(kind: EarningsKind) -> Any:
        return cast(func.coalesce(func.sum(entry.amount_fen).filter(entry.kind == kind), 0), BigInteger)

    sums = (
        select(
            entry.reference,
            func.min(entry.member_id).label("member_id"),
            moved(EarningsKind.WITHDRAW).label("net_fen"),
            moved(EarningsKind.WITHHOLD).label("tax_fen"),
            moved(EarningsKind.RETURN).label("returned_fen"),
        )
        .where(entry.kind.in_(_MOVED), entry.reference.startswith(REFERENCE_PREFIX))
        .group_by(entry.reference)
    )
    return (sums if family is None else sums.where(entry.member_id.in_(family))).subquery("moves")
