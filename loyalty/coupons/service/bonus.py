"""The bonus for early use (尽早使用奖励): points for a redemption that stands, taken back when it is reversed.

Both come by events, late, doubled or in the wrong order. The member is held throughout, so that no merge comes in
between; then the account, and the redemption last, as everywhere.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.coupons.models import CouponRedemption
from loyalty.coupons.queries.redemptions import RedemptionView, get_redemption
from loyalty.members.queries import family_of, lock_bearer
from loyalty.points import service as points
from loyalty.points.posting import Posting
from loyalty.points.queries import find_posting, lock_account
from loyalty.points.rules import EntryKind, Shortfall
from loyalty.points.rules.expiry import lot_terms
from loyalty.points.service.accounts import open_and_lock_account


def pay_bonus(session: Session, *, redemption_id: int, at: datetime, zone: ZoneInfo) -> None:
    """Give the points that using a coupon early brings, once, while its redemption stands.

    The survivor of a merge gets them; a member who was closed meanwhile gets nothing.

    Raises:
        CouponRedemptionNotFound: there is no such redemption.
    """
    redemption = get_redemption(session, redemption_id=redemption_id)
    bearer = lock_bearer(session, member_id=redemption.member_id) if redemption.bonus_points else None
    if bearer is None or _find_paid(session, bearer.id, redemption_id) is not None:
        return
    open_and_lock_account(session, member_id=bearer.id, at=at)
    if not _stands(session, redemption_id):
        return
    points.earn(
        session,
        member_id=bearer.id,
        points=redemption.bonus_points,
        reference=bonus_reference(redemption_id),
        explanation=_explanation(redemption),
        occurred_at=redemption.redeemed_at,
        at=at,
        store_id=redemption.store_id,
        terms=lot_terms(points.programme_policy(session), redemption.redeemed_at, zone),
    )


def take_back_bonus(
    session: Session, *, redemption_id: int, shortfall: Shortfall, at: datetime, zone: ZoneInfo
) -> None:
    """Take back the points that a reversed redemption brought; ``shortfall`` says what of those already spent.

    Nothing was paid, and nothing will be, where the reversal came first.

    Raises:
        CouponRedemptionNotFound: there is no such redemption.
    """
    redemption = get_redemption(session, redemption_id=redemption_id)
    bearer = lock_bearer(session, member_id=redemption.member_id) if redemption.bonus_points else None
    paid = None if bearer is None else _find_paid(session, bearer.id, redemption_id)
    if bearer is None or paid is None:
        return
    owner_id, posting = paid
    for member_id in sorted({owner_id, bearer.id}):
        lock_account(session, member_id=member_id)
    reference = f"{bonus_reference(redemption_id)}:reversed"
    is_merged = owner_id != bearer.id
    if is_merged and shortfall is Shortfall.CLAMP:
        # The merge has emptied the account: the survivor has the points, and bears what is owed.
        shortfall = Shortfall.OFFSET_NEXT_EARN
    points.reverse(
        session,
        member_id=owner_id,
        entry_id=posting.entry_id,
        reference=reference,
        at=at,
        zone=zone,
        shortfall=shortfall,
        explanation=_explanation(redemption),
        store_id=redemption.store_id,
    )
    if is_merged:
        points.transfer(session, from_member_id=owner_id, to_member_id=bearer.id, reference=f"merge:{reference}", at=at)


def bonus_reference(redemption_id: int) -> str:
    """Return the reference of the entry that pays the bonus of a redemption."""
    return f"coupon_bonus:{redemption_id}"


def _find_paid(session: Session, member_id: int, redemption_id: int) -> tuple[int, Posting] | None:
    """Return the entry that paid a bonus and whose it is: the member's, or that of one merged into the member."""
    for owner_id in family_of(session, member_id=member_id):
        posting = find_posting(
            session, member_id=owner_id, kind=EntryKind.EARN, reference=bonus_reference(redemption_id)
        )
        if posting is not None:
            return owner_id, posting
    return None


def _stands(session: Session, redemption_id: int) -> bool:
    row = CouponRedemption
    held = select(row.reversed_at).where(row.id == redemption_id).with_for_update(key_share=True)
    return session.scalars(held).one() is None


def _explanation(redemption: RedemptionView) -> dict[str, object]:
    return {"rule": "coupon_bonus", "coupon_id": redemption.coupon_id, "title": redemption.terms.title}
