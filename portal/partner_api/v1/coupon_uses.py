"""Using coupons: set aside, let go, used, undone."""

from typing import Any

from flask import Response

from loyalty.kernel.transaction import run
from loyalty.partners.service import coupon_uses
from loyalty.partners.service.coupon_uses import LockWish, RedeemWish
from portal.context import container
from portal.partner_api.desk import desk, member_name
from portal.partner_api.v1.blueprint import subject
from portal.partner_api.v1.coupons import basket_of
from portal.partner_api.v1.purchases import answered
from portal.partner_api.v1.schemas import coupon_uses as schemas

blueprint = subject("coupon_uses", __name__, description="Use coupons.")


@blueprint.post("/coupon-locks")
@blueprint.arguments(schemas.LockRequest)
@blueprint.response(201, schemas.Lock)
def lock(body: dict[str, Any]) -> Response:
    """Set coupons aside for an order that is not paid yet; what they take off is fixed by this."""
    here, name = desk(), member_name(body)
    wish = LockWish(body["reference"], tuple(body["coupon_ids"]), basket_of(body), body["minutes"])
    return answered(
        run(container().database, lambda session: coupon_uses.lock_coupons(session, desk=here, name=name, wish=wish))
    )


@blueprint.post("/coupon-locks/<string:reference>/release")
@blueprint.response(204)
def unlock(reference: str) -> None:
    """Let go of the coupons that were set aside; again, nothing happens."""
    here = desk()
    run(
        container().database,
        lambda session: coupon_uses.unlock_coupons(session, desk=here, reference=reference),
    )


@blueprint.post("/coupon-redemptions")
@blueprint.arguments(schemas.RedeemRequest)
@blueprint.response(201, schemas.Redeemed)
def redeem(body: dict[str, Any]) -> Response:
    """Use coupons, all or none; the same reference again gets the same answer, for ever."""
    here, name, ids = desk(), member_name(body), body["coupon_ids"]
    wish = RedeemWish(body["reference"], None if ids is None else tuple(ids), body["lock_reference"], basket_of(body))
    return answered(
        run(container().database, lambda session: coupon_uses.redeem_coupons(session, desk=here, name=name, wish=wish))
    )


@blueprint.post("/coupon-redemptions/<int:redemption_id>/reverse")
@blueprint.response(204)
def reverse(redemption_id: int) -> None:
    """Undo a use at one of the key's stores: the coupon can be used again; again, nothing happens."""
    here = desk()
    run(
        container().database,
        lambda session: coupon_uses.undo_redemption(session, desk=here, redemption_id=redemption_id),
    )
