"""The risk rules that hold, and what held before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.risk.models import RiskRuleSet
from loyalty.risk.rules.deciding import Rule
from loyalty.risk.rules.defaults import DEFAULT_RULES
from loyalty.risk.rules.documents import from_json


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All risk rules in their order; the defaults have no id and nobody saved them."""

    id: int | None
    rules: tuple[Rule, ...]
    saved_by: str | None
    saved_at: datetime | None


DEFAULTS = RuleSet(None, DEFAULT_RULES, None, None)


def current_rules(session: Session) -> RuleSet:
    """Return the rules that hold now."""
    saved = list_rule_sets(session, limit=1)
    return saved[0] if saved else DEFAULTS


def list_rule_sets(session: Session, *, limit: int = 20) -> Sequence[RuleSet]:
    """Return the latest revisions of the rules, the one that holds first."""
    rows = session.scalars(select(RiskRuleSet).order_by(RiskRuleSet.id.desc()).limit(limit))
    return [RuleSet(row.id, from_json(row.rules), row.saved_by, row.saved_at) for row in rows]
