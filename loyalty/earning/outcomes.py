"""What a rule came to (规则效果): how often it paid, was cut by a limit, or paid nothing and why; and its budgets.

Counted from the evaluations that are kept, of a few days at a time: rows arrive in the order of time, so that a week
is found without an index of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.orm import Session

from loyalty.earning.models import StoredEvaluation
from loyalty.earning.rules.definition import Budgets
from loyalty.earning.rules.facts import EarningEvent
from loyalty.earning.rules.limiting import budget_limits
from loyalty.earning.rules.matching import MissReason
from loyalty.kernel.database import AnyRow
from loyalty.limits import service as limits
from loyalty.limits.rules import ALL, Limit
from loyalty.stores.rules import StoreScope


@dataclass(frozen=True, slots=True)
class Capped:
    """How often a cap or a budget cut what the rule pays, and by how many points in all."""

    limit: str
    times: int
    points_cut: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a rule came to in some days."""

    times_paid: int
    points: int
    coupons: int
    capped: Sequence[Capped]
    misses: Mapping[MissReason, int]
    """How often it paid nothing, by reason, the most frequent first."""


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """What has been used of a budget; without a store it is that of the chain."""

    limit: Limit
    used: int
    store_id: int | None = None


def count_outcomes(
    session: Session, *, rule_id: int, event: EarningEvent, scope: StoreScope, since: datetime, until: datetime
) -> Outcomes:
    """Count what a rule came to from ``since`` to just before ``until``, in the stores of a scope."""
    award, miss = (_of_rule(column, rule_id) for column in (StoredEvaluation.awards, StoredEvaluation.misses))
    found = select(award.label("award"), miss.label("miss")).where(
        StoredEvaluation.recorded_at >= since, StoredEvaluation.recorded_at < until, StoredEvaluation.event == event
    )
    if not scope.is_chain_wide:
        found = found.where(StoredEvaluation.store_id.in_(scope.store_ids))
    one = found.cte("found").c
    points, has_coupon = _figure(one.award, "points"), one.award.has_key("coupon_id")
    rows = session.execute(
        select(
            one.miss["reason"].astext.label("reason"),
            one.award["capped_by"].astext.label("capped_by"),
            func.count().label("times"),
            func.count().filter((points > 0) | (_figure(one.award, "growth") > 0) | has_coupon).label("times_paid"),
            func.count().filter(has_coupon).label("coupons"),
            func.coalesce(cast(func.sum(points), BigInteger), 0).label("points"),
            func.coalesce(cast(func.sum(_figure(one.award, "before_cap") - points), BigInteger), 0).label("cut"),
        )
        .where(one.award.is_not(None) | one.miss.is_not(None))
        .group_by("reason", "capped_by")
        .order_by(func.count().desc(), "reason", "capped_by")
    ).all()
    return _outcomes(rows)


def budget_uses(
    session: Session, *, rule_id: int, budgets: Budgets, on: date, store_ids: Sequence[int]
) -> Sequence[BudgetUse]:
    """Return what is used of a rule's budgets on a business date: the chain's, and those of stores that used any."""
    chain = [
        BudgetUse(limit, limits.used(session, limit=limit))
        for limit in budget_limits(rule_id, budgets, on=on, store_id=None)
    ]
    by_store = {
        limit.key: (limit, store_id)
        for store_id in store_ids
        for limit in budget_limits(rule_id, budgets, on=on, store_id=store_id)
        if limit.entity != ALL
    }
    used = limits.used_of_many(session, limits=[limit for limit, _store_id in by_store.values()])
    stores = [BudgetUse(limit, used[key], store_id) for key, (limit, store_id) in by_store.items() if used.get(key)]
    return [*chain, *sorted(stores, key=lambda one: one.used, reverse=True)]


def _of_rule(kept: Any, rule_id: int) -> ColumnElement[Any]:
    """Return what an evaluation keeps of one rule, which has one explanation in it at most."""
    wanted = func.jsonb_build_object("rule_id", literal(rule_id, BigInteger))
    return func.jsonb_path_query_first(kept, cast("$[*] ? (@.rule_id == $rule_id)", JSONPATH), wanted, type_=JSONB)


def _figure(explanation: Any, name: str) -> ColumnElement[int]:
    return cast(explanation[name].astext, BigInteger)


def _outcomes(rows: Sequence[AnyRow]) -> Outcomes:
    misses: dict[MissReason, int] = {}
    for row in rows:
        if row.reason is not None:  # a coupon is missed beside an award, be that capped or not
            misses[MissReason(row.reason)] = misses.get(MissReason(row.reason), 0) + row.times
    return Outcomes(
        times_paid=sum(row.times_paid for row in rows),
        points=sum(row.points for row in rows),
        coupons=sum(row.coupons for row in rows),
        capped=[Capped(row.capped_by, row.times, row.cut) for row in rows if row.capped_by is not None],
        misses=misses,
    )
