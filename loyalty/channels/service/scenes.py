"""QR codes with a string of ours (带参数二维码): for stores and campaigns, never for a member's number."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from loyalty.channels.models import Scene
from loyalty.gateways.protocols import OfficialAccount
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database
from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.transaction import run

_KEY_BYTES = 12
LIFE_MAX = timedelta(days=30)


class SceneLifeInvalid(InvalidInput):
    """WeChat's temporary codes live 60 seconds to 30 days."""

    code = "scene_life_invalid"
    message = "临时二维码的有效期应在 1 分钟至 30 天之间"


def create_scene(
    database: Database,
    account: OfficialAccount,
    *,
    subject_kind: str,
    subject_id: int,
    label: str,
    life: timedelta | None,
    actor: Actor,
    at: datetime,
) -> Scene:
    """Make a QR code; call it outside any transaction.

    A permanent code (``life`` None) takes one of the account's 100,000 for ever: for stores only.

    Raises:
        SceneLifeInvalid: see the class.
        WechatUnavailable, WechatMisconfigured, WechatQuotaUsed, WechatRequestRefused: WeChat's answer.
    """
    if life is not None and not timedelta(minutes=1) <= life <= LIFE_MAX:
        raise SceneLifeInvalid
    scene = Scene(
        appid=account.appid,
        key=secrets.token_urlsafe(_KEY_BYTES),
        subject_kind=subject_kind,
        subject_id=subject_id,
        label=label,
        expires_at=None if life is None else at + life,
        created_at=at,
    )
    run(database, lambda session: _reserve(session, scene, actor, at))
    seconds = None if life is None else int(life.total_seconds())
    code = account.create_scene_qr(scene=scene.key, expires_in_seconds=seconds)
    return run(database, lambda session: _complete(session, scene.id, code.ticket, code.url))


def _reserve(session: Session, scene: Scene, actor: Actor, at: datetime) -> None:
    session.add(scene)
    session.flush()
    audit.write(
        session,
        actor=actor,
        action="channels.scene_create",
        subject=f"account:{scene.appid}",
        after={"scene_id": scene.id, "subject": f"{scene.subject_kind}:{scene.subject_id}"},
        at=at,
    )


def _complete(session: Session, scene_id: int, ticket: str, url: str) -> Scene:
    scene = session.get_one(Scene, scene_id)
    scene.ticket, scene.url = ticket, url
    session.flush()
    return scene
