"""What a friend opens (邀请链接): says who invites to what, counts the visit once, and leads to membership.

Whoever has no session comes back from WeChat's silent authorisation; a snapshot page (快照页) never gets this far.
"""

from typing import TYPE_CHECKING, Any

from flask import Response, make_response, render_template

from loyalty.kernel.transaction import run
from loyalty.referrals.queries.invitations import told_to_the_friend
from loyalty.referrals.queries.shares import visitor_of
from loyalty.referrals.rules.sentences import notice
from loyalty.referrals.service.openings import open_link
from portal.context import client_ip, container
from portal.h5 import devices, session
from portal.h5.blueprint import blueprint

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


@blueprint.get("/i/<token>")
@session.visitors_too
def shared_link(token: str) -> Response:
    """Open what a member shared."""
    at, device, ip = container().clock.now(), devices.known() or devices.fresh(), client_ip()

    def work(database_session: "Session") -> dict[str, Any]:
        identity_id = session.caller().identity_id
        visitor = visitor_of(database_session, identity_id=identity_id, device=device, ip=ip)
        opening = open_link(database_session, vault=container().vault, token=token, visitor=visitor, at=at)
        programme = opening.programme
        gain = None if programme is None else told_to_the_friend(database_session, programme)
        return {"programme": programme, "to_the_friend": gain, "notice": notice(opening.reason)}

    response = make_response(render_template("h5/shared_link.html", **run(container().database, work)))
    devices.remember(response, device)
    return response
