"""Whom a condition finds (人群): counted and sampled while it is edited, and for a saved segment also by reach."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import render_template, request
from flask.typing import ResponseReturnValue

from loyalty.kernel.transaction import run
from loyalty.members.queries import MemberView
from loyalty.segments import queries
from loyalty.segments.rules.conditions import Condition, parse
from loyalty.segments.rules.fact_types import Following, Reachable, Way
from loyalty.segments.rules.sentences import sentence
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import form_fields, forms
from portal.console.access import current_scope, requires
from portal.console.blueprint import blueprint
from portal.console.condition_builder import build, by_part, names_for
from portal.console.condition_edits import edited
from portal.console.condition_form import condition_from_form, nodes_of, problems_of, tree_of
from portal.console.form_fields import Form
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

CHANGED = {"HX-Trigger-After-Settle": "condition-changed"}
_REACH: Mapping[str, Condition] = {
    "有订阅消息授权": Reachable(frozenset({Way.SUBSCRIPTION})),
    "在客服消息窗口内": Reachable(frozenset({Way.CUSTOMER})),
    "可收站内消息": Reachable(frozenset({Way.INBOX})),
    "已关注公众号": Following(),
}
"""By what members could be told something: of the ways of marketing, those who have not refused it."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a condition finds, as far as the caller sees them."""

    says: str
    count: int
    sample: Sequence[MemberView]
    stores: Mapping[int, str]
    seconds: float
    """How long it took to find them, so that nobody wonders about a slow condition."""
    is_whole: bool
    reach: Mapping[str, int] = field(default_factory=dict)


@blueprint.post("/segments/condition")
@requires(Permission.SEGMENTS_READ)
def edit_condition() -> ResponseReturnValue:
    """Add or take away a part of a condition, on any page that has the builder; keep nothing."""
    change = edited(form_fields.given(), forms.text("edit"))
    builder = run(container().database, lambda session: build(session, change.form, focus=change.focus))
    return render_template("console/_condition_tree.html", builder=builder), CHANGED


@blueprint.post("/segments/count")
@requires(Permission.SEGMENTS_READ)
def count_condition() -> str:
    """Say what a condition means, how many it finds, and some of them; keep nothing."""
    form = form_fields.given()
    problems = problems_of(form)
    audience = None if problems else audience_of_form(form)
    return render_template(
        "console/_condition_audience.html",
        is_partial="HX-Request" in request.headers,
        nodes=list(nodes_of(tree_of(form))),
        problems=by_part(problems),
        audience=audience,
    )


def audience_of_form(form: Form) -> Audience:
    """Return whom a form finds that is without problems."""
    condition = parse(condition_from_form(form))
    return run(container().database, lambda session: audience_of(session, condition))


def audience_of(session: "Session", condition: Condition, *, has_reach: bool = False) -> Audience:
    """Return whom a condition finds, within the caller's stores."""
    here, scope, reach = container(), current_scope(), _REACH if has_reach else {}
    started = time.perf_counter()
    found = queries.find(
        session,
        condition,
        at=here.clock.now(),
        zone=here.zone,
        vault=here.vault,
        scope=scope,
        also=list(reach.values()),
    )
    seconds = time.perf_counter() - started
    enrolled_at = {one.enrolled_store_id for one in found.sample if one.enrolled_store_id is not None}
    return Audience(
        says=sentence(condition, names_for(session, [condition])),
        count=found.count,
        sample=found.sample,
        stores=stores.names(session, enrolled_at),
        seconds=seconds,
        is_whole=scope.is_chain_wide,
        reach=dict(zip(reach, found.also, strict=True)),
    )
