"""Making up (补签): missed days, the cards that make them up, and buying one for points."""

from typing import Any

from loyalty.check_ins import cards, making_up
from loyalty.kernel.transaction import run
from miniprogram_api.context import container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import make_ups as schemas
from miniprogram_api.v1.schemas.base import RequiredIdempotencyHeaders

blueprint = subject("make_ups", __name__, description="Missed check-ins, made up for cards.")


@blueprint.get("/check-ins/make-ups")
@blueprint.response(200, schemas.MakeUps)
def show_make_ups() -> dict[str, Any]:
    """Show which missed days may be made up, and with what."""
    at, owner, zone = container().clock.now(), member_id(), container().zone
    view = run(container().database, lambda session: cards.make_up_view(session, member_id=owner, zone=zone, at=at))
    return {
        "is_offered": view.rules is not None,
        "cards": view.cards,
        "left_this_month": view.left_this_month,
        "days": view.days,
        "card_price": None if view.rules is None else view.rules.card_price,
    }


@blueprint.post("/check-ins/make-ups")
@blueprint.arguments(schemas.MakeUpRequest)
@blueprint.arguments(RequiredIdempotencyHeaders, location="headers")
@blueprint.response(201, schemas.MadeUp)
def make_up(body: dict[str, Any], headers: dict[str, Any]) -> Any:
    """Make a missed day up with a card."""
    key, at, owner, zone = headers["idempotency_key"], container().clock.now(), member_id(), container().zone
    return run(
        container().database,
        lambda session: making_up.make_up(session, member_id=owner, on=body["on"], key=key, zone=zone, at=at),
    )


@blueprint.post("/check-ins/make-up-cards")
@blueprint.arguments(RequiredIdempotencyHeaders, location="headers")
@blueprint.response(201, schemas.CardBought)
def buy_card(headers: dict[str, Any]) -> dict[str, Any]:
    """Buy a card for points."""
    key, at, owner, zone = headers["idempotency_key"], container().clock.now(), member_id(), container().zone
    paid = run(
        container().database,
        lambda session: making_up.buy_card(session, member_id=owner, key=key, zone=zone, at=at),
    )
    return {"points_paid": paid}
