"""Tiers (等级): the ladder with its benefits, how levels are evaluated, and a member's level by hand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from loyalty.tiers import queries, service
from loyalty.tiers.rules import Period, sentence
from portal.console import forms
from portal.console.access import actor, requires
from portal.console.blueprint import blueprint
from portal.console.members import visible_member
from portal.console.tier_form import TierRow, policy_of_form, rows_of, tiers_of, typed_rows
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

PERIOD_NAMES = {
    Period.FOR_EVER: "永久累计",
    Period.ROLLING_MONTHS: "最近若干个月滚动",
    Period.CALENDAR_YEAR: "自然年",
}


@blueprint.get("/tiers")
@requires(Permission.TIERS_READ)
def tier_page() -> str:
    """Show the ladder, its benefits, who stands where, and how levels are evaluated."""
    return _page(rows=None)


@blueprint.post("/tiers")
@requires(Permission.TIERS_WRITE)
def save_tiers() -> Response | tuple[str, int]:
    """Put another ladder in place."""
    at, rows = container().clock.now(), typed_rows()
    try:
        tiers = tiers_of(rows)
        run(
            container().database,
            lambda session: service.save_tiers(session, tiers=tiers, actor=actor(), at=at),
        )
    except InvalidInput as error:
        flash(forms.reason_of(error), "danger")
        return _page(rows=rows), status_of(error)
    flash("等级已保存，会员等级将在今晚考核时调整", "success")
    return redirect(url_for("console.tier_page"), 303)


@blueprint.post("/tiers/policy")
@requires(Permission.TIERS_WRITE)
def save_tier_policy() -> Response | tuple[str, int]:
    """Say how levels are evaluated from now on."""
    at = container().clock.now()
    try:
        policy = policy_of_form()
        run(
            container().database,
            lambda session: service.save_policy(session, policy=policy, actor=actor(), at=at),
        )
    except InvalidInput as error:
        flash(forms.reason_of(error), "danger")
        return _page(rows=None), status_of(error)
    flash(sentence(policy), "success")
    return redirect(url_for("console.tier_page"), 303)


@blueprint.post("/members/<int:member_id>/tier")
@requires(Permission.TIERS_GRANT)
def set_member_tier(member_id: int) -> Response:
    """Set a member's level by hand, until the end of a day."""
    at, vault, zone = container().clock.now(), container().vault, container().zone
    level, reason = forms.integer("level"), forms.text("reason")

    def work(session: "Session") -> None:
        visible_member(session, member_id=member_id)
        until_at = forms.end_of_day("until_on", forms.day("until_on"), zone)
        service.set_manual_level(
            session,
            vault,
            member_id=member_id,
            level=level,
            until_at=until_at,
            reason=reason,
            actor=actor(),
            at=at,
        )

    return forms.act(work, done="已设定等级", back=url_for("console.member_page", member_id=member_id))


@blueprint.post("/members/<int:member_id>/tier/end")
@requires(Permission.TIERS_GRANT)
def end_member_tier(member_id: int) -> Response:
    """End a level by hand before its time."""
    at = container().clock.now()

    def work(session: "Session") -> None:
        visible_member(session, member_id=member_id)
        service.end_manual_level(session, member_id=member_id, actor=actor(), at=at)

    return forms.act(work, done="已结束人工定级", back=url_for("console.member_page", member_id=member_id))


def _page(*, rows: Sequence[TierRow] | None) -> str:
    def read(session: "Session") -> dict[str, object]:
        policy, tiers = queries.policy_in_force(session), queries.list_tiers(session)
        return {
            "policy": policy,
            "policy_sentence": sentence(policy),
            "tiers": tiers,
            "counts": queries.count_by_level(session),
            "rows": rows_of(tiers) if rows is None else rows,
        }

    return render_template("console/tier_page.html", period_names=PERIOD_NAMES, **run(container().database, read))
