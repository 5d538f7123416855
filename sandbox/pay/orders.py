"""What a merchant asks for in one transfer, checked as the platform does.

Source: WeChat Pay, 商家转账 (2025-01), with the refusals merchants have met.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from sandbox import users
from sandbox.pay.errors import PayError
from sandbox.pay.wire import decrypted_name
from sandbox.world import World

BILL_NO = re.compile(r"[0-9A-Za-z]{1,32}")
LEAST_FEN, NAME_FROM_FEN, NAME_NEEDED_FEN = 10, 30, 200_000
LONGEST = 32


@dataclass(frozen=True, kw_only=True)
class Order:
    """The parameters of a bill; the same number must always come with the same ones."""

    out_bill_no: str
    appid: str
    openid: str
    amount: int
    scene_id: str
    remark: str
    perception: str
    report: dict[str, str]
    user_name: str
    notify_url: str

    @property
    def fingerprint(self) -> str:
        """By which two orders are compared; the name as it reads, for each encryption of it differs."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)


def read_order(world: World, given: Mapping[str, Any]) -> Order:
    """Checks a request. Raises PayError."""
    order = Order(
        out_bill_no=_text(given, "out_bill_no"),
        appid=_text(given, "appid"),
        openid=_text(given, "openid"),
        amount=_amount(world, given.get("transfer_amount")),
        scene_id=_text(given, "transfer_scene_id"),
        remark=_text(given, "transfer_remark", longest=LONGEST),
        perception=_text(given, "user_recv_perception", is_needed=False),
        report=_report(given.get("transfer_scene_report_infos")),
        user_name=_name(world, given),
        notify_url=_notify_url(given.get("notify_url")),
    )
    _check_number_and_user(world, order)
    _check_scene(world, order)
    return order


def _check_number_and_user(world: World, order: Order) -> None:
    if not BILL_NO.fullmatch(order.out_bill_no):
        raise PayError("PARAM_ERROR", "商户单号只能由数字、大小写字母组成，最长32个字符")
    if world.account(order.appid) is None:
        raise PayError("INVALID_REQUEST", "APPID不存在")
    user_id = users.of_openid(world, appid=order.appid, openid=order.openid)
    if user_id is None or users.is_virtual(world, user_id):
        raise PayError("PARAM_ERROR", "openid与appid不匹配")


def _check_scene(world: World, order: Order) -> None:
    scene = world.config.merchant.scenes.get(order.scene_id)
    if scene is None:
        raise PayError("INVALID_REQUEST", "你尚未获取该转账场景")
    if order.perception and order.perception not in scene["perceptions"]:
        raise PayError("INVALID_REQUEST", "暂不支持展示当前传入的用户收款感知")
    if set(order.report) != set(scene["infos"]):
        raise PayError("PARAM_ERROR", "未传入完整且对应的转账场景报备信息，请根据接口文档检查")


def _amount(world: World, given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or given < LEAST_FEN:
        raise PayError("PARAM_ERROR", "转账金额最少为0.1元")
    if given > world.config.merchant.most_fen:
        raise PayError("INVALID_REQUEST", "超过单笔转账上下限，核实产品设置是否准确")
    return given


def _name(world: World, given: Mapping[str, Any]) -> str:
    cipher, amount = given.get("user_name"), given["transfer_amount"]
    if cipher is None:
        if amount >= NAME_NEEDED_FEN:
            raise PayError("PARAM_ERROR", "转账金额大于等于2000元，收款用户姓名必填")
        return ""
    if amount < NAME_FROM_FEN:
        raise PayError("PARAM_ERROR", "转账金额小于0.3元，不支持填写收款用户姓名")
    return decrypted_name(world, str(cipher))


def _report(given: object) -> dict[str, str]:
    if not isinstance(given, list) or not given or not all(isinstance(row, dict) for row in given):
        raise PayError("PARAM_ERROR", "需传入转账场景报备信息，请检查")
    rows = [(_text(row, "info_type"), _text(row, "info_content", longest=LONGEST)) for row in given]
    if len(dict(rows)) != len(rows):
        raise PayError("PARAM_ERROR", "转账场景报备信息重复")
    return dict(rows)


def _notify_url(given: object) -> str:
    if given is None:
        return ""
    parts = urlsplit(given) if isinstance(given, str) else urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query:
        raise PayError("PARAM_ERROR", "notify_url格式错误，不允许携带查询串")
    return str(given)


def _text(given: Mapping[str, Any], name: str, *, longest: int = 128, is_needed: bool = True) -> str:
    value = given.get(name)
    if value is None and not is_needed:
        return ""
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise PayError("PARAM_ERROR", f"{name} 为必填的字符串，最长 {longest} 个字符")
    return value
