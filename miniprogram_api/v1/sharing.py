"""Sharing (分享): what to share, the poster, and opening what somebody shared."""

from typing import TYPE_CHECKING, Any

from flask import Response, make_response

from loyalty.kernel.transaction import run
from loyalty.missions import service as missions
from loyalty.referrals.queries.invitations import told_to_the_friend
from loyalty.referrals.queries.shares import visitor_of
from loyalty.referrals.rules.sentences import notice
from loyalty.referrals.rules.sharing import Channel, scene_of, token_in_scene
from loyalty.referrals.service import posters
from loyalty.referrals.service.openings import open_link
from miniprogram_api.context import caller, client_ip, container, device_id, member_id
from miniprogram_api.limits import limiter
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import referrals as schemas
from miniprogram_api.v1.schemas.base import DeviceHeaders

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

SHARED_LINK = "/h5/i/"
blueprint = subject("sharing", __name__, description="Share, and open what was shared.")


@blueprint.post("/shares")
@blueprint.arguments(schemas.ShareRequest)
@blueprint.response(200, schemas.Share)
def share(body: dict[str, Any]) -> dict[str, Any]:
    """Return what the member may share by a channel; refused while the channel is off or no programme is in force."""
    at, owner = container().clock.now(), member_id()
    minted = run(
        container().database,
        lambda session: missions.share(
            session, member_id=owner, channel=Channel(body["channel"]), mission_id=body["mission_id"], at=at
        ),
    )
    return {
        "token": minted.token,
        "scene": scene_of(minted.token),
        "path": f"/{posters.LANDING_PAGE}?{scene_of(minted.token)}",
        "link": f"{container().settings.public_base_url}{SHARED_LINK}{minted.token}",
        "expires_at": minted.expires_at,
    }


@blueprint.get("/poster")
@blueprint.arguments(schemas.PosterQuery, location="query")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="image/png")
@limiter.limit("20/minute")
def show_poster(query: dict[str, Any]) -> Response:
    """Draw the member's poster with a mini-program code of the mini program that asks."""
    at, owner = container().clock.now(), member_id()
    picture = posters.draw(
        container().database,
        share=lambda session: missions.share(
            session, member_id=owner, channel=Channel.POSTER, mission_id=query["mission_id"], at=at
        ),
        code=posters.by_mini_program(container().mini_program(caller().appid)),
        sender=container().settings.programme_name,
    )
    response = make_response(picture)
    response.headers.update({"Content-Type": "image/png", "Cache-Control": "private, max-age=600"})
    return response


@blueprint.post("/share-openings")
@blueprint.arguments(schemas.OpeningRequest)
@blueprint.arguments(DeviceHeaders, location="headers")
@blueprint.response(200, schemas.Opening)
@limiter.limit("600/minute")  # many phones share one address of a carrier
def open_share(body: dict[str, Any], _headers: dict[str, Any]) -> dict[str, Any]:
    """Say that the mini program was opened by a share, for visitors too; once for each person, however often said."""
    at, device, ip = container().clock.now(), device_id(), client_ip()
    token = token_in_scene(body["share"]) or body["share"]

    def work(session: "Session") -> dict[str, Any]:
        visitor = visitor_of(session, identity_id=caller().identity_id, device=device, ip=ip)
        opening = open_link(session, vault=container().vault, token=token, visitor=visitor, at=at)
        programme = None if caller().member_id is not None else opening.programme
        return {
            "counted": opening.counted,
            "notice": notice(opening.reason),
            "to_the_friend": None if programme is None else told_to_the_friend(session, programme),
        }

    return run(container().database, work)
