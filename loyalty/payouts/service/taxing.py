"""What is withheld of a payout, given what the person was paid before."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.limits.rules import month_of
from loyalty.members.queries import family_ids
from loyalty.payouts.models import Payout
from loyalty.payouts.queries.configuration import find_rate
from loyalty.payouts.rules.errors import PayoutTaxNotConfigured
from loyalty.payouts.rules.states import Destination, PayoutState
from loyalty.payouts.rules.tax import IncomeKind, IncomeSoFar, TaxPeriod, tax_of


@dataclass(frozen=True, slots=True)
class Withholding:
    """The tax of one payout, and the table that it was read from."""

    tax_fen: int
    rate_id: int | None


def withholding(
    session: Session, *, member_id: int, income_kind: IncomeKind, gross_fen: int, on: date, is_required: bool
) -> Withholding:
    """Reckon the tax of a payout; the caller holds the member's account, so that no other payout comes between.

    Payouts that came back do not count. Without a table nothing is withheld where that is allowed, in a trial.

    Raises:
        PayoutTaxNotConfigured: no table is in force, and one is required.
    """
    rate = find_rate(session, income_kind=income_kind, on=on)
    if rate is None:
        if is_required:
            raise PayoutTaxNotConfigured(income_kind=income_kind)
        return Withholding(0, None)
    before = _income_so_far(session, member_id, income_kind, rate.table.period, on)
    return Withholding(tax_of(rate.table, gross_fen=gross_fen, before=before), rate.id)


def _income_so_far(
    session: Session, member_id: int, income_kind: IncomeKind, period: TaxPeriod, on: date
) -> IncomeSoFar:
    month = month_of(on)
    first = month if period is TaxPeriod.MONTH else f"{on.year}-01"
    row = session.execute(
        select(
            func.coalesce(func.sum(Payout.gross_fen), 0),
            func.coalesce(func.sum(Payout.tax_fen), 0),
            func.coalesce(func.min(Payout.period), month),
        ).where(
            Payout.member_id.in_(family_ids(member_id)),
            Payout.income_kind == income_kind,
            Payout.destination == Destination.WECHAT,
            Payout.state != PayoutState.RETURNED,
            Payout.period >= first,
            Payout.period <= month,
        )
    ).one()
    return IncomeSoFar(int(row[0]), int(row[1]), on.month - int(row[2][-2:]) + 1)
