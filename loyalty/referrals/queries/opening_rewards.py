"""What openings alone paid who shared (打开奖励), or missed and why, for the sharer and for staff."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.queries import family_ids
from loyalty.referrals.models import ReferralReward, ShareOpening, ShareToken
from loyalty.referrals.queries.referrals import RewardView, reward_view
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import RewardState, Side


@dataclass(frozen=True, slots=True)
class OpeningRewardView:
    """What one opening came to; who opened it is told to nobody."""

    id: int
    channel: Channel
    opened_at: datetime
    reward: RewardView


def list_opening_rewards(
    session: Session,
    *,
    member_id: int | None = None,
    state: RewardState | None = None,
    channel: Channel | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[OpeningRewardView]:
    """Return a page of what openings paid, the newest first; the times are those of the opening.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    query = (
        select(ReferralReward, ShareToken.channel, ShareOpening.opened_at)
        .join(ShareOpening, ShareOpening.id == ReferralReward.opening_id)
        .join(ShareToken, ShareToken.id == ShareOpening.share_token_id)
        .where(ReferralReward.side == Side.SHARER)
        .order_by(ReferralReward.id.desc())
        .limit(limit + 1)
    )
    if member_id is not None:
        query = query.where(ReferralReward.member_id.in_(family_ids(member_id)))
    if state is not None:
        query = query.where(ReferralReward.state == state)
    if channel is not None:
        query = query.where(ShareToken.channel == channel)
    if since is not None:
        query = query.where(ShareOpening.opened_at >= since)
    if until is not None:
        query = query.where(ShareOpening.opened_at < until)
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(ReferralReward.id < last_id)
    rows = session.execute(query.execution_options(populate_existing=True))
    views = [OpeningRewardView(row.id, Channel(by), opened_at, reward_view(row)) for row, by, opened_at in rows]
    return page_of(views, limit=limit, id_of=lambda view: view.id)
