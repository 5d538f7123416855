"""Rewarding (发放邀请奖励): both sides once, in points and coupons, within the referrer's caps.

Locks go as everywhere: the referral, members and accounts ascending, the caps of the referrer, then coupons with their
limits. Who is capped or refused a coupon misses that alone, and the reason is kept.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.service.issuing import issue
from loyalty.earning.service.coupons import REFUSALS
from loyalty.kernel import outbox
from loyalty.kernel.clock import business_date
from loyalty.limits.rules import LimitExhausted
from loyalty.limits.service import reserve
from loyalty.members.queries import lock_bearer
from loyalty.points import service as points
from loyalty.points.rules.expiry import lot_terms
from loyalty.points.service.accounts import open_and_lock_account
from loyalty.referrals.models import Referral, ReferralReward
from loyalty.referrals.queries.programmes import is_on, programme_of
from loyalty.referrals.rules.limiting import limits_of
from loyalty.referrals.rules.programme import Programme, Reward
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import Against, ReferralState, RewardState, Side
from loyalty.referrals.service.ending import end
from loyalty.referrals.service.purchases import lock_referral, stands
from loyalty.risk.queries.blocklist import is_blocked
from loyalty.risk.rules.subjects import Subject


@dataclass(frozen=True, slots=True)
class _Due:
    """What one side is owed for a referral."""

    side: Side
    member_id: int
    reward: Reward


def reward(session: Session, *, referral_id: int, at: datetime, zone: ZoneInfo) -> None:
    """Pay both sides of a referral whose rewards are due (发放), once; while its channel is off they wait.

    A purchase that was refunded meanwhile pays nothing. While either side is blocked, both wait.
    """
    referral = lock_referral(session, referral_id=referral_id)
    if referral.state != ReferralState.QUALIFIED or not is_on(session, channel=Channel(referral.channel)):
        return
    assert referral.programme_id is not None
    programme = programme_of(session, programme_id=referral.programme_id)
    if referral.order_id is not None:
        assert programme.purchase is not None
        if not stands(session, order_id=referral.order_id, purchase=programme.purchase):
            end(session, referral=referral, reason=Against.REFUNDED, is_standing=True, at=at, zone=zone)
            return
    bearers = _lock_bearers(session, referral, at)
    if len(set(bearers.values())) == 1 and None not in bearers.values():
        end(session, referral=referral, reason=Against.SELF, is_standing=False, at=at, zone=zone)
        return
    living = [Subject(member_id) for member_id in bearers.values() if member_id is not None]
    if living and is_blocked(session, subject=living[0], at=at, beside=living[1:]):
        return
    owed = [
        _Due(side, member_id, programme.referrer if side is Side.REFERRER else programme.referee)
        for side, member_id in bearers.items()
        if member_id is not None
    ]
    for one in sorted(owed, key=lambda due: due.reward.coupon_template_id or 0):
        if not one.reward.is_nothing:
            _pay(session, referral, programme, one, at, zone)
    referral.state, referral.rewarded_at = ReferralState.REWARDED, at
    session.flush()
    told = {"referral_id": referral.id, "referrer_id": referral.referrer_id}
    outbox.record(session, "referral.rewarded", told, at=at)


def entry_reference(referral_id: int, side: Side) -> str:
    """Return the reference of the entry that pays one side of a referral."""
    return f"referral:{referral_id}:{side.value}"


def _lock_bearers(session: Session, referral: Referral, at: datetime) -> dict[Side, int | None]:
    """Hold who bears what each side gets, and their accounts, both ascending; nobody is left of who was closed."""
    named = {Side.REFERRER: referral.referrer_id, Side.REFEREE: referral.member_id}
    bearers: dict[Side, int | None] = {}
    for side in sorted(named, key=lambda side: named[side]):
        bearer = lock_bearer(session, member_id=named[side])
        bearers[side] = None if bearer is None else bearer.id
    for member_id in sorted(each for each in bearers.values() if each is not None):
        open_and_lock_account(session, member_id=member_id, at=at)
    return bearers


def _pay(session: Session, referral: Referral, programme: Programme, due: _Due, at: datetime, zone: ZoneInfo) -> None:
    on = business_date(at, zone)
    if due.side is Side.REFERRER:
        try:
            reserve(session, limits=limits_of(programme.caps, member_id=due.member_id, on=on), amount=1)
        except LimitExhausted as exhausted:
            _write(session, referral, due, at, state=RewardState.MISSED, reason=str(exhausted.details["limit"]))
            return
    coupon_id, refusal = _give_coupon(session, referral, due, at, zone)
    entry_id = _credit(session, referral, due, at, zone)
    is_missed = coupon_id is None and entry_id is None
    _write(
        session,
        referral,
        due,
        at,
        state=RewardState.MISSED if is_missed else RewardState.PAID,
        reason=refusal,
        points=0 if entry_id is None else due.reward.points,
        entry_id=entry_id,
        coupon_id=coupon_id,
        capped_on=on if due.side is Side.REFERRER else None,
    )


def _give_coupon(
    session: Session, referral: Referral, due: _Due, at: datetime, zone: ZoneInfo
) -> tuple[int | None, str | None]:
    if due.reward.coupon_template_id is None:
        return None, None
    try:
        issued = issue(
            session,
            template_id=due.reward.coupon_template_id,
            member_id=due.member_id,
            path=IssuePath.REFERRAL,
            reference=entry_reference(referral.id, due.side),
            at=at,
            zone=zone,
        )
    except REFUSALS as refusal:
        return None, refusal.code
    return issued.coupon_id, None


def _credit(session: Session, referral: Referral, due: _Due, at: datetime, zone: ZoneInfo) -> int | None:
    if not due.reward.points:
        return None
    posting = points.earn(
        session,
        member_id=due.member_id,
        points=due.reward.points,
        reference=entry_reference(referral.id, due.side),
        explanation={"rule": "referral", "side": due.side.value},
        occurred_at=referral.came_at,  # the member did nothing now: news of it waits for the morning
        at=at,
        terms=lot_terms(points.programme_policy(session), at, zone),
    )
    return posting.entry_id


def _write(
    session: Session,
    referral: Referral,
    due: _Due,
    at: datetime,
    *,
    state: RewardState,
    reason: str | None,
    points: int = 0,
    **values: object,
) -> None:
    session.execute(
        insert(ReferralReward).values(
            member_id=due.member_id,
            side=due.side,
            referral_id=referral.id,
            state=state,
            reason=reason,
            points=points,
            recorded_at=at,
            **values,
        )
    )
