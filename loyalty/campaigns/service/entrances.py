"""Ways into a campaign (入口): each is made once, and leads to the same page for as long as the campaign is shown.

A token is drawn once and printed: nothing that is done later changes or removes one.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignEntrance, CampaignVisit
from loyalty.campaigns.queries.campaigns import get_campaign
from loyalty.campaigns.rules.entries import EntranceKind
from loyalty.campaigns.rules.errors import CampaignNotInState
from loyalty.campaigns.rules.states import OVER
from loyalty.campaigns.rules.taking_part import CampaignNotByVisit
from loyalty.campaigns.rules.terms import Terms, Visit
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.stores.models import Store
from loyalty.stores.queries import subtree
from loyalty.stores.rules import StoreKind

VISIT = "campaigns.visit"
"""The context of the blind index of a visit."""
_TOKEN_BYTES = 12


def make_entrances(session: Session, *, campaign_id: int, kind: EntranceKind, actor: Actor, at: datetime) -> int:
    """Make what is missing of a kind: one link, one menu entry, or a QR code for each open store of the campaign.

    Returns how many are new.

    Raises:
        CampaignNotFound: there is no such campaign.
        CampaignNotInState: it is over.
        CampaignNotByVisit: nobody takes part in it by an entrance.
    """
    campaign = get_campaign(session, campaign_id=campaign_id)
    if campaign.state in OVER:
        raise CampaignNotInState(state=campaign.state.value)
    if not isinstance(campaign.terms.trigger, Visit):
        raise CampaignNotByVisit(campaign_id=campaign_id)
    stores = _stores_of(session, campaign.terms) if kind is EntranceKind.QR else [None]
    made = _write(session, campaign_id, kind, stores, actor, at)
    if made:
        audit.write(
            session,
            actor=actor,
            action="campaigns.entrances_make",
            subject=f"campaign:{campaign_id}",
            after={"kind": kind.value, "made": made},
            at=at,
        )
    return made


def note_visit(
    session: Session, *, vault: Vault, entrance_id: int, identity_id: int, member_id: int | None, at: datetime
) -> None:
    """Count whoever opened the page of an entrance, once a minute for each person (访问)."""
    minute = int(at.timestamp()) // 60
    once = vault.index(f"{entrance_id}:{identity_id}:{minute}", context=VISIT)
    row = {"entrance_id": entrance_id, "once": once, "member_id": member_id, "visited_at": at}
    session.execute(insert(CampaignVisit).values(row).on_conflict_do_nothing())


def _stores_of(session: Session, terms: Terms) -> Sequence[int]:
    stores = select(Store.id).where(Store.kind == StoreKind.STORE, Store.is_open)
    if terms.store_ids:
        stores = stores.where(Store.id.in_(subtree(terms.store_ids)))
    return session.scalars(stores.order_by(Store.code)).all()


def _write(
    session: Session,
    campaign_id: int,
    kind: EntranceKind,
    stores: Sequence[int | None],
    actor: Actor,
    at: datetime,
) -> int:
    said = {"campaign_id": campaign_id, "kind": kind.value, "created_by": actor.name, "created_at": at}
    rows = [{**said, "store_id": store, "token": secrets.token_urlsafe(_TOKEN_BYTES)} for store in stores]
    if not rows:
        return 0
    written = insert(CampaignEntrance).on_conflict_do_nothing().returning(CampaignEntrance.id)
    return len(session.scalars(written, rows).all())
