"""One member: profile, identities, points, messages, consents, timeline; masked unless asked for."""

from typing import TYPE_CHECKING, Any

from flask import render_template

from loyalty.kernel import audit
from loyalty.kernel.transaction import run
from loyalty.members import queries
from loyalty.members.service import reveal_phone
from loyalty.notices import queries as notices
from loyalty.points import queries as points
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from loyalty.tiers import queries as tiers
from portal.console import member_names, paging
from portal.console.access import actor, requires
from portal.console.blueprint import blueprint
from portal.console.members import visible_member
from portal.console.timeline import timeline
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

RECENT = 20


@blueprint.get("/members/<int:member_id>")
@requires(Permission.MEMBERS_READ)
def member_page(member_id: int) -> str:
    """Show a member."""
    return render_template(
        "console/member_page.html",
        phone=None,
        member_names=member_names,
        accounts={one.appid: one.name for one in container().settings.wechat_accounts},
        **run(container().database, lambda session: _known_of(session, member_id)),
    )


@blueprint.get("/members/<int:member_id>/entries")
@requires(Permission.MEMBERS_READ)
def member_entries(member_id: int) -> str:
    """Show a member's whole points statement, page by page."""
    cursor = paging.cursor()

    def read(session: "Session") -> dict[str, Any]:
        member = visible_member(session, member_id=member_id)
        page = points.list_entries(session, member_id=member_id, cursor=cursor)
        return {"member": member, "page": page}

    return render_template(
        "console/member_entries.html",
        is_first=cursor is None,
        address=paging.address,
        entry_names=member_names.ENTRY_NAMES,
        **run(container().database, read),
    )


@blueprint.post("/members/<int:member_id>/phone")
@requires(Permission.MEMBERS_UNMASK)
def show_phone(member_id: int) -> str:
    """Show the full phone; who looked is audited."""
    at, vault = container().clock.now(), container().vault

    def work(session: "Session") -> str:
        visible_member(session, member_id=member_id)
        return reveal_phone(session, vault=vault, member_id=member_id, actor=actor(), at=at)

    phone = run(container().database, work)
    return render_template("console/member_phone.html", member_id=member_id, phone=phone)


def _known_of(session: "Session", member_id: int) -> dict[str, Any]:
    at, member = container().clock.now(), visible_member(session, member_id=member_id)
    store_id = member.enrolled_store_id
    known: dict[str, Any] = {
        "member": member,
        "identities": queries.identities_of(session, member_id=member_id),
        "entries": points.list_entries(session, member_id=member_id, limit=RECENT).items,
        "notices": notices.list_notices(session, member_id=member_id, limit=RECENT).items,
        "consents": queries.consents_of(session, member_id=member_id),
    }
    changes = audit.list_entries(session, subject=f"member:{member_id}", limit=RECENT)
    return {
        **known,
        "store_name": stores.names(session, [store_id]).get(store_id) if store_id else None,
        "summary": points.summary(session, member_id=member_id, at=at),
        "lots": points.list_lots_with_points(session, member_id=member_id),
        "tier": tiers.tier_of(session, member_id=member_id),
        "timeline": timeline(changes=changes, **known),
    }
