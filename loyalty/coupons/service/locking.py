"""Locking (锁定): coupons set aside for an order that is not paid yet, with a time limit, and let go again.

What they take off the order's lines is fixed by the lock. A lock whose time ran out binds nothing any more, whether
or not a job has ended it; while it runs its coupons do not lapse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, and_, column, func, select, true, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from loyalty.coupons.held import COUPONS, Held, Use, hold, hold_as_read, read_held
from loyalty.coupons.models import CouponLock
from loyalty.coupons.queries.locks import LockView, find_lock
from loyalty.coupons.rules.errors import CouponLockEnded, CouponLockNotFound, CouponNotUsable, CouponUseReferenceReused
from loyalty.coupons.rules.locking import check_lock_period
from loyalty.coupons.rules.pricing import Pricing
from loyalty.coupons.rules.states import CouponState, LockEnd
from loyalty.coupons.service.validating import price_all
from loyalty.kernel.database import Json
from loyalty.kernel.errors import InvariantBroken
from loyalty.orders.rules import check_lines, to_json
from loyalty.points.posting import parameter, parameters, table_of

LOCKS = table_of(CouponLock)


@dataclass(frozen=True, slots=True)
class Locked:
    """Coupons set aside for an order; a replay tells of the lock that was made first."""

    lock: LockView
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which coupons are to be set aside, for which order and until when."""

    member_id: int
    coupon_ids: Sequence[int]
    reference: str
    use: Use
    expires_at: datetime
    zone: ZoneInfo
    actor: str


def lock(
    session: Session,
    *,
    member_id: int,
    coupon_ids: Sequence[int],
    reference: str,
    use: Use,
    expires_at: datetime,
    zone: ZoneInfo,
    actor: str,
) -> Locked:
    """Set coupons aside for an order (锁定), all or none; the same reference, coupons and lines again are a replay.

    A reference stands for one lock, for ever, as that of a hold does: once it has ended, another is made under
    another reference. So a request that comes late or twice never binds again what was let go.

    Raises:
        InvalidOrder: the basket makes no sense.
        InvalidCouponLockPeriod: the lock would end before it begins, or bind for longer than a day.
        CouponNotFound: one of the coupons does not exist, or is somebody else's.
        CouponUseReferenceReused: the reference stands for a lock of other coupons, or for another basket.
        CouponLockEnded: it stands for a lock that was let go, ran out, or was used.
        CouponNotUsable: one of them does not pay for this basket, or was used, locked or voided meanwhile.
    """
    check_lines(use.lines)
    check_lock_period(at=use.at, expires_at=expires_at)
    return _lock(session, _Wanted(member_id, coupon_ids, reference, use, expires_at, zone, actor))


def unlock(session: Session, *, member_id: int, reference: str, at: datetime) -> None:
    """Let go of coupons set aside for an order that was not paid (释放); again, nothing happens.

    Raises:
        CouponLockNotFound: nothing was locked under this reference.
        CouponLockEnded: the coupons were used for the order.
    """
    known = find_lock(session, member_id=member_id, reference=reference)
    if known is None:
        raise CouponLockNotFound(reference=reference)
    if known.ended_as is LockEnd.REDEEMED:
        raise CouponLockEnded(reference=reference, ended_as=known.ended_as.value)
    release(session, lock_ids=[known.id], at=at)


def check_binding(session: Session, *, member_id: int, reference: str, at: datetime) -> None:
    """Refuse a lock that does not bind any more, for who answers a repeated request by what is kept.

    Raises:
        CouponLockEnded: it was let go, ran out, or was used.
    """
    known = find_lock(session, member_id=member_id, reference=reference)
    if known is not None:
        _check_binding(known, at)


def release(session: Session, *, lock_ids: Sequence[int], at: datetime) -> None:
    """Free the coupons that locks still bind, and note that the locks ended."""
    discounts = session.scalars(select(LOCKS.c.discounts).where(LOCKS.c.id.in_(lock_ids))).all()
    coupon_ids = [discount["coupon_id"] for lock in discounts for discount in lock]
    is_bound = and_(COUPONS.c.id.in_(coupon_ids), COUPONS.c.lock_id.in_(lock_ids))
    bound = select(COUPONS.c.id).where(is_bound).order_by(COUPONS.c.id).with_for_update(key_share=True).cte("bound")
    free = {"state": CouponState.ISSUED.value, "lock_id": None, "locked_until_at": None}
    session.execute(update(COUPONS).where(COUPONS.c.id == bound.c.id).values(**free))
    end_locks(session, lock_ids=lock_ids, ended_as=LockEnd.UNLOCKED, at=at)


