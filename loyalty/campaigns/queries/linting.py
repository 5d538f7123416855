"""What the lint has to know of the programme besides what a campaign says."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.campaigns.rules.lint import LintFacts
from loyalty.campaigns.rules.states import begins_at
from loyalty.campaigns.rules.terms import Terms
from loyalty.commissions.queries.plans import current_plan
from loyalty.coupons.rules.terms import Terms as CouponTerms
from loyalty.kernel.clock import business_date
from loyalty.points.service.programme import programme_policy


def lint_facts(
    session: Session, terms: Terms, coupons: Mapping[int, CouponTerms], *, at: datetime, zone: ZoneInfo
) -> LintFacts:
    """Return what holds when a campaign that is launched at an instant begins."""
    plan = current_plan(session)
    return LintFacts(
        on=business_date(max(at, begins_at(terms) or at), zone),
        zone=zone,
        coupons=coupons,
        points_policy=programme_policy(session),
        levels=max(1, len(plan.plan.rates) if plan else 1),
    )
