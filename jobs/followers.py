"""Who has just followed: the push does not tell the unionid, so WeChat is asked for it."""

from datetime import datetime

from loyalty.container import Container
from loyalty.gateways.errors import WechatIdentityUnknown
from loyalty.kernel.database import Json
from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.members import service
from loyalty.members.rules.identities import IdentityKind


def learn_unionid(container: Container, payload: Json, at: datetime) -> None:
    """Learn a follower's unionid, by which a member of the mini program is recognised.

    Raises:
        WechatUnavailable, WechatMisconfigured: asked again later.
    """
    identity = run(
        container.database, lambda session: members.get_identity(session, identity_id=payload["identity_id"])
    )
    if identity.unionid is not None:
        return
    try:
        follower = container.official_account(identity.appid).follower(identity.openid)
    except WechatIdentityUnknown:
        return
    if follower.unionid is None:
        return
    run(
        container.database,
        lambda session: service.identify(
            session,
            appid=identity.appid,
            openid=identity.openid,
            unionid=follower.unionid,
            kind=IdentityKind.OFFICIAL_ACCOUNT,
            at=at,
        ),
    )
