"""Missions (任务): what the member can do, how far they are, and claiming what was reached."""

from typing import Any

from loyalty.kernel.transaction import run
from loyalty.missions import queries, service
from loyalty.missions.queries import MissionView
from miniprogram_api.context import caller, client_ip, container, device_id, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import missions as schemas
from miniprogram_api.v1.schemas.base import DeviceHeaders, RequiredIdempotencyHeaders

blueprint = subject("missions", __name__, description="Missions and their rewards.")


@blueprint.get("/missions")
@blueprint.response(200, schemas.Missions)
def list_missions() -> dict[str, Any]:
    """List the missions that the member can do now, and earlier periods with a reward that waits."""
    at, owner, zone = container().clock.now(), member_id(), container().zone
    views = run(
        container().database,
        lambda session: queries.list_missions(session, member_id=owner, at=at, zone=zone),
    )
    return {"items": [_mission(view) for view in views]}


@blueprint.post("/missions/<int:mission_id>/claims")
@blueprint.arguments(schemas.RewardClaim)
@blueprint.arguments(RequiredIdempotencyHeaders, location="headers")
@blueprint.arguments(DeviceHeaders, location="headers")
@blueprint.response(201, schemas.ClaimedReward)
def claim(body: dict[str, Any], headers: dict[str, Any], _device: dict[str, Any], mission_id: int) -> Any:
    """Claim a reward; a second tap under another key is refused with the reward in the details."""
    key, at, owner, zone = headers["idempotency_key"], container().clock.now(), member_id(), container().zone
    subject = service.look(
        container().database,
        member_id=owner,
        mission_id=mission_id,
        step=body["step"],
        period=body["period"],
        mini_program=container().mini_program(caller().appid),
        openid=caller().openid,
        ip=client_ip(),
        device=device_id(),
    )
    outcome = run(
        container().database,
        lambda session: service.claim(
            session,
            vault=container().vault,
            member_id=owner,
            mission_id=mission_id,
            step=body["step"],
            period=body["period"],
            key=key,
            at=at,
            zone=zone,
            subject=subject,
        ),
    )
    if isinstance(outcome, service.Withheld):
        raise outcome.refusal
    return outcome


def _mission(view: MissionView) -> dict[str, Any]:
    terms = view.terms
    return {
        "mission_id": view.mission_id,
        "period": view.period,
        "title": terms.title,
        "description": terms.description,
        "sentence": view.sentence,
        "event": terms.event.value,
        "measure": terms.measure.value,
        "repeats": terms.period.value,
        "progress": view.progress,
        "steps": [
            {
                "step": step.target,
                "progress": step.progress,
                "reward": step.reward,
                "state": step.state.value,
                "refusal": step.refusal,
                "paid_at": step.paid_at,
            }
            for step in view.steps
        ],
        "ends_at": view.ends_at,
        "is_running": view.is_running,
        "is_for_member": view.is_for_member,
        "claimable_until": view.claimable_until,
    }
