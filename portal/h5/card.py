"""The member card (会员卡): tier, points, soonest expiry, and the rotating code for the till."""

from flask import render_template, url_for

from loyalty.kernel.rotating_codes import RotatingCode
from loyalty.members.rules.member_code import current_code
from loyalty.reports.member_home import member_home
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint


@blueprint.get("/")
def card() -> str:
    """Show the card."""
    at, member_id = container().clock.now(), session.member_id()
    home = member_home(container().database, vault=container().vault, member_id=member_id, at=at)
    base = container().settings.public_base_url
    return render_template(
        "h5/card.html",
        home=home,
        code=_code(),
        share_link=base + url_for("h5.card"),
        share_picture=base + url_for("static", filename="h5-share.png"),
    )


@blueprint.get("/member-code")
def member_code() -> str:
    """Show the code alone; the card asks for it anew when it rotates."""
    return render_template("h5/_member_code.html", code=_code())


def _code() -> RotatingCode:
    return current_code(container().settings.member_code_key, session.member_id(), container().clock.now())
