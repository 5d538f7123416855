"""A member's lots (积分批次) and holds (积分冻结); a hold that nobody settles can be released here."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel import audit
from loyalty.kernel.pagination import PAGE_SIZE_MAX, Page
from loyalty.kernel.transaction import run
from loyalty.points import queries, service, statement
from loyalty.points.rules import HoldState
from loyalty.points.statement import HoldLine, LotState, LotView
from loyalty.staff.rules import Permission
from portal.console import exports, forms, member_names, paging
from portal.console.access import actor, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.filters import last_day
from portal.console.member_exports import export_of_member
from portal.console.members import visible_member
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

LOTS_HEADER = ("来源", "剩余", "冻结", "原有", "状态", "获得时间", "可用时间", "有效期至", "发放门店")
HOLDS_HEADER = ("冻结时间", "积分", "状态", "截止时间", "结束时间", "实际扣除", "门店", "发起方", "业务单号")
LOT_STATES = {state: name for state, name in member_names.LOT_NAMES.items() if state is not LotState.USED_UP}
"""Of what is listed: a lot that is used up holds no points."""


@blueprint.get("/members/<int:member_id>/lots")
@requires(Permission.MEMBERS_READ)
def member_lots(member_id: int) -> str:
    """Show the lots that still hold points, the soonest to lapse first."""
    at, cursor = container().clock.now(), paging.cursor()
    lots = _lots(member_id, at)

    def read(session: "Session") -> dict[str, Any]:
        return {
            "member": visible_member(session, member_id=member_id),
            "summary": queries.summary(session, member_id=member_id, at=at),
            "soon": statement.expiring_soon(session, member_id=member_id, at=at),
            "page": lots(session, cursor=cursor),
        }

    return render_template(
        "console/member_lots.html",
        is_first=cursor is None,
        address=paging.address,
        member_names=member_names,
        states=LOT_STATES,
        state=forms.text("state"),
        until=forms.text("until"),
        **run(container().database, read),
    )


@blueprint.post("/members/<int:member_id>/lots/export")
@requires(Permission.MEMBERS_EXPORT)
def export_lots(member_id: int) -> Response:
    """Download what the filter shows."""
    lots = _lots(member_id, container().clock.now())

    def read(session: "Session", cursor: str | None) -> Page[exports.Row]:
        page = lots(session, cursor=cursor, limit=PAGE_SIZE_MAX)
        return Page([_lot_row(lot) for lot in page.items], page.next_cursor)

    return export_of_member(member_id, name="lots", action="points.export_lots", header=LOTS_HEADER, read=read)


@blueprint.get("/members/<int:member_id>/holds")
@requires(Permission.MEMBERS_READ)
def member_holds(member_id: int) -> str:
    """Show what was set aside for purchases under way, newest first."""
    at, cursor = container().clock.now(), paging.cursor()
    holds = _holds(member_id, at)

    def read(session: "Session") -> dict[str, Any]:
        member = visible_member(session, member_id=member_id)
        page = holds(session, cursor=cursor)
        return {
            "member": member,
            "summary": queries.summary(session, member_id=member_id, at=at),
            "page": page,
            "actors": names_of(session, (hold.actor for hold in page.items)),
        }

    return render_template(
        "console/member_holds.html",
        is_first=cursor is None,
        address=paging.address,
        member_names=member_names,
        filters={name: forms.text(name) for name in ("state", "since", "until")},
        **run(container().database, read),
    )


@blueprint.post("/members/<int:member_id>/holds/export")
@requires(Permission.MEMBERS_EXPORT)
def export_holds(member_id: int) -> Response:
    """Download what the filter shows."""
    holds = _holds(member_id, container().clock.now())

    def read(session: "Session", cursor: str | None) -> Page[exports.Row]:
        page = holds(session, cursor=cursor, limit=PAGE_SIZE_MAX)
        actors = names_of(session, (hold.actor for hold in page.items))
        return Page([_hold_row(hold, actors) for hold in page.items], page.next_cursor)

    return export_of_member(member_id, name="holds", action="points.export_holds", header=HOLDS_HEADER, read=read)


@blueprint.post("/members/<int:member_id>/holds/<int:hold_id>/release")
@requires(Permission.HOLDS_RELEASE)
def release_hold(member_id: int, hold_id: int) -> Response:
    """Let go of what a hold set aside (解冻): the till that placed it can then no longer take it."""
    at = container().clock.now()

    def work(session: "Session") -> None:
        visible_member(session, member_id=member_id)
        hold = statement.get_hold(session, member_id=member_id, hold_id=hold_id, at=at)
        released = service.release(session, member_id=member_id, reference=hold.reference, at=at)
        if released.is_replay:
            return
        audit.write(
            session,
            actor=actor(),
            action="points.release_hold",
            subject=f"member:{member_id}",
            before={"reference": hold.reference, "points": hold.points, "state": hold.state},
            after={"reference": hold.reference, "points": 0, "state": released.state},
            at=at,
        )

    return forms.act(work, done="已解冻，积分可以再次使用", back=url_for("console.member_holds", member_id=member_id))


def _lots(member_id: int, at: datetime) -> Callable[..., Page[LotView]]:
    """Return the list that the filter leaves, of which pages can be asked for."""
    state, (_, ending_by) = forms.optional_choice("state", LotState), forms.day_range("since", "until")
    return partial(statement.list_lots, member_id=member_id, at=at, state=state, ending_by=ending_by)


def _holds(member_id: int, at: datetime) -> Callable[..., Page[HoldLine]]:
    state, (since, until) = forms.optional_choice("state", HoldState), forms.day_range("since", "until")
    return partial(statement.list_holds, member_id=member_id, at=at, state=state, since=since, until=until)


def _lot_row(lot: LotView) -> exports.Row:
    return (
        lot.reason,
        lot.remaining,
        lot.held,
        lot.points,
        member_names.LOT_NAMES[lot.state],
        lot.opened_at,
        lot.available_at,
        last_day(lot.expires_at) if lot.expires_at else "长期有效",
        lot.store_name,
    )


def _hold_row(hold: HoldLine, actors: Mapping[str, str]) -> exports.Row:
    return (
        hold.placed_at,
        hold.points,
        member_names.HOLD_NAMES[hold.state],
        hold.expires_at,
        hold.closed_at,
        hold.captured_points,
        hold.store_name,
        actors.get(hold.actor, hold.actor),
        hold.reference,
    )
