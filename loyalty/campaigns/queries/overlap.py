"""Overlap (重叠): who is in the audience of a campaign and in that of others that are scheduled, running or paused."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from loyalty.campaigns.queries.campaigns import CampaignView, list_in_states
from loyalty.campaigns.rules.audience import reached
from loyalty.campaigns.rules.states import IN_FORCE
from loyalty.kernel.crypto import Vault
from loyalty.segments.matching import members_matching
from loyalty.segments.rules.conditions import Condition

AUDIENCES_AT_ONCE = 20
"""How many audiences one statement looks at; campaigns with the same are looked at together."""


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
    others: dict[Condition, list[CampaignView]] = defaultdict(list)
    for view in list_in_states(session, states=IN_FORCE):
        if view.id != campaign_id:
            others[reached(view.terms)].append(view)
    audiences = list(others)
    shared = [
        members
        for start in range(0, len(audiences), AUDIENCES_AT_ONCE)
        for members in _shared(
            session,
            audience,
            [members_matching(one, at=at, zone=zone, vault=vault) for one in audiences[start:][:AUDIENCES_AT_ONCE]],
        )
    ]
    found = [
        Overlap(view.id, view.title, members)
        for one, members in zip(audiences, shared, strict=True)
        if members
        for view in others[one]
    ]
    return sorted(found, key=lambda each: (-each.members, each.campaign_id))


def _shared(session: Session, audience: Select[Any], others: Sequence[Select[Any]]) -> Sequence[int]:
    """Return how many members an audience shares with each of some others, by one statement."""
    mine = audience.cte("mine")
    counts = []
    for theirs in others:
        other = theirs.subquery()
        both = select(func.count()).select_from(mine).join(other, other.c.member_id == mine.c.member_id)
        counts.append(both.scalar_subquery())
    return session.execute(select(*counts)).one()
