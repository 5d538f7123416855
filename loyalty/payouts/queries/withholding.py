"""The withholding export (代扣代缴申报明细): what was paid in a month, by person, for the tax declaration.

Income is declared in the month in which it is paid, whenever it was asked for. That is the month in which we learn that
it was paid: what is learned after a month is over can only be in a later one, so that no payout falls between two
exports, and a month that is over never changes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from loyalty.kernel.clock import months_after, start_of
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.payouts.models import ID_NUMBER_CONTEXT, NAME_CONTEXT, Payee, Payout
from loyalty.payouts.rules.states import Destination, PayoutState
from loyalty.payouts.rules.tax import IncomeKind


@dataclass(frozen=True, slots=True)
class WithholdingLine:
    """One person's income of one kind in a month. Name and ID number are empty where no consent to them stands."""

    member_id: int
    member_number: str
    name: str | None
    id_number: str | None
    income_kind: IncomeKind
    period: str
    """The month in which it was paid."""
    payouts_count: int
    gross_fen: int
    tax_fen: int
    net_fen: int


def withholding_lines(session: Session, *, vault: Vault, period: str, zone: ZoneInfo) -> Sequence[WithholdingLine]:
    """Return what was paid in a month, as ``2026-03``; payouts that came back or are under way are left out.

    Only for ``service.withholding.export``, which writes who asked into the audit log.
    """
    first = date.fromisoformat(f"{period}-01")
    paid_from, paid_before = start_of(first, zone), start_of(months_after(first, 1), zone)
    is_in_month = and_(Payout.settled_at >= paid_from, Payout.settled_at < paid_before)
    return list(_lines(session, vault, period, is_in_month))


def _lines(session: Session, vault: Vault, period: str, is_in_month: ColumnElement[bool]) -> Iterator[WithholdingLine]:
    holder = func.coalesce(Member.merged_into_id, Member.id).label("holder_id")
    sums = (
        select(
            holder,
            Payout.income_kind,
            func.count().label("payouts_count"),
            func.sum(Payout.gross_fen).label("gross_fen"),
            func.sum(Payout.tax_fen).label("tax_fen"),
        )
        .join_from(Payout, Member, Member.id == Payout.member_id)
        .where(
            is_in_month,
            Payout.destination == Destination.WECHAT,
            Payout.state == PayoutState.SUCCESS,
        )
        .group_by(holder, Payout.income_kind)
        .subquery("sums")
    )
    rows = session.execute(
        select(sums, Member.number, Payee.name_sealed, Payee.id_number_sealed)
        .join(Member, Member.id == sums.c.holder_id)
        .outerjoin(Payee, Payee.member_id == sums.c.holder_id)
        .order_by(sums.c.holder_id, sums.c.income_kind)
    )
    for row in rows:
        gross_fen, tax_fen = int(row.gross_fen), int(row.tax_fen)
        yield WithholdingLine(
            member_id=row.holder_id,
            member_number=row.number,
            name=_opened(vault, row.name_sealed, NAME_CONTEXT),
            id_number=_opened(vault, row.id_number_sealed, ID_NUMBER_CONTEXT),
            income_kind=IncomeKind(row.income_kind),
            period=period,
            payouts_count=row.payouts_count,
            gross_fen=gross_fen,
            tax_fen=tax_fen,
            net_fen=gross_fen - tax_fen,
        )


def _opened(vault: Vault, sealed: bytes | None, context: str) -> str | None:
    return None if sealed is None else vault.open(sealed, context=context)
