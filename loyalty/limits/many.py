"""Limits of many entities at once: the same caps for each of a page of members, in one statement for all of them.

Only limits with one counter each. Their rows are locked in ascending order of their keys, as everywhere.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    FromClause,
    String,
    and_,
    any_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel.arrays import SentArray
from loyalty.kernel.errors import InvariantBroken
from loyalty.limits.counters import COUNTERS, FIRST, KEY
from loyalty.limits.rules import Limit, last_day_of

_ROW = COUNTERS.c
_SUBJECT = bindparam("given_subject", type_=String)
_ONE = literal_column("1", BigInteger)


def reserve_for_each(session: Session, *, limits: Sequence[Limit], entities: Sequence[str]) -> Mapping[str, Limit]:
    """Take one of every limit for each entity that has one left of all; return the others with the limit that was hit.

    The limits are given for any one of the entities: they have one subject, and each entity has counters of its own.
    """
    if not limits or not entities:
        return {}
    refused = {(row.entity, row.period) for row in session.execute(_TAKE, _given(limits, entities))}
    hit = {entity: limit for limit in reversed(limits) for entity in entities if (entity, limit.period) in refused}
    # Their rows are locked by now, so that what they took of the other limits is put back exactly.
    taken = {(entity, limit.period): 1 for limit in limits for entity in hit if (entity, limit.period) not in refused}
    give_back_for_each(session, subject=limits[0].subject, amounts=taken)
    return hit


def give_back_for_each(session: Session, *, subject: str, amounts: Mapping[tuple[str, str], int]) -> None:
    """Put back what was taken of limits of one subject, by entity and period; counters that are gone are passed over.

    Raises:
        InvariantBroken: of one limit less is used than is given back.
    """
    if not amounts:
        return
    keys = list(amounts)
    named = {
        "given_subject": subject,
        "given_entities": [entity for entity, _period in keys],
        "given_periods": [period for _entity, period in keys],
        "given_amounts": list(amounts.values()),
    }
    held = session.execute(_HOLD, named).all()
    short = [row.entity for row in held if row.used < amounts[row.entity, row.period]]
    if short:
        raise InvariantBroken(f"More is given back than was taken of {subject} by {short[0]}")
    session.execute(_GIVE_BACK, named)


def used_by_each(
    session: Session, *, limits: Sequence[Limit], entities: Sequence[str]
) -> Mapping[str, Mapping[str, int]]:
    """Return how much of limits is in use by each entity, by period, locking nothing; nothing by who never used one."""
    used: dict[str, dict[str, int]] = {}
    if limits and entities:
        for row in session.execute(_LOOK, _given(limits, entities)):
            used.setdefault(row.entity, {})[row.period] = row.used
    return used


def _given(limits: Sequence[Limit], entities: Sequence[str]) -> Mapping[str, Any]:
    subjects = {limit.subject for limit in limits}
    assert len(subjects) == 1, "limits of many entities have one subject"
    return {
        "given_subject": subjects.pop(),
        "given_entities": list(entities),
        "given_periods": [limit.period for limit in limits],
        "given_ceilings": [limit.ceiling for limit in limits],
        "given_last_days": [last_day_of(limit.period) for limit in limits],
    }


def _unnested(name: str, **types: Any) -> FromClause:
    arrays = [bindparam(f"given_{array}", type_=SentArray(type_)) for array, type_ in types.items()]
    return func.unnest(*arrays).table_valued(*types, name=name).render_derived()


def _take() -> Any:
    """Take one of each limit for each entity; the rows are those that had none left."""
    entities = _unnested("each_entity", entities=String())
    each = _unnested("each_limit", periods=String(), ceilings=BigInteger(), last_days=Date())
    wanted = (
        select(entities.c.entities.label("entity"), each.c.periods.label("period"), each.c.ceilings, each.c.last_days)
        .select_from(entities.join(each, true()))
        .cte("wanted")
    )
    row = wanted.c
    first = case((row.ceilings >= _ONE, _ONE), else_=FIRST)
    rows = select(_SUBJECT, row.entity, row.period, FIRST, first, row.ceilings, row.ceilings, row.last_days)
    statement = insert(COUNTERS).from_select(
        [*KEY, "bucket", "used", "share", "ceiling", "last_on"], rows.order_by(row.entity, row.period)
    )
    given, used = statement.excluded, _ROW.used + _ONE
    taken = (
        statement.on_conflict_do_update(
            index_elements=[*KEY, "bucket"],
            set_={"used": used, "share": given.ceiling, "ceiling": given.ceiling},
            where=used <= given.ceiling,
        )
        .returning(_ROW.entity, _ROW.period, _ROW.used)
        .cte("taken")
    )
    is_taken = (taken.c.entity == row.entity) & (taken.c.period == row.period) & (taken.c.used > FIRST)
    return select(row.entity, row.period).where(~exists().where(is_taken))


_IS_NAMED = and_(
    _ROW.subject == _SUBJECT,
    _ROW.entity == any_(bindparam("given_entities", type_=SentArray(String()))),
    _ROW.period == any_(bindparam("given_periods", type_=SentArray(String()))),
    _ROW.bucket == FIRST,
)
_AMOUNTS = _unnested("amounts", entities=String(), periods=String(), amounts=BigInteger()).c
_IS_GIVEN = and_(
    _ROW.subject == _SUBJECT,
    _ROW.entity == _AMOUNTS.entities,
    _ROW.period == _AMOUNTS.periods,
    _ROW.bucket == FIRST,
)
_TAKE = _take()
_LOOK = select(_ROW.entity, _ROW.period, _ROW.used).where(_IS_NAMED)
_HOLD = (
    select(_ROW.entity, _ROW.period, _ROW.used)
    .where(_IS_GIVEN)
    .order_by(_ROW.entity, _ROW.period)
    .with_for_update(of=COUNTERS, key_share=True)
)
_GIVE_BACK = update(COUNTERS).where(_IS_GIVEN).values(used=_ROW.used - _AMOUNTS.amounts)
