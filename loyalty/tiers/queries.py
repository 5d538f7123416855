"""Tier queries: where a member stands on the ladder, what that brings, and how it came about."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, FromClause, Select, and_, bindparam, case, func, literal_column, null, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import AnyRow
from loyalty.members.models import Member
from loyalty.members.queries import HOLDING
from loyalty.tiers.models import MemberTier, TierChange, TierPolicy, TierStep
from loyalty.tiers.periods import AT, GROWTH, KEPT_BY, LEVEL, STARTS
from loyalty.tiers.rules import (
    DEFAULT_POLICY,
    LOWEST_LEVEL,
    NAME_BEFORE_ANY_TIER,
    Benefits,
    Period,
    Policy,
    Standing,
    Tier,
    TierChangeCause,
)

OF_GROWTH = (TierChangeCause.PROMOTED, TierChangeCause.DEMOTED, TierChangeCause.REFUNDED, TierChangeCause.MERGED)
"""The causes that change the level which growth reached."""


@dataclass(frozen=True, slots=True)
class TierView:
    """A member's tier, and the next one when there is one; growth is that of the period."""

    name: str
    level: int
    growth: int
    next_name: str | None
    next_threshold: int | None
    grace_until_at: datetime | None = None
    """Until when the growth has to suffice again; then the level that growth reached is lowered."""
    manual_until_at: datetime | None = None
    """Until when the level is one set by hand, higher than growth alone reached."""
    benefits: Benefits = Benefits()


@dataclass(frozen=True, slots=True)
class TierChangeView:
    """One line of the history of levels (等级变动记录)."""

    id: int
    cause: TierChangeCause
    from_level: int
    to_level: int
    growth: int
    until_at: datetime | None
    actor: str
    reason: str | None
    changed_at: datetime


_MEMBER_ID = bindparam("member_id", type_=BigInteger)
_LADDER = select(
    func.jsonb_agg(
        aggregate_order_by(
            func.jsonb_build_array(TierStep.level, TierStep.name, TierStep.growth_threshold, TierStep.benefits),
            TierStep.level,
        )
    )
).scalar_subquery()
_ONE_MEMBER = STARTS.outerjoin(MemberTier, MemberTier.member_id == _MEMBER_ID)

TIER = select(
    func.coalesce(_LADDER, literal_column("'[]'::jsonb")).label("ladder"),
    func.coalesce(GROWTH, 0).label("growth"),
    LEVEL.label("level"),
    MemberTier.grace_until_at,
    case((MemberTier.level < LEVEL, MemberTier.manual_until_at), else_=null()).label("manual_until_at"),
).select_from(_ONE_MEMBER)
"""One row with the whole ladder and where a member stands on it; parameters ``member_id`` and ``at``."""


def tier_of(session: Session, *, member_id: int, at: datetime) -> TierView:
    """Return where a member stands at an instant; on the lowest step without any growth yet."""
    return read_tier(session.execute(TIER, {"member_id": member_id, "at": at}).one())


def read_tier(row: AnyRow) -> TierView:
    """Read the columns of ``TIER``, also where a larger statement took them along."""
    tiers = [_tier(*step) for step in row.ladder]
    current = [tier for tier in tiers if tier.level <= row.level]
    following = [tier for tier in tiers if tier.level > row.level]
    return TierView(
        name=current[-1].name if current else NAME_BEFORE_ANY_TIER,
        level=current[-1].level if current else 0,
        growth=row.growth,
        next_name=following[0].name if following else None,
        next_threshold=following[0].growth_threshold if following else None,
        grace_until_at=row.grace_until_at,
        manual_until_at=row.manual_until_at,
        benefits=current[-1].benefits if current else Benefits(),
    )


MULTIPLIER = (
    select(TierStep.benefits["points_multiplier"].as_integer())
    .where(
        TierStep.level
        <= func.coalesce(select(LEVEL).where(MemberTier.member_id == _MEMBER_ID).scalar_subquery(), LOWEST_LEVEL)
    )
    .order_by(TierStep.level.desc())
    .limit(1)
)
"""By how much a member's level multiplies points, in basis points, if a step says; parameters as ``TIER``."""


def list_tiers(session: Session) -> Sequence[Tier]:
    """Return the ladder from the lowest step."""
    rows = session.execute(
        select(TierStep.level, TierStep.name, TierStep.growth_threshold, TierStep.benefits).order_by(TierStep.level)
    )
    return [_tier(*row) for row in rows]


def policy_in_force(session: Session) -> Policy:
    """Return how levels are evaluated."""
    row = session.get(TierPolicy, 1, populate_existing=True)
    if row is None:
        return DEFAULT_POLICY
    return Policy(Period(row.period), row.months, row.grace_days, row.time_zone)


