"""A member's lots (积分批次) and holds (积分冻结); a hold that nobody settles can be released here."""

from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel import audit
from loyalty.kernel.transaction import run
from loyalty.points import queries, service, statement
from loyalty.staff.rules import Permission
from portal.console import forms, member_names, paging
from portal.console.access import actor, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.members import visible_member
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


@blueprint.get("/members/<int:member_id>/lots")
@requires(Permission.MEMBERS_READ)
def member_lots(member_id: int) -> str:
    """Show the lots that still hold points, the soonest to lapse first."""
    at, cursor = container().clock.now(), paging.cursor()

    def read(session: "Session") -> dict[str, Any]:
        return {
            "member": visible_member(session, member_id=member_id),
            "summary": queries.summary(session, member_id=member_id, at=at),
            "soon": statement.expiring_soon(session, member_id=member_id, at=at),
            "page": statement.list_lots(session, member_id=member_id, at=at, cursor=cursor),
        }

    return render_template(
        "console/member_lots.html",
        is_first=cursor is None,
        address=paging.address,
        member_names=member_names,
        **run(container().database, read),
    )


@blueprint.get("/members/<int:member_id>/holds")
@requires(Permission.MEMBERS_READ)
def member_holds(member_id: int) -> str:
    """Show what was set aside for purchases under way, newest first."""
    at, cursor = container().clock.now(), paging.cursor()

    def read(session: "Session") -> dict[str, Any]:
        member = visible_member(session, member_id=member_id)
        page = statement.list_holds(session, member_id=member_id, at=at, cursor=cursor)
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
        **run(container().database, read),
    )


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
