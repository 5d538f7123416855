"""What a rule came to (规则效果), for whoever runs it: awards, caps and budgets that were hit, misses by reason."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import render_template

from loyalty.earning import queries
from loyalty.earning.outcomes import budget_uses, count_outcomes
from loyalty.earning.rules.definition import Budgets
from loyalty.earning.rules.words import LIMIT_NAMES, MISS_NAMES
from loyalty.kernel.clock import business_date, start_of
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console.access import current_scope, requires
from portal.console.blueprint import blueprint
from portal.console.stores import visible_tree
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

DAYS = 7
STORES_SHOWN = 10


@blueprint.get("/earning-rules/<int:rule_id>/outcomes")
@requires(Permission.EARNING_READ)
def earning_rule_outcomes(rule_id: int) -> str:
    """Show the part of a rule's page that is counted after the rest is there."""
    at, zone, scope = container().clock.now(), container().zone, current_scope()
    today, store_names = business_date(at, zone), {node.id: node.name for node in visible_tree()}

    def read(session: "Session") -> dict[str, Any]:
        rule = queries.get_rule(session, rule_id=rule_id, at=at)
        definition = rule.shown.definition
        since = start_of(today - timedelta(days=DAYS - 1), zone)
        return {
            "outcomes": count_outcomes(
                session, rule_id=rule_id, event=rule.event, scope=scope, since=since, until=at + timedelta(seconds=1)
            ),
            "uses": budget_uses(
                session,
                rule_id=rule_id,
                budgets=definition.budgets if definition else Budgets(),
                on=today,
                store_ids=list(store_names),
            ),
        }

    known = run(container().database, read)
    chain = [use for use in known["uses"] if use.store_id is None and scope.is_chain_wide]
    stores = [use for use in known["uses"] if use.store_id is not None]
    return render_template(
        "console/_earning_rule_outcomes.html",
        outcomes=known["outcomes"],
        uses=[*chain, *stores[:STORES_SHOWN]],
        days=DAYS,
        limit_names=LIMIT_NAMES,
        miss_names=MISS_NAMES,
        store_names=store_names,
    )
