"""What staff do by hand (人工处理): give one member a coupon, undo a use; with a reason, and audited."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.coupons.queries.redemptions import RedemptionView
from loyalty.coupons.rules.by_hand import GiveReason, ReverseReason
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.service.issuing import Issued, issue
from loyalty.coupons.service.reversing import hold_redemption, reverse_redemption
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor


def give(
    session: Session,
    *,
    template_id: int,
    member_id: int,
    key: str,
    reason: GiveReason,
    actor: Actor,
    at: datetime,
    zone: ZoneInfo,
) -> Issued:
    """Give a member a coupon by hand (人工发券); the same key again is a replay. Every limit of the template holds.

    Raises:
        CouponSoldOut, CouponLimitReached, CouponNotForMember and the others of ``issue``.
    """
    issued = issue(
        session,
        template_id=template_id,
        member_id=member_id,
        path=IssuePath.STAFF,
        reference=f"staff:{key}",
        at=at,
        zone=zone,
        actor=actor.name,
    )
    if not issued.is_replay:
        after = {"template_id": template_id, "coupon_id": issued.coupon_id, "reason": reason.value}
        subject = f"member:{member_id}"
        audit.write(session, actor=actor, action="coupons.give", subject=subject, after=after, at=at)
    return issued


def undo_use(
    session: Session, *, redemption_id: int, reason: ReverseReason, actor: Actor, at: datetime, zone: ZoneInfo
) -> RedemptionView:
    """Undo a use from the back office (撤销核销); again by the same person, nothing happens.

    Raises:
        CouponRedemptionNotFound: there is no such redemption.
        CouponRedemptionReversed: somebody else reversed it, here, at the till or with its order.
    """
    is_known = hold_redemption(session, redemption_id=redemption_id).reversed_at is not None
    undone = reverse_redemption(
        session,
        redemption_id=redemption_id,
        reference=f"{actor.name}:redemption:{redemption_id}",
        at=at,
        zone=zone,
        actor=actor.name,
    )
    if not is_known:
        after = {"coupon_id": undone.coupon_id, "reason": reason.value}
        subject = f"coupon_redemption:{redemption_id}"
        audit.write(session, actor=actor, action="coupons.reverse", subject=subject, after=after, at=at)
    return undone