def _tier(level: int, name: str, growth_threshold: int, benefits: dict[str, int]) -> Tier:
    known = {key: value for key, value in benefits.items() if key in asdict(Benefits())}
    return Tier(level, name, growth_threshold, Benefits(**known))


def _standings(source: FromClause) -> Select[Any]:
    """The columns of ``Standing``, and whose it is."""
    row = (
        select(
            MemberTier.member_id,
            MemberTier.level,
            GROWTH.label("growth"),
            KEPT_BY.label("kept_by"),
            MemberTier.grace_until_at,
            MemberTier.manual_level,
            MemberTier.manual_until_at,
        )
        .select_from(source)
        .subquery("standing")
        .c
    )
    reached = (
        select(func.coalesce(func.max(TierStep.level), LOWEST_LEVEL))
        .where(TierStep.growth_threshold <= row.kept_by)
        .scalar_subquery()
        .label("reached")
    )
    ends = (row.grace_until_at, row.manual_level, row.manual_until_at)
    return select(row.level, row.growth, row.kept_by, reached, *ends, row.member_id)


_STANDING = _standings(STARTS.join(MemberTier, MemberTier.member_id == _MEMBER_ID))


def standing_of(session: Session, *, member_id: int, at: datetime) -> Standing:
    """Return all that is known of a member's level; the caller holds the member's row and so keeps it true."""
    return Standing(*session.execute(_STANDING, {"member_id": member_id, "at": at}).one()[:-1])


def last_of_page(session: Session, *, after_id: int, limit: int) -> int | None:
    """Return the last member of the page after ``after_id``; None when there is nobody more."""
    page = (
        select(MemberTier.member_id)
        .where(MemberTier.member_id > after_id)
        .order_by(MemberTier.member_id)
        .limit(limit)
        .subquery()
    )
    last_id: int | None = session.scalar(select(func.max(page.c.member_id)))
    return last_id


_MEMBERS_IN_PAGE = (
    STARTS.join(
        MemberTier,
        and_(
            MemberTier.member_id > bindparam("after_id", type_=BigInteger),
            MemberTier.member_id <= bindparam("last_id", type_=BigInteger),
        ),
    )
).join(Member, and_(Member.id == MemberTier.member_id, Member.status.in_(HOLDING)))


def _changing() -> Select[int]:
    standing = _standings(_MEMBERS_IN_PAGE).subquery("standings")
    return (
        select(standing.c.member_id)
        .where(
            or_(
                standing.c.reached != standing.c.level,
                standing.c.grace_until_at.is_not(None),
                standing.c.manual_until_at <= AT,
            )
        )
        .order_by(standing.c.member_id)
    )


_CHANGING = _changing()


def list_changing(session: Session, *, after_id: int, last_id: int, at: datetime) -> Sequence[int]:
    """Return the members of a page whose level an evaluation may change."""
    return session.scalars(_CHANGING, {"after_id": after_id, "last_id": last_id, "at": at}).all()


def level_before_period(session: Session, *, member_ids: Collection[int], at: datetime) -> int:
    """Return the highest level that members held when the growth that keeps levels today began to count."""
    last_changes = (
        select(func.max(TierChange.id))
        .join(STARTS, TierChange.changed_at < STARTS.c.reach_back_at)
        .where(TierChange.member_id.in_(member_ids), TierChange.cause.in_(OF_GROWTH))
        .group_by(TierChange.member_id)
    )
    query = select(func.max(TierChange.to_level)).where(TierChange.id.in_(last_changes))
    level: int | None = session.scalar(query, {"at": at})
    return level or LOWEST_LEVEL


def list_changes(
    session: Session, *, vault: Vault, member_ids: Collection[int], limit: int = 50
) -> Sequence[TierChangeView]:
    """Return the latest changes of level of a member, and of those merged into it."""
    rows = session.scalars(
        select(TierChange).where(TierChange.member_id.in_(member_ids)).order_by(TierChange.id.desc()).limit(limit)
    )
    return [_change(row, vault) for row in rows]


def _change(row: TierChange, vault: Vault) -> TierChangeView:
    sealed = row.reason_sealed
    return TierChangeView(
        id=row.id,
        cause=TierChangeCause(row.cause),
        from_level=row.from_level,
        to_level=row.to_level,
        growth=row.growth,
        until_at=row.until_at,
        actor=row.actor,
        reason=None if sealed is None else vault.open(sealed, context="tier_changes.reason"),
        changed_at=row.changed_at,
    )


def count_by_level(session: Session) -> dict[int, int]:
    """Return how many members growth has brought to each level; who has no growth yet is not among them."""
    rows = session.execute(
        select(MemberTier.level, func.count())
        .join(Member, Member.id == MemberTier.member_id)
        .where(Member.status.in_(HOLDING))
        .group_by(MemberTier.level)
    )
    return {level: count for level, count in rows}
