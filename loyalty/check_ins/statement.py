"""The check-in statement: the row of the day, its entry, lot, balance and events, all or nothing.

Built once when the module is loaded. It is given what each day of the plan's cycle pays, finds the day that the
streak has reached, and pays it. Where anything stands against it, nothing is written: another plan is in force by
now, the store is unknown, there is no account, or the member has a row for the day or the key.
"""

from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Select,
    and_,
    func,
    insert,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert as insert_or_skip

from loyalty.check_ins.queries import CHECK_INS, is_known_store, plan_live_on
from loyalty.points.posting import ACCOUNTS, EVENTS, constant, given, pairs, parameter, post_credits
from loyalty.points.rules import EVENT_OF_KIND, EntryKind

_AT = parameter("at", DateTime(timezone=True))
_ZERO, _ONE = (literal_column(number, BigInteger) for number in ("0", "1"))
_EXPLAINED = ("plan_revision", "streak", "base", "bonus")
_TOLD = (
    "member_id",
    "checked_in_on",
    "streak",
    "base",
    "bonus",
    "growth",
    "plan_revision",
    "store_id",
    "checked_in_at",
)


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
            explanation=func.jsonb_build_object(constant("rule"), constant("check_in"), *pairs(_EXPLAINED, row)),
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
        select(
            row.streak, row.base, row.bonus, func.coalesce(writes.moved.c.balance_after, balance).label("balance_after")
        )
        .select_from(recorded.outerjoin(writes.moved, true()))
        .add_cte(*writes.effects, _announced(recorded))
    )


def _recorded() -> CTE:
    names = [column.name for column in CHECK_INS.columns if column.name != "make_up_card_id"]
    values: dict[str, ColumnElement[Any]] = {name: parameter(name, CHECK_INS.c[name].type) for name in names}
    live, reached, awards = plan_live_on(values["checked_in_on"]), _reached(), _awards()
    stands = and_(
        ACCOUNTS.c.member_id == values["member_id"],
        live.c.revision == values["plan_revision"],
        is_known_store(values["store_id"]),
        awards.c.cycle_day == (reached.c.streak - _ONE) % parameter("cycle_days", BigInteger()) + _ONE,
    )
    values |= {
        "member_id": ACCOUNTS.c.member_id,
        "streak": reached.c.streak,
        "base": awards.c.base,
        "bonus": awards.c.bonus,
        "checked_in_at": _AT,
    }
    due = select(*(values[name] for name in names)).select_from(
        ACCOUNTS.join(live, true()).join(reached, true()).join(awards, stands)
    )
    inserted = insert_or_skip(CHECK_INS).from_select(names, due).on_conflict_do_nothing()
    return inserted.returning(*CHECK_INS.columns).cte("recorded")


def _reached() -> FromClause:
    """One more than the streak of yesterday, or 1."""
    of_yesterday = (
        select(CHECK_INS.c.streak)
        .where(
            CHECK_INS.c.member_id == parameter("member_id"), CHECK_INS.c.checked_in_on == parameter("yesterday", Date())
        )
        .scalar_subquery()
    )
    return select((func.coalesce(of_yesterday, _ZERO) + _ONE).label("streak")).subquery("reached")


def _awards() -> FromClause:
    """What each day of the cycle pays, as the caller sends it."""
    paid = [parameter(name, ARRAY(BigInteger)) for name in ("bases", "bonuses")]
    return func.unnest(*paid).table_valued("base", "bonus", with_ordinality="cycle_day", name="awards").render_derived()


def _announced(recorded: CTE) -> CTE:
    payload = func.jsonb_build_object(*pairs(_TOLD, recorded.c))
    values = select(constant("check_in.recorded"), payload, recorded.c.checked_in_at)
    return insert(EVENTS).from_select(["kind", "payload", "recorded_at"], values).cte("check_in_announced")


CHECK_IN = _check_in()
"""Its row, if any, holds what was paid and the balance after it."""
