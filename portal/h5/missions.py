"""Missions (任务) for fans: what there is to do with bars of progress, and one button for what waits."""

from typing import cast

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from loyalty.kernel.errors import LoyaltyError, NotFound, Unavailable
from loyalty.kernel.transaction import run
from loyalty.missions import queries, service
from loyalty.missions.rules.terms import Measure, MissionEvent, Period
from loyalty.risk.rules.subjects import Subject
from portal.context import client_ip, container
from portal.h5 import devices, session
from portal.h5.blueprint import blueprint
from portal.h5.form_keys import new_key, sent_key

REPEATS = {Period.ONCE: "", Period.DAILY: "每天", Period.WEEKLY: "每周"}
PERIOD_LENGTH_MAX = 20
STEP_DIGITS_MAX = 11
_DOORS = {
    MissionEvent.CHECK_IN: ("h5.check_ins", "去签到"),
    MissionEvent.PROFILE_COMPLETED: ("h5.settings", "去填写"),
}


@blueprint.get("/missions")
def missions() -> Response:
    """Show what can be done now; where a reward waits comes first."""
    at, member_id, zone = container().clock.now(), session.member_id(), container().zone
    views = run(
        container().database,
        lambda database_session: queries.list_missions(database_session, member_id=member_id, at=at, zone=zone),
    )
    response = make_response(
        render_template(
            "h5/missions.html",
            missions=views,
            new_key=new_key,
            repeats=REPEATS,
            doors=_DOORS,
            is_streak=lambda view: view.terms.measure is Measure.STREAK,
        )
    )
    devices.remember(response, devices.known() or devices.fresh())
    return response


@blueprint.post("/missions/<int:mission_id>")
def claim_mission(mission_id: int) -> Response:
    """Claim the reward of a step; the same form sent again is the same claim."""
    step, period = request.form.get("step", ""), request.form.get("period", "")[:PERIOD_LENGTH_MAX]
    at, member_id, zone = container().clock.now(), session.member_id(), container().zone
    subject = Subject(member_id, device=devices.known(), ip=client_ip())
    key = sent_key() or new_key()
    is_number = step.isascii() and step.isdigit() and len(step) <= STEP_DIGITS_MAX
    try:
        outcome = run(
            container().database,
            lambda database_session: service.claim(
                database_session,
                vault=container().vault,
                member_id=member_id,
                mission_id=mission_id,
                step=int(step) if is_number else 0,
                period=period.replace("\0", ""),
                key=key,
                at=at,
                zone=zone,
                subject=subject,
            ),
        )
        if isinstance(outcome, service.Withheld):
            raise outcome.refusal
    except (Unavailable, NotFound):
        raise
    except LoyaltyError as error:
        flash(error.message, "error")
    else:
        flash("奖励已到账", "info")
    return cast(Response, redirect(url_for("h5.missions"), 303))
