"""Saving risk rules: all of them together, as a revision that never changes."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.risk.models import RiskRuleSet
from loyalty.risk.queries.rules import current_rules
from loyalty.risk.rules.deciding import Rule, check_rules
from loyalty.risk.rules.documents import to_json


def save_rules(session: Session, *, rules: Sequence[Rule], actor: Actor, at: datetime) -> int:
    """Let other rules hold from now on, in this order; return the number of the revision.

    Raises:
        InvalidRiskRules: with everything that is wrong.
    """
    check_rules(rules)
    before, after = to_json(current_rules(session).rules), to_json(rules)
    rule_set_id = session.execute(
        insert(RiskRuleSet).values(rules=after, saved_by=actor.name, saved_at=at).returning(RiskRuleSet.id)
    ).scalar_one()
    audit.write(
        session,
        actor=actor,
        action="risk.save_rules",
        subject=f"risk_rule_set:{rule_set_id}",
        before={"rules": before},
        after={"rules": after},
        at=at,
    )
    return rule_set_id
