"""Lists that name members (会员名单) as files: who took which is audited before the first line is sent."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from loyalty.kernel import audit
from loyalty.kernel.transaction import run
from portal.console import exports, paging
from portal.console.access import actor
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session
    from loyalty.kernel.pagination import Page


def export_personal(
    name: str,
    header: exports.Row,
    read: "Callable[[Session, str | None], Page[exports.Row]]",
    *,
    action: str,
    subject: str,
) -> Response:
    """Download a list that names members; the audit log keeps who took it, and as it was filtered."""
    at, chosen = container().clock.now(), paging.chosen_filters()
    run(
        container().database,
        lambda session: audit.write(session, actor=actor(), action=action, subject=subject, after=chosen, at=at),
    )
    return exports.streamed_list(name, header, read)
