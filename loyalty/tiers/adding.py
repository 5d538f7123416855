"""Adding growth (成长值) within a larger statement: the entry and the sum, both or neither."""

from typing import Any

from sqlalchemy import CTE, BigInteger, ColumnElement, literal_column, select
from sqlalchemy.dialects.postgresql import insert

from loyalty.tiers.models import GrowthEntry, MemberTier
from loyalty.tiers.rules import LOWEST_LEVEL

_NOTHING = literal_column("0", BigInteger)
_LOWEST = literal_column(str(LOWEST_LEVEL), BigInteger)


def adding(
    *,
    member_id: ColumnElement[int],
    growth: ColumnElement[int],
    reference: ColumnElement[str],
    counted_at: ColumnElement[Any],
    recorded_at: ColumnElement[Any],
) -> tuple[CTE, CTE]:
    """Return the parts that add growth once by its reference; nothing when it is zero.

    Whoever sends them sees to the level afterwards: ``service.reach``.
    """
    names = ["member_id", "growth", "reference", "counted_at", "recorded_at"]
    noted = (
        insert(GrowthEntry)
        .from_select(names, select(member_id, growth, reference, counted_at, recorded_at).where(growth > _NOTHING))
        .on_conflict_do_nothing(index_elements=[GrowthEntry.member_id, GrowthEntry.reference])
        .returning(GrowthEntry.member_id, GrowthEntry.growth)
        .cte("growth_noted")
    )
    new = insert(MemberTier).from_select(
        ["member_id", "growth", "level", "since_at"], select(noted.c.member_id, noted.c.growth, _LOWEST, recorded_at)
    )
    added = new.on_conflict_do_update(
        index_elements=[MemberTier.member_id], set_={"growth": MemberTier.growth + new.excluded.growth}
    )
    return noted, added.cte("growth_added")
