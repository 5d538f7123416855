"""Uses of coupons for tests: a till that has one basket of ¥150, with the noise defaulted."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from loyalty.coupons.held import Use
from loyalty.coupons.queries.redemptions import RedemptionView
from loyalty.coupons.service.locking import Locked, lock
from loyalty.coupons.service.redeeming import Redeemed, redeem
from loyalty.coupons.service.reversing import reverse_redemption
from loyalty.coupons.service.settling import redeem_locked
from loyalty.orders.rules import Line
from tests.factories.coupons import SHANGHAI
from tests.factories.points import AT

HALF_AN_HOUR = timedelta(minutes=30)
TILL = "partner:1"


def use_of(*amounts_fen: int, at: datetime = AT) -> Use:
    """Return a basket of such lines, or of one line of ¥150."""
    lines = [Line(number, f"A{number}", "饮品", 1, fen) for number, fen in enumerate(amounts_fen or (15_000,), start=1)]
    return Use(store_id=None, channel="pos", lines=tuple(lines), at=at)


def use_up(
    session: Session, member_id: int, *coupon_ids: int, reference: str = "till:1", use: Use | None = None
) -> Redeemed:
    return redeem(
        session,
        member_id=member_id,
        coupon_ids=coupon_ids,
        reference=reference,
        use=use or use_of(),
        zone=SHANGHAI,
        actor=TILL,
    )


def lock_up(
    session: Session,
    member_id: int,
    *coupon_ids: int,
    reference: str = "order:1",
    at: datetime = AT,
    use: Use | None = None,
    lasts: timedelta = HALF_AN_HOUR,
) -> Locked:
    return lock(
        session,
        member_id=member_id,
        coupon_ids=coupon_ids,
        reference=reference,
        use=use or use_of(at=at),
        expires_at=at + lasts,
        zone=SHANGHAI,
        actor=TILL,
    )


def settle(
    session: Session,
    member_id: int,
    *,
    at: datetime = AT,
    use: Use | None = None,
    lock_reference: str = "order:1",
    reference: str = "paid:1",
) -> Redeemed:
    return redeem_locked(
        session,
        member_id=member_id,
        lock_reference=lock_reference,
        reference=reference,
        use=use or use_of(at=at),
        zone=SHANGHAI,
        actor=TILL,
    )


def undo(session: Session, redemption_id: int, *, reference: str = "undo:1", at: datetime = AT) -> RedemptionView:
    return reverse_redemption(
        session, redemption_id=redemption_id, reference=reference, at=at, zone=SHANGHAI, actor="staff:1"
    )


def ids_of(used: Redeemed) -> Sequence[int]:
    """Return the redemptions of a use."""
    return [redemption.id for redemption in used.redemptions]
