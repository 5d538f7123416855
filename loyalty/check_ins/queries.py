"""Check-in queries: the plan in force, its revisions, what a check-in needs to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Row,
    String,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import LateralFromClause

from loyalty.check_ins.models import CheckIn, CheckInPlan
from loyalty.check_ins.rules import Award, Plan, cycle
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run_single
from loyalty.points.explanations import sentence
from loyalty.points.posting import ACCOUNTS, ENTRIES, constant, table_of
from loyalty.points.rules import EntryKind
from loyalty.stores.models import Store

_PLANS_LISTED = 50

CHECK_INS, PLANS, STORES = map(table_of, (CheckIn, CheckInPlan, Store))


@dataclass(frozen=True, slots=True)
class CheckInResult:
    """What a check-in paid; a replay tells what the first call did."""

    checked_in_on: date
    streak: int
    base: int
    bonus: int
    points: int
    growth: int
    balance_after: int
    plan_revision: int
    is_replay: bool = False

    @property
    def reason(self) -> str:
        """Why it paid what it paid, in Chinese, as the statement says it."""
        explanation = {"rule": "check_in", "streak": self.streak, "base": self.base, "bonus": self.bonus}
        return sentence(kind=EntryKind.EARN, points=self.points, explanation=explanation)


@dataclass(frozen=True)
class LivePlan:
    """A plan with its revision, which never changes."""

    revision: int
    plan: Plan

    @cached_property
    def cycle(self) -> Sequence[Award]:
        """What each day of the plan's cycle pays."""
        return cycle(self.plan)


@dataclass(frozen=True, slots=True)
class PlanRevision:
    """A revision of the plan, since when it is in force, and who made it."""

    revision: int
    plan: Plan
    live_from_on: date
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What may stand against a check-in, and the plan in force."""

    live: LivePlan | None
    has_checked_in_today: bool
    key_used_on: date | None
    """The business date of the check-in that was made with this idempotency key."""
    key_store_id: int | None
    is_key_of_make_up: bool
    """Whether the key was that of a day made up, whose rows check-ins share."""
    is_store_known: bool


def is_known_store(store_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Tell whether there is such a store; none named is no objection."""
    return or_(store_id.is_(None), exists().where(STORES.c.id == store_id))


def plan_live_on(day: ColumnElement[date]) -> LateralFromClause:
    """Return the plan in force on a business date: the one that began last, of two that day the newer."""
    return (
        select(PLANS)
        .where(PLANS.c.live_from_on <= day)
        .order_by(PLANS.c.live_from_on.desc(), PLANS.c.revision.desc())
        .limit(1)
        .lateral("live")
    )


def _standing_statement() -> Any:
    member_id = bindparam("member_id", type_=BigInteger)
    today = bindparam("today", type_=Date)
    key = bindparam("idempotency_key", type_=String)
    store_id = bindparam("store_id", type_=BigInteger)
    plan, keyed = plan_live_on(today), CHECK_INS.alias("keyed")
    mine = CHECK_INS.c.member_id == member_id
    one: FromClause = select(literal_column("1").label("one")).subquery("one")
    return select(
        plan.c.revision,
        plan.c.points_by_day,
        plan.c.bonus_by_day,
        plan.c.growth,
        plan.c.valid_days,
        exists().where(mine, CHECK_INS.c.checked_in_on == today).label("has_checked_in_today"),
        keyed.c.checked_in_on.label("key_used_on"),
        keyed.c.store_id.label("key_store_id"),
        keyed.c.make_up_card_id.is_not(None).label("is_key_of_make_up"),
        is_known_store(store_id).label("is_store_known"),
    ).select_from(
        one.outerjoin(plan, true()).outerjoin(
            keyed, and_(keyed.c.member_id == member_id, keyed.c.idempotency_key == key)
        )
    )


_STANDING = _standing_statement()


def standing(
    database: Database, *, member_id: int, today: date, idempotency_key: str | None, store_id: int | None
) -> Standing:
    """Return, in one statement, all that can stand against a check-in."""
    parameters = {
        "member_id": member_id,
        "today": today,
        "idempotency_key": idempotency_key,
        "store_id": store_id,
    }
    (row,) = run_single(database, _STANDING, parameters)
    return Standing(
        live=None if row.revision is None else LivePlan(row.revision, plan_of(row)),
        has_checked_in_today=row.has_checked_in_today,
        key_used_on=row.key_used_on,
        key_store_id=row.key_store_id,
        is_key_of_make_up=row.is_key_of_make_up,
        is_store_known=row.is_store_known,
    )


def _result_statement() -> Any:
    posted = and_(
        ENTRIES.c.member_id == CHECK_INS.c.member_id,
        ENTRIES.c.kind == constant(EntryKind.EARN),
        ENTRIES.c.reference == bindparam("reference", type_=String),
    )
    names = ("checked_in_on", "streak", "base", "bonus", "growth", "plan_revision")
    # A day that paid nothing has no entry: then the balance is what it is.
    balance = func.coalesce(ENTRIES.c.balance_after, ACCOUNTS.c.balance).label("balance_after")
    return (
        select(*(CHECK_INS.c[name] for name in names), balance)
        .join_from(CHECK_INS, ACCOUNTS, ACCOUNTS.c.member_id == CHECK_INS.c.member_id)
        .outerjoin(ENTRIES, posted)
        .where(
            CHECK_INS.c.member_id == bindparam("member_id", type_=BigInteger),
            CHECK_INS.c.checked_in_on == bindparam("on", type_=Date),
        )
    )


_RESULT = _result_statement()


def result_of(database: Database, *, member_id: int, on: date) -> CheckInResult:
    """Return what a check-in that was made has paid."""
    (row,) = run_single(database, _RESULT, {"member_id": member_id, "on": on, "reference": reference_of(on)})
    return CheckInResult(points=row.base + row.bonus, is_replay=True, **row._asdict())


def reference_of(on: date) -> str:
    """Return the ledger reference of the check-in of a business date."""
    return f"check_in:{on.isoformat()}"


def list_plans(session: Session) -> Sequence[PlanRevision]:
    """Return the latest revisions of the plan, those that begin last first."""
    newest_first = select(PLANS).order_by(PLANS.c.live_from_on.desc(), PLANS.c.revision.desc())
    rows = session.execute(newest_first.limit(_PLANS_LISTED))
    return [PlanRevision(row.revision, plan_of(row), row.live_from_on, row.created_by, row.created_at) for row in rows]


def plan_of(row: Row[Any]) -> Plan:
    """Return the plan that stands in a row of its table."""
    return Plan(
        points_by_day=tuple(row.points_by_day),
        bonus_by_day={int(day): points for day, points in row.bonus_by_day.items()},
        growth=row.growth,
        valid_days=row.valid_days,
    )
