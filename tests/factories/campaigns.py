"""Campaigns for tests."""

from datetime import datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.campaigns.queries.campaigns import get_campaign
from loyalty.campaigns.rules.terms import CampaignState, GivePoints, Now, Terms
from loyalty.campaigns.service.drafting import create_campaign
from loyalty.campaigns.service.life import decide, submit
from loyalty.kernel.audit import Actor
from loyalty.segments.rules.fact_types import Tags
from tests.factories.members import make_member
from tests.factories.tags import make_tag, put_tag
from tests.support.settings import VAULT

MAKER, CHECKER = Actor("staff:7"), Actor("staff:8")
SHANGHAI = ZoneInfo("Asia/Shanghai")
RULES = "符合条件的会员每人可得一次，积分自到账当日起 30 天内有效。"
_numbers = count(1)


def campaign_of(audience_tag: int | None = None, **changes: Any) -> Terms:
    """Terms: 10 points at once for who has a tag, for nobody without one, unless told otherwise."""
    values: dict[str, Any] = {
        "title": f"活动{next(_numbers)}",
        "audience": Tags(frozenset({audience_tag or 2**62})),
        "trigger": Now(),
        "actions": (GivePoints(10, 30),),
        "rules_text": RULES,
    }
    return Terms(**(values | changes))


def draft_campaign(session: Session, terms: Terms | None = None, *, at: datetime, **changes: Any) -> int:
    """A campaign that was drafted."""
    return create_campaign(session, terms=terms or campaign_of(**changes), actor=MAKER, zone=SHANGHAI, at=at)


def submit_campaign(session: Session, campaign_id: int, *, at: datetime) -> None:
    """Submit a draft by who made it."""
    submit(session, campaign_id=campaign_id, actor=MAKER, vault=VAULT, zone=SHANGHAI, at=at)


def rule_on(
    session: Session,
    campaign_id: int,
    *,
    is_approved: bool = True,
    seen_fen: int | None = None,
    actor: Actor = CHECKER,
    at: datetime,
) -> CampaignState:
    """Approve what waits, or send it back; whatever it costs, unless told what was read of that."""
    return decide(
        session,
        campaign_id=campaign_id,
        is_approved=is_approved,
        seen_fen=seen_fen,
        actor=actor,
        vault=VAULT,
        zone=SHANGHAI,
        at=at,
    )


def launch(session: Session, campaign_id: int, *, at: datetime) -> None:
    """Submit a draft, and let another person approve it where that is needed."""
    submit_campaign(session, campaign_id, at=at)
    if get_campaign(session, campaign_id=campaign_id).is_waiting:
        rule_on(session, campaign_id, at=at)


def make_campaign(session: Session, terms: Terms | None = None, *, at: datetime, **changes: Any) -> int:
    """A campaign in force."""
    campaign_id = draft_campaign(session, terms, at=at, **changes)
    launch(session, campaign_id, at=at)
    return campaign_id


def tag_with(session: Session, *member_ids: int) -> int:
    """A tag of its own on some members."""
    tag_id = make_tag(session)
    put_tag(session, tag_id, *member_ids)
    return tag_id


def tagged_members(session: Session, count: int) -> tuple[list[int], int]:
    """Members, and a tag that they all have."""
    member_ids = [make_member(session).id for _ in range(count)]
    return member_ids, tag_with(session, *member_ids)
