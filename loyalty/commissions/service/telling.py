"""Telling (佣金通知): a day's approvals are one message to a member, not one for every order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from loyalty.earnings.commission_words import RULE
from loyalty.earnings.models import EarningsAccount, EarningsEntry
from loyalty.earnings.rules import EarningsKind
from loyalty.kernel.clock import end_of, start_of
from loyalty.kernel.database import AnyRow
from loyalty.members.models import Member
from loyalty.members.queries import LIVING
from loyalty.notices import service as notices
from loyalty.notices.rules import NoticeKind
from loyalty.notices.service import NoticeRequest

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class TellingPage:
    """How many members are owed a message by a page; ``last_id`` is where the next begins, nothing after the last."""

    notices_count: int
    last_id: int | None


def tell_approved(session: Session, *, on: date, after_id: int, zone: ZoneInfo, at: datetime) -> TellingPage:
    """Owe the next members one message on what was approved on a business date; who was told is not told again.

    What was approved for a member who was merged since is told to the survivor; a message that the merge carried over
    is known by its subject, which names the former. Nobody is told who is gone.
    """
    page = _page(session, on, after_id, zone)
    if not page:
        return TellingPage(0, None)
    requests = [
        NoticeRequest(
            row.member_id,
            f"commissions:{on.isoformat()}:{row.owner_id}",
            {
                "member_number": row.number,
                "commissions_count": row.commissions_count,
                "amount_fen": int(row.amount_fen),
                "available_fen": row.available_fen,
                "approved_on": on.isoformat(),
            },
        )
        for row in page
    ]
    made = notices.request_many(session, kind=NoticeKind.COMMISSIONS_APPROVED, requests=requests, zone=zone, at=at)
    return TellingPage(len(made), page[-1].owner_id)


def _page(session: Session, on: date, after_id: int, zone: ZoneInfo) -> Sequence[AnyRow]:
    owner, bearer = aliased(Member), aliased(Member)
    count, amount_fen = func.count(), func.sum(EarningsEntry.amount_fen)
    return session.execute(
        select(
            owner.id.label("owner_id"),
            bearer.id.label("member_id"),
            bearer.number,
            func.coalesce(EarningsAccount.available_fen, 0).label("available_fen"),
            count.label("commissions_count"),
            amount_fen.label("amount_fen"),
        )
        .select_from(EarningsEntry)
        .join(owner, owner.id == EarningsEntry.member_id)
        .join(bearer, bearer.id == func.coalesce(owner.merged_into_id, owner.id))
        .outerjoin(EarningsAccount, EarningsAccount.member_id == bearer.id)
        .where(
            EarningsEntry.kind == EarningsKind.APPROVE,
            EarningsEntry.reference.startswith(f"{RULE}:", autoescape=True),
            EarningsEntry.recorded_at >= start_of(on, zone),
            EarningsEntry.recorded_at < end_of(on, zone),
            owner.id > after_id,
            bearer.status.in_(LIVING),
        )
        .group_by(owner.id, bearer.id, bearer.number, EarningsAccount.available_fen)
        .order_by(owner.id)
        .limit(PAGE)
    ).all()
