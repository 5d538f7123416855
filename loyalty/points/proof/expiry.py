"""The proof of expiry: no lot was booked out without evidence that its member knew, or two graces."""

from typing import Any

from sqlalchemy import Select, and_, exists, func, select

from loyalty.points.ending import EVIDENCE, GRACES
from loyalty.points.posting import DRAWS, ENTRIES, constant
from loyalty.points.proof.rows import LATER, found, of_page
from loyalty.points.rules import EntryKind
from loyalty.points.rules.expiry import GRACES_MAX


def lots_that_expired_in_silence() -> Select[Any]:
    """Find lots from which an expiry drew although nothing written down before allowed it."""
    draw, entry = DRAWS.c, ENTRIES.c
    is_evident = exists().where(
        EVIDENCE.c.member_id == draw.member_id,
        EVIDENCE.c.lot_id == draw.lot_id,
        EVIDENCE.c.reached_at < entry.occurred_at,
        EVIDENCE.c.found_at <= entry.recorded_at,
    )
    graces = select(func.count()).select_from(GRACES)
    graces = graces.where(
        GRACES.c.member_id == draw.member_id,
        GRACES.c.lot_id == draw.lot_id,
        GRACES.c.granted_at <= entry.recorded_at,
    )
    reason = constant("it expired without evidence that its member was told, and without two graces")
    expired = found("lots", draw.lot_id, reason, draw.member_id, LATER).join_from(
        ENTRIES, DRAWS, and_(draw.member_id == entry.member_id, draw.entry_id == entry.id)
    )
    return expired.where(
        of_page(entry.member_id),
        entry.kind == constant(EntryKind.EXPIRE),
        ~is_evident,
        graces.scalar_subquery() < GRACES_MAX,
    )
