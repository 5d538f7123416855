"""Baskets: coupons and points set aside under one reference until the order is paid."""

from typing import Any

from flask import Response

from loyalty.kernel.transaction import run
from loyalty.partners.service import baskets
from loyalty.partners.service.baskets import BasketWish
from portal.context import container
from portal.partner_api.desk import desk, member_name
from portal.partner_api.v1.blueprint import subject
from portal.partner_api.v1.coupons import basket_of
from portal.partner_api.v1.purchases import answered
from portal.partner_api.v1.schemas import coupon_uses as schemas

blueprint = subject("baskets", __name__, description="Pay with coupons and points together.")


@blueprint.post("/baskets")
@blueprint.arguments(schemas.ReserveRequest)
@blueprint.response(201, schemas.Reserved)
def reserve(body: dict[str, Any]) -> Response:
    """Set coupons and points aside, both or neither; report the purchase with hold_reference to settle them."""
    here, name = desk(), member_name(body)
    wish = BasketWish(body["reference"], tuple(body["coupon_ids"] or ()), body["points"], basket_of(body))
    return answered(
        run(container().database, lambda session: baskets.reserve_basket(session, desk=here, name=name, wish=wish))
    )


@blueprint.post("/baskets/<string:reference>/release")
@blueprint.response(204)
def release(reference: str) -> None:
    """Let go of what was set aside; again, nothing happens."""
    here = desk()
    run(container().database, lambda session: baskets.release_basket(session, desk=here, reference=reference))
