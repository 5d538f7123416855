"""The award statement: entry, lot, evaluation, growth and event of what an event earned, in one go.

Built once when the module is loaded. The caller holds the account since before it read anything, and has made sure
that the event was never evaluated. Nothing is posted where no points were earned, and no growth where there was none.
"""

from typing import Any

from sqlalchemy import BigInteger, Select, insert, literal_column, select, true

from loyalty.earning.models import StoredEvaluation
from loyalty.points.posting import (
    ACCOUNTS,
    ENTRIES,
    IDLE_TERMS,
    TERMS,
    constant,
    given,
    parameter,
    post_credits,
    table_of,
)
from loyalty.points.rules import EVENT_OF_KIND, EntryKind
from loyalty.tiers.adding import adding

EVALUATIONS = table_of(StoredEvaluation)
OF_ENTRY = ("reference", "store_id", "actor", "revision_id", "explanation", "occurred_at", "recorded_at")
OF_EVALUATION = ("event", "facts", "revision_ids", "room", "awards", "misses")
_NOTHING = literal_column("0", BigInteger)


def _award() -> Select[Any]:
    member_id, reference = parameter("member_id"), parameter("reference", ENTRIES.c.reference.type)
    points, growth = parameter("points"), parameter("growth", BigInteger())
    terms = {name: parameter(name) for name in (*OF_ENTRY, *TERMS, *IDLE_TERMS)}
    source = select(
        *given(member_id=ACCOUNTS.c.member_id, kind=constant(EntryKind.EARN), points=points, **terms)
    ).where(ACCOUNTS.c.member_id == member_id, points > _NOTHING)
    writes = post_credits(source.cte("source"), event=EVENT_OF_KIND[EntryKind.EARN])
    kept = {
        "member_id": member_id,
        "points": parameter("all_points", BigInteger()),
        "growth": growth,
        **{name: parameter(name) for name in ("reference", "store_id", "occurred_at", "recorded_at")},
        **{name: parameter(name, EVALUATIONS.c[name].type) for name in OF_EVALUATION},
    }
    evaluated = insert(EVALUATIONS).from_select(list(kept), select(*kept.values())).cte("evaluated")
    grown = adding(
        member_id=member_id,
        growth=growth,
        reference=reference,
        counted_at=parameter("occurred_at"),
        recorded_at=parameter("recorded_at"),
    )
    one = select(literal_column("1").label("one")).subquery("one")
    return (
        select(writes.moved.c.balance_after)
        .select_from(one.outerjoin(writes.moved, true()))
        .add_cte(*writes.effects, evaluated, *grown)
    )


AWARD = _award()
"""One row with the balance after the entry, empty where there is none."""
