"""Points as money (积分抵现): quote, hold, capture or release."""

from typing import Any

from flask import Response

from loyalty.kernel.transaction import run
from loyalty.partners.service import holds
from loyalty.partners.service.holds import HoldWish
from portal.context import container
from portal.partner_api.auth import caller
from portal.partner_api.desk import desk, member_name
from portal.partner_api.v1.blueprint import subject
from portal.partner_api.v1.purchases import answered
from portal.partner_api.v1.schemas import points as schemas

blueprint = subject("points", __name__, description="Pay with points.")


@blueprint.post("/points-quotes")
@blueprint.arguments(schemas.QuoteRequest)
@blueprint.response(200, schemas.Quote)
def quote(body: dict[str, Any]) -> Any:
    """Tell how many of a member's points may pay for an order."""
    here, name = desk(), member_name(body)
    return run(
        container().database,
        lambda session: holds.quote_points(
            session, desk=here, name=name, store_code=body["store_code"], amount_fen=body["amount_fen"]
        ),
    )


@blueprint.post("/holds")
@blueprint.arguments(schemas.HoldRequest)
@blueprint.response(201, schemas.Hold)
def hold(body: dict[str, Any]) -> Response:
    """Set points aside for an order; report the purchase with hold_reference to take them."""
    here, name = desk(), member_name(body)
    wish = HoldWish(body["store_code"], body["reference"], body["points"], body["amount_fen"])
    return answered(
        run(container().database, lambda session: holds.hold_points(session, desk=here, name=name, wish=wish))
    )


@blueprint.post("/holds/<string:reference>/capture")
@blueprint.response(204)
def capture(reference: str) -> None:
    """Take the points that were set aside, all of them; again, nothing happens."""
    at, key = container().clock.now(), caller()
    run(
        container().database,
        lambda session: holds.capture_hold(session, caller=key, reference=reference, at=at),
    )


@blueprint.post("/holds/<string:reference>/release")
@blueprint.response(204)
def release(reference: str) -> None:
    """Let go of the points that were set aside; again, nothing happens."""
    at, key = container().clock.now(), caller()
    run(
        container().database,
        lambda session: holds.release_hold(session, caller=key, reference=reference, at=at),
    )
