"""The review queue of risk (风控审核): what is held or was refused, with its evidence; a person has the last word."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.risk import service
from loyalty.risk.queries.decisions import DecisionView, count_waiting, get_decision, list_decisions, neighbours_of
from loyalty.risk.queries.rules import current_rules
from loyalty.risk.rules.blocks import BlockKind
from loyalty.risk.rules.subjects import FOLLOWING, DecisionState, Occasion
from loyalty.staff.rules import Permission
from portal.console import exports, forms, paging, risk_names, steps
from portal.console.access import for_the_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.personal_exports import export_personal
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

FILTERS = ("state", "occasion", "rule_name", "member_id")
ALL = "all"
HEADER = ("编号", "时间", "场景", "会员", "结论", "规则", "说明", "状态", "处理人", "处理时间")


@blueprint.get("/risk")
@requires(Permission.RISK_READ)
def risk_decision_list() -> str:
    """List decisions, the newest first; the page opens on those that wait."""
    for_the_chain()
    cursor, views = paging.cursor(), _views()

    def read(session: "Session") -> dict[str, Any]:
        page = views(session, cursor=cursor)
        return {"page": page, "waiting": count_waiting(session), **_named(session, page.items)}

    return render_template(
        "console/risk_decision_list.html",
        is_first=cursor is None,
        address=paging.address,
        filters={name: forms.text(name) for name in FILTERS} | {"state": _state()},
        all_states=ALL,
        names=risk_names,
        **run(container().database, read),
    )


@blueprint.post("/risk/export")
@requires(Permission.RISK_DECIDE)
def export_risk_decisions() -> Response:
    """Download what the filter shows; who took it is audited."""
    for_the_chain()
    read = exports.as_rows(_views(), _row, named=_named)
    return export_personal("risk-decisions", HEADER, read, action="risk.export", subject="risk_decisions")


@blueprint.get("/risk/<int:decision_id>")
@requires(Permission.RISK_READ)
def risk_decision(decision_id: int) -> str:
    """Show one decision: what it was made from, who was seen beside the member, and what can be done."""
    for_the_chain()

    def read(session: "Session") -> dict[str, Any]:
        view = get_decision(session, decision_id=decision_id)
        beside = [] if view.member_id is None else neighbours_of(session, member_id=view.member_id)
        numbers = members.numbers(session, {one.member_id for one in beside})
        return {"view": view, "neighbours": beside, "beside": numbers, **_named(session, [view])}

    known = run(container().database, read)
    return render_template(
        "console/risk_decision.html",
        names=risk_names,
        following=FOLLOWING[known["view"].state],
        states=DecisionState,
        kinds=(BlockKind.DEVICE, BlockKind.IP),
        **known,
    )


@blueprint.post("/risk/<int:decision_id>/release")
@requires(Permission.RISK_DECIDE)
def release_risk_decision(decision_id: int) -> Response:
    """Let go what is held or was refused."""
    return _settle(service.release, decision_id, "已放行，奖励将按规则发放")


@blueprint.post("/risk/<int:decision_id>/reverse")
@requires(Permission.RISK_DECIDE)
def reverse_risk_decision(decision_id: int) -> Response:
    """Refuse what is held, or take back what was given."""
    return _settle(service.reverse, decision_id, "已撤销，未发放的不再发放，已发放的将收回")


def _settle(settle: Callable[..., None], decision_id: int, done: str) -> Response:
    for_the_chain()
    step = partial(settle, decision_id=decision_id, reason=forms.text("reason"))
    return steps.take(step, done=done, back=url_for("console.risk_decision", decision_id=decision_id))


def _state() -> str:
    """Return the state that the list shows: those that wait when nothing else was asked for."""
    return forms.text("state") or DecisionState.WAITING.value


def _views() -> Callable[..., Page[DecisionView]]:
    state = _state()
    return partial(
        list_decisions,
        state=None if state == ALL else forms.parsed_choice("state", state, DecisionState),
        occasion=forms.optional_choice("occasion", Occasion),
        rule_name=forms.text("rule_name"),
        member_id=forms.optional_integer("member_id"),
    )


def _named(session: "Session", views: Sequence[DecisionView]) -> dict[str, dict[Any, str]]:
    return {
        "numbers": members.numbers(session, {view.member_id for view in views if view.member_id is not None}),
        "people": names_of(session, {view.decided_by for view in views}),
        "rules": risk_names.rule_names(current_rules(session).rules),
    }


def _row(view: DecisionView, *, numbers: dict[int, str], people: dict[str, str], rules: dict[str, str]) -> exports.Row:
    return (
        view.id,
        view.assessed_at,
        risk_names.OCCASION_NAMES[view.occasion],
        numbers.get(view.member_id or 0, "访客"),
        risk_names.VERDICT_NAMES[view.verdict],
        rules.get(view.rule_name or "", view.rule_name),
        view.sentence,
        risk_names.STATE_NAMES[view.state],
        people.get(view.decided_by or "", view.decided_by),
        view.decided_at,
    )
