"""Limits in buckets: what many people reach for at once is counted in several rows, each with a share of the ceiling.

Most callers take from one bucket that nobody else holds, without waiting. Whoever has to wait, or to look at all
buckets, locks bucket 0 first and then the others ascending, so that nobody waits for somebody who waits for them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, String, and_, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel.database import AnyRow
from loyalty.kernel.errors import InvariantBroken
from loyalty.kernel.prepared import send
from loyalty.limits.counters import AMOUNT, COUNTERS, FIRST, KEY
from loyalty.limits.rules import Limit, last_day_of, spread

_ROW = COUNTERS.c
_CEILING = bindparam("given_ceiling", type_=BigInteger)
_IS_OF = and_(*(_ROW[name] == bindparam(f"given_{name}", type_=String) for name in KEY))


def _at_a_free_bucket(condition: Any, change: Any) -> Any:
    free = (
        select(_ROW.bucket)
        .where(_IS_OF, condition)
        .order_by(func.random())
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
        .cte("free")
    )
    return (
        update(COUNTERS)
        .where(_IS_OF, _ROW.bucket == free.c.bucket)
        .values(used=_ROW.used + change)
        .returning(_ROW.bucket)
    )


_HAS_ROOM = and_(_ROW.ceiling == _CEILING, _ROW.share - _ROW.used >= AMOUNT)
_TAKE = _at_a_free_bucket(_HAS_ROOM, AMOUNT)
_TAKE_AT_FIRST = (
    update(COUNTERS)
    .where(_IS_OF, _ROW.bucket == FIRST, _HAS_ROOM)
    .values(used=_ROW.used + AMOUNT)
    .returning(_ROW.bucket)
)
_GIVE_BACK = _at_a_free_bucket(and_(_ROW.ceiling.is_not(None), _ROW.used >= AMOUNT), -AMOUNT)
_USED = select(func.sum(_ROW.used).label("used")).where(_IS_OF)
_LOCK = select(_ROW.bucket, _ROW.used).where(_IS_OF).order_by(_ROW.bucket).with_for_update(key_share=True)
_LOCK_FIRST = _LOCK.where(_ROW.bucket == FIRST)
_SHARES = (
    func.unnest(*(bindparam(name, type_=ARRAY(BigInteger)) for name in ("buckets", "uses", "shares")))
    .table_valued("bucket", "used", "share", name="given")
    .render_derived()
)
_SETTLE = (
    update(COUNTERS)
    .where(_IS_OF, _ROW.bucket == _SHARES.c.bucket)
    .values(used=_SHARES.c.used, share=_SHARES.c.share, ceiling=_CEILING)
)


def take(session: Session, limit: Limit, amount: int, *, at_least: int) -> int:
    """Take ``amount`` of a limit, or as much as is left if that is ``at_least`` so much; return how much."""
    named = _named(limit, amount=amount)
    if send(session, _TAKE, named):
        return amount
    room = left(session, limit)
    if room is not None and room < at_least:
        return 0
    if room is None:
        _open(session, limit)
    send(session, _LOCK_FIRST, named)
    if send(session, _TAKE_AT_FIRST, named):
        return amount
    if (left(session, limit) or 0) < at_least:
        return 0
    return _take_from_all(session, limit, amount, at_least)


def give_back(session: Session, limit: Limit, amount: int) -> None:
    """Put back what was taken of a limit; nothing happens when its rows are gone, as those of past periods are.

    Raises:
        InvariantBroken: less than ``amount`` is used.
    """
    if send(session, _GIVE_BACK, _named(limit, amount=amount)):
        return
    rows = _lock_all(session, limit)
    used = [row.used for row in rows]
    if rows and sum(used) < amount:
        raise InvariantBroken(f"More is given back than was taken of {limit.key}: {amount} of {sum(used)}")
    for index, each in enumerate(used):
        returned = min(each, amount)
        used[index] -= returned
        amount -= returned
    _settle(session, limit, rows, used)


def left(session: Session, limit: Limit) -> int | None:
    """Return what is left of a limit at this moment, locking nothing; ``None`` when nobody has used it yet."""
    (row,) = send(session, _USED, _named(limit))
    return None if row.used is None else limit.ceiling - int(row.used)


def _take_from_all(session: Session, limit: Limit, amount: int, at_least: int) -> int:
    rows = _lock_all(session, limit)
    used = [row.used for row in rows]
    taken: int = min(amount, limit.ceiling - sum(used))
    if taken < at_least:
        return 0
    used[0] += taken
    _settle(session, limit, rows, used)
    return taken


def _settle(session: Session, limit: Limit, rows: Sequence[AnyRow], used: Sequence[int]) -> None:
    """Write what each bucket has used and share out anew what is left; all of them are locked."""
    room = limit.ceiling - sum(used)
    if not rows:
        return
    shares = [each + part for each, part in zip(used, spread(room, len(rows)), strict=True)]
    named = _named(limit, buckets=[row.bucket for row in rows], uses=list(used), shares=shares)
    session.execute(_SETTLE, {**named, "given_ceiling": limit.ceiling if room >= 0 else None})


def _open(session: Session, limit: Limit) -> None:
    subject, entity, period = limit.key
    first = {
        "subject": subject,
        "entity": entity,
        "period": period,
        "used": 0,
        "share": 0,
        "last_on": last_day_of(period),
    }
    rows = [{**first, "bucket": bucket} for bucket in range(limit.buckets)]
    session.execute(insert(COUNTERS).values(rows).on_conflict_do_nothing())


def _lock_all(session: Session, limit: Limit) -> Sequence[AnyRow]:
    session.execute(_LOCK_FIRST, _named(limit))
    return session.execute(_LOCK, _named(limit)).all()


def _named(limit: Limit, **others: Any) -> Mapping[str, Any]:
    subject, entity, period = limit.key
    return {
        "given_subject": subject,
        "given_entity": entity,
        "given_period": period,
        "given_ceiling": limit.ceiling,
        **others,
    }
