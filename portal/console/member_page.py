"""One member: profile, identities, points, messages, consents, timeline; masked unless asked for."""

from typing import TYPE_CHECKING, Any

from flask import render_template

from loyalty.kernel import audit
from loyalty.kernel.transaction import run
from loyalty.members import queries
from loyalty.members.service import reveal_phone
from loyalty.notices import queries as notices
from loyalty.points import queries as points
from loyalty.points import statement
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import member_names
from portal.console.access import actor, requires
from portal.console.blueprint import blueprint
from portal.console.member_tags import tag_section
from portal.console.member_tier import tier_section
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
        "entries": statement.list_entries(session, member_id=member_id, limit=RECENT).items,
        "notices": notices.list_notices(session, member_id=member_id, limit=RECENT).items,
        "consents": queries.consents_of(session, member_id=member_id),
    }
    changes = audit.list_entries(session, subject=f"member:{member_id}", limit=RECENT)
    return {
        **known,
        "store_name": stores.names(session, [store_id]).get(store_id) if store_id else None,
        "summary": points.summary(session, member_id=member_id, at=at),
        **tag_section(session, member),
        **tier_section(session, member, at),
        "timeline": timeline(changes=changes, **known),
    }
