"""The member card (会员卡): tier, points, soonest expiry, and the rotating code for the till."""

from flask import render_template

from loyalty.kernel.transaction import run
from loyalty.members.rules.member_code import MemberCode, current_code
from loyalty.reports.member_home import member_home
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint


@blueprint.get("/")
def card() -> str:
    """Show the card."""
    at, member_id = container().clock.now(), session.member_id()
    home = run(
        container().database,
        lambda database_session: member_home(database_session, vault=container().vault, member_id=member_id, at=at),
    )
    return render_template("h5/card.html", home=home, code=_code())


@blueprint.get("/member-code")
def member_code() -> str:
    """Show the code alone; the card asks for it anew when it rotates."""
    return render_template("h5/_member_code.html", code=_code())


def _code() -> MemberCode:
    return current_code(container().settings.member_code_key, session.member_id(), container().clock.now())
