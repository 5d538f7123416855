"""Lists of one member's as files: who took which is audited before the first line is sent."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from loyalty.kernel.transaction import run
from portal.console import exports
from portal.console.members import visible_member
from portal.console.personal_exports import export_personal
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session
    from loyalty.kernel.pagination import Page


def export_of_member(
    member_id: int,
    *,
    name: str,
    action: str,
    header: exports.Row,
    read: "Callable[[Session, str | None], Page[exports.Row]]",
) -> Response:
    """Download a list of one member's; ``read`` returns the page of it that begins at a cursor.

    Raises:
        MemberNotFound: there is none with this id, or not for this caller.
    """
    member = run(container().database, lambda session: visible_member(session, member_id=member_id))
    return export_personal(f"{name}-{member.number}", header, read, action=action, subject=f"member:{member_id}")
