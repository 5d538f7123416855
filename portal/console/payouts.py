"""Payouts (提现): the list with its export, each with all that happened to it, approval, calling back, the pause.

A payout belongs to no store, so all of it is for those who see the whole chain.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.approvals import queries as approvals
from loyalty.approvals.rules import ApprovalKind
from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.payouts.queries.for_members import is_cancellable
from loyalty.payouts.queries.payouts import PayoutView, find_pause, get_payout, list_moves, list_payouts
from loyalty.payouts.queries.receipts import find_receipt
from loyalty.payouts.rules.names import reference_of
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service import deciding, pausing
from loyalty.payouts.service.contradictions import REASON_LENGTH_MAX, settle_contradiction
from loyalty.payouts.service.receipts import may_have_receipt
from loyalty.staff.rules import Permission, actor_name
from portal.console import exports, forms, paging, payout_names, steps
from portal.console.access import current_staff, require_whole_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.figures import shown_money
from portal.console.personal_exports import export_personal
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

FILTERS = ("state", "member_id", "batch_id")
HEADER = (
    *(
        "编号",
        "会员号",
        "申请时间",
        "收款方式",
        "状态",
        "退回原因",
        "应发（元）",
        "代扣个税（元）",
        "实发（元）",
        "积分",
    ),
    *("所得项目", "计税月份", "商户单号", "微信单号", "完成时间", "批次"),
)


@blueprint.get("/payouts")
@requires(Permission.PAYOUTS_READ)
def payout_list() -> str:
    """List payouts, the newest first."""
    require_whole_chain()
    cursor, payouts = paging.cursor(), _payouts()

    def read(session: "Session") -> dict[str, Any]:
        page = payouts(session, cursor=cursor)
        return {"page": page, "is_paused": find_pause(session) is not None, **_named(session, page.items)}

    return render_template(
        "console/payout_list.html",
        is_first=cursor is None,
        address=paging.address,
        filters={name: forms.text(name) for name in FILTERS},
        names=payout_names,
        **run(container().database, read),
    )


@blueprint.post("/payouts/export")
@requires(Permission.MEMBERS_EXPORT)
def export_payouts() -> Response:
    """Download what the filter shows; who took it is audited."""
    require_whole_chain()
    read = exports.as_rows(_payouts(), _row, named=_named)
    return export_personal("payouts", HEADER, read, action="payouts.export", subject="payouts")


@blueprint.get("/payouts/<int:payout_id>")
@requires(Permission.PAYOUTS_READ)
def payout_page(payout_id: int) -> str:
    """Show a payout: its figures, who decides on it, and all that happened to it."""
    require_whole_chain()

    def read(session: "Session") -> dict[str, Any]:
        payout = get_payout(session, payout_id=payout_id)
        moves = list_moves(session, payout_id=payout_id)
        receipt = find_receipt(session, payout_id=payout_id)
        asked_by = receipt.requested_by if receipt else None
        asked = approvals.find_latest(session, kind=ApprovalKind.PAYOUT, subject=reference_of(payout_id))
        decided_by = asked.decided_by if asked else None
        return {
            "payout": payout,
            "moves": moves,
            "receipt": receipt,
            "approval": asked,
            "number": members.numbers(session, [payout.member_id]).get(payout.member_id),
            "people": names_of(
                session,
                {payout.requested_by, decided_by, asked_by, *(move.actor for move in moves)},
            ),
        }

    known = run(container().database, read)
    payout: PayoutView = known["payout"]
    return render_template(
        "console/payout_page.html",
        names=payout_names,
        reason_length_max=REASON_LENGTH_MAX,
        is_mine=payout.requested_by == actor_name(current_staff().staff_id),
        is_cancellable=is_cancellable(payout),
        may_have_receipt=may_have_receipt(payout),
        **known,
    )


@blueprint.post("/payouts/<int:payout_id>/decide")
@requires(Permission.PAYOUTS_APPROVE)
def decide_payout(payout_id: int) -> Response:
    """Let a payout go, or give its money back."""
    is_approved = forms.is_approved()
    done = "已通过，开始打款" if is_approved else "已拒绝，金额已退回会员"
    return _act(
        partial(deciding.decide, payout_id=payout_id, is_approved=is_approved, zone=container().zone), payout_id, done
    )


@blueprint.post("/payouts/<int:payout_id>/cancel")
@requires(Permission.PAYOUTS_WRITE)
def cancel_payout(payout_id: int) -> Response:
    """Call a payout back."""
    call_back = partial(deciding.cancel, payout_id=payout_id, zone=container().zone)
    return _act(call_back, payout_id, "已申请撤销，结果以微信支付为准")


@blueprint.post("/payouts/<int:payout_id>/contradiction")
@requires(Permission.PAYOUTS_WRITE)
def settle_payout_contradiction(payout_id: int) -> Response:
    """Note that somebody looked at what contradicts WeChat Pay, and what they found."""
    settle = partial(settle_contradiction, payout_id=payout_id, reason=forms.text("reason"))
    return _act(settle, payout_id, "已记录核实结果")


@blueprint.post("/payouts/pause")
@requires(Permission.PAYOUTS_WRITE)
def pause_payouts() -> Response:
    """Send nothing more until somebody resumes."""
    return _act(pausing.pause, None, "已暂停打款；查单和撤销照常进行")


@blueprint.post("/payouts/resume")
@requires(Permission.PAYOUTS_WRITE)
def resume_payouts() -> Response:
    """Send again what has waited."""
    return _act(pausing.resume, None, "已恢复打款，等待中的提现将按原单号继续")


def _act(work: Callable[..., object], payout_id: int | None, done: str) -> Response:
    require_whole_chain()
    back = url_for("console.payout_list") if payout_id is None else url_for("console.payout_page", payout_id=payout_id)
    return steps.take(work, done=done, back=back)


def _payouts() -> Callable[..., Page[PayoutView]]:
    """Return the list that the filter leaves, of which pages can be asked for."""
    state = forms.optional_choice("state", PayoutState)
    return partial(
        list_payouts,
        states=[state] if state else [],
        member_id=forms.optional_integer("member_id"),
        batch_id=forms.optional_integer("batch_id"),
    )


def _named(session: "Session", payouts: Sequence[PayoutView]) -> dict[str, dict[int, str]]:
    return {"numbers": members.numbers(session, {payout.member_id for payout in payouts})}


def _row(payout: PayoutView, *, numbers: dict[int, str]) -> exports.Row:
    return (
        payout.id,
        numbers.get(payout.member_id),
        payout.requested_at,
        payout_names.DESTINATION_NAMES[payout.destination],
        payout_names.STATE_NAMES[payout.state],
        payout_names.RETURN_NAMES[payout.return_reason] if payout.return_reason else None,
        shown_money(payout.gross_fen),
        shown_money(payout.tax_fen),
        shown_money(payout.net_fen),
        payout.points,
        payout_names.INCOME_NAMES[payout.income_kind],
        payout.period,
        payout.out_bill_no,
        payout.transfer_bill_no,
        payout.settled_at,
        payout.batch_id,
    )
