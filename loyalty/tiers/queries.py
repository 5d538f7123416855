"""Tier queries: where a member stands on the ladder."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from loyalty.kernel.database import AnyRow
from loyalty.tiers.models import MemberTier, TierStep
from loyalty.tiers.rules import NAME_BEFORE_ANY_TIER, Tier


@dataclass(frozen=True, slots=True)
class TierView:
    """A member's tier, and the next one when there is one."""

    name: str
    level: int
    growth: int
    next_name: str | None
    next_threshold: int | None


_LADDER = select(
    func.jsonb_agg(
        aggregate_order_by(
            func.jsonb_build_array(TierStep.level, TierStep.name, TierStep.growth_threshold), TierStep.level
        )
    )
).scalar_subquery()
TIER = select(
    func.coalesce(_LADDER, literal_column("'[]'::jsonb")).label("ladder"),
    func.coalesce(func.max(MemberTier.growth), 0).label("growth"),
    func.coalesce(func.max(MemberTier.level), 1).label("level"),
).where(MemberTier.member_id == bindparam("member_id", type_=BigInteger))
"""One row with the whole ladder and where a member stands on it; parameter ``member_id``."""


def tier_of(session: Session, *, member_id: int) -> TierView:
    """Return where a member stands; on the lowest step without any growth yet.

    A level once reached stays, even where the ladder has meanwhile asked for more growth.
    """
    return read_tier(session.execute(TIER, {"member_id": member_id}).one())


def read_tier(row: AnyRow) -> TierView:
    """Read the columns of ``TIER``, also where a larger statement took them along."""
    tiers = [Tier(level, name, threshold) for level, name, threshold in row.ladder]
    current = [tier for tier in tiers if tier.level <= row.level]
    following = [tier for tier in tiers if tier.level > row.level]
    return TierView(
        name=current[-1].name if current else NAME_BEFORE_ANY_TIER,
        level=current[-1].level if current else 0,
        growth=row.growth,
        next_name=following[0].name if following else None,
        next_threshold=following[0].growth_threshold if following else None,
    )


def list_tiers(session: Session) -> Sequence[Tier]:
    """Return the ladder from the lowest step."""
    rows = session.execute(select(TierStep.level, TierStep.name, TierStep.growth_threshold).order_by(TierStep.level))
    return [Tier(*row) for row in rows]
