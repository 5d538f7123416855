"""Finding a period in a statement of any length: a few probes by halving, where a scan would read everything newer.

An account's sequence has no gaps, and the time of booking grows with it but for postings that waited for each
other: the ledger's seals depend on that too. So the first entry of an instant is found like a word in a dictionary.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    DateTime,
    FromClause,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    func,
    literal,
    select,
    true,
    union_all,
)

from loyalty.points.posting import ACCOUNTS, ENTRIES

SLACK = timedelta(days=1)
"""How far the order of ids and the time of booking may disagree, with much to spare."""

_BEFORE_ALL, _AFTER_ALL = 0, 2**63 - 1


def ids_of_period(owners: FromClause) -> Subquery:
    """Return for each owner the ids between which the entries of a period lie; a few others may lie there too.

    Parameters are ``search_since`` and ``search_until``: the period widened by ``SLACK`` on both sides.
    """
    found = _halving(owners)
    bound = and_(ENTRIES.c.member_id == found.c.member_id, ENTRIES.c.sequence == found.c.low - found.c.back)
    return (
        select(
            found.c.member_id,
            func.coalesce(func.max(ENTRIES.c.id).filter(found.c.back == 1), _BEFORE_ALL).label("after_id"),
            func.coalesce(func.max(ENTRIES.c.id).filter(found.c.back == 0), _AFTER_ALL).label("until_id"),
        )
        .select_from(found.outerjoin(ENTRIES, bound))
        .where(found.c.low == found.c.high)
        .group_by(found.c.member_id)
        .subquery("period")
    )


def _halving(owners: FromClause) -> CTE:
    """Halve each owner's sequence until ``low`` is its first entry booked at or after the instant."""
    narrowed = _whole_sequences(owners).cte("halving", recursive=True)
    row, probe = narrowed.c, ENTRIES.c
    is_before = probe.recorded_at < row.instant
    step = (
        select(
            row.member_id,
            row.back,
            row.instant,
            case((is_before, probe.sequence + 1), else_=row.low),
            case((is_before, row.high), else_=probe.sequence),
        )
        .select_from(narrowed)
        .join(ENTRIES, and_(probe.member_id == row.member_id, probe.sequence == (row.low + row.high) // 2))
        .where(row.low < row.high)
    )
    return narrowed.union_all(step)


def _whole_sequences(owners: FromClause) -> Select[Any]:
    """Start with all entries of each owner; ``back`` is how many entries before the found one the bound lies."""
    instant = DateTime(timezone=True)
    bounds = union_all(
        select(literal(1, BigInteger).label("back"), bindparam("search_since", type_=instant).label("instant")),
        select(literal(0, BigInteger), bindparam("search_until", type_=instant)),
    ).subquery("bounds")
    return select(
        ACCOUNTS.c.member_id,
        bounds.c.back,
        bounds.c.instant,
        literal(1, BigInteger).label("low"),
        (ACCOUNTS.c.last_sequence + 1).label("high"),
    ).select_from(owners.join(ACCOUNTS, ACCOUNTS.c.member_id == owners.c.id).join(bounds, true()))
