"""The demo menu of the Official Account: saved, and published where the platform is the sandbox."""

import json
from collections.abc import Sequence
from datetime import datetime

from loyalty.channels.queries import draft_menu, menu_history
from loyalty.channels.service import publish_menu, save_menu_draft
from loyalty.container import Container
from loyalty.gateways.protocols import OfficialAccount
from loyalty.kernel.database import Json, Session
from loyalty.kernel.transaction import run
from portal.demo import addresses
from portal.demo.chain import ACTOR
from portal.demo.replies import CONTACT_KEY


def buttons() -> list[Json]:
    """Return the menu with the addresses of this installation."""
    return [
        {"name": "会员卡", "type": "view", "url": addresses.page("h5.card")},
        {"name": "签到", "type": "view", "url": addresses.page("h5.check_ins")},
        {
            "name": "我的",
            "sub_button": [
                {"name": "领券中心", "type": "view", "url": addresses.page("h5.coupon_centre")},
                {"name": "积分明细", "type": "view", "url": addresses.page("h5.points")},
                {"name": "站内消息", "type": "view", "url": addresses.page("h5.inbox")},
                {"name": "设置", "type": "view", "url": addresses.page("h5.settings")},
                {"name": "联系客服", "type": "click", "key": CONTACT_KEY},
            ],
        },
    ]


def seed_menu_draft(session: Session, *, appid: str, at: datetime) -> bool:
    """Save the menu as a draft where the account never had any."""
    if menu_history(session, appid=appid) or draft_menu(session, appid=appid) is not None:
        return False
    save_menu_draft(session, appid=appid, buttons=buttons(), actor=ACTOR, at=at)
    return True


def publish_demo_menu(container: Container, account: OfficialAccount, *, at: datetime) -> bool:
    """Put the demo menu live where there is none, or where ours names an address of an earlier run.

    A menu that somebody made in the console stays.

    Raises:
        WechatUnavailable, WechatMisconfigured, WechatQuotaUsed, WechatRequestRefused: WeChat's answer.
    """
    wanted, live = buttons(), account.fetch_menu()
    if live is not None and (_plain(live) == _plain(wanted) or _paths(live) != _paths(wanted)):
        return False
    run(
        container.database,
        lambda session: save_menu_draft(session, appid=account.appid, buttons=wanted, actor=ACTOR, at=at),
    )
    publish_menu(container.database, account, actor=ACTOR, at=at)
    return True


def _plain(menu: Sequence[Json]) -> list[Json]:
    """Return a menu without what the platform adds when it is read back."""
    return [_button(button) for button in menu]


def _button(button: Json) -> Json:
    below = button.get("sub_button") or []
    told = {name: value for name, value in button.items() if name != "sub_button"}
    return told | ({"sub_button": [_button(one) for one in below]} if below else {})


def _paths(menu: Sequence[Json]) -> str:
    """Return a menu with its addresses cut down to what follows ``/h5``."""
    cut = json.loads(json.dumps(_plain(menu)), object_hook=_cut)
    return json.dumps(cut, sort_keys=True)


def _cut(button: Json) -> Json:
    return button | ({"url": "/h5" + button["url"].partition("/h5")[2]} if "url" in button else {})
