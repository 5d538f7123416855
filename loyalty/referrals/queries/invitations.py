"""What a member sees before and after inviting: the programme in words, the channels, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.coupons.queries.titles import titles
from loyalty.members.queries import family_ids
from loyalty.referrals.models import Referral, ReferralReward
from loyalty.referrals.queries.programmes import channels_on, open_programme
from loyalty.referrals.rules.programme import Programme
from loyalty.referrals.rules.sentences import Titles, sentences, to_the_friend
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import ReferralState, RewardState, Side


@dataclass(frozen=True, slots=True)
class Offer:
    """The programme in force as people read it."""

    title: str
    description: str
    share_title: str
    sentences: Sequence[str]
    to_the_friend: str
    channels: frozenset[Channel]
    """Those that are on."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a member's invitations came to."""

    friends: int
    rewarded: int
    points: int
    coupons: int


def find_offer(session: Session) -> Offer | None:
    """Return what invitations bring now, None while none are taken."""
    current = open_programme(session)
    if current is None:
        return None
    programme = current.programme
    named = coupon_titles(session, programme)
    return Offer(
        title=programme.title,
        description=programme.description,
        share_title=programme.share_title,
        sentences=sentences(programme, named),
        to_the_friend=to_the_friend(programme, named),
        channels=channels_on(session),
    )


def told_to_the_friend(session: Session, programme: Programme) -> str:
    """Say to a friend what a programme brings, as ``find_offer`` does."""
    return to_the_friend(programme, coupon_titles(session, programme))


def coupon_titles(session: Session, programme: Programme) -> Titles:
    """Return what the coupons of a programme are called."""
    named = {programme.referrer.coupon_template_id, programme.referee.coupon_template_id} - {None}
    return titles(session, {one for one in named if one is not None}) if named else {}


def totals(session: Session, *, member_id: int) -> Totals:
    """Return how many friends a member invited and what that paid the member, merged accounts included."""
    rewarded = func.count().filter(Referral.state == ReferralState.REWARDED)
    is_mine = Referral.referrer_id.in_(family_ids(member_id))
    friends, paid_for = session.execute(select(func.count(), rewarded).select_from(Referral).where(is_mine)).one()
    points, coupons = session.execute(
        select(func.coalesce(func.sum(ReferralReward.points), 0), func.count(ReferralReward.coupon_id)).where(
            ReferralReward.member_id.in_(family_ids(member_id)),
            ReferralReward.side.in_((Side.REFERRER, Side.SHARER)),
            ReferralReward.state.in_((RewardState.PAID, RewardState.KEPT)),
        )
    ).one()
    return Totals(friends=friends, rewarded=paid_for, points=int(points), coupons=coupons)
