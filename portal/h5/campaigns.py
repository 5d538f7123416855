"""The page of a campaign (活动页), which a link, a QR code or a menu leads to, and taking part in it.

The form has a key of its own, so that whoever sends it twice takes part once.
"""

from functools import partial
from typing import cast

from flask import Response, flash, make_response, redirect, render_template, url_for

from loyalty.campaigns.rules.taking_part import CampaignTakenAlready
from loyalty.campaigns.service.participation import Coming, participate, show
from loyalty.kernel.errors import LoyaltyError, NotFound, Unavailable
from loyalty.kernel.transaction import run
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint
from portal.h5.form_keys import new_key, sent_key


@blueprint.get("/campaigns/<token>")
@session.visitors_too
def campaign(token: str) -> Response:
    """Show a campaign and count the visit; whoever is no member yet binds a phone first and comes back here."""
    here, who = container(), session.caller()
    looking = partial(show, vault=here.vault, token=token, identity_id=who.identity_id, member_id=who.member_id)
    offer = run(here.database, partial(looking, at=here.clock.now()))
    page = render_template("h5/campaign.html", offer=offer, token=token, key=new_key())
    response = make_response(page)
    # Kept by the browser, it would go on offering what is over, with a key that was used.
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/campaigns/<token>")
def take_part_in_campaign(token: str) -> Response:
    """Take part, and say on the page what came of it."""
    here = container()
    coming = Coming(token, session.member_id(), here.clock.now(), here.zone, here.vault)
    # A key that no page of ours made stands for nothing, and a new one takes its place.
    key = sent_key() or new_key()
    try:
        took = participate(here.database, coming, key=key)
    except (Unavailable, NotFound):
        raise  # a page of its own
    except LoyaltyError as error:
        flash(error.message, "info" if isinstance(error, CampaignTakenAlready) else "error")
    else:
        flash(took.message, "info")
    return cast(Response, redirect(url_for("h5.campaign", token=token), 303))
