"""The check-in statement: the row of the day, its entry, lot, balance and events, all or nothing.

Built once when the module is loaded. Without an account nothing is inserted; where the member has a row for the
day or the key, nothing is inserted either, and everything else follows from what was inserted.
"""

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    func,
    insert,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert as insert_or_skip

from loyalty.check_ins.queries import CHECK_INS
from loyalty.points.posting import ACCOUNTS, EVENTS, constant, given, pairs, parameter, post_credits
from loyalty.points.rules import EVENT_OF_KIND, EntryKind

_AT = parameter("at", DateTime(timezone=True))
_TOLD = ("member_id", "checked_in_on", "streak", "base", "bonus", "growth", "plan_revision", "store_id")


def _check_in() -> Select[Any]:
    recorded = _recorded()
    row = recorded.c
    source = select(
        *given(
            member_id=row.member_id,
            kind=constant(EntryKind.EARN),
            points=row.base + row.bonus,
            reference=parameter("reference"),
            store_id=row.store_id,
            actor=parameter("actor"),
            explanation=parameter("explanation"),
            occurred_at=row.checked_in_at,
            recorded_at=row.checked_in_at,
            opened_at=row.checked_in_at,
            available_at=row.checked_in_at,
            expires_at=parameter("expires_at"),
        )
    ).where(row.base + row.bonus > 0)
    writes = post_credits(source.cte("source"), event=EVENT_OF_KIND[EntryKind.EARN])
    balance = select(ACCOUNTS.c.balance).where(ACCOUNTS.c.member_id == row.member_id).scalar_subquery()
    return (
        select(func.coalesce(writes.moved.c.balance_after, balance).label("balance_after"))
        .select_from(recorded.outerjoin(writes.moved, true()))
        .add_cte(*writes.effects, _announced(recorded))
    )


def _recorded() -> CTE:
    names = [column.name for column in CHECK_INS.columns]
    values: dict[str, ColumnElement[Any]] = {name: parameter(name, CHECK_INS.c[name].type) for name in names}
    values |= {"member_id": ACCOUNTS.c.member_id, "checked_in_at": _AT}
    member_id = parameter("member_id", BigInteger())
    of_an_account = select(*(values[name] for name in names)).where(ACCOUNTS.c.member_id == member_id)
    inserted = insert_or_skip(CHECK_INS).from_select(names, of_an_account).on_conflict_do_nothing()
    return inserted.returning(*CHECK_INS.columns).cte("recorded")


def _announced(recorded: CTE) -> CTE:
    payload = func.jsonb_build_object(*pairs(_TOLD, recorded.c))
    values = select(constant("check_in.recorded"), payload, recorded.c.checked_in_at)
    return insert(EVENTS).from_select(["kind", "payload", "recorded_at"], values).cte("check_in_announced")


CHECK_IN = _check_in()
"""Its row, if any, holds the balance after the check-in."""
