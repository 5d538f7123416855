"""Earnings (收益): the money account, what may be withdrawn and why not, and the statement."""

from typing import Any

from loyalty.earnings import queries
from loyalty.earnings.explanations import sentence
from loyalty.earnings.queries import StatementLine
from loyalty.kernel.transaction import run
from loyalty.payouts.rules.settings import NAME_DEMANDED_FROM_FEN
from loyalty.reports.member_money import member_money
from miniprogram_api.context import client_ip, container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import earnings as schemas

blueprint = subject("earnings", __name__, description="Money earned, and why.")


@blueprint.get("/earnings")
@blueprint.response(200, schemas.Earnings)
def show_earnings() -> dict[str, Any]:
    """Show the money account at this moment, what may be withdrawn, and if nothing, why not."""
    at, owner, ip = container().clock.now(), member_id(), client_ip()
    money = run(
        container().database,
        lambda session: member_money(
            session,
            vault=container().vault,
            member_id=owner,
            ip=ip,
            has_merchant=container().pay is not None,
            is_tax_required=container().settings.is_production,
            zone=container().zone,
            at=at,
        ),
    )
    programme = money.programme
    return {
        "pending_fen": money.balance.pending_fen,
        "available_fen": money.balance.available_fen,
        "owed_fen": money.balance.owed_fen,
        "withdrawal": {
            "minimum_fen": programme and programme.minimum_fen,
            "left_today_fen": money.left_today_fen,
            "most_fen": money.most_fen,
            "points_per_yuan": programme and programme.points_per_yuan,
            "name_required_from_fen": NAME_DEMANDED_FROM_FEN,
            "is_queue_paused": money.is_queue_paused,
            "obstacle": money.obstacle,
            "money_obstacle": money.money_obstacle,
        },
    }


@blueprint.get("/earnings/entries")
@blueprint.arguments(schemas.EarningsQuery, location="query")
@blueprint.response(200, schemas.EarningsLines)
def list_entries(query: dict[str, Any]) -> dict[str, Any]:
    """List the statement, newest first, each line with its reason."""
    owner, kind = member_id(), query.pop("kind")
    page = run(
        container().database,
        lambda session: queries.statement(session, member_id=owner, kinds=[kind] if kind else [], **query),
    )
    return {"items": [_line(line) for line in page.items], "next_cursor": page.next_cursor}


def _line(line: StatementLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "kind": line.kind.value,
        "amount_fen": line.amount_fen,
        "pending_after_fen": line.balance.pending_fen,
        "available_after_fen": line.balance.available_fen,
        "owed_after_fen": line.balance.owed_fen,
        "reason": sentence(kind=line.kind, explanation=line.explanation),
        "payout_id": line.explanation.get("payout_id"),
        "occurred_at": line.occurred_at,
        "recorded_at": line.recorded_at,
    }
