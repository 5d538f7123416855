"""QR codes with a string of ours (带参数二维码): for stores and campaigns, never for a member's number."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from loyalty.channels.models import Scene
from loyalty.channels.queries import SceneNotFound, get_scene
from loyalty.gateways.protocols import OfficialAccount
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database
from loyalty.kernel.errors import Conflict, InvalidInput
from loyalty.kernel.texts import is_storable
from loyalty.kernel.transaction import run

_KEY_BYTES = 12
LIFE_MAX = timedelta(days=30)
LABEL_LENGTH_MAX = 60


class SceneLifeInvalid(InvalidInput):
    """WeChat's temporary codes live 60 seconds to 30 days."""

    code = "scene_life_invalid"
    message = "临时二维码的有效期应在 1 分钟至 30 天之间"


class SceneLabelInvalid(InvalidInput):
    """A code has a name of at most ``LABEL_LENGTH_MAX`` characters."""

    code = "scene_label_invalid"
    message = "请填写二维码名称，最多 60 个字"


class SceneOver(Conflict):
    """A temporary code that was never made, and whose time is over."""

    code = "scene_over"
    message = "这个临时二维码已过有效期，请新建"


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

    A permanent code (``life`` None) takes one of the account's 100,000 for ever: for what hangs on a wall.

    Raises:
        SceneLifeInvalid, SceneLabelInvalid: see the classes.
        WechatUnavailable, WechatMisconfigured, WechatQuotaUsed, WechatRequestRefused: WeChat's answer.
    """
    if life is not None and not timedelta(minutes=1) <= life <= LIFE_MAX:
        raise SceneLifeInvalid
    if not (0 < len(label) <= LABEL_LENGTH_MAX and is_storable([label])):
        raise SceneLabelInvalid
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
    return finish_scene(database, account, scene_id=scene.id, at=at)


def finish_scene(database: Database, account: OfficialAccount, *, scene_id: int, at: datetime) -> Scene:
    """Have WeChat make the code of a scene, where it was not made when asked for; call it outside any transaction.

    Raises:
        SceneNotFound: no such scene of this account.
        SceneOver: it was temporary, and its time is over.
        WechatUnavailable, WechatMisconfigured, WechatQuotaUsed, WechatRequestRefused: WeChat's answer.
    """
    scene = run(database, lambda session: get_scene(session, scene_id=scene_id))
    if scene.appid != account.appid:
        raise SceneNotFound(scene_id=scene_id)
    if scene.ticket is not None:
        return scene
    seconds = None if scene.expires_at is None else int((scene.expires_at - at).total_seconds())
    if seconds is not None and seconds <= 0:
        raise SceneOver(scene_id=scene_id)
    code = account.create_scene_qr(scene=scene.key, expires_in_seconds=seconds)
    return run(database, lambda session: _complete(session, scene_id, code.ticket, code.url))


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
