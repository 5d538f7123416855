"""Fields of a campaign's form (活动表单): what each is called, and the rows of its actions.

The fields of an action stand under its place, ``actions[0].points``, so that a refusal by the domain is told at the
field that it is about.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from loyalty.broadcasts.rules.channels import Channel
from loyalty.campaigns.rules.terms import (
    Action,
    GiveCoupon,
    GivePoints,
    PutTag,
    SendMessage,
)
from portal.console.campaign_names import ACTION_NAMES
from portal.console.form_fields import Form, FormReader, shown

ACTION = re.compile(r"actions\[(\d{1,2})\]\.kind", re.ASCII)
CHANNEL_ORDERS = {
    "subscription,customer": "先订阅消息，再客服消息",
    "customer,subscription": "先客服消息，再订阅消息",
    "subscription": "只用订阅消息",
    "customer": "只用客服消息",
    "": "只发站内消息",
}
"""Whatever is chosen, the inbox has the message too."""
_LABELS = {
    "title": "活动名称",
    "segment_id": "分群",
    "trigger": "触发方式",
    "at.starts_at": "执行时间",
    "recurring.repetition": "重复",
    "recurring.weekdays": "周几",
    "recurring.monthdays": "每月几日",
    "recurring.at": "执行时刻",
    "event.event": "事件",
    "event.delay": "延迟",
    "event.unit": "延迟单位",
    "birthday.days_before": "提前天数",
    "birthday.at": "执行时刻",
    "sleeping.days": "未消费天数",
    "sleeping.at": "执行时刻",
    "before_expiry.days": "到期前天数",
    "before_expiry.points_least": "到期积分至少",
    "before_expiry.at": "执行时刻",
    "caps.points": "积分上限",
    "caps.coupons": "发券上限",
    "caps.fen": "费用上限",
    "caps.members": "人数上限",
    "caps.times_a_member": "每人次数",
    "holdout_percent": "对照组比例",
    "starts_at": "开始时间",
    "ends_at": "结束时间",
    "store_ids": "门店",
    "rules_text": "活动规则",
}
ACTION_LABELS = {
    "kind": "动作",
    "points": "积分",
    "valid_days": "有效天数",
    "template_id": "优惠券",
    "tag_id": "标签",
    "title": "消息标题",
    "body": "消息正文",
    "channels": "发送渠道",
    "page": "点开进入",
}


def labels_of(form: Form) -> dict[str, str]:
    """Return what the fields of a form are called, its rows of actions among them."""
    rows = {f"{row}.{name}": label for row in action_rows(form) for name, label in ACTION_LABELS.items()}
    return _LABELS | rows


def action_rows(form: Form) -> list[str]:
    """Return the rows of actions in a form, in their order: ``actions[0]``."""
    places = sorted(int(found[1]) for name in form if (found := ACTION.fullmatch(name)))
    return [f"actions[{place}]" for place in places]


def read_actions(reader: FormReader, form: Form) -> Iterator[Action]:
    """Yield what the rows of actions say."""
    for row in action_rows(form):
        match reader.option(f"{row}.kind", ACTION_NAMES):
            case "points":
                yield GivePoints(reader.whole(f"{row}.points") or 0, reader.whole(f"{row}.valid_days"))
            case "coupon":
                yield GiveCoupon(reader.whole(f"{row}.template_id") or 0)
            case "tag":
                yield PutTag(reader.whole(f"{row}.tag_id") or 0)
            case "message":
                order = reader.option(f"{row}.channels", CHANNEL_ORDERS)
                page = reader.text(f"{row}.page") or None
                body = reader.text(f"{row}.body").replace("\r\n", "\n")
                yield SendMessage(reader.text(f"{row}.title"), body, channels_of(order), page)


def channels_of(order: str) -> tuple[str, ...]:
    """Return the channels of a message in the order in which they are tried; the inbox ends it."""
    return (*filter(None, order.split(",")), Channel.INBOX.value)


def shown_actions(actions: Sequence[Action]) -> dict[str, list[str]]:
    """Return actions as the form shows them."""
    return {
        f"actions[{place}].{name}": [text]
        for place, action in enumerate(actions)
        for name, text in _action_fields(action).items()
    }


def _action_fields(action: Action) -> Mapping[str, str]:
    match action:
        case GivePoints(points=points, valid_days=days):
            return {"kind": "points", "points": str(points), "valid_days": shown(days)}
        case GiveCoupon(template_id=template_id):
            return {"kind": "coupon", "template_id": str(template_id)}
        case PutTag(tag_id=tag_id):
            return {"kind": "tag", "tag_id": str(tag_id)}
    order = ",".join(name for name in action.channels if name != Channel.INBOX)
    return {
        "kind": "message",
        "title": action.title,
        "body": action.body,
        "channels": order,
        "page": action.page or "",
    }