def end_locks(session: Session, *, lock_ids: Sequence[int], ended_as: LockEnd, at: datetime) -> None:
    """Note how locks ended; what was noted first stays, but that an order used their coupons after all."""
    is_used = ended_as is LockEnd.REDEEMED
    stands = LOCKS.c.ended_as.is_distinct_from(LockEnd.REDEEMED) if is_used else LOCKS.c.ended_at.is_(None)
    session.execute(update(LOCKS).where(LOCKS.c.id.in_(lock_ids), stands).values(ended_as=ended_as.value, ended_at=at))


def _lock(session: Session, wanted: _Wanted) -> Locked:
    if known := _known(session, wanted):
        return _again(known, wanted)
    for _attempt in range(2):
        held = read_held(
            session, member_id=wanted.member_id, coupon_ids=wanted.coupon_ids, use=wanted.use, zone=wanted.zone
        )
        try:
            pricing = price_all(held)
        except CouponNotUsable:
            # The same request may have come at once, and is done by now.
            if known := _known(session, wanted):
                return _again(known, wanted)
            raise
        is_made = session.execute(_LOCK, parameters(_parameters(wanted, held, pricing))).scalar() is not None
        if known := _known(session, wanted):
            return Locked(known) if is_made else _again(known, wanted)
        # Somebody was quicker, and nothing was bound. What is read once they are held says what stands now.
        hold(session, coupon_ids=wanted.coupon_ids)
    raise InvariantBroken(f"coupons {wanted.coupon_ids} changed while they were held")


def _known(session: Session, wanted: _Wanted) -> LockView | None:
    return find_lock(session, member_id=wanted.member_id, reference=wanted.reference)


def _again(known: LockView, wanted: _Wanted) -> Locked:
    is_same = set(known.coupon_ids) == set(wanted.coupon_ids) and known.basket == basket_of(wanted.use)
    if not is_same:
        raise CouponUseReferenceReused(reference=known.reference)
    _check_binding(known, wanted.use.at)
    return Locked(known, is_replay=True)


def _check_binding(known: LockView, at: datetime) -> None:
    """Refuse a lock that was ended, or whose time is over though no job has noted it."""
    if known.ended_as is not None or known.expires_at <= at:
        ended_as = known.ended_as or LockEnd.UNLOCKED
        raise CouponLockEnded(reference=known.reference, ended_as=ended_as.value)


def basket_of(use: Use) -> Json:
    """Return store, channel and lines as a lock keeps them."""
    return {"store_id": use.store_id, "channel": use.channel, "lines": to_json(use.lines)}


def _parameters(wanted: _Wanted, held: Held, pricing: Pricing) -> dict[str, Any]:
    return {
        "member_id": wanted.member_id,
        "reference": wanted.reference,
        "basket": basket_of(wanted.use),
        "discounts": [
            {"coupon_id": one.coupon_id, "discount_fen": one.discount_fen, "shares": list(one.shares)}
            for one in pricing.discounts
        ],
        "discount_fen": pricing.discount_fen,
        "actor": wanted.actor,
        "locked_at": wanted.use.at,
        "expires_at": wanted.expires_at,
        "seen_count": len(held.coupons),
        "seen": [{"coupon_id": coupon.id, "lock_id": coupon.lock_id} for coupon in held.coupons],
    }


def _statement() -> Any:
    """Writes the lock and binds its coupons, if all are as they were read and its reference is not known."""
    names = ("member_id", "reference", "basket", "discounts", "discount_fen", "actor", "locked_at", "expires_at")
    seen = (
        func.jsonb_to_recordset(parameter("seen", JSONB()))
        .table_valued(column("coupon_id", BigInteger), column("lock_id", BigInteger), name="seen")
        .render_derived(with_types=True)
    )
    free, are_all_free = hold_as_read(seen, count=parameter("seen_count", BigInteger()))
    values = select(*(parameter(name, LOCKS.c[name].type) for name in names)).where(are_all_free)
    made = (
        insert(LOCKS)
        .from_select([*names], values)
        .on_conflict_do_nothing()
        .returning(LOCKS.c.id, LOCKS.c.expires_at)
        .cte("made")
    )
    binding = (
        select(free.c.id, made.c.id.label("lock_id"), made.c.expires_at).join_from(free, made, true()).cte("binding")
    )
    bound = (
        update(COUPONS)
        .where(COUPONS.c.id == binding.c.id)
        .values(state=CouponState.LOCKED.value, lock_id=binding.c.lock_id, locked_until_at=binding.c.expires_at)
        .cte("bound")
    )
    return select(made.c.id).add_cte(bound)


_LOCK = _statement()
