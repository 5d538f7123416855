"""Notices of expiry (到期提醒): 30, 7 and 1 days before, one message for a member and day that sums the lots.

Each lot, last day and stage is told once. Which lots a message told of is written down beside it, for evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Insert,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    select,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from loyalty.kernel.arrays import SentArray
from loyalty.kernel.clock import business_date, end_of
from loyalty.kernel.database import AnyRow, Json
from loyalty.members.models import Member
from loyalty.members.queries import LIVING
from loyalty.notices import service as notices
from loyalty.notices.rules import NoticeKind
from loyalty.notices.service import NoticeRequest
from loyalty.points import ending
from loyalty.points.ending import AT, ENDS_AT, EXPIRES_ON, UNTIL, WARNINGS
from loyalty.points.posting import ACCOUNTS, LOTS, parameter, table_of
from loyalty.points.rules.expiry import NOTICE_DAYS

MEMBERS_AT_A_TIME = 1_000
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
    values = ending.page_of(member_ids, zone=zone, today=today, at=at, until=until)
    untold = groupby(session.execute(_UNTOLD, values), key=lambda lot: lot.member_id)
    requests = {f"expiry:{today.isoformat()}:{member_id}": list(lots) for member_id, lots in untold}
    made = notices.request_many(
        session,
        kind=NoticeKind.POINTS_EXPIRING,
        requests=[NoticeRequest(lots[0].member_id, subject, _facts(lots)) for subject, lots in requests.items()],
        zone=zone,
        at=at,
    )
    told = [(notice_id, lot) for subject, notice_id in made.items() for lot in requests[subject]]
    session.execute(
        _WARN,
        {
            "member_ids": [lot.member_id for _notice_id, lot in told],
            "lot_ids": [lot.lot_id for _notice_id, lot in told],
            "days": [lot.expires_on for _notice_id, lot in told],
            "stages": [lot.stage_days for _notice_id, lot in told],
            "notice_ids": [notice_id for notice_id, _lot in told],
            "now": at,
        },
    )
    return NoticePage(member_ids[-1], len(made))


def _untold() -> Select[Any]:
    """Select the lots whose next stage has come and was not told yet, by member, the soonest first."""
    days_left = EXPIRES_ON - parameter("today", Date())
    stage = case(*((days_left <= days, days) for days in sorted(NOTICE_DAYS)))
    is_told = exists().where(
        WARNINGS.c.member_id == LOTS.c.member_id,
        WARNINGS.c.lot_id == LOTS.c.id,
        WARNINGS.c.expires_on == EXPIRES_ON,
        WARNINGS.c.stage_days == stage,
    )
    columns = (
        LOTS.c.member_id,
        LOTS.c.id.label("lot_id"),
        LOTS.c.remaining.label("points"),
        EXPIRES_ON.label("expires_on"),
        stage.label("stage_days"),
        ACCOUNTS.c.balance,
    )
    return (
        ending.lots_of_page(*columns)
        .join(_MEMBERS, and_(_MEMBERS.c.id == LOTS.c.member_id, _MEMBERS.c.status.in_(LIVING)))
        .where(AT < ENDS_AT, UNTIL >= ENDS_AT, ~is_told)
        .order_by(LOTS.c.member_id, EXPIRES_ON, LOTS.c.id)
    )


def _warn() -> Insert:
    arrays: Mapping[str, TypeEngine[Any]] = {
        "member_ids": BigInteger(), "lot_ids": BigInteger(), "days": Date(), "stages": BigInteger(),
        "notice_ids": BigInteger(),
    }  # fmt: skip
    names = ["member_id", "lot_id", "expires_on", "stage_days", "notice_id"]
    values = [bindparam(name, type_=SentArray(type_)) for name, type_ in arrays.items()]
    told = func.unnest(*values).table_valued(*names, name="told").render_derived()
    now = bindparam("now", type_=DateTime(timezone=True))
    return insert(WARNINGS).from_select([*names, "warned_at"], select(*told.c, now))


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


_UNTOLD, _WARN = _untold(), _warn()
