"""QR codes of the demo stores (带参数二维码): one permanent code for each."""

from collections.abc import Mapping
from datetime import datetime

from loyalty.channels.queries import list_scenes
from loyalty.channels.service import create_scene
from loyalty.container import Container
from loyalty.gateways.protocols import OfficialAccount
from loyalty.kernel.transaction import run
from portal.demo.chain import ACTOR, CHAIN, STORE_CODES

_NAMES = {node.code: node.name for node in CHAIN}


def seed_scenes(container: Container, account: OfficialAccount, *, store_ids: Mapping[str, int], at: datetime) -> int:
    """Make the QR codes that are missing; return how many.

    Raises:
        WechatUnavailable, WechatMisconfigured, WechatQuotaUsed, WechatRequestRefused: WeChat's answer.
    """
    scenes = run(container.database, lambda session: list_scenes(session, appid=account.appid))
    done = {scene.subject_id for scene in scenes if scene.subject_kind == "store" and scene.ticket}
    missing = [code for code in STORE_CODES if store_ids[code] not in done]
    for code in missing:
        create_scene(
            container.database,
            account,
            subject_kind="store",
            subject_id=store_ids[code],
            label=_NAMES[code],
            life=None,
            actor=ACTOR,
            at=at,
        )
    return len(missing)
