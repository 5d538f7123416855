"""Referrals for members, who see their friends without a name, and for staff."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.queries import family_ids
from loyalty.referrals.models import Referral, ReferralReward, ShareToken
from loyalty.referrals.rules.sentences import outcome
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

    @property
    def outcome(self) -> str:
        """What it came to in words."""
        return outcome(
            side=self.side,
            state=self.state,
            points=self.points,
            has_coupon=self.coupon_id is not None,
            reason=self.reason,
        )


@dataclass(frozen=True, slots=True)
class ReferralView:
    """An invitation with what it paid."""

    id: int
    member_id: int
    referrer_id: int
    channel: Channel
    mission_id: int | None
    """The mission for which the friend was invited, if for one."""
    state: ReferralState
    reason: str | None
    sentence: str
    decision_id: int | None
    order_id: int | None
    came_at: datetime
    rewarded_at: datetime | None
    rewards: tuple[RewardView, ...]

    @property
    def referrers_outcome(self) -> str | None:
        """What it paid who invited, or why not; none before anything is due."""
        return next((one.outcome for one in self.rewards if one.side is Side.REFERRER), None)


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


def reward_view(row: ReferralReward) -> RewardView:
    """Read a row."""
    return RewardView(Side(row.side), row.member_id, RewardState(row.state), row.reason, row.points, row.coupon_id)


def _views(session: Session, rows: Sequence[Referral]) -> list[ReferralView]:
    rewards: dict[int, list[RewardView]] = {}
    query = select(ReferralReward).where(ReferralReward.referral_id.in_([row.id for row in rows]))
    for one in session.scalars(query.order_by(ReferralReward.id).execution_options(populate_existing=True)):
        assert one.referral_id is not None
        rewards.setdefault(one.referral_id, []).append(reward_view(one))
    missions = _missions(session, rows)
    return [_view(row, missions.get(row.share_token_id), tuple(rewards.get(row.id, ()))) for row in rows]


def _missions(session: Session, rows: Sequence[Referral]) -> Mapping[int, int]:
    """Return for which missions shares were made, of those that were made for one."""
    shared = select(ShareToken.id, ShareToken.mission_id).where(
        ShareToken.id.in_({row.share_token_id for row in rows}), ShareToken.mission_id.is_not(None)
    )
    return {token_id: mission_id for token_id, mission_id in session.execute(shared) if mission_id is not None}


def _view(row: Referral, mission_id: int | None, rewards: tuple[RewardView, ...]) -> ReferralView:
    state = ReferralState(row.state)
    return ReferralView(
        id=row.id,
        member_id=row.member_id,
        referrer_id=row.referrer_id,
        channel=Channel(row.channel),
        mission_id=mission_id,
        state=state,
        reason=row.reason,
        sentence=sentence(state, row.reason),
        decision_id=row.decision_id,
        order_id=row.order_id,
        came_at=row.came_at,
        rewarded_at=row.rewarded_at,
        rewards=rewards,
    )
