"""Overlap (重叠): who is in the audience of a campaign and in that of others that are scheduled or running."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, BigInteger, Select, cast, func, literal, select, union_all
from sqlalchemy.orm import Session

from loyalty.campaigns.queries.campaigns import list_in_states
from loyalty.campaigns.rules.audience import reached
from loyalty.campaigns.rules.terms import CampaignState
from loyalty.kernel.crypto import Vault
from loyalty.segments.matching import members_matching

OVERLAPS_MAX = 20
"""How many other campaigns are looked at, the newest first."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Members in the audience who are also in that of another campaign."""

    campaign_id: int
    title: str
    members: int


def overlap(
    session: Session, audience: Select[Any], *, campaign_id: int | None, at: datetime, zone: ZoneInfo, vault: Vault
) -> Sequence[Overlap]:
    """Return with which other campaigns an audience shares members, the most first; ``campaign_id`` is one's own.

    Call ``plan_by_sets`` before, as for the audience.
    """
    states = (CampaignState.SCHEDULED, CampaignState.RUNNING)
    others = [view for view in list_in_states(session, states=states) if view.id != campaign_id][-OVERLAPS_MAX:]
    if not others:
        return []
    mine = audience.cte("mine")
    counts = [
        _shared(mine, members_matching(reached(one.terms), at=at, zone=zone, vault=vault), one.id) for one in others
    ]
    titles = {view.id: view.title for view in others}
    found = [Overlap(one, titles[one], members) for one, members in session.execute(union_all(*counts)) if members]
    return sorted(found, key=lambda each: (-each.members, each.campaign_id))


def _shared(mine: CTE, theirs: Select[Any], campaign_id: int) -> Select[Any]:
    other = theirs.subquery()
    both = select(func.count()).select_from(mine).join(other, other.c.member_id == mine.c.member_id).scalar_subquery()
    return select(cast(literal(campaign_id), BigInteger), both)
