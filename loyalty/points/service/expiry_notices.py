"""Notices of expiry (到期提醒): 30, 7 and 1 days before, one message for a member and day that sums the lots.

Each lot, last day and stage is told once. Which lots a message told of is written down beside it, for evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy import and_, case, exists, insert, literal
from sqlalchemy.orm import Session

from loyalty.kernel.clock import business_date, end_of
from loyalty.kernel.database import AnyRow, Json
from loyalty.members.models import Member
from loyalty.members.queries import LIVING
from loyalty.notices import service as notices
from loyalty.notices.rules import NoticeKind
from loyalty.notices.service import NoticeRequest
from loyalty.points import ending
from loyalty.points.ending import WARNINGS
from loyalty.points.posting import ACCOUNTS, LOTS, table_of
from loyalty.points.rules.expiry import NOTICE_DAYS

MEMBERS_AT_A_TIME = 300
_DAYS_TOLD_MAX = 3
_MEMBERS = table_of(Member)


@dataclass(frozen=True, slots=True)
class NoticePage:
    """How many of a page of members are owed a message."""

    last_member_id: int
    notices_count: int


def plan_expiry_notices(
    session: Session, *, after_member_id: int = 0, at: datetime, zone: ZoneInfo, limit: int = MEMBERS_AT_A_TIME
) -> NoticePage | None:
    """Owe the next members a message about points that end soon; None when there are no more.

    A stage that was missed is made up for by the closest that is still ahead. A member has one message a day.
    """
    today = business_date(at, zone)
    until = end_of(today + timedelta(days=max(NOTICE_DAYS)), zone)
    member_ids = ending.list_members(session, after_id=after_member_id, since=at, until=until, limit=limit)
    if not member_ids:
        return None
    untold = _untold(session, member_ids, today, at, until, zone)
    requests = {f"expiry:{today.isoformat()}:{member_id}": lots for member_id, lots in untold.items()}
    made = notices.request_many(
        session,
        kind=NoticeKind.POINTS_EXPIRING,
        requests=[NoticeRequest(lots[0].member_id, subject, _facts(lots)) for subject, lots in requests.items()],
        zone=zone,
        at=at,
    )
    told = [
        {
            "member_id": lot.member_id, "lot_id": lot.lot_id, "expires_on": lot.expires_on,
            "stage_days": lot.stage_days, "notice_id": notice_id, "warned_at": at,
        }
        for subject, notice_id in made.items()
        for lot in requests[subject]
    ]  # fmt: skip
    if told:
        session.execute(insert(WARNINGS), told)
    return NoticePage(member_ids[-1], len(made))


def _untold(
    session: Session, member_ids: Sequence[int], today: date, at: datetime, until: datetime, zone: ZoneInfo
) -> Mapping[int, Sequence[AnyRow]]:
    """Return the lots whose next stage has come and was not told yet, by member, the soonest first."""
    expires_on = ending.last_day(ending.ENDS_AT, zone)
    days_left = expires_on - literal(today)
    stage = case(*((days_left <= days, days) for days in sorted(NOTICE_DAYS)))
    is_told = exists().where(
        WARNINGS.c.member_id == LOTS.c.member_id,
        WARNINGS.c.lot_id == LOTS.c.id,
        WARNINGS.c.expires_on == expires_on,
        WARNINGS.c.stage_days == stage,
    )
    columns = (
        LOTS.c.member_id,
        LOTS.c.id.label("lot_id"),
        LOTS.c.remaining.label("points"),
        expires_on.label("expires_on"),
        stage.label("stage_days"),
        ACCOUNTS.c.balance,
    )
    rows = session.execute(
        ending.lots_of(member_ids, *columns)
        .join(_MEMBERS, and_(_MEMBERS.c.id == LOTS.c.member_id, _MEMBERS.c.status.in_(LIVING)))
        .where(at < ending.ENDS_AT, until >= ending.ENDS_AT, ~is_told)
        .order_by(LOTS.c.member_id, expires_on, LOTS.c.id)
    )
    return {member_id: list(lots) for member_id, lots in groupby(rows, key=lambda row: row.member_id)}


def _facts(lots: Sequence[AnyRow]) -> Json:
    days = [(day, sum(lot.points for lot in of_day)) for day, of_day in groupby(lots, key=lambda lot: lot.expires_on)]
    return {
        "expiring_points": sum(points for _day, points in days),
        "expires_on": lots[0].expires_on.isoformat(),
        "details": _details(days),
        "balance": lots[0].balance,
    }


def _details(days: Sequence[tuple[date, int]]) -> str:
    told = "、".join(f"{day.month}月{day.day}日{points}分" for day, points in days[:_DAYS_TOLD_MAX])
    return told + ("等" if len(days) > _DAYS_TOLD_MAX else "")
