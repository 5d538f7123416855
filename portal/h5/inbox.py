"""The inbox (站内消息): the channel that always exists."""

from flask import render_template, request

from loyalty.kernel.database import Session
from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.notices import queries
from loyalty.notices.queries import InboxView
from loyalty.notices.service.inbox import mark_all_read
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint


@blueprint.get("/inbox")
def inbox() -> str:
    """Show a page of messages; what is shown counts as read."""
    at, member_id, cursor = container().clock.now(), session.member_id(), request.args.get("cursor")

    def show(database_session: Session) -> Page[InboxView]:
        page = queries.list_inbox(database_session, member_id=member_id, cursor=cursor)
        mark_all_read(database_session, member_id=member_id, at=at)
        return page

    return render_template("h5/inbox.html", page=run(container().database, show))
