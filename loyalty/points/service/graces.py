"""Graces (到期延期): lots whose member nothing shows to have been told live on, twice at most.

Evidence is a message that WeChat accepted, or an inbox message that was opened, before the points ended. It is
written down for each lot, since messages are erased with the person and the books must stay provable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CTE,
    BigInteger,
    Date,
    DateTime,
    Select,
    case,
    cast,
    func,
    insert,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from loyalty.kernel.clock import business_date, end_of
from loyalty.notices.models import InboxMessage, NoticeDelivery
from loyalty.notices.rules import Channel, DeliveryState
from loyalty.points import ending
from loyalty.points.ending import AT, ENDS_AT, EVIDENCE, EXPIRES_ON, GRACES, UNTIL, WARNINGS
from loyalty.points.posting import LOTS, constant, parameter, table_of
from loyalty.points.rules.expiry import GRACE_DAYS, GRACES_MAX

MEMBERS_AT_A_TIME = 1_000
_DELIVERIES, _INBOX = table_of(NoticeDelivery), table_of(InboxMessage)
_ACCEPTED = (constant(DeliveryState.SENT), constant(DeliveryState.DELIVERED))
_GRACE_UNTIL = parameter("grace_until", DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class Settled:
    """How many lots were found to be known to end, and how many were given a grace."""

    evidence_count: int = 0
    graces_count: int = 0


@dataclass(frozen=True, slots=True)
class GracePage:
    """What happened to a page of members."""

    last_member_id: int
    settled: Settled


def grant_graces(
    session: Session,
    *,
    until: datetime,
    after_member_id: int = 0,
    at: datetime,
    zone: ZoneInfo,
    limit: int = MEMBERS_AT_A_TIME,
) -> GracePage | None:
    """Give a grace to lots of the next members that end up to ``until`` without evidence; None when all are done.

    Meant for the day before: lots are moved while they can still be spent. Done twice, it changes nothing more.
    """
    member_ids = ending.lock_members(session, after_id=after_member_id, until=until, limit=limit)
    if not member_ids:
        return None
    return GracePage(member_ids[-1], settle(session, member_ids=member_ids, until=until, at=at, zone=zone))


def settle(session: Session, *, member_ids: Sequence[int], until: datetime, at: datetime, zone: ZoneInfo) -> Settled:
    """Write down the evidence for lots that end up to ``until``, and give a grace to those without.

    The caller holds the accounts. A lot that has had all its graces is left to end.
    """
    grace_until = end_of(business_date(at, zone) + timedelta(days=GRACE_DAYS), zone)
    values = ending.page_of(member_ids, zone=zone, until=until, at=at, grace_until=grace_until)
    row = session.execute(_SETTLE, values).one()
    return Settled(row.evidence_count, row.graces_count)


def _settle() -> Select[Any]:
    lots = _lots()
    found = _found(lots)
    evident = _evident(found)
    graced = _graced(lots, found)
    counts = select(
        select(func.count()).select_from(evident).scalar_subquery().label("evidence_count"),
        select(func.count()).select_from(graced).scalar_subquery().label("graces_count"),
    )
    return counts.add_cte(_moved(lots, graced))


def _lots() -> CTE:
    """Lots that end, and of which nothing is written down yet."""
    return (
        ending.lots_of_page(
            LOTS.c.member_id,
            LOTS.c.id.label("lot_id"),
            ENDS_AT.label("ends_at"),
            EXPIRES_ON.label("expires_on"),
            ending.graces_count().label("graces_count"),
        )
        .where(UNTIL >= ENDS_AT, ~ending.is_evident())
        .cte("ending")
    )


def _found(lots: CTE) -> CTE:
    """The first message about each lot's last day that reached its member in time."""
    accepted = select(
        _DELIVERIES.c.notice_id, _DELIVERIES.c.channel, _DELIVERIES.c.settled_at.label("reached_at")
    ).where(_DELIVERIES.c.notice_id == WARNINGS.c.notice_id, _DELIVERIES.c.state.in_(_ACCEPTED))
    opened = select(_INBOX.c.notice_id, constant(Channel.INBOX), _INBOX.c.read_at).where(
        _INBOX.c.notice_id == WARNINGS.c.notice_id, _INBOX.c.read_at.is_not(None)
    )
    reached = union_all(accepted, opened).lateral("reached")
    lot, key = lots.c, (lots.c.member_id, lots.c.lot_id)
    return (
        select(*key, lot.expires_on, reached.c.channel, reached.c.notice_id, reached.c.reached_at)
        .ext(distinct_on(*key))
        .select_from(lots)
        .join(WARNINGS, (WARNINGS.c.member_id == lot.member_id) & (WARNINGS.c.lot_id == lot.lot_id))
        .join(reached, reached.c.reached_at < lot.ends_at)
        .where(WARNINGS.c.expires_on == lot.expires_on)
        .order_by(*key, reached.c.reached_at)
        .cte("found")
    )


def _evident(found: CTE) -> CTE:
    names = ["member_id", "lot_id", "expires_on", "channel", "notice_id", "reached_at"]
    values = select(*(found.c[name] for name in names), AT)
    return insert(EVIDENCE).from_select([*names, "found_at"], values).returning(EVIDENCE.c.lot_id).cte("evident")


def _graced(lots: CTE, found: CTE) -> CTE:
    lot = lots.c
    is_known = (found.c.member_id == lot.member_id) & (found.c.lot_id == lot.lot_id)
    without = (
        select(lot.member_id, lot.lot_id, lot.graces_count + 1, lot.ends_at, _GRACE_UNTIL, AT)
        .select_from(lots.outerjoin(found, is_known))
        .where(found.c.lot_id.is_(None), lot.graces_count < GRACES_MAX, lot.ends_at < _GRACE_UNTIL)
    )
    names = ["member_id", "lot_id", "number", "from_at", "until_at", "granted_at"]
    return insert(GRACES).from_select(names, without).returning(GRACES.c.member_id, GRACES.c.lot_id).cte("graced")


def _moved(lots: CTE, graced: CTE) -> CTE:
    """Let the lots live on: those of inactive members for as many more days without activity."""
    days = _day(_GRACE_UNTIL) - _day(lots.c.ends_at)
    values: dict[str, Any] = {
        "expires_at": case((LOTS.c.expires_at.is_(None), null()), else_=func.greatest(LOTS.c.expires_at, _GRACE_UNTIL)),
        "idle_days": LOTS.c.idle_days + cast(days, BigInteger),
    }
    return (
        update(LOTS)
        .where(
            LOTS.c.member_id == graced.c.member_id,
            LOTS.c.id == graced.c.lot_id,
            lots.c.member_id == graced.c.member_id,
            lots.c.lot_id == graced.c.lot_id,
        )
        .values(values)
        .cte("moved_lots")
    )


def _day(instant: Any) -> Any:
    return cast(func.timezone(LOTS.c.idle_zone, instant), Date)


_SETTLE = _settle()
