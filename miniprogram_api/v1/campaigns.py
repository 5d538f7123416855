"""Campaigns (活动) that are opened by a link or a QR code, and taking part in them."""

from functools import partial
from typing import Any

from loyalty.campaigns.queries.offers import CampaignOffer
from loyalty.campaigns.service.participation import Coming, Participation, participate, show
from loyalty.kernel.transaction import run
from miniprogram_api.context import caller, container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import campaigns as schemas
from miniprogram_api.v1.schemas.base import RequiredIdempotencyHeaders

blueprint = subject("campaigns", __name__, description="Campaigns that members open and take part in.")


@blueprint.get("/campaigns/<token>")
@blueprint.response(200, schemas.Campaign)
def show_campaign(token: str) -> CampaignOffer:
    """Show the campaign of an entrance and count the visit, for visitors too; once a minute for each person."""
    here, who = container(), caller()
    looking = partial(show, vault=here.vault, token=token, identity_id=who.identity_id, member_id=who.member_id)
    return run(here.database, partial(looking, at=here.clock.now()))


@blueprint.post("/campaigns/<token>")
@blueprint.arguments(RequiredIdempotencyHeaders, location="headers")
@blueprint.response(200, schemas.Participation)
def take_part(headers: dict[str, Any], token: str) -> Participation:
    """Take part; refused under another key once the member has, with the same answer under the same."""
    here = container()
    coming = Coming(token, member_id(), here.clock.now(), here.zone, here.vault)
    return participate(here.database, coming, key=headers["idempotency_key"])
