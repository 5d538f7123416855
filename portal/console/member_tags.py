"""The part of a member's page that shows the tags, and the buttons that put one on and take one away."""

from typing import TYPE_CHECKING, Any

from flask import url_for
from werkzeug.wrappers import Response

from loyalty.members.queries import HOLDING
from loyalty.staff.rules import Permission
from loyalty.tags import queries, service
from portal.console import forms
from portal.console.access import actor, may, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.members import visible_member
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session
    from loyalty.members.queries import MemberView


def tag_section(session: "Session", member: "MemberView") -> dict[str, Any]:
    """Return what the template of the section uses."""
    had = queries.list_member_tags(session, member_id=member.id)
    can_tag = member.status in HOLDING and may(Permission.MEMBERS_TAG)
    choices = queries.list_choices(session) if can_tag else {}
    ids = {one.tag_id for one in had}
    return {
        "member_tags": had,
        "tag_actors": names_of(session, (one.tagged_by for one in had)),
        "can_tag": can_tag,
        "tag_choices": {tag_id: name for tag_id, name in choices.items() if tag_id not in ids},
    }


@blueprint.post("/members/<int:member_id>/tags")
@requires(Permission.MEMBERS_TAG)
def tag_member(member_id: int) -> Response:
    """Put a tag on a member."""
    tag_id, at = forms.integer("tag_id"), container().clock.now()

    def work(session: "Session") -> None:
        visible_member(session, member_id=member_id)
        service.tag_member(session, tag_id=tag_id, member_id=member_id, actor=actor(), at=at)

    return forms.act(work, done="已打上标签", back=_page_of(member_id))


@blueprint.post("/members/<int:member_id>/tags/<int:tag_id>/remove")
@requires(Permission.MEMBERS_TAG)
def untag_member(member_id: int, tag_id: int) -> Response:
    """Take a tag from a member."""
    at = container().clock.now()

    def work(session: "Session") -> None:
        visible_member(session, member_id=member_id)
        service.untag_member(session, tag_id=tag_id, member_id=member_id, actor=actor(), at=at)

    return forms.act(work, done="已取下标签", back=_page_of(member_id))


def _page_of(member_id: int) -> str:
    return url_for("console.member_page", member_id=member_id)
