"""Who may get a coupon (适用会员), by the level and the tags of a whole page of members in one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, FromClause, any_, bindparam, func, select
from sqlalchemy.orm import Session

from loyalty.coupons.rules.issue_jobs import Skip, skip_by_eligibility
from loyalty.coupons.rules.terms import Eligibility
from loyalty.kernel.arrays import SentArray
from loyalty.tags.models import MemberTag
from loyalty.tiers.models import MemberTier
from loyalty.tiers.periods import LEVEL
from loyalty.tiers.rules import LOWEST_LEVEL


def asks(eligibility: Eligibility) -> bool:
    """Tell whether a template asks anything of its members."""
    return bool(eligibility.tier_levels or eligibility.tags)


def asked_of(eligibility: Eligibility, at: datetime) -> Mapping[str, Any]:
    """Return what a statement with the columns of ``standing_of`` is sent besides."""
    return {"at": at, "tag_ids": sorted(eligibility.tags)}


def standing_of(member_id: Any, within: FromClause) -> Sequence[Any]:
    """Return as columns the level of a member that counts, and which of the wanted tags the member has."""
    level = select(LEVEL).where(MemberTier.member_id == member_id).correlate(within).scalar_subquery()
    wanted = MemberTag.tag_id == any_(bindparam("tag_ids", type_=SentArray(BigInteger())))
    tags = select(func.array_agg(MemberTag.tag_id)).where(MemberTag.member_id == member_id, wanted)
    return (
        func.coalesce(level, LOWEST_LEVEL).label("tier_level"),
        tags.correlate(within).scalar_subquery().label("tag_ids"),
    )


def find_barred(
    session: Session, *, eligibility: Eligibility, member_ids: Sequence[int], at: datetime
) -> Mapping[int, Skip]:
    """Return for whom of some members a template is not meant, and why."""
    if not asks(eligibility) or not member_ids:
        return {}
    rows = session.execute(_STANDINGS, {"member_ids": list(member_ids), **asked_of(eligibility, at)})
    barred: dict[int, Skip] = {}
    for member_id, tier_level, tags in rows:
        skip = skip_by_eligibility(eligibility, tier_level=tier_level, tags=frozenset(tags or ()))
        if skip is not None:
            barred[member_id] = skip
    return barred


def _standings() -> Any:
    member_ids = bindparam("member_ids", type_=SentArray(BigInteger()))
    given = func.unnest(member_ids).table_valued("member_id", name="given").render_derived()
    return select(given.c.member_id, *standing_of(given.c.member_id, given))


_STANDINGS = _standings()
