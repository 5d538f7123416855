"""The invite page (邀请好友): what it brings, link, code and poster, and what became of every friend who came."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from flask import Response, make_response, render_template, request, url_for

from loyalty.kernel.pagination import decode_cursor
from loyalty.kernel.transaction import run
from loyalty.missions import service as missions
from loyalty.missions.rules.errors import MissionNotFound
from loyalty.missions.running import get_published
from loyalty.referrals.queries import invitations as queries
from loyalty.referrals.queries.opening_rewards import list_opening_rewards
from loyalty.referrals.queries.referrals import list_referrals
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.service import posters
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint

if TYPE_CHECKING:
    from datetime import datetime

    from loyalty.kernel.database import Session

ID_DIGITS_MAX = 18
_SHARED_HERE = (Channel.OFFICIAL_ACCOUNT, Channel.CODE)


class PosterCode(StrEnum):
    """What the code on a poster leads to."""

    LINK = "link"
    OFFICIAL_ACCOUNT = "oa"
    MINI_PROGRAM = "mini_program"


CODE_NAMES = {
    PosterCode.LINK: "网页",
    PosterCode.OFFICIAL_ACCOUNT: "公众号",
    PosterCode.MINI_PROGRAM: "小程序",
}


@blueprint.get("/invitations")
def invitations() -> str:
    """Show what inviting brings and what it came to."""
    at, member_id, cursor = container().clock.now(), session.member_id(), request.args.get("cursor") or None
    mission_id = _mission_id()
    decode_cursor(cursor)

    def read(database_session: "Session") -> dict[str, Any]:
        offer = queries.find_offer(database_session)
        return {
            "offer": offer,
            "mission": mission_id and get_published(database_session, mission_id=mission_id).terms.title,
            "tokens": {} if offer is None else _tokens(database_session, member_id, offer.channels, mission_id, at),
            "totals": queries.totals(database_session, member_id=member_id),
            "page": list_referrals(database_session, referrer_id=member_id, cursor=cursor),
            "has_opening_rewards": bool(list_opening_rewards(database_session, member_id=member_id, limit=1).items),
        }

    known = run(container().database, read)
    token = known["tokens"].get(Channel.OFFICIAL_ACCOUNT)
    return render_template(
        "h5/invitations.html",
        link=None if token is None else link_of(token),
        code=known["tokens"].get(Channel.CODE),
        mission_id=mission_id,
        has_poster=known["offer"] is not None and Channel.POSTER in known["offer"].channels,
        share_picture=container().settings.public_base_url + url_for("static", filename="h5-share.png"),
        **known,
    )


@blueprint.get("/invitations/openings")
def opening_rewards() -> str:
    """Show what openings alone paid, and why others did not."""
    member_id, cursor = session.member_id(), request.args.get("cursor") or None
    page = run(
        container().database,
        lambda database_session: list_opening_rewards(database_session, member_id=member_id, cursor=cursor),
    )
    return render_template("h5/opening_rewards.html", page=page)


@blueprint.get("/invitations/poster")
def poster() -> str:
    """Show the poster, to be kept or passed on with a long press."""
    offer = run(container().database, queries.find_offer)
    return render_template(
        "h5/poster.html",
        has_poster=offer is not None and Channel.POSTER in offer.channels,
        chosen=_chosen(),
        mission_id=_mission_id(),
        code_names={code: name for code, name in CODE_NAMES.items() if _is_offered(code)},
    )


@blueprint.get("/invitations/poster.png")
def poster_picture() -> Response:
    """Draw the poster."""
    at, member_id, mission_id = container().clock.now(), session.member_id(), _mission_id()
    picture = posters.draw(
        container().database,
        share=lambda database_session: missions.share(
            database_session, member_id=member_id, channel=Channel.POSTER, mission_id=mission_id, at=at
        ),
        code=_code(_chosen()),
        sender=container().settings.programme_name,
    )
    response = make_response(picture)
    response.headers.update({"Content-Type": "image/png", "Cache-Control": "private, max-age=600"})
    return response


def link_of(token: str) -> str:
    """Return the address of the page that opens a share."""
    return container().settings.public_base_url + url_for("h5.shared_link", token=token)


def _tokens(
    database_session: "Session", member_id: int, channels: frozenset[Channel], mission_id: int | None, at: "datetime"
) -> Mapping[Channel, str]:
    return {
        channel: missions.share(
            database_session, member_id=member_id, channel=channel, mission_id=mission_id, at=at
        ).token
        for channel in _SHARED_HERE
        if channel in channels
    }


def _mission_id() -> int | None:
    """Return the mission for which friends are invited; none for the programme alone."""
    sent = request.args.get("mission_id", "")
    if not sent:
        return None
    if not (sent.isascii() and sent.isdigit() and len(sent) <= ID_DIGITS_MAX):
        raise MissionNotFound
    return int(sent)


def _chosen() -> PosterCode:
    name = request.args.get("code")
    code = PosterCode(name) if name in list(PosterCode) else PosterCode.LINK
    return code if _is_offered(code) else PosterCode.LINK


def _is_offered(code: PosterCode) -> bool:
    return code is not PosterCode.MINI_PROGRAM or bool(container().mini_programs)


def _code(code: PosterCode) -> posters.Code:
    if code is PosterCode.MINI_PROGRAM:
        return posters.by_mini_program(next(iter(container().mini_programs.values())))
    if code is PosterCode.OFFICIAL_ACCOUNT:
        account = container().official_account(session.caller().appid)
        return posters.by_account(container().database, account, at=container().clock.now())
    return posters.by_link(link_of)
