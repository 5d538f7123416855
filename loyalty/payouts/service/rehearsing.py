"""Rehearsing a batch (批量打款试算): what it would pay at this moment, by the very function that pays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.payouts.queries.configuration import current_programme
from loyalty.payouts.queries.payouts import PayoutView
from loyalty.payouts.rules.names import REHEARSAL_KEY
from loyalty.payouts.service.batches import Paying, due_of, pay_member

REHEARSED_MAX = 20


@dataclass(frozen=True, slots=True)
class RehearsedPayout:
    """What one member would be paid, or the code of why not."""

    member_id: int
    gross_fen: int
    tax_fen: int
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Whom a batch would reach now; the largest amounts one by one."""

    members_count: int
    total_fen: int
    needs_approval: bool
    is_above_day_limit: bool
    largest: Sequence[RehearsedPayout]


class _TakenBack(Exception):
    """Ends the transaction of a payout that was only rehearsed."""

    def __init__(self, made: PayoutView) -> None:
        super().__init__()
        self.made = made


def rehearse(database: Database, *, paying: Paying) -> Rehearsal:
    """Reckon the batch as if it were due now; nothing is kept.

    Each payout is made in a transaction of its own, which is then rolled back.

    Raises:
        PayoutsOff: no settings were saved.
    """
    rehearsal, largest = run(database, _reckoned)
    return replace(rehearsal, largest=[_rehearsed(database, paying, *due) for due in largest])


def _reckoned(session: Session) -> tuple[Rehearsal, Sequence[tuple[int, int]]]:
    programme = current_programme(session)
    due = due_of(programme).subquery()
    count, total = session.execute(select(func.count(), func.coalesce(func.sum(due.c.amount_fen), 0))).one()
    largest = session.execute(select(due).order_by(due.c.amount_fen.desc()).limit(REHEARSED_MAX))
    rehearsal = Rehearsal(
        members_count=count,
        total_fen=int(total),
        needs_approval=total > programme.approval_above_fen,
        is_above_day_limit=total > programme.day_fen,
        largest=(),
    )
    return rehearsal, [(row.member_id, row.amount_fen) for row in largest]


def _rehearsed(database: Database, paying: Paying, member_id: int, amount_fen: int) -> RehearsedPayout:
    def work(session: Session) -> None:
        made = pay_member(
            session, member_id=member_id, amount_fen=amount_fen, key=REHEARSAL_KEY, batch_id=None, paying=paying
        )
        raise _TakenBack(made)

    try:
        run(database, work)
    except _TakenBack as rehearsed:
        return RehearsedPayout(member_id, rehearsed.made.gross_fen, rehearsed.made.tax_fen, None)
    except LoyaltyError as refusal:
        return RehearsedPayout(member_id, amount_fen, 0, refusal.code)
    raise AssertionError("the work always ends with one of the two")
