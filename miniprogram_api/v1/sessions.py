"""Sessions: log in with the code of ``wx.login``, log out."""

from typing import Any

from loyalty.kernel.database import Session
from loyalty.kernel.transaction import run
from loyalty.members.rules.identities import SESSION_LIFETIME, Door, IdentityKind
from loyalty.members.service.identities import identify
from loyalty.members.service.sessions import open_session, revoke_session
from miniprogram_api.auth import public
from miniprogram_api.context import caller, container
from miniprogram_api.limits import limiter
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import members as schemas

blueprint = subject("sessions", __name__, description="Log in and out.")


@blueprint.post("/sessions")
@blueprint.arguments(schemas.SessionRequest)
@blueprint.response(201, schemas.Session)
@limiter.limit("120/minute")
@public
def log_in(body: dict[str, Any]) -> dict[str, Any]:
    """Log in with the code of wx.login; a visitor gets a session too."""
    at = container().clock.now()
    login = container().mini_program(body["appid"]).login(body["code"])

    def enter(session: Session) -> dict[str, Any]:
        identity = identify(
            session,
            appid=body["appid"],
            openid=login.openid,
            unionid=login.unionid,
            kind=IdentityKind.MINI_PROGRAM,
            at=at,
        )
        token = open_session(session, identity_id=identity.id, door=Door.MINI_PROGRAM, at=at)
        return {"token": token, "expires_at": at + SESSION_LIFETIME, "is_member": identity.member_id is not None}

    return run(container().database, enter)


@blueprint.delete("/sessions/current")
@blueprint.response(204)
def log_out() -> None:
    """End this session at once."""
    at = container().clock.now()
    run(container().database, lambda session: revoke_session(session, session_id=caller().session_id, at=at))
