"""The funnel (邀请漏斗): from who shared to what was paid, by channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.referrals.models import Referral, ReferralReward, ShareOpening, ShareToken
from loyalty.referrals.rules.openings import NotCounted
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import ReferralState, RewardState


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One channel: each figure is about what happened in the time asked for."""

    channel: Channel
    sharers: int = 0
    openings: int = 0
    counted: int = 0
    """Openings by new, distinct, real people."""
    enrolled: int = 0
    held: int = 0
    refused: int = 0
    rewarded: int = 0
    points: int = 0
    coupons: int = 0


def funnel(session: Session, *, since: datetime, until: datetime) -> Sequence[FunnelStep]:
    """Return the funnel of each channel."""
    steps = {channel: FunnelStep(channel) for channel in Channel}
    for figures in (_shared, _opened, _came, _paid):
        for row in session.execute(figures(since, until).group_by(ShareToken.channel)).mappings():
            named: dict[str, Any] = {name: int(value) for name, value in row.items() if name != "channel"}
            channel = Channel(row["channel"])
            steps[channel] = replace(steps[channel], **named)
    return list(steps.values())


def refusals(session: Session, *, since: datetime, until: datetime) -> Mapping[str, int]:
    """Return how many who enrolled in a time paid nothing, by the reason, the most frequent first."""
    return _by_reason(session, Referral.reason, Referral.came_at, since, until)


def uncounted(session: Session, *, since: datetime, until: datetime) -> Mapping[NotCounted, int]:
    """Return how many openings of a time did not count, by the reason, the most frequent first."""
    found = _by_reason(session, ShareOpening.reason, ShareOpening.opened_at, since, until)
    return {NotCounted(reason): count for reason, count in found.items()}


def _by_reason(session: Session, reason: Any, moment: Any, since: datetime, until: datetime) -> Mapping[str, int]:
    counted = func.count().label("count")
    rows = session.execute(
        select(reason, counted)
        .where(moment >= since, moment < until, reason.is_not(None))
        .group_by(reason)
        .order_by(counted.desc(), reason)
    )
    return {str(named): count for named, count in rows}


def _shared(since: datetime, until: datetime) -> Any:
    sharers = func.count(ShareToken.member_id.distinct()).label("sharers")
    return select(ShareToken.channel, sharers).where(ShareToken.minted_at >= since, ShareToken.minted_at < until)


def _opened(since: datetime, until: datetime) -> Any:
    counted = func.count().filter(ShareOpening.reason.is_(None)).label("counted")
    return (
        select(ShareToken.channel, func.count().label("openings"), counted)
        .join(ShareOpening, ShareOpening.share_token_id == ShareToken.id)
        .where(ShareOpening.opened_at >= since, ShareOpening.opened_at < until)
    )


def _came(since: datetime, until: datetime) -> Any:
    def having(*states: ReferralState) -> Any:
        return func.count().filter(Referral.state.in_(states))

    return (
        select(
            ShareToken.channel,
            func.count().label("enrolled"),
            having(ReferralState.HELD).label("held"),
            having(ReferralState.REFUSED, ReferralState.REVERSED).label("refused"),
            having(ReferralState.REWARDED).label("rewarded"),
        )
        .join(Referral, Referral.share_token_id == ShareToken.id)
        .where(Referral.came_at >= since, Referral.came_at < until)
    )


def _paid(since: datetime, until: datetime) -> Any:
    """Select what was paid for invitations, and for openings alone."""
    share_token_id = func.coalesce(Referral.share_token_id, ShareOpening.share_token_id)
    return (
        select(
            ShareToken.channel,
            func.coalesce(func.sum(ReferralReward.points), 0).label("points"),
            func.count(ReferralReward.coupon_id).label("coupons"),
        )
        .select_from(ReferralReward)
        .outerjoin(Referral, Referral.id == ReferralReward.referral_id)
        .outerjoin(ShareOpening, ShareOpening.id == ReferralReward.opening_id)
        .join(ShareToken, ShareToken.id == share_token_id)
        .where(
            ReferralReward.state.in_((RewardState.PAID, RewardState.KEPT)),
            ReferralReward.recorded_at >= since,
            ReferralReward.recorded_at < until,
        )
    )
