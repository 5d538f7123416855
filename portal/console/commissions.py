"""Commissions (佣金明细): what purchases of friends earned whom or missed, with figures, filters and an export."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.commissions.queries import listed
from loyalty.commissions.queries.figures import figures, misses
from loyalty.commissions.queries.listed import CommissionListed
from loyalty.commissions.rules.plan import LEVELS
from loyalty.commissions.rules.states import STATE_WORDS, WORDS, CommissionState, Why
from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import exports, forms, paging
from portal.console.access import current_scope, requires
from portal.console.blueprint import blueprint
from portal.console.figures import shown_money
from portal.console.personal_exports import export_personal
from portal.console.stores import chosen_store_ids, visible_tree
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

DAYS = 30
"""Of which figures are shown where no time is chosen."""
FILTERS = ("number", "state", "reason", "level", "store_id", "since", "until")
COLOURS = {
    CommissionState.PENDING: "orange",
    CommissionState.APPROVED: "green",
    CommissionState.REVERSED: "red",
    CommissionState.MISSED: "secondary",
    CommissionState.FORFEITED: "secondary",
}
HEADER = (
    *("付款时间", "订单", "级别", "佣金会员", "消费好友", "门店", "状态", "原因"),
    *("计佣金额（元）", "佣金（元）", "已冲回（元）", "结算时间", "方案版本"),
)


@blueprint.get("/commissions")
@requires(Permission.COMMISSIONS_READ)
def commission_list() -> str:
    """List commissions, the latest first, under the figures of the same time."""
    cursor, found, at = paging.cursor(), _found(), container().clock.now()
    since, until = forms.day_range("since", "until")
    times = {"since": since or at - timedelta(days=DAYS), "until": until or at + timedelta(days=1)}
    is_chain_wide = current_scope().is_chain_wide

    def read(session: "Session") -> dict[str, Any]:
        page = found(session, cursor=cursor)
        known = {"page": page, **_named(session, page.items)}
        if is_chain_wide and cursor is None:
            known |= {"figures": figures(session, **times), "misses": misses(session, **times)}
        return known

    return render_template(
        "console/commission_list.html",
        is_first=cursor is None,
        address=paging.address,
        filters={name: forms.text(name) for name in FILTERS},
        days=DAYS,
        nodes=visible_tree(),
        levels=LEVELS,
        state_names=STATE_WORDS,
        reason_names=WORDS,
        colours=COLOURS,
        **run(container().database, read),
    )


@blueprint.post("/commissions/export")
@requires(Permission.MEMBERS_EXPORT)
def export_commissions() -> Response:
    """Download what the filter shows; who took it is audited."""
    read = exports.as_rows(_found(), _row, named=_named)
    return export_personal("commissions", HEADER, read, action="commissions.export", subject="commissions")


def _found() -> Callable[..., Page[CommissionListed]]:
    """Return the list that the filter leaves, of which pages can be asked for."""
    since, until = forms.day_range("since", "until")
    return partial(
        listed.list_commissions,
        member_id=_earner_id(forms.text("number")),
        state=forms.optional_choice("state", CommissionState),
        reason=forms.optional_choice("reason", Why),
        level=forms.optional_integer("level"),
        store_ids=chosen_store_ids(),
        since=since,
        until=until,
    )


def _earner_id(number: str) -> int | None:
    """Return the member of a number; one that nobody has finds nothing."""
    if not number:
        return None
    found = run(
        container().database, lambda session: members.find_by_number(session, vault=container().vault, number=number)
    )
    return found.id if found is not None else 0


def _named(session: "Session", page: Sequence[CommissionListed]) -> dict[str, dict[int, str]]:
    sides = {member_id for one in page for member_id in (one.member_id, one.referee_id)}
    return {
        "numbers": members.numbers(session, sides),
        "store_names": stores.names(session, {one.store_id for one in page if one.store_id is not None}),
    }


def _row(one: CommissionListed, *, numbers: dict[int, str], store_names: dict[int, str]) -> exports.Row:
    return (
        one.paid_at,
        one.order_id,
        one.level,
        numbers.get(one.member_id),
        numbers.get(one.referee_id),
        store_names.get(one.store_id or 0),
        STATE_WORDS[one.state],
        None if one.reason is None else WORDS[one.reason],
        shown_money(one.base_fen),
        shown_money(one.amount_fen),
        shown_money(one.reversed_fen),
        one.approves_at,
        one.plan_id,
    )
