"""Moving what is used from one entity to another: when members are merged, caps go on counting for the survivor.

Only limits with one counter: nothing that a single member uses is hot enough for buckets. The caller has waited for
all who count for the entity that goes, and holds it, so that nobody counts for it meanwhile: whoever reserves for a
member holds the member's row or account first, and looks whether it still stands for itself. Tries of claim codes alone
are counted without: one that slips through a merge brings nothing.
"""

from typing import Any

from sqlalchemy import CTE, String, and_, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.limits.counters import COUNTERS, KEY


def move(session: Session, *, from_entity: str, to_entity: str) -> None:
    """Count for one entity what another has used of every limit, and nothing for that other (合并额度).

    Together they may have used more than a ceiling: then there is no room until enough is given back.
    """
    named = {"from_entity": from_entity, "to_entity": to_entity}
    session.execute(_LOCK_BOTH, named)
    session.execute(_ADD_MOVED, named)


def _subjects() -> CTE:
    """Return every subject that is counted: their number is small, and each is found by one look at the key."""
    first = select(func.min(COUNTERS.c.subject).label("subject")).cte("subjects", recursive=True)
    following = select(func.min(COUNTERS.c.subject)).where(COUNTERS.c.subject > first.c.subject).scalar_subquery()
    return first.union_all(select(following).where(first.c.subject.is_not(None)))


def _of_entities(*entities: str) -> Any:
    names = [bindparam(entity, type_=String) for entity in entities]
    return and_(COUNTERS.c.subject.in_(select(_subjects().c.subject)), COUNTERS.c.entity.in_(names))


def _add_moved() -> Any:
    moved = delete(COUNTERS).where(_of_entities("from_entity")).returning(*COUNTERS.c).cte("moved")
    row = moved.c
    names = [*KEY, "bucket", "used", "share", "ceiling", "last_on"]
    values = select(
        row.subject, bindparam("to_entity", type_=String), *(row[name] for name in names if name not in KEY[:2])
    )
    statement = insert(COUNTERS).from_select(names, values.order_by(row.subject, row.period))
    used = COUNTERS.c.used + statement.excluded.used
    return statement.on_conflict_do_update(
        index_elements=[*KEY, "bucket"], set_={"used": used, "share": func.greatest(COUNTERS.c.share, used)}
    )


_LOCK_BOTH = (
    select(COUNTERS.c.used)
    .where(_of_entities("from_entity", "to_entity"))
    .order_by(*(COUNTERS.c[name] for name in KEY))
    .with_for_update(key_share=True)
)
_ADD_MOVED = _add_moved()
