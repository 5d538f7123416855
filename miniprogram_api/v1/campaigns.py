"""Campaigns (活动) that are opened by a link or a QR code, and taking part in them."""

from functools import partial
from typing import TYPE_CHECKING, Any

from loyalty.campaigns.queries.offers import CampaignOffer, see_offer
from loyalty.campaigns.rules.taking_part import CampaignUsedUp
from loyalty.campaigns.service.entrances import note_visit
from loyalty.campaigns.service.participation import Coming, Participation, note_too_late, participate
from loyalty.kernel.transaction import run
from miniprogram_api.context import caller, container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import campaigns as schemas
from miniprogram_api.v1.schemas.base import RequiredIdempotencyHeaders

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

blueprint = subject("campaigns", __name__, description="Campaigns that members open and take part in.")


@blueprint.get("/campaigns/<token>")
@blueprint.response(200, schemas.Campaign)
def show_campaign(token: str) -> CampaignOffer:
    """Show the campaign of an entrance and count the visit, for visitors too; once a minute for each person."""
    at, who = container().clock.now(), caller()

    def read(session: "Session") -> CampaignOffer:
        offer = see_offer(session, token=token, member_id=who.member_id, at=at)
        note_visit(
            session,
            vault=container().vault,
            entrance_id=offer.entrance_id,
            identity_id=who.identity_id,
            member_id=who.member_id,
            at=at,
        )
        return offer

    return run(container().database, read)


@blueprint.post("/campaigns/<token>")
@blueprint.arguments(RequiredIdempotencyHeaders, location="headers")
@blueprint.response(200, schemas.Participation)
def take_part(headers: dict[str, Any], token: str) -> Participation:
    """Take part; refused under another key once the member has, with the same answer under the same."""
    here = container()
    coming = Coming(token, member_id(), here.clock.now(), here.zone, here.vault)
    try:
        return run(here.database, partial(participate, coming=coming, key=headers["idempotency_key"]))
    except CampaignUsedUp as refusal:
        run(here.database, partial(note_too_late, coming=coming, refusal=refusal))
        raise
