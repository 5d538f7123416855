"""The part of a member's page that tells of their level: what counts now, its history, and setting it by hand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from loyalty.members.queries import LIVING, family_of
from loyalty.staff.rules import Permission
from loyalty.tiers import queries
from loyalty.tiers.rules import CAUSE_SENTENCES, NAME_BEFORE_ANY_TIER, Tier
from portal.console.access import may
from portal.console.actors import names_of
from portal.context import container

if TYPE_CHECKING:
    from datetime import datetime

    from loyalty.kernel.database import Session
    from loyalty.members.queries import MemberView
    from loyalty.tiers.queries import TierChangeView

CHANGES_SHOWN = 20


def tier_section(session: "Session", member: "MemberView", at: "datetime") -> dict[str, Any]:
    """Return what the template of the section uses; the history of those merged into the member is theirs too."""
    ladder = queries.list_tiers(session)
    family = family_of(session, member_id=member.id)
    changes = queries.list_changes(session, vault=container().vault, member_ids=family, limit=CHANGES_SHOWN)
    return {
        "tier": queries.tier_of(session, member_id=member.id, at=at),
        "ladder": ladder,
        "tier_names": _level_names(ladder, changes),
        "tier_changes": changes,
        "tier_actors": names_of(session, (change.actor for change in changes)),
        "cause_sentences": CAUSE_SENTENCES,
        "can_grant": bool(ladder) and member.status in LIVING and may(Permission.TIERS_GRANT),
    }


def _level_names(ladder: Sequence[Tier], changes: Sequence["TierChangeView"]) -> dict[int, str]:
    """Return what levels are called today; one above the present ladder by the highest name there is."""
    levels = {level for change in changes for level in (change.from_level, change.to_level)}
    names = {}
    for level in levels:
        below = [tier.name for tier in ladder if tier.level <= level]
        names[level] = below[-1] if below else NAME_BEFORE_ANY_TIER
    return names
