"""The proof of expiry: no lot was booked out without evidence that its member knew of its end, or two graces."""

from typing import Any

from sqlalchemy import ColumnElement, Date, Select, and_, case, cast, exists, func, literal_column, or_, select

from loyalty.points.ending import EVIDENCE, GRACES
from loyalty.points.lifetimes import ends_at
from loyalty.points.posting import ACCOUNTS, DRAWS, ENTRIES, LOTS, constant
from loyalty.points.proof.rows import LATER, found, of_page
from loyalty.points.rules import EntryKind
from loyalty.points.rules.expiry import GRACES_MAX

_ONE_DAY: ColumnElement[Any] = literal_column("interval '1 day'")
_ENDS_AT: ColumnElement[Any] = ends_at(LOTS, ACCOUNTS)


def lots_that_expired_in_silence() -> Select[Any]:
    """Find lots from which an expiry drew although nothing written down before allowed it."""
    draw, entry = DRAWS.c, ENTRIES.c
    is_evident = exists().where(
        EVIDENCE.c.member_id == draw.member_id,
        EVIDENCE.c.lot_id == draw.lot_id,
        EVIDENCE.c.reached_at < entry.occurred_at,
        EVIDENCE.c.found_at <= entry.recorded_at,
        # An end moves to later only: one that is not ahead is the one that was booked.
        case((entry.recorded_at >= _ENDS_AT, _is_about(_ENDS_AT)), else_=~_is_about_a_day_that_moved()),
    )
    graces = select(func.count()).select_from(GRACES).where(_is_grace_before_entry())
    reason = constant("it expired without evidence that its member was told, and without two graces")
    expired = (
        found("lots", draw.lot_id, reason, draw.member_id, LATER)
        .join_from(ENTRIES, DRAWS, and_(draw.member_id == entry.member_id, draw.entry_id == entry.id))
        .join(LOTS, and_(LOTS.c.member_id == draw.member_id, LOTS.c.id == draw.lot_id))
        .join(ACCOUNTS, ACCOUNTS.c.member_id == draw.member_id)
    )
    return expired.where(
        of_page(entry.member_id),
        entry.kind == constant(EntryKind.EXPIRE),
        ~is_evident,
        graces.scalar_subquery() < GRACES_MAX,
    )


def _is_about(ends: ColumnElement[Any]) -> ColumnElement[bool]:
    """Tell whether evidence is about a lot's end: to the day where the lot knows its zone, else to the day beside it.

    Whatever moves the end of a lot without a zone moves it by a week at least.
    """
    told_on, last_on = EVIDENCE.c.expires_on, cast(func.timezone(LOTS.c.idle_zone, ends) - _ONE_DAY, Date)
    return or_(told_on == last_on, and_(LOTS.c.idle_zone.is_(None), _is_beside(ends)))


def _is_beside(ends: ColumnElement[Any]) -> ColumnElement[bool]:
    """Tell whether evidence is about a day that ends at an instant in any zone there is."""
    day = _utc(ends)
    return EVIDENCE.c.expires_on.between(cast(day - _ONE_DAY, Date), cast(day + _ONE_DAY, Date))


def _is_about_a_day_that_moved() -> ColumnElement[bool]:
    moved_on = cast(_utc(GRACES.c.from_at) + _ONE_DAY, Date)
    moved = exists().where(_is_grace_before_entry(), EVIDENCE.c.expires_on <= moved_on)
    return moved.correlate(ENTRIES, DRAWS, EVIDENCE)


def _utc(instant: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.timezone(constant("UTC"), instant)


def _is_grace_before_entry() -> ColumnElement[bool]:
    return and_(
        GRACES.c.member_id == DRAWS.c.member_id,
        GRACES.c.lot_id == DRAWS.c.lot_id,
        GRACES.c.granted_at <= ENTRIES.c.recorded_at,
    )
