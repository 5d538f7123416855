"""Me: who is calling, and what they tell of themselves."""

from typing import Any

from loyalty.gateways.answers import TextVerdict
from loyalty.kernel.database import Session
from loyalty.kernel.transaction import run
from loyalty.members import queries, service
from loyalty.members.rules.profile import NicknameInvalid
from loyalty.points import service as points
from loyalty.points.rules.expiry import sentence
from loyalty.reports.member_home import MemberHome, member_home
from miniprogram_api.context import caller, container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import members as schemas

blueprint = subject("me", __name__, description="The caller.")


@blueprint.get("/me")
@blueprint.response(200, schemas.Me)
def show_me() -> dict[str, Any]:
    """Show the caller: a visitor with the texts to agree to, or a member with points and tier."""
    at, owner = container().clock.now(), caller().member_id
    if owner is None:
        return {"is_member": False, "member": None}
    home = member_home(container().database, vault=container().vault, member_id=owner, at=at)
    return {"is_member": True, "member": _member(home)}


@blueprint.patch("/me")
@blueprint.arguments(schemas.ProfileChange)
@blueprint.response(204)
def change_me(body: dict[str, Any]) -> None:
    """Set nickname or birthday; a birthday changes once a year."""
    owner, at, vault = member_id(), container().clock.now(), container().vault
    if body.get("nickname"):
        _require_decent(body["nickname"])

    def change(session: Session) -> None:
        if "nickname" in body:
            service.set_nickname(session, vault=vault, member_id=owner, nickname=body["nickname"], at=at)
        if "birthday" in body:
            service.set_birthday(
                session, vault=vault, member_id=owner, birthday=body["birthday"], zone=container().zone, at=at
            )

    run(container().database, change)


@blueprint.get("/privacy-texts")
@blueprint.response(200, schemas.PrivacyTexts)
def show_texts() -> dict[str, Any]:
    """Show the texts in force, required and optional, and how long points live: to be read before joining."""

    def read(session: Session) -> dict[str, Any]:
        policy = points.programme_policy(session)
        return {"items": queries.current_texts(session), "points_expiry": sentence(policy)}

    return run(container().database, read)


def _require_decent(nickname: str) -> None:
    """Ask WeChat's content check; no answer is no objection, since staff see nicknames too."""
    verdict = (
        container()
        .mini_program(caller().appid)
        .check_text(openid=caller().openid, scene="profile", content=nickname, nickname=nickname)
    )
    if verdict is TextVerdict.RISKY:
        raise NicknameInvalid


def _member(home: MemberHome) -> dict[str, Any]:
    member = home.member
    return {
        "number": member.number,
        "status": member.status,
        "phone_masked": member.phone_masked,
        "nickname": member.nickname,
        "is_birthday_set": member.birthday is not None,
        "enrolled_at": member.enrolled_at,
        "tier": home.tier,
        "points_available": home.points.available,
        "usable_coupons": home.usable_coupons,
        "unread": home.unread,
    }
