"""Ladders, policies and growth for tests."""

from collections.abc import Sequence
from datetime import datetime
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.tiers import service
from loyalty.tiers.models import GrowthEntry, TierChange
from loyalty.tiers.rules import Period, Policy, Tier
from loyalty.tiers.service import Evaluated, Review

ACTOR = Actor("staff:1", "10.0.0.1", "r1")
LADDER = (Tier(1, "普通会员", 0), Tier(2, "银卡会员", 500), Tier(3, "金卡会员", 2_000))
_numbers = count(1)


def make_ladder(
    session: Session, *, tiers: Sequence[Tier] = LADDER, policy: Policy | None = None, at: datetime
) -> None:
    """Put a ladder in place, and how it is evaluated."""
    service.save_tiers(session, tiers=tiers, actor=ACTOR, at=at)
    if policy is not None:
        service.save_policy(session, policy=policy, actor=ACTOR, at=at)


def rolling(months: int = 12, grace_days: int = 30) -> Policy:
    return Policy(Period.ROLLING_MONTHS, months=months, grace_days=grace_days)


def calendar_year(grace_days: int = 30) -> Policy:
    return Policy(Period.CALENDAR_YEAR, grace_days=grace_days)


def grow(session: Session, member_id: int, growth: int, at: datetime, *, reference: str = "") -> Review:
    reference = reference or f"order:{next(_numbers)}"
    return service.review(session, member_id=member_id, growth=growth, reference=reference, at=at)


def take_back(session: Session, member_id: int, growth: int, of: str, at: datetime, *, reference: str = "") -> Review:
    reference = reference or f"refund:{next(_numbers)}"
    return service.lower(session, member_id=member_id, growth=growth, of=of, reference=reference, at=at)


def evaluate(session: Session, at: datetime, *, limit: int = 1_000) -> list[Evaluated]:
    """Evaluate everybody, page by page, as the nightly job does."""
    pages: list[Evaluated] = []
    last_id = 0
    while True:
        page = service.evaluate_page(session, after_id=last_id, at=at, limit=limit)
        if page.last_id is None:
            return pages
        pages.append(page)
        last_id = page.last_id


def changes_of(session: Session, member_id: int) -> list[tuple[str, int, int]]:
    """The history of a member's levels, oldest first."""
    change = TierChange
    rows = select(change.cause, change.from_level, change.to_level).where(change.member_id == member_id)
    return [(cause, lower, upper) for cause, lower, upper in session.execute(rows.order_by(change.id))]


def growth_of(session: Session, member_id: int) -> list[int]:
    return list(session.scalars(select(GrowthEntry.growth).where(GrowthEntry.member_id == member_id).order_by("id")))
