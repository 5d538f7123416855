"""Referrals for members, who see their friends without a name, and for staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.queries import family_ids
from loyalty.referrals.models import Referral, ReferralReward
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import ReferralNotFound, ReferralState, RewardState, Side, sentence


@dataclass(frozen=True, slots=True)
class RewardView:
    """What one side got, or missed and why."""

    side: Side
    member_id: int
    state: RewardState
    reason: str | None
    points: int
    coupon_id: int | None


@dataclass(frozen=True, slots=True)
class ReferralView:
    """An invitation with what it paid."""

    id: int
    member_id: int
    referrer_id: int
    channel: Channel
    state: ReferralState
    reason: str | None
    sentence: str
    decision_id: int | None
    order_id: int | None
    came_at: datetime
    rewarded_at: datetime | None
    rewards: tuple[RewardView, ...]


def get_referral(session: Session, *, referral_id: int) -> ReferralView:
    """Return one referral.

    Raises:
        ReferralNotFound: there is none with this id.
    """
    row = session.get(Referral, referral_id, populate_existing=True)
    if row is None:
        raise ReferralNotFound(referral_id=referral_id)
    return _views(session, [row])[0]


def list_referrals(
    session: Session,
    *,
    referrer_id: int | None = None,
    state: ReferralState | None = None,
    channel: Channel | None = None,
    reason: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[ReferralView]:
    """Return a page of referrals, the newest first; ``since`` and ``until`` are about when the friend enrolled."""
    query = select(Referral).order_by(Referral.id.desc()).limit(limit + 1)
    if referrer_id is not None:
        query = query.where(Referral.referrer_id.in_(family_ids(referrer_id)))
    if state is not None:
        query = query.where(Referral.state == state)
    if channel is not None:
        query = query.where(Referral.channel == channel)
    if reason:
        query = query.where(Referral.reason == reason)
    if since is not None:
        query = query.where(Referral.came_at >= since)
    if until is not None:
        query = query.where(Referral.came_at < until)
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(Referral.id < last_id)
    return page_of(_views(session, session.scalars(query).all()), limit=limit, id_of=lambda view: view.id)


def _views(session: Session, rows: Sequence[Referral]) -> list[ReferralView]:
    rewards: dict[int, list[RewardView]] = {}
    query = select(ReferralReward).where(ReferralReward.referral_id.in_([row.id for row in rows]))
    for one in session.scalars(query.order_by(ReferralReward.id).execution_options(populate_existing=True)):
        assert one.referral_id is not None
        view = RewardView(Side(one.side), one.member_id, RewardState(one.state), one.reason, one.points, one.coupon_id)
        rewards.setdefault(one.referral_id, []).append(view)
    return [_view(row, tuple(rewards.get(row.id, ()))) for row in rows]


def _view(row: Referral, rewards: tuple[RewardView, ...]) -> ReferralView:
    state = ReferralState(row.state)
    return ReferralView(
        id=row.id,
        member_id=row.member_id,
        referrer_id=row.referrer_id,
        channel=Channel(row.channel),
        state=state,
        reason=row.reason,
        sentence=sentence(state, row.reason),
        decision_id=row.decision_id,
        order_id=row.order_id,
        came_at=row.came_at,
        rewarded_at=row.rewarded_at,
        rewards=rewards,
    )
