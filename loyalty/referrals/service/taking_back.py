"""Taking rewards back (收回邀请奖励): points by the programme's policy for what was spent, coupons while unused."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.checkout.queries import current_policy
from loyalty.coupons.service.taking_back import take_back as take_coupon_back
from loyalty.kernel.audit import Actor
from loyalty.limits.service import give_back
from loyalty.members.queries import lock_bearer, survivor_of
from loyalty.points import service as points
from loyalty.points.queries import lock_account
from loyalty.points.rules import Shortfall
from loyalty.referrals.models import Referral, ReferralReward
from loyalty.referrals.queries.programmes import programme_of
from loyalty.referrals.rules.limiting import limits_of
from loyalty.referrals.rules.states import RewardState

_ACTOR = Actor("system:referrals")
_REASON = "referral_ended"


def take_back(session: Session, *, referral_id: int, at: datetime, zone: ZoneInfo) -> None:
    """Take back what a referral paid, once; the caller holds the referral.

    A coupon that was used stays. Of a member who was closed meanwhile nothing is left to take.
    """
    paid = select(ReferralReward).where(
        ReferralReward.referral_id == referral_id, ReferralReward.state == RewardState.PAID
    )
    rewards = session.scalars(paid.order_by(ReferralReward.member_id, ReferralReward.id)).all()
    for one in rewards:
        _take_points(session, one, at, zone)
    for one in sorted(rewards, key=lambda each: each.coupon_id or 0):
        is_gone = _take_coupon(session, one, at, zone)
        one.state = RewardState.TAKEN_BACK if is_gone else RewardState.KEPT
        one.taken_back_at = at
    session.flush()
    for one in rewards:
        _give_caps_back(session, one)


def take_opening_back(session: Session, *, opening_id: int, at: datetime, zone: ZoneInfo) -> None:
    """Take back what an opening paid, once; the caps stay used."""
    paid = select(ReferralReward).where(
        ReferralReward.opening_id == opening_id, ReferralReward.state == RewardState.PAID
    )
    one = session.scalar(paid.with_for_update(key_share=True).execution_options(populate_existing=True))
    if one is not None:
        _take_points(session, one, at, zone)
        one.state, one.taken_back_at = RewardState.TAKEN_BACK, at
        session.flush()


def _take_points(session: Session, one: ReferralReward, at: datetime, zone: ZoneInfo) -> None:
    bearer = lock_bearer(session, member_id=one.member_id) if one.entry_id is not None else None
    if bearer is None or one.entry_id is None:
        return
    for member_id in sorted({one.member_id, bearer.id}):
        lock_account(session, member_id=member_id)
    shortfall, is_merged = current_policy(session).shortfall, bearer.id != one.member_id
    if is_merged and shortfall is Shortfall.CLAMP:
        # The merge has emptied the account: the survivor has the points, and bears what is owed.
        shortfall = Shortfall.OFFSET_NEXT_EARN
    reference = f"referral_reward:{one.id}:taken_back"
    points.reverse(
        session,
        member_id=one.member_id,
        entry_id=one.entry_id,
        reference=reference,
        at=at,
        zone=zone,
        shortfall=shortfall,
        explanation={"rule": "referral", "side": one.side},
    )
    if is_merged:
        points.transfer(
            session, from_member_id=one.member_id, to_member_id=bearer.id, reference=f"merge:{reference}", at=at
        )


def _take_coupon(session: Session, one: ReferralReward, at: datetime, zone: ZoneInfo) -> bool:
    if one.coupon_id is None:
        return True
    return take_coupon_back(session, coupon_id=one.coupon_id, reason=_REASON, actor=_ACTOR, at=at, zone=zone).is_voided


def _give_caps_back(session: Session, one: ReferralReward) -> None:
    if one.capped_on is None or one.state == RewardState.KEPT:
        return
    programme_id = session.scalars(select(Referral.programme_id).where(Referral.id == one.referral_id)).one()
    assert programme_id is not None
    caps = programme_of(session, programme_id=programme_id).caps
    owner_id = survivor_of(session, member_id=one.member_id)
    give_back(session, limits=limits_of(caps, member_id=owner_id, on=one.capped_on), amount=1)
