"""Telling (到账通知): members whom a campaign gave coupons or points hear of it, as of what has happened to them.

These are service notices (券已到账, 积分变动), apart from the message that the campaign itself may send.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import FromClause, Select, Text, and_, cast, func, select
from sqlalchemy.orm import Session, aliased

from loyalty.campaigns.models import CampaignEntry
from loyalty.campaigns.rules.terms import GiveCoupon, GivePoints
from loyalty.campaigns.service.given import DoneEntry, asked, list_done, sent, things
from loyalty.coupons.looking import read_terms
from loyalty.coupons.models import Coupon, CouponTemplateRevision
from loyalty.coupons.rules.sentences import told_on_arrival
from loyalty.coupons.rules.states import CouponState
from loyalty.kernel.database import Json
from loyalty.members.models import Member
from loyalty.members.queries import LIVING
from loyalty.notices import service as notices
from loyalty.notices.rules import NoticeKind
from loyalty.notices.service import NoticeRequest
from loyalty.points.explanations import sentence
from loyalty.points.posting import ENTRIES
from loyalty.points.rules import EntryKind


def tell_given(
    session: Session, *, campaign_id: int, run_id: int, member_ids: Sequence[int], zone: ZoneInfo, at: datetime
) -> int:
    """Owe members of a run the news of what they were given, each once; return how many notices are new."""
    entry = CampaignEntry
    entries = list_done(
        session, entry.campaign_id == campaign_id, entry.run_id == run_id, entry.member_id.in_(member_ids)
    )
    wanted = {
        NoticeKind.COUPON_ISSUED: _of_coupons(session, entries, zone, at),
        NoticeKind.POINTS_CHANGED: _of_points(session, entries),
    }
    return sum(
        len(notices.request_many(session, kind=kind, requests=requests, zone=zone, at=at))
        for kind, requests in wanted.items()
        if requests
    )


def _of_coupons(
    session: Session, entries: Sequence[DoneEntry], zone: ZoneInfo, at: datetime
) -> Sequence[NoticeRequest]:
    """Return the news of coupons that can still be used."""
    row = asked()
    found: Any = select(Coupon.id, Coupon.expires_at, cast(CouponTemplateRevision.terms, Text).label("terms"))
    coupons = (
        found.select_from(row)
        .join(Coupon, and_(Coupon.member_id == row.c.owner_id, Coupon.reference == row.c.reference))
        .join(CouponTemplateRevision, CouponTemplateRevision.id == Coupon.revision_id)
        .where(Coupon.state == CouponState.ISSUED, Coupon.expires_at > at)
    )
    return [
        _request(one, f"coupon:{one.id}", told_on_arrival(read_terms(one.terms), expires_at=one.expires_at, zone=zone))
        for one in session.execute(_with_recipients(coupons, row), sent(things(session, entries, GiveCoupon)))
    ]


def _of_points(session: Session, entries: Sequence[DoneEntry]) -> Sequence[NoticeRequest]:
    row, posted = asked(), ENTRIES.c
    is_posting = and_(
        posted.member_id == row.c.owner_id,
        posted.kind == EntryKind.ADJUST.value,
        posted.reference == row.c.reference,
    )
    found: Any = select(posted.id, posted.points, posted.balance_after, posted.occurred_at, posted.explanation)
    postings = found.select_from(row).join(ENTRIES, is_posting)
    return [
        _request(one, f"entry:{one.id}", _told_of_points(one))
        for one in session.execute(_with_recipients(postings, row), sent(things(session, entries, GivePoints)))
    ]


def _told_of_points(posting: Any) -> Json:
    return {
        "points": posting.points,
        "balance": posting.balance_after,
        "reason": sentence(kind=EntryKind.ADJUST, points=posting.points, explanation=posting.explanation),
        "occurred_at": posting.occurred_at.isoformat(),
    }


def _with_recipients(found: Select[Any], row: FromClause) -> Select[Any]:
    """Find who hears of something: the survivor of a merge, nobody after a closing."""
    owner, recipient = aliased(Member), aliased(Member)
    return (
        found.add_columns(recipient.id.label("recipient_id"), recipient.number)
        .join(owner, owner.id == row.c.owner_id)
        .join(recipient, recipient.id == func.coalesce(owner.merged_into_id, owner.id))
        .where(recipient.status.in_(LIVING))
    )


def _request(row: Any, subject: str, facts: Mapping[str, object]) -> NoticeRequest:
    return NoticeRequest(row.recipient_id, subject, {"member_number": row.number, **facts})
