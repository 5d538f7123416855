"""Redeeming (核销): coupons are used once, all of a request or none, by one guarded statement.

The statement takes nothing when somebody used, locked or voided one of them since they were read. Points for early use
are credited by the event, so that a till waits for no account.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, DateTime, Select, column, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from loyalty.coupons.held import COUPONS, Held, HeldCoupon, Use, hold, hold_as_read, read_held
from loyalty.coupons.models import CouponRedemption
from loyalty.coupons.queries.redemptions import RedemptionView, find_by_reference
from loyalty.coupons.rules.errors import CouponNotUsable, CouponUseReferenceReused
from loyalty.coupons.rules.pricing import Discount, Pricing
from loyalty.coupons.rules.states import CouponState
from loyalty.coupons.rules.validity import bonus_points
from loyalty.coupons.service.validating import price_all
from loyalty.kernel.database import AnyRow, Json
from loyalty.kernel.errors import InvariantBroken
from loyalty.kernel.prepared import send
from loyalty.orders.rules import amount_of, check_lines
from loyalty.points.posting import EVENTS, constant, pairs, parameter, parameters, table_of

REDEMPTIONS = table_of(CouponRedemption)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which coupons are to be used, by whom, for what, and under which number."""

    member_id: int
    coupon_ids: Sequence[int]
    reference: str
    use: Use
    zone: ZoneInfo
    actor: str
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Coupons that were used together; a replay tells what the first request did."""

    redemptions: tuple[RedemptionView, ...]
    is_replay: bool = False

    @property
    def discount_fen(self) -> int:
        """What they take off the basket together."""
        return sum(redemption.discount_fen for redemption in self.redemptions)


def redeem(
    session: Session,
    *,
    member_id: int,
    coupon_ids: Sequence[int],
    reference: str,
    use: Use,
    zone: ZoneInfo,
    actor: str,
) -> Redeemed:
    """Use a member's coupons for a basket (核销), once; the same reference and coupons again are a replay.

    Raises:
        InvalidOrder: the basket makes no sense.
        CouponNotFound: one of the coupons does not exist, or is somebody else's.
        CouponUseReferenceReused: the reference stands for the use of other coupons.
        CouponNotUsable: one of them does not pay for this basket, or was used, locked or voided meanwhile.
    """
    asked = Asked(member_id, coupon_ids, reference, use, zone, actor)
    return take(session, asked, pricing_of=price_all)


def take(session: Session, asked: Asked, *, pricing_of: Callable[[Held], Pricing]) -> Redeemed:
    """Use coupons at the price that ``pricing_of`` says, as ``redeem`` does.

    Raises:
        InvalidOrder, CouponNotFound, CouponUseReferenceReused, CouponNotUsable: as ``redeem``.
    """
    if asked.use.lines:
        check_lines(asked.use.lines)
    for _attempt in range(2):
        held = read_held(
            session,
            member_id=asked.member_id,
            coupon_ids=asked.coupon_ids,
            use=asked.use,
            zone=asked.zone,
            reference=asked.reference,
        )
        if held.is_known and (known := _known(session, asked)):
            return known
        try:
            pricing = pricing_of(held)
        except CouponNotUsable:
            # The same request may have come at once, and is done by now.
            if known := _known(session, asked):
                return known
            raise
        values = _parameters(held, pricing, asked)
        if rows := send(session, _REDEEM, parameters(values)):
            return Redeemed(_views(rows, held, values))
        # Somebody was quicker, and nothing was taken. What is read once they are held says what stands now.
        hold(session, coupon_ids=asked.coupon_ids)
    raise InvariantBroken(f"coupons {asked.coupon_ids} changed while they were held")


def _known(session: Session, asked: Asked) -> Redeemed | None:
    known = find_by_reference(session, member_id=asked.member_id, reference=asked.reference)
    if not known:
        return None
    if {redemption.coupon_id for redemption in known} != set(asked.coupon_ids):
        raise CouponUseReferenceReused(reference=asked.reference)
    return Redeemed(tuple(known), is_replay=True)


def _parameters(held: Held, pricing: Pricing, asked: Asked) -> dict[str, Any]:
    by_id = {coupon.id: coupon for coupon in held.coupons}
    return {
        "uses": [_use(by_id[discount.coupon_id], discount, asked) for discount in pricing.discounts],
        "uses_count": len(pricing.discounts),
        "reference": asked.reference,
        "store_id": asked.use.store_id,
        "channel": asked.use.channel,
        "order_id": asked.order_id,
        "basket_fen": amount_of(asked.use.lines),
        "actor": asked.actor,
        "at": asked.use.at,
    }


def _use(coupon: HeldCoupon, discount: Discount, asked: Asked) -> Json:
    return {
        "coupon_id": coupon.id,
        "lock_id": coupon.lock_id,
        "discount_fen": discount.discount_fen,
        "shares": list(discount.shares),
        "bonus_points": bonus_points(
            coupon.terms, usable_at=coupon.usable_at, redeemed_at=asked.use.at, zone=asked.zone
        ),
    }


def _views(rows: Sequence[AnyRow], held: Held, values: Mapping[str, Any]) -> tuple[RedemptionView, ...]:
    by_id = {coupon.id: coupon for coupon in held.coupons}
    uses = {use["coupon_id"]: use for use in values["uses"]}
    return tuple(
        RedemptionView(
            id=row.id,
            coupon_id=row.coupon_id,
            member_id=by_id[row.coupon_id].member_id,
            template_id=by_id[row.coupon_id].template_id,
            terms=by_id[row.coupon_id].terms,
            discount_fen=uses[row.coupon_id]["discount_fen"],
            shares=tuple(uses[row.coupon_id]["shares"]),
            bonus_points=uses[row.coupon_id]["bonus_points"],
            redeemed_at=values["at"],
            reversal_reference=None,
            reversed_by=None,
            reversed_at=None,
            **{name: values[name] for name in _OF_REQUEST},
        )
        for row in rows
    )


_OF_REQUEST = ("reference", "store_id", "channel", "order_id", "basket_fen", "actor")


def _statement() -> Select[Any]:
    """Takes the coupons if all are as they were read, writes their redemptions and the events that tell of them."""
    numbers = [column(name, BigInteger) for name in ("coupon_id", "lock_id", "discount_fen", "bonus_points")]
    given = (
        func.jsonb_to_recordset(parameter("uses", JSONB()))
        .table_valued(*numbers, column("shares", JSONB), name="given")
        .render_derived(with_types=True)
    )
    free, are_all_free = hold_as_read(given, count=parameter("uses_count", BigInteger()))
    taken = (
        update(COUPONS)
        .where(COUPONS.c.id == free.c.id, are_all_free)
        .values(state=CouponState.REDEEMED.value, lock_id=None, locked_until_at=None)
        .returning(*COUPONS.c["id", "member_id", "template_id"])
        .cte("taken")
    )
    of_request = {name: parameter(name, REDEMPTIONS.c[name].type) for name in _OF_REQUEST}
    names = ["coupon_id", "member_id", "template_id", "discount_fen", "shares", "bonus_points", "redeemed_at"]
    rows = select(
        *(taken.c.id, taken.c.member_id, taken.c.template_id, given.c.discount_fen, given.c.shares),
        *(given.c.bonus_points, parameter("at", DateTime(timezone=True)), *of_request.values()),
    ).join(given, given.c.coupon_id == taken.c.id)
    inserted = insert(REDEMPTIONS).from_select([*names, *of_request], rows).returning(*REDEMPTIONS.columns)
    written = inserted.cte("written")
    told = pairs(("coupon_id", "member_id", "template_id", "store_id", "bonus_points"), written.c)
    payload = func.jsonb_build_object(constant("redemption_id"), written.c.id, *told)
    event: Any = select(constant("coupon.redeemed"), payload, written.c.redeemed_at)
    announced = insert(EVENTS).from_select(["kind", "payload", "recorded_at"], event).cte("announced")
    return select(written.c.id, written.c.coupon_id).order_by(written.c.id).add_cte(announced)


_REDEEM = _statement()
