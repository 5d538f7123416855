"""The programme of the proof: two rules as the oracle tells them, and what is used of their limits."""

from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.earning.rules import Budgets, Caps, Conditions, Definition, Fixed, PerAmount
from loyalty.limits.models import LimitCounter
from loyalty.points.rules.expiry import ExpiryPolicy, PolicyKind
from tests.factories.earning import BASE
from tests.proofs.oracle import OracleRules

BUDGET = 400
BASE_LIVES, GIFT_LIVES = 20, 45
"""Days; the gift's outlast the base's."""


def definitions_of(rules: OracleRules) -> list[Definition]:
    base = replace(
        BASE,
        points=PerAmount(rules.per_yuan, 100),
        growth=PerAmount(1, 100),
        caps=Caps(member_day=rules.cap),
        expiry=ExpiryPolicy(PolicyKind.ROLLING_DAYS, n=BASE_LIVES),
    )
    gift = replace(
        BASE,
        points=Fixed(rules.gift),
        conditions=Conditions(minimum_amount_fen=rules.threshold_fen),
        budgets=Budgets(rule_budget=BUDGET),
        expiry=ExpiryPolicy(PolicyKind.ROLLING_DAYS, n=GIFT_LIVES),
    )
    return [base, gift]


def points_used(session: Session, rule_ids: list[int]) -> list[int]:
    subjects = [f"earning_rule:{rule_id}" for rule_id in rule_ids]
    rows = session.execute(
        select(LimitCounter.subject, func.sum(LimitCounter.used))
        .where(LimitCounter.subject.in_(subjects))
        .group_by(LimitCounter.subject)
    )
    used = dict(rows.all())
    return [int(used.get(subject, 0)) for subject in subjects]
