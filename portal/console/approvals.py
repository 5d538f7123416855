"""What waits for approval (待复核): everything on which the caller's roles let them decide, the oldest first.

Each row leads to the page on which its kind is decided, and nothing is decided here. What the caller made or asked for
stays in sight, as somebody else's to decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.reports.waiting import Waiting, WaitingKind, count_waiting, list_waiting
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import exports, forms
from portal.console.access import actor, current_scope, may, requires
from portal.console.actors import names_of
from portal.console.approval_words import KIND_NAMES, facts_of, title_of
from portal.console.blueprint import blueprint
from portal.console.filters import local_time
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

SHOWN_MAX = 200
HEADER = ("类型", "内容", "说明", "提交人", "提交时间", "由谁复核")
OWN, OTHERS = "须由他人复核", "待您复核"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a kind is decided, and what that asks for."""

    permission: Permission
    endpoint: str
    argument: str
    is_of_the_chain: bool = True
    """Whether its page is only for those who see the whole chain."""


_P = Permission
DESKS = {
    WaitingKind.CAMPAIGN: Desk(_P.CAMPAIGNS_APPROVE, "console.campaign_decision", "campaign_id"),
    WaitingKind.ADJUSTMENT_BATCH: Desk(_P.ADJUSTMENTS_APPROVE, "console.adjustment_batch", "batch_id"),
    WaitingKind.COUPON_ISSUE: Desk(_P.COUPONS_ISSUE, "console.coupon_issue_job", "job_id"),
    WaitingKind.PAYOUT: Desk(_P.PAYOUTS_APPROVE, "console.payout_page", "payout_id"),
    WaitingKind.PAYOUT_BATCH: Desk(_P.PAYOUTS_APPROVE, "console.payout_batch_page", "batch_id"),
    WaitingKind.PARTNER_KEY: Desk(_P.PARTNERS_WRITE, "console.partner_key_page", "partner_key_id", False),
    WaitingKind.EARNING_OVERRIDE: Desk(_P.EARNING_APPROVE, "console.earning_rule_page", "rule_id", False),
}


@blueprint.get("/approvals")
@requires(Permission.APPROVALS_DECIDE)
def approval_list() -> str:
    """List what waits, each thing with the page on which it is decided."""
    kind = forms.optional_choice("kind", WaitingKind)
    found = run(container().database, lambda session: _read(session, kind, limit=SHOWN_MAX + 1))
    waiting = found.pop("waiting")
    return render_template(
        "console/approval_list.html",
        waiting=waiting[:SHOWN_MAX],
        shown_max=SHOWN_MAX,
        has_more=len(waiting) > SHOWN_MAX,
        filters={"kind": kind or ""},
        kind_names={one: KIND_NAMES[one] for one in decidable()},
        title_of=title_of,
        facts_of=facts_of,
        address_of=_address_of,
        me=actor().name,
        **found,
    )


@blueprint.get("/approvals.csv")
@requires(Permission.APPROVALS_DECIDE)
def export_approvals() -> Response:
    """Download what the filter shows, all of it."""
    kind, me = forms.optional_choice("kind", WaitingKind), actor().name
    found = run(container().database, lambda session: _read(session, kind, limit=None))
    people = found["people"]
    rows = [
        (
            KIND_NAMES[one.kind],
            title_of(one, found["numbers"]),
            facts_of(one, found["places"]),
            people.get(one.requested_by, one.requested_by),
            local_time(one.requested_at),
            OWN if one.is_made_by(me) else OTHERS,
        )
        for one in found["waiting"]
    ]
    return exports.csv_response("approvals", HEADER, rows)


def decidable() -> list[WaitingKind]:
    """Return the kinds on which the caller's roles and scope let them decide."""
    is_chain_wide = current_scope().is_chain_wide
    return [
        kind for kind, desk in DESKS.items() if may(desk.permission) and (is_chain_wide or not desk.is_of_the_chain)
    ]


def count_own(session: "Session") -> int:
    """Return on how many things the caller may decide now."""
    return count_waiting(session, kinds=decidable(), scope=current_scope(), decider=actor().name)


def _read(session: "Session", kind: WaitingKind | None, *, limit: int | None) -> dict[str, Any]:
    kinds = [one for one in decidable() if kind in (None, one)]
    waiting = list_waiting(session, kinds=kinds, scope=current_scope(), limit=limit)
    return {"waiting": waiting, **_named(session, waiting)}


def _named(session: "Session", waiting: Sequence[Waiting]) -> dict[str, Any]:
    paid = {one.facts["member_id"] for one in waiting if one.kind is WaitingKind.PAYOUT}
    return {
        "people": names_of(session, {one.requested_by for one in waiting}),
        "numbers": members.numbers(session, paid),
        "places": stores.names(session, {one.node_id for one in waiting if one.node_id is not None}),
    }


def _address_of(one: Waiting) -> str:
    desk = DESKS[one.kind]
    return url_for(desk.endpoint, **{desk.argument: one.id})  # type: ignore[arg-type]
