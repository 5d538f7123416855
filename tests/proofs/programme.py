"""The programme of the proof: two rules as the oracle tells them, and what comes of them besides points."""

from dataclasses import replace

from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.earning.rules import Budgets, Caps, Conditions, Definition, Fixed, PerAmount
from loyalty.limits.models import LimitCounter
from loyalty.points.rules.expiry import ExpiryPolicy, PolicyKind
from loyalty.tiers.models import MemberTier
from tests.factories.earning import BASE
from tests.proofs.oracle_orders import OracleRules

BUDGET = 400
BASE_LIVES, GIFT_LIVES = 20, 45
"""Days; the gift's outlast the base's."""
rules_of = st.builds(
    OracleRules,
    per_yuan=st.integers(1, 3),
    cap=st.sampled_from([50, 100, 250, 10_000]),
    gift=st.integers(1, 150),
    threshold_fen=st.sampled_from([1, 9_999, 20_000]),
)


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


def growth_and_points_used(session: Session, member_id: int, rule_ids: list[int]) -> tuple[int, ...]:
    """What the member has grown, and what is used of each rule's limits."""
    growth = select(MemberTier.growth).where(MemberTier.member_id == member_id)
    used = [
        select(func.sum(LimitCounter.used)).where(LimitCounter.subject == f"earning_rule:{rule_id}")
        for rule_id in rule_ids
    ]
    row = session.execute(select(*(figure.scalar_subquery() for figure in (growth, *used)))).one()
    return tuple(int(figure or 0) for figure in row)
