"""What a marketing message leads to: a tap is counted and goes on to a page of ours; and the way out (退订)."""

from typing import cast

from flask import Response, flash, redirect, render_template, url_for

from loyalty.broadcasts import service
from loyalty.kernel.transaction import run
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint
from portal.h5.paths import inside


@blueprint.get("/go/<token>")
@session.visitors_too
def go(token: str) -> Response:
    """Count a tap on a message, and lead on; an address that no message has told leads nowhere."""
    at = container().clock.now()
    link = run(container().database, lambda database: service.note_click(database, token=token, at=at))
    return cast(Response, redirect(inside(link), 303))


@blueprint.get("/unsubscribe")
def unsubscribing() -> str:
    """Ask whether marketing shall end."""
    return render_template("h5/unsubscribe.html")


@blueprint.post("/unsubscribe")
def unsubscribe() -> Response:
    """End marketing for this member, at once."""
    member_id, at = session.member_id(), container().clock.now()
    run(container().database, lambda database: service.unsubscribe(database, member_id=member_id, at=at))
    flash("已退订活动消息", "info")
    return cast(Response, redirect(url_for("h5.inbox"), 303))
