"""Coming through an entrance (参加活动): whoever looks is counted, and one tap, whatever door, takes part once."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.campaigns.queries.entrances import find_entrance
from loyalty.campaigns.queries.offers import CampaignOffer, see_offer
from loyalty.campaigns.rules.entering import given
from loyalty.campaigns.rules.entries import MissReason
from loyalty.campaigns.rules.taking_part import CampaignUsedUp
from loyalty.campaigns.service.entrances import note_visit
from loyalty.campaigns.service.triggers import note_late, take_part
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.idempotency import Answer, once, request_hash
from loyalty.kernel.transaction import run


@dataclass(frozen=True, slots=True)
class Participation:
    """What a member got by taking part."""

    campaign_id: int
    points: int
    coupon_ids: list[int]
    message: str
    """What the member reads of it."""


@dataclass(frozen=True, slots=True)
class Coming:
    """A member who comes through an entrance, named by its token."""

    token: str
    member_id: int
    at: datetime
    zone: ZoneInfo
    vault: Vault


def show(
    session: Session, *, vault: Vault, token: str, identity_id: int, member_id: int | None, at: datetime
) -> CampaignOffer:
    """Show the campaign of an entrance to whoever opens it, member or not, and count the visit.

    Raises:
        CampaignEntranceNotFound: there is no such entrance, or its campaign was never published.
    """
    offer = see_offer(session, token=token, member_id=member_id, at=at)
    note_visit(session, vault=vault, entrance_id=offer.entrance_id, identity_id=identity_id, member_id=member_id, at=at)
    return offer


def participate(database: Database, coming: Coming, *, key: str) -> Participation:
    """Take part in the campaign of an entrance; the same key again is answered the same.

    Who comes when nothing is left is kept, in a transaction that the refusal leaves alone.

    Raises:
        CampaignEntranceNotFound: there is no such entrance.
        IdempotencyKeyReused: the key came with another entrance.
        CampaignUsedUp: nothing is left.
        CampaignTakenAlready and the others of ``take_part``.
    """
    try:
        return run(database, partial(_participate, coming=coming, key=key))
    except CampaignUsedUp as refusal:
        run(database, partial(_note_too_late, coming=coming, refusal=refusal))
        raise


def _participate(session: Session, coming: Coming, *, key: str) -> Participation:
    entrance, at = find_entrance(session, token=coming.token), coming.at

    def work() -> Answer:
        taken = take_part(
            session,
            vault=coming.vault,
            campaign_id=entrance.campaign_id,
            member_id=coming.member_id,
            entrance_id=entrance.id,
            at=at,
            zone=coming.zone,
        )
        return Answer(200, {"points": taken.points, "coupon_ids": list(taken.coupon_ids)})

    scope, request = f"member:{coming.member_id}:campaigns", request_hash(coming.token)
    told = once(session, scope=scope, key=key, request=request, at=at, work=work).body
    points, coupon_ids = told["points"], told["coupon_ids"]
    return Participation(entrance.campaign_id, points, coupon_ids, given(points, len(coupon_ids)))


def _note_too_late(session: Session, coming: Coming, *, refusal: CampaignUsedUp) -> None:
    entrance = find_entrance(session, token=coming.token)
    note_late(
        session,
        vault=coming.vault,
        campaign_id=entrance.campaign_id,
        member_id=coming.member_id,
        entrance_id=entrance.id,
        reason=MissReason(str(refusal.details["limit"])),
        at=coming.at,
        zone=coming.zone,
    )
