"""A member's earnings (收益): the money account and its statement, each line with its reason."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.earnings import queries
from loyalty.earnings.explanations import KIND_NAMES, sentence
from loyalty.earnings.queries import StatementLine
from loyalty.earnings.rules import EarningsKind
from loyalty.kernel.pagination import PAGE_SIZE_MAX, Page
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import exports, forms, paging
from portal.console.access import requires
from portal.console.blueprint import blueprint
from portal.console.figures import shown_money
from portal.console.member_exports import export_of_member
from portal.console.members import visible_member
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

HEADER = ("时间", "类型", "说明", "金额（元）", "待结算（元）", "可提现（元）", "待抵扣（元）", "业务单号", "入账时间")


@blueprint.get("/members/<int:member_id>/earnings")
@requires(Permission.PAYOUTS_READ)
def member_earnings(member_id: int) -> str:
    """Show the account and a page of its statement."""
    cursor, lines = paging.cursor(), _lines(member_id)

    def read(session: "Session") -> dict[str, Any]:
        return {
            "member": visible_member(session, member_id=member_id),
            "balance": queries.balance(session, member_id=member_id),
            "page": lines(session, cursor=cursor),
        }

    return render_template(
        "console/member_earnings.html",
        is_first=cursor is None,
        address=paging.address,
        kind=forms.text("kind"),
        kind_names=KIND_NAMES,
        reason_of=_reason,
        **run(container().database, read),
    )


@blueprint.post("/members/<int:member_id>/earnings/export")
@requires(Permission.MEMBERS_EXPORT)
def export_member_earnings(member_id: int) -> Response:
    """Download what the filter shows; who took it is audited."""
    lines = _lines(member_id)

    def read(session: "Session", cursor: str | None) -> Page[exports.Row]:
        page = lines(session, cursor=cursor, limit=PAGE_SIZE_MAX)
        return Page([_row(line) for line in page.items], page.next_cursor)

    return export_of_member(member_id, name="earnings", action="earnings.export", header=HEADER, read=read)


def _lines(member_id: int) -> Callable[..., Page[StatementLine]]:
    kind = forms.optional_choice("kind", EarningsKind)
    return partial(queries.statement, member_id=member_id, kinds=[kind] if kind else [])


def _reason(line: StatementLine) -> str:
    return sentence(kind=line.kind, explanation=line.explanation)


def _row(line: StatementLine) -> exports.Row:
    return (
        line.occurred_at,
        KIND_NAMES[line.kind],
        _reason(line),
        shown_money(line.amount_fen),
        shown_money(line.balance.pending_fen),
        shown_money(line.balance.available_fen),
        shown_money(line.balance.owed_fen),
        line.reference,
        line.recorded_at,
    )
